//! The header `If-Match`: which version of a key a change is for.

use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;

use crate::domain::management::VersionCondition;
use crate::error::{Error, Result};

/// The condition of a request (RFC 9110 §13.1.1). Tags that are weak, or none of ours, match
/// no version.
///
/// # Errors
/// [`Error::PreconditionRequired`] without one, [`Error::Malformed`] for what is none.
pub(super) fn condition(request: &HttpRequest) -> Result<VersionCondition> {
    let values: Vec<&[u8]> = request.headers().get_all(IF_MATCH).map(|value| value.as_bytes()).collect();
    if values.is_empty() {
        return Err(Error::PreconditionRequired);
    }
    let written = String::from_utf8(values.join(&b","[..])).unwrap_or_default();
    if written.trim() == "*" {
        return Ok(VersionCondition::Any);
    }
    let mut versions = Vec::new();
    for tag in written.split(',').map(str::trim) {
        let strong = tag.strip_prefix("W/").unwrap_or(tag);
        let inner = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let inner = inner.filter(|inner| !inner.contains('"'));
        let inner = inner.ok_or_else(|| {
            Error::Malformed("Write If-Match as the ETag that you read, with its quotation marks: \"7\".".to_owned())
        })?;
        if strong.len() == tag.len() {
            versions.extend(inner.parse::<i64>().ok());
        }
    }
    Ok(VersionCondition::OneOf(versions))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(values: &[&str]) -> Result<VersionCondition> {
        let request =
            values.iter().fold(TestRequest::get(), |request, value| request.append_header((IF_MATCH, *value)));
        condition(&request.to_http_request())
    }

    #[test]
    fn a_condition_is_a_list_of_tags_or_any() {
        let versions = |versions: &[i64]| VersionCondition::OneOf(versions.to_vec());
        assert_eq!(read(&["\"7\""]).unwrap(), versions(&[7]));
        assert_eq!(read(&["\"7\", \"8\"", "\"9\""]).unwrap(), versions(&[7, 8, 9]));
        assert_eq!(read(&[" * "]).unwrap(), VersionCondition::Any);
        assert_eq!(read(&["W/\"7\""]).unwrap(), versions(&[]), "a weak tag");
        assert_eq!(read(&["\"x\""]).unwrap(), versions(&[]));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        assert!(matches!(read(&[]), Err(Error::PreconditionRequired)));
        for wrong in ["7", "", "\"7", "7\"", "\"", "\"7\" \"8\"", "*, \"7\""] {
            assert!(matches!(read(&[wrong]), Err(Error::Malformed(_))), "{wrong}");
        }
    }
}
