//! One line of a file of keys: a JSON object. What is wrong with a line is said without a word
//! of it, since a secret may stand in the wrong place.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use super::digest_text;
use super::mask::ImportedMask;
use crate::domain::api_key::secret::{KeySecret, Mode};
use crate::domain::api_key::{
    AllowedIps, Expiry, ExternalId, FOREIGN_CHARS, KeyRules, KeyStatus, Label, Metadata, Scopes, is_foreign_secret,
    sent_list,
};
use crate::error::{Error, FieldErrors, Result};
use crate::store::{Digest, UtcTime};

/// The longest line; the longest texts of a key take less.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// Some editors and programs on Windows write one at the beginning of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where lines come from, which decides whether they may hold whole secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportSource {
    /// A person with a shell on the machine.
    CommandLine,
    /// A program over the network, which sends digests.
    Api,
}

/// A line that holds something.
#[derive(Debug)]
pub struct ImportLine {
    /// Its number in the file, from 1 on.
    pub number: usize,
    /// The key, or what is wrong with it.
    pub(super) key: Result<Box<ImportedKey>, String>,
}

/// A key as a line has it. It holds no secret.
#[derive(Debug)]
pub(super) struct ImportedKey {
    pub(super) digest: Digest,
    pub(super) mask: ImportedMask,
    pub(super) service: String,
    pub(super) label: Label,
    pub(super) mode: Mode,
    pub(super) status: KeyStatus,
    pub(super) rules: KeyRules,
    /// When it was made; now, where the line does not say it.
    pub(super) created_at: Option<UtcTime>,
    pub(super) external_id: Option<ExternalId>,
    pub(super) metadata: Metadata,
}

/// The members of a line. Unknown ones are refused: a misspelt `expires_at` would make a key
/// that never ends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportFields {
    service: String,
    name: String,
    mode: String,
    sha256: Option<String>,
    key: Option<Zeroizing<String>>,
    start: Option<String>,
    tail: Option<String>,
    /// Absent for a key that is enabled; of one that the file knows nothing of, nobody knows that it is.
    #[serde(default, deserialize_with = "present")]
    status: Option<Option<String>>,
    /// Absent for the installation's default, `null` for never.
    #[serde(default, deserialize_with = "present")]
    expires_at: Option<Option<String>>,
    created_at: Option<String>,
    external_id: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    description: Option<String>,
    /// Absent for full access.
    #[serde(default, deserialize_with = "present")]
    scopes: Option<Option<Vec<String>>>,
    /// Absent for anywhere.
    #[serde(default, deserialize_with = "present")]
    allowed_ips: Option<Option<Vec<String>>>,
    /// What an export says of the key besides, which a new key gets anew.
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "last_used_at")]
    _last_used_at: Option<IgnoredAny>,
}

/// Tells `null` from a member that is not there. A database that writes lines writes `null` for what it
/// does not know.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The lines of a text, each with its number; blank ones are counted and left out.
pub fn lines(text: &[u8], source: ImportSource) -> impl Iterator<Item = ImportLine> {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines.filter_map(move |(place, line)| ImportLine::parse(place + 1, line, source))
}

impl ImportLine {
    /// Reads a line, without or with its line break; `None` for one that is blank.
    #[must_use]
    pub fn parse(number: usize, line: &[u8], source: ImportSource) -> Option<Self> {
        let line = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        let line = line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        let key = read(line, source).map(Box::new).map_err(|error| in_words(&error));
        Some(Self { number, key })
    }
}

/// What is wrong, each field after its name.
pub(super) fn in_words(error: &Error) -> String {
    match error {
        Error::Invalid(errors) => {
            errors.iter().map(|(field, message)| format!("{field}: {message}")).collect::<Vec<_>>().join(" ")
        }
        Error::Malformed(sentence) | Error::OutOfBounds(sentence) => sentence.clone(),
        other => other.to_string(),
    }
}

fn read(line: &[u8], source: ImportSource) -> Result<ImportedKey> {
    if line.len() > MAX_LINE_BYTES {
        return Err(Error::Malformed(format!("The line is longer than {} KiB.", MAX_LINE_BYTES / 1024)));
    }
    let is_object = line.first() == Some(&b'{');
    let fields: ImportFields = match serde_json::from_slice(line) {
        Ok(fields) if is_object => fields,
        Ok(_) => return Err(Error::Malformed("The line is no JSON object.".to_owned())),
        Err(error) => return Err(Error::Malformed(problem(&error, is_object))),
    };
    fields.validate(source)
}

/// Serde's message without what it quotes.
fn problem(error: &serde_json::Error, is_object: bool) -> String {
    let (text, column) = (error.to_string(), error.column());
    // Names of our own.
    let named = text
        .split(" at line ")
        .next()
        .filter(|text| text.starts_with("missing field") || text.starts_with("duplicate field"));
    match named {
        _ if !is_object => "The line is no JSON object.".to_owned(),
        _ if error.is_eof() => "The line ends in the middle of its JSON object.".to_owned(),
        Some(named) => format!(
            "{}.",
            named.replace('`', "").replacen(|c: char| c.is_ascii_lowercase(), &text[..1].to_uppercase(), 1)
        ),
        None if text.starts_with("unknown field") => format!("An unknown member before column {column}."),
        None if error.is_data() => format!("A member has the wrong type at column {column}."),
        None => format!("The line is not well-formed JSON at column {column}."),
    }
}

