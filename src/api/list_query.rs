//! Parameters of the address: how they are read, and what is said about those that are wrong.

use actix_web::error::QueryPayloadError;
use actix_web::web::Query;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::unknown_name;
use crate::error::{Error, Result};
use crate::store::UtcTime;

/// Reads the parameters of a query; `takes` says which ones there are, in a sentence.
///
/// # Errors
/// [`Error::Malformed`].
pub(super) fn parse<T: DeserializeOwned>(query: &str, takes: &str) -> Result<T> {
    let explain = |error| {
        let unknown = match error {
            QueryPayloadError::Deserialize(error) => unknown_name::explain(&error.to_string()),
            _ => None,
        };
        Error::Malformed(unknown.map_or_else(|| takes.to_owned(), |name| format!("An unknown parameter: {name}.")))
    };
    Query::<T>::from_query(query).map(Query::into_inner).map_err(explain)
}

/// Reads how many rows a page has.
///
/// # Errors
/// [`Error::Malformed`] for another number than one from 1 to `most`.
pub(super) fn limit(text: Option<&str>, default: usize, most: usize) -> Result<usize> {
    let Some(text) = text else { return Ok(default) };
    let number: Option<usize> = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Error::Malformed(format!("Write limit as a whole number from 1 to {most}.")))
}

/// Reads a place in a list.
///
/// # Errors
/// [`Error::Malformed`].
pub(super) fn place<T: std::str::FromStr>(parameter: &'static str, text: Option<&str>) -> Result<Option<T>> {
    let wrong = |_| Error::Malformed(format!("Take {parameter} from next_cursor of the page before."));
    text.map(str::parse).transpose().map_err(wrong)
}

/// The error of a field as that of the parameter of the same name.
pub(super) fn of_field(parameter: &'static str, error: Error) -> Error {
    match error {
        Error::Invalid(fields) => {
            Error::Malformed(format!("{parameter}: {}", fields.get(parameter).unwrap_or_default()))
        }
        error => error,
    }
}

/// Reads a time.
///
/// # Errors
/// [`Error::Malformed`].
pub(super) fn time(parameter: &'static str, text: Option<&str>) -> Result<Option<UtcTime>> {
    // A plus sign before the offset is a space in a query.
    let parse = |text: &str| OffsetDateTime::parse(&text.trim().replace(' ', "+"), &Rfc3339);
    let wrong =
        |_| Error::Malformed(format!("Write {parameter} as a time with its zone, such as 2026-11-29T12:00:00Z."));
    Ok(text.map(parse).transpose().map_err(wrong)?.map(UtcTime::from))
}
