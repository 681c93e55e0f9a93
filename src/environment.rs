//! The settings that come from environment variables: which there are, which of
//! them stand for nothing, and which name a file that holds a secret.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::{env, fs};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, Id};

use crate::telemetry;

/// Reads a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The beginning of the names of Keyfob's own variables.
const PREFIX: &str = "KEYFOB_";

/// The command line, without the variables that are empty: a compose file that
/// passes on a variable which is not set passes an empty one.
#[must_use]
pub fn without_empty_variables(command: Command) -> Command {
    command.mut_args(|arg| {
        let is_empty = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
        if is_empty { arg.env(None) } else { arg }
    })
}

/// What follows the name of a variable in the name of the one that names a file with its
/// value, as container engines mount secrets.
const FILE_SUFFIX: &str = "_FILE";
/// The longest file that is read for a secret, in bytes.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// The command line, with the secrets of the files that variables such as `DATABASE_URL_FILE`
/// name. Such a file counts more than the variable that would hold the secret itself, and
/// less than the flag. With it comes one sentence for each file that has no secret, which
/// repeats nothing of its content: not every command needs one.
#[must_use]
pub fn with_secret_files(command: Command) -> (Command, Vec<String>) {
    let mut problems = Vec::new();
    let command = command.mut_args(|arg| match secret_file_of(&arg) {
        None => arg,
        Some(Ok(secret)) => arg.env(None).default_value(secret).hide_default_value(true),
        Some(Err(problem)) => {
            problems.push(problem);
            arg.env(None)
        }
    });
    (command, problems)
}

/// The name of the variable for the file of this setting's value, if the value is a secret.
fn file_variable(arg: &Arg) -> Option<String> {
    let variable = arg.get_env().filter(|_| arg.is_hide_env_values_set())?;
    Some(format!("{}{FILE_SUFFIX}", variable.to_str()?))
}

fn secret_file_of(arg: &Arg) -> Option<Result<String, String>> {
    let variable = file_variable(arg)?;
    let path = env::var_os(&variable).filter(|path| !path.is_empty())?;
    let shown = Path::new(&path).display();
    Some(read_secret(Path::new(&path)).map_err(|problem| format!("{variable}: {shown} {problem}")))
}

/// The one line of a file, without the line break that most editors put after it.
fn read_secret(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    // A device or a pipe has no length, and may never end.
    let read = File::open(path).and_then(|file| file.take(MAX_SECRET_FILE + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("can't be read: {error}"))?;
    if bytes.len() as u64 > MAX_SECRET_FILE {
        return Err("is too long for a setting; it must hold the value alone".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        "" => Err("is empty; it must hold the value".to_owned()),
        line if line.contains(['\n', '\r']) => Err("has more than one line; it must hold the value alone".to_owned()),
        line if line.contains(char::is_control) => {
            Err("has a control character such as NUL; it must hold the value alone".to_owned())
        }
        line => Ok(line.to_owned()),
    }
}

/// The name by which the user gave a setting: the variable, if it or its file holds just this
/// text, or else the flag.
#[must_use]
pub fn given_name(command: &Command, flag: &str, text: &str) -> String {
    let arg = command.get_arguments().find(|arg| arg.get_long() == flag.strip_prefix("--"));
    if let Some(file) = arg.and_then(|arg| file_that_holds(arg, text)) {
        return file;
    }
    let variable = arg.and_then(|arg| arg.get_env()?.to_str());
    let holds_text = |name: &&str| env::var(name).is_ok_and(|value| value == text && !text.is_empty());
    variable.filter(holds_text).unwrap_or(flag).to_owned()
}

/// The variable of the file, if it holds just this text. What can be read only once, such as a
/// pipe, is not asked again.
fn file_that_holds(arg: &Arg, text: &str) -> Option<String> {
    let variable = file_variable(arg)?;
    let is_kept = fs::metadata(env::var_os(&variable)?).is_ok_and(|file| file.is_file());
    (is_kept && secret_file_of(arg)?.as_deref() == Ok(text)).then_some(variable)
}

/// The setting whose variable is wrong, and a sentence that names the variable: the command
/// line's library knows the flag only. `None` when no variable is to blame.
#[must_use]
pub fn explain(command: &Command, error: &clap::Error) -> Option<(Id, String)> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let arg = context(ContextKind::InvalidArg)?;
    let flag = arg.split(' ').next().unwrap_or_default();
    let setting = command.get_arguments().find(|arg| arg.get_long() == flag.strip_prefix("--"))?;
    let name = given_name(command, flag, context(ContextKind::InvalidValue)?);
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    (name != flag).then(|| (setting.get_id().clone(), line.replace(&format!("'{arg}'"), &name)))
}

/// Variables that begin like Keyfob's own and are none of them, as a mistyped name is.
#[must_use]
pub fn unknown_variables(command: &Command) -> Vec<String> {
    let known = |name: &str| {
        name == telemetry::FILTER_VARIABLE
            || name == telemetry::FORMAT_VARIABLE
            || command.get_arguments().any(|arg| arg.get_env().is_some_and(|known| known == name))
            || command.get_arguments().any(|arg| file_variable(arg).is_some_and(|known| known == name))
    };
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> = names.filter(|name| name.starts_with(PREFIX) && !known(name)).collect();
    unknown.sort();
    unknown
}