impl ImportFields {
    fn validate(self, source: ImportSource) -> Result<ImportedKey> {
        let mut errors = FieldErrors::default();
        let secret = errors.collect(self.secret(source))?;
        let label = errors.collect(Label::parse(&self.name, self.description.as_deref().unwrap_or_default()))?;
        let mode = self.mode.parse().map_err(|()| Error::invalid("mode", "Write live or test."));
        let mode = errors.collect(mode)?;
        let status = self.status.as_ref().map_or(Ok(KeyStatus::Enabled), |text| text.as_deref().unwrap_or("").parse());
        let status = errors.collect(status.map_err(|()| Error::invalid("status", "Write enabled or disabled.")))?;
        let rules = errors.collect(self.rules())?;
        let created_at =
            errors.collect(self.created_at.as_deref().map(|text| moment("created_at", text)).transpose())?;
        let external_id = errors.collect(self.external_id.as_deref().map(ExternalId::parse).transpose())?;
        let metadata = errors.collect(self.metadata.as_ref().map(Metadata::parse).transpose())?;
        if let Some((digest, _)) = &secret
            && self.shows(digest)
        {
            errors.add("key", "The key stands in a text that is shown to others. Remove it there.");
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        match (secret, label, mode, status, rules, created_at, external_id, metadata) {
            (
                Some((digest, mask)),
                Some(label),
                Some(mode),
                Some(status),
                Some(rules),
                Some(created_at),
                Some(external_id),
                Some(metadata),
            ) => Ok(ImportedKey {
                digest,
                mask,
                service: self.service,
                label,
                mode,
                status,
                rules,
                created_at,
                external_id,
                metadata: metadata.unwrap_or_default(),
            }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The digest and the mask of the secret.
    fn secret(&self, source: ImportSource) -> Result<(Digest, ImportedMask)> {
        let (start, tail) = (self.start.as_deref(), self.tail.as_deref());
        match (&self.sha256, &self.key) {
            (_, Some(_)) if source == ImportSource::Api => {
                Err(Error::invalid("key", "Whole keys are imported on the command line only. Send sha256."))
            }
            (Some(_), Some(_)) => Err(Error::invalid("key", "Give sha256 or key, not both.")),
            (None, None) => Err(Error::invalid("sha256", "Give the SHA-256 of the whole key.")),
            (Some(sha256), None) => {
                let digest = digest_text::parse(sha256)?;
                Ok((digest, ImportedMask::of_digest(&digest, start, tail)?))
            }
            (None, Some(key)) => {
                let key = key.trim();
                if !is_foreign_secret(key) {
                    let (least, most) = (FOREIGN_CHARS.start(), FOREIGN_CHARS.end());
                    let message = format!("A key has {least} to {most} visible ASCII characters and no space.");
                    return Err(Error::invalid("key", message));
                }
                let mask = ImportedMask::of_key(key, start, tail)?;
                Ok((Digest::of(key.as_bytes()), mask))
            }
        }
    }

    fn rules(&self) -> Result<KeyRules> {
        let mut errors = FieldErrors::default();
        let expiry = match &self.expires_at {
            None => Ok(Expiry::Default),
            Some(None) => Ok(Expiry::Never),
            Some(Some(text)) => moment("expires_at", text).map(Expiry::At),
        };
        let expiry = errors.collect(expiry)?;
        let scopes = errors.collect(self.scopes())?;
        let allowed_ips = errors.collect(self.allowed_ips())?;
        match (expiry, scopes, allowed_ips) {
            (Some(expiry), Some(scopes), Some(allowed_ips)) => Ok(KeyRules { expiry, scopes, allowed_ips }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn scopes(&self) -> Result<Scopes> {
        let names = sent_list("scopes", self.scopes.as_ref())?;
        names.map_or_else(|| Ok(Scopes::full()), |names| Scopes::parse(names.iter().map(String::as_str)))
    }

    fn allowed_ips(&self) -> Result<AllowedIps> {
        let entries = sent_list("allowed_ips", self.allowed_ips.as_ref())?.unwrap_or_default();
        // An empty entry must not make a key that works from anywhere.
        if entries.iter().any(|entry| entry.trim().is_empty()) {
            return Err(Error::invalid("allowed_ips", "An entry is empty. Write 203.0.113.9 or 10.0.0.0/8."));
        }
        AllowedIps::parse(&entries.join(" "))
    }

    /// Whether a text that is stored and shown is or holds the secret of this digest.
    fn shows(&self, digest: &Digest) -> bool {
        let key = self.key.as_ref().map(|key| key.trim());
        let is_secret = |text: &str| {
            let text = text.trim();
            key.is_some_and(|key| text.contains(key))
                || (KeySecret::digest_of(text).is_some() || is_foreign_secret(text))
                    && Digest::of(text.as_bytes()) == *digest
        };
        let texts = [Some(&self.name), self.description.as_ref(), self.external_id.as_ref()].into_iter().flatten();
        let metadata = self.metadata.iter().flatten().flat_map(|(name, value)| [name, value]);
        texts.chain(metadata).any(|text| is_secret(text))
    }
}

/// A time with its zone.
fn moment(field: &'static str, text: &str) -> Result<UtcTime> {
    let time = OffsetDateTime::parse(text.trim(), &Rfc3339).ok().filter(|time| time.year() >= 1970);
    time.map(UtcTime::from)
        .ok_or_else(|| Error::invalid(field, "Write a time with its zone, such as 2027-11-28T12:00:00Z."))
}
