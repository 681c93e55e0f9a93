//! Which keys are wanted: read from the address or a form, and written back.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::dashboard::frame::list_query::{Days, query_string, written};
use crate::domain::api_key::secret_scan::find_secrets;
use crate::domain::api_key::{KeyFilter, KeyMark, KeySearch};
use crate::error::{Error, FieldErrors, Result};

/// A filter as the address has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::dashboard) struct KeyFilterQuery {
    /// What it means.
    pub(in crate::dashboard) filter: KeyFilter,
    /// What is wrong with the parts that can be typed; these are left out of the filter.
    pub(in crate::dashboard) errors: FieldErrors,
    /// The day before which keys were made, as it was written.
    pub(super) made_before: String,
    /// How many minutes east of UTC this day is; set by a script.
    pub(super) utc_offset: String,
    /// A search that is no good, to be corrected; never one that holds a secret.
    pub(super) wrong_search: String,
}

impl KeyFilterQuery {
    /// Reads what follows the `?` of an address, without the `?`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a filter that does not exist.
    pub(in crate::dashboard) fn parse(query: &str) -> Result<Self> {
        let mut wanted = Self::default();
        for (name, value) in pairs(query) {
            if !wanted.take(&name, &value)? {
                return Err(Error::NotFound);
            }
        }
        wanted.finish()
    }

    /// Reads one part of an address; `false` for a part that is no filter. [`finish`](Self::finish)
    /// comes after the last one.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a value that does not exist.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<bool> {
        let filter = &mut self.filter;
        match name {
            "q" => self.search(value)?,
            // PostgreSQL has no NUL in texts.
            "service" if value.contains('\0') => return Err(Error::NotFound),
            "service" => filter.service = Some(value.to_owned()).filter(|slug| !slug.is_empty()),
            "mode" => filter.mode = written(value)?,
            "status" => filter.status = written(value)?,
            "expires" => filter.end = written(value)?,
            "used" => filter.usage = written(value)?,
            "is" => filter.marks.extend(written::<KeyMark>(value)?),
            "made_by" => filter.made_by = written(value)?,
            "trash" => filter.in_trash = written::<Yes>(value)?.is_some(),
            "made_before" => value.trim().clone_into(&mut self.made_before),
            "utc_offset" => value.clone_into(&mut self.utc_offset),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn search(&mut self, typed: &str) -> Result<()> {
        if holds_secret(typed) {
            self.errors.add("q", "A key does not belong in an address. Paste it into the search box instead.");
            return Ok(());
        }
        match self.errors.collect(KeySearch::parse(typed))? {
            Some(search) => self.filter.search = search,
            None => typed.trim().clone_into(&mut self.wrong_search),
        }
        Ok(())
    }

    /// Completes what several parts mean together.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an offset that is out of range.
    pub(super) fn finish(mut self) -> Result<Self> {
        let days = Days::parse(&self.made_before, "", &self.utc_offset)?;
        self.filter.made_before = days.from;
        if let Some(message) = days.errors.get("from") {
            self.errors.add("made_before", message);
        }
        Ok(self)
    }

    /// The parts of its address, in one order; without what is wrong.
    pub(super) fn parts(&self) -> Vec<(&'static str, &str)> {
        let KeyFilter { search, service, mode, status, end, usage, marks, made_by, made_before, in_trash, .. } =
            &self.filter;
        let mut parts = vec![
            ("q", search.as_ref().map_or("", KeySearch::as_str)),
            ("service", service.as_deref().unwrap_or_default()),
            ("mode", mode.map_or("", |mode| mode.as_str())),
            ("status", status.map_or("", |status| status.as_str())),
            ("expires", end.map_or("", |end| end.as_str())),
            ("used", usage.map_or("", |usage| usage.as_str())),
        ];
        parts.extend(marks.iter().map(|mark| ("is", mark.as_str())));
        parts.push(("made_by", made_by.as_ref().map_or("", |operator| operator.as_str())));
        if made_before.is_some() {
            parts.extend([("made_before", &*self.made_before), ("utc_offset", &*self.utc_offset)]);
        }
        parts.push(("trash", if *in_trash { Yes::TEXT } else { "" }));
        parts.retain(|(_, value)| !value.is_empty());
        parts
    }

    /// Whether it is of nothing but a service, or of all keys.
    pub(super) fn is_plain(&self) -> bool {
        let filter = KeyFilter { service: None, ..self.filter.clone() };
        filter.is_empty() && self.errors.is_empty()
    }

    /// What follows the path of an address, with the `?`; empty for all keys.
    pub(in crate::dashboard) fn query(&self) -> String {
        query_string(&self.parts())
    }
}

/// Whether a text holds what may be a secret of a key, mistyped or not.
pub(super) fn holds_secret(text: &str) -> bool {
    let found = find_secrets(text);
    !found.secrets.is_empty() || found.mistyped > 0
}

/// The parts of a query, decoded.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    query.split('&').filter(|part| !part.is_empty()).map(move |part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    })
}

/// The value of a part that is there or not.
struct Yes;

impl Yes {
    const TEXT: &'static str = "yes";
}

impl FromStr for Yes {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text == Self::TEXT { Ok(Self) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::secret::{KeySecret, Mode};

    #[test]
    fn a_filter_survives_the_way_through_an_address() {
        for query in [
            "",
            "?q=100%25_a%26b%20%C3%9F",
            "?service=sms&mode=test&status=disabled&expires=soon&used=never&is=refused&is=reported",
            "?made_by=op_01kr8w5mn8e6vb8q0zzzzzzzzz&made_before=2026-11-03&utc_offset=60&trash=yes",
        ] {
            let wanted = KeyFilterQuery::parse(query.trim_start_matches('?')).unwrap();
            assert_eq!(wanted.query(), query);
            assert!(wanted.errors.is_empty(), "{query}");
        }
    }

    #[test]
    fn a_filter_that_does_not_exist_is_not_found() {
        for query in ["status=maybe", "color=red", "is=", "is=old", "trash=no", "made_by=ada", "utc_offset=9999"] {
            let found = KeyFilterQuery::parse(query);
            assert_eq!(found.is_ok(), query == "is=", "{query}");
        }
    }

    #[test]
    fn what_was_typed_wrong_is_said_and_left_out() {
        let wanted = KeyFilterQuery::parse("q=a&made_before=yesterday&status=enabled").unwrap();
        assert_eq!(wanted.query(), "?status=enabled");
        assert!(wanted.errors.get("q").is_some() && wanted.errors.get("made_before").is_some());
        assert_eq!((&*wanted.wrong_search, &*wanted.made_before), ("a", "yesterday"));
    }

    #[test]
    fn a_secret_is_taken_out_of_an_address() {
        let secret = KeySecret::generate("sms", Mode::Live).unwrap();
        let wanted = KeyFilterQuery::parse(&format!("q=x{}y", secret.expose())).unwrap();
        assert_eq!((wanted.query(), &*wanted.wrong_search), (String::new(), ""));
        assert!(wanted.errors.get("q").is_some());
    }
}
