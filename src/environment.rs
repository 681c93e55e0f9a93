//! The settings that come from environment variables: which there are, and which of
//! them stand for nothing.

use std::env;

use clap::Command;
use clap::error::{ContextKind, ContextValue};

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

/// The name by which the user gave a setting: the variable, if it holds just this
/// text, or else the flag.
#[must_use]
pub fn given_name(command: &Command, flag: &str, text: &str) -> String {
    let arg = command.get_arguments().find(|arg| arg.get_long() == flag.strip_prefix("--"));
    let variable = arg.and_then(|arg| arg.get_env()?.to_str());
    let holds_text = |name: &&str| env::var(name).is_ok_and(|value| value == text && !text.is_empty());
    variable.filter(holds_text).unwrap_or(flag).to_owned()
}

/// Names the variable in a message of the command line's library, which knows the
/// flag only; `None` when no variable is to blame.
#[must_use]
pub fn explain(command: &Command, error: &clap::Error) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let arg = context(ContextKind::InvalidArg)?;
    let flag = arg.split(' ').next().unwrap_or_default();
    let name = given_name(command, flag, context(ContextKind::InvalidValue)?);
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    (name != flag).then(|| line.replace(&format!("'{arg}'"), &name))
}

/// Variables that begin like Keyfob's own and are none of them, as a mistyped name is.
#[must_use]
pub fn unknown_variables(command: &Command) -> Vec<String> {
    let known = |name: &str| {
        name == telemetry::FILTER_VARIABLE
            || name == telemetry::FORMAT_VARIABLE
            || command.get_arguments().any(|arg| arg.get_env().is_some_and(|known| known == name))
    };
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> = names.filter(|name| name.starts_with(PREFIX) && !known(name)).collect();
    unknown.sort();
    unknown
}
