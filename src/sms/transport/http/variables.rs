//! The values of `${variables}`: secrets of the environment and of files, which the
//! settings only refer to, or the values that a preset is used with.

use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::secret_text::SecretText;

/// What is wrong with a secret that stands in the settings as it is.
pub(super) const REFER_TO_SECRET: &str =
    "this is a secret: write ${NAME} for a variable of the environment, or file:/path, so that it does not stand here";
/// The least length of a secret in an address.
const MIN_RECEIPT_SECRET_CHARS: usize = 16;

/// A secret that can stand in the address of receipts.
pub(super) fn check_receipt_secret(secret: &str) -> Result<SecretText, String> {
    let is_plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if secret.len() < MIN_RECEIPT_SECRET_CHARS || !is_plain {
        return Err(format!("receipt_secret needs {MIN_RECEIPT_SECRET_CHARS} or more letters, digits, - and _"));
    }
    Ok(SecretText::from(secret))
}

/// Where the values of variables come from.
pub(super) enum VariableSource<'a> {
    /// `${NAME}` is a variable of the environment, `${file:/path}` a file.
    References(Environment<'a>),
    /// Those of a preset.
    Preset(&'a [PresetValue]),
}

/// The value that a preset's variable has.
pub(super) struct PresetValue {
    pub(super) name: String,
    pub(super) value: Zeroizing<String>,
    pub(super) is_secret: bool,
}

/// Gives values, and remembers the secrets among them.
pub(super) struct Variables<'a> {
    source: VariableSource<'a>,
    secrets: Zeroizing<String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(source: VariableSource<'a>) -> Self {
        Self { source, secrets: Zeroizing::default() }
    }

    /// All secrets that were asked for: what the secret of receipts is derived from.
    pub(super) fn secrets(&self) -> &str {
        &self.secrets
    }

    /// The value of `${name}`.
    pub(super) fn get(&mut self, name: &str) -> Result<Zeroizing<String>, String> {
        let (value, is_secret) = match &self.source {
            VariableSource::References(environment) => (resolve(name, *environment)?, true),
            VariableSource::Preset(values) => {
                let found = values.iter().find(|value| value.name == name);
                let found = found.ok_or_else(|| format!("${{{name}}} is no variable of this preset"))?;
                (found.value.clone(), found.is_secret)
            }
        };
        if is_secret {
            self.secrets.push_str(&value);
            self.secrets.push('\n');
        }
        Ok(value)
    }
}

/// The name of the reference that a whole text is, such as `file:/run/secrets/token`.
pub(super) fn whole_reference(text: &str) -> Option<&str> {
    if text.starts_with("file:") {
        return Some(text);
    }
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.contains('}'))
}

/// What a reference stands for.
pub(super) fn resolve(name: &str, environment: Environment<'_>) -> Result<Zeroizing<String>, String> {
    let value = if let Some(path) = name.strip_prefix("file:") {
        let read = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = read.map_err(|error| format!("the file {path} can't be read ({})", error.kind()))?;
        Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
    } else {
        let value = environment(name).map(Zeroizing::new);
        value.ok_or_else(|| format!("the environment variable {name} is not set"))?
    };
    match value.trim() {
        "" if name.starts_with("file:") => Err(format!("the file {} is empty", &name["file:".len()..])),
        "" => Err(format!("the environment variable {name} is empty")),
        _ => Ok(value),
    }
}
