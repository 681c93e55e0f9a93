//! What the configuration of a reverse proxy asks for: `?service=sms&mode=any`, or
//! the same before a path of the client's, `/v1/auth/sms;mode=any/…`.

use smallvec::SmallVec;

use crate::domain::api_key::secret::Mode;
use crate::domain::api_key::{MAX_SCOPES, is_scope};
use crate::error::{Error, Result};

/// The parameters of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameters<'a> {
    /// Whose keys are let in.
    pub(super) service: &'a str,
    /// Keys of which mode are; `None` for any.
    pub(super) mode: Option<Mode>,
    /// Scopes that a key must have, all of them.
    pub(super) scopes: SmallVec<[&'a str; 4]>,
    /// Whether CORS preflights, which carry no key, are let in.
    pub(super) passes_preflight: bool,
}

impl<'a> Parameters<'a> {
    /// Reads a query. All of it is the operator's.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn in_query(query: &'a str) -> Result<Self> {
        Self::read(None, query.split('&'))
    }

    /// Reads what stands behind `/v1/auth/`. Only the first segment is the operator's: proxies
    /// such as Envoy put their prefix before the path of their client, who could
    /// otherwise choose parameters.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn in_path(path: &'a str) -> Result<Self> {
        let segment = path.split('/').next().unwrap_or_default();
        let mut parts = segment.split(';');
        Self::read(parts.next(), parts)
    }

    /// Read by hand: slugs and modes need no decoding, and this runs for every
    /// request that passes a proxy.
    fn read(service: Option<&'a str>, parts: impl Iterator<Item = &'a str>) -> Result<Self> {
        let (mut service, mut mode, mut scopes, mut preflight) = (service, None, None, None);
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let place = match name {
                "service" => &mut service,
                "mode" => &mut mode,
                "scopes" => &mut scopes,
                "preflight" => &mut preflight,
                // Passed over, a misspelt mode would let other keys in than the operator means. The
                // name is not repeated: it may be a key.
                _ => {
                    return Err(malformed(
                        "Use service, mode, scopes and preflight only; something else is in the address.",
                    ));
                }
            };
            if place.replace(value).is_some() {
                return Err(Error::Malformed(format!("Write {name} once only.")));
            }
        }
        match service {
            None | Some("") => Err(malformed("Add the service: /v1/auth?service=sms.")),
            Some(service) => Ok(Self {
                service,
                mode: read_mode(mode)?,
                scopes: read_scopes(scopes)?,
                passes_preflight: read_preflight(preflight)?,
            }),
        }
    }
}

fn read_mode(mode: Option<&str>) -> Result<Option<Mode>> {
    match mode {
        None | Some("live") => Ok(Some(Mode::Live)),
        Some("test") => Ok(Some(Mode::Test)),
        Some("any") => Ok(None),
        Some(_) => Err(malformed("Write mode=live, mode=test or mode=any.")),
    }
}

fn read_scopes(scopes: Option<&str>) -> Result<SmallVec<[&str; 4]>> {
    let Some(scopes) = scopes else { return Ok(SmallVec::new()) };
    let scopes: SmallVec<[&str; 4]> = scopes.split(',').collect();
    check_scopes(&scopes)?;
    Ok(scopes)
}

/// Checks the scopes that a door asks for. None that is misspelt is passed over: the door
/// would let more in than the operator means.
///
/// # Errors
/// [`Error::Malformed`].
pub(super) fn check_scopes(scopes: &[&str]) -> Result<()> {
    if scopes.len() > MAX_SCOPES {
        return Err(Error::Malformed(format!("Ask for {MAX_SCOPES} scopes at most.")));
    }
    if !scopes.iter().all(|scope| is_scope(scope)) {
        return Err(malformed("Write scopes as messages.send,messages.read: 1 to 64 of a-z, 0-9 and _ . : - each."));
    }
    Ok(())
}

fn read_preflight(preflight: Option<&str>) -> Result<bool> {
    match preflight {
        None => Ok(false),
        Some("pass") => Ok(true),
        Some(_) => Err(malformed("Write preflight=pass, or leave it out.")),
    }
}

fn malformed(sentence: &str) -> Error {
    Error::Malformed(sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(service: &str, mode: Option<Mode>, passes_preflight: bool) -> Option<Parameters<'_>> {
        Some(Parameters { service, mode, scopes: SmallVec::new(), passes_preflight })
    }

    fn asking<'a>(scopes: &[&'a str]) -> Option<Parameters<'a>> {
        Some(Parameters { scopes: SmallVec::from_slice(scopes), ..parameters("sms", Some(Mode::Live), false)? })
    }

    #[test]
    fn a_path_says_the_same_as_a_query() {
        for (query, path, read) in [
            ("service=sms", "sms", parameters("sms", Some(Mode::Live), false)),
            ("service=sms&mode=test", "sms;mode=test", parameters("sms", Some(Mode::Test), false)),
            ("mode=any&service=sms&", "sms;mode=any;", parameters("sms", None, false)),
            ("service=sms&preflight=pass", "sms;preflight=pass", parameters("sms", Some(Mode::Live), true)),
            ("", "", None),
            ("service=", ";mode=any", None),
            ("service=sms&service=mail", "sms;service=mail", None),
            ("service=sms&mode=any&mode=any", "sms;mode=any;mode=any", None),
            ("service=sms&mode", "sms;mode", None),
            ("service=sms&Mode=any", "sms;Mode=any", None),
            ("service=sms&path=/x", "sms;path=x", None),
            ("service=sms&scopes=a", "sms;scopes=a", asking(&["a"])),
            ("scopes=messages.send,a:b&service=sms", "sms;scopes=messages.send,a:b", asking(&["messages.send", "a:b"])),
            ("service=sms&scopes=a,a", "sms;scopes=a,a", asking(&["a", "a"])),
            ("service=sms&scopes=", "sms;scopes=", None),
            ("service=sms&scopes", "sms;scopes", None),
            ("service=sms&scopes=a,", "sms;scopes=a,", None),
            ("service=sms&scopes=*", "sms;scopes=*", None),
            ("service=sms&scopes=a b", "sms;scopes=a b", None),
            ("service=sms&scopes=a%2Cb", "sms;scopes=a%2Cb", None),
            ("service=sms&scopes=A", "sms;scopes=A", None),
            ("service=sms&scopes=a&scopes=b", "sms;scopes=a;scopes=b", None),
            ("service=sms&scope=a", "sms;scope=a", None),
            ("service=sms&x", "sms;x", None),
            ("service=sms&preflight=1", "sms;preflight=1", None),
        ] {
            assert_eq!(Parameters::in_query(query).ok(), read, "{query}");
            assert_eq!(Parameters::in_path(path).ok(), read, "{path}");
        }
    }

    #[test]
    fn what_follows_the_first_segment_of_a_path_is_never_read() {
        for rest in
            ["/", "/orders", "/;mode=any", "/..;mode=any/", "/?mode=any", "//sms;mode=any/", "/%2e%2e/mail;mode=any"]
        {
            let path = format!("sms{rest}");
            assert_eq!(Parameters::in_path(&path).ok(), parameters("sms", Some(Mode::Live), false), "{path}");
        }
    }
}
