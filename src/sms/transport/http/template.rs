//! Texts with placeholders, which each message fills, and the escaping of what they are
//! filled with.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::hex;

/// What stays as it is in a URL and a form (RFC 3986 §2.3).
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a message fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    To,
    ToDigits,
    From,
    Text,
    Id,
    Segments,
    ValiditySeconds,
    ValidityMinutes,
    ReceiptUrl,
    /// The text if it is in the GSM alphabet, else nothing.
    GsmText,
    /// The text in UTF-16, as hexadecimal digits, if it is not in the GSM alphabet.
    Ucs2Hex,
    /// SMPP's number of the alphabet: 0 for GSM, 8 for UCS-2.
    DataCoding,
    /// Kannel's number of the alphabet: 0 for GSM, 2 for UCS-2.
    Coding,
}

impl Placeholder {
    pub(super) const ALL: [(Self, &'static str); 13] = [
        (Self::To, "to"),
        (Self::ToDigits, "to_digits"),
        (Self::From, "from"),
        (Self::Text, "text"),
        (Self::Id, "id"),
        (Self::Segments, "segments"),
        (Self::ValiditySeconds, "validity_seconds"),
        (Self::ValidityMinutes, "validity_minutes"),
        (Self::ReceiptUrl, "receipt_url"),
        (Self::GsmText, "gsm_text"),
        (Self::Ucs2Hex, "ucs2_hex"),
        (Self::DataCoding, "data_coding"),
        (Self::Coding, "coding"),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(placeholder, _)| *placeholder)
    }

    pub(super) fn is_number(self) -> bool {
        use Placeholder::{Coding, DataCoding, Segments, ValidityMinutes, ValiditySeconds};
        matches!(self, Segments | ValiditySeconds | ValidityMinutes | DataCoding | Coding)
    }
}

/// What a message fills the placeholders with.
pub(super) struct Filling<'a> {
    pub(super) to: &'a str,
    pub(super) to_digits: &'a str,
    pub(super) from: &'a str,
    pub(super) text: &'a str,
    pub(super) id: &'a str,
    pub(super) segments: usize,
    pub(super) validity_seconds: u64,
    /// Empty if no receipt can come.
    pub(super) receipt_url: &'a str,
    /// Whether the text is in the GSM alphabet.
    pub(super) is_gsm: bool,
}

impl Filling<'_> {
    fn value(&self, placeholder: Placeholder) -> Cow<'_, str> {
        match placeholder {
            Placeholder::To => self.to.into(),
            Placeholder::ToDigits => self.to_digits.into(),
            Placeholder::From => self.from.into(),
            Placeholder::Text => self.text.into(),
            Placeholder::Id => self.id.into(),
            Placeholder::Segments => self.segments.to_string().into(),
            Placeholder::ValiditySeconds => self.validity_seconds.to_string().into(),
            Placeholder::ValidityMinutes => self.validity_seconds.div_ceil(60).to_string().into(),
            Placeholder::ReceiptUrl => self.receipt_url.into(),
            Placeholder::GsmText => if self.is_gsm { self.text } else { "" }.into(),
            Placeholder::Ucs2Hex if self.is_gsm => "".into(),
            Placeholder::Ucs2Hex => {
                let bytes: Vec<u8> = self.text.encode_utf16().flat_map(u16::to_be_bytes).collect();
                hex::encode(&bytes).into()
            }
            Placeholder::DataCoding => if self.is_gsm { "0" } else { "8" }.into(),
            Placeholder::Coding => if self.is_gsm { "0" } else { "2" }.into(),
        }
    }
}

/// A message like any other, to see whether a template becomes a valid request.
pub(super) const SAMPLE: Filling<'static> = Filling {
    to: "+15005550006",
    to_digits: "15005550006",
    from: "Keyfob",
    text: "\"Hello\"",
    id: "msg_00000000000000000000000000",
    segments: 1,
    validity_seconds: 3_600,
    receipt_url: "https://keys.example.com/v1/carriers/default/receipts/x?message=msg_00000000000000000000000000",
    is_gsm: true,
};

/// Where a text stands, which decides what is escaped in what it is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaping {
    /// Between the quotes of a JSON string.
    Json,
    /// In a URL, or in a form.
    Url,
    /// Nothing is escaped: a header, or a value that is encoded as a whole.
    Plain,
}

impl Escaping {
    fn escape<'a>(self, value: &'a str) -> Cow<'a, str> {
        match self {
            Self::Plain => value.into(),
            Self::Url => url_encoded(value).into(),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned().into()
            }
        }
    }
}

/// A value as a URL and a form write it.
pub(super) fn url_encoded(value: &str) -> String {
    utf8_percent_encode(value, NOT_UNRESERVED).to_string()
}

/// A part of a text.
#[derive(Clone)]
pub(super) enum TemplatePart {
    /// As it stands.
    Literal(Zeroizing<String>),
    /// The value of a variable, which is escaped. It may be a secret.
    Value(Zeroizing<String>),
    Placeholder(Placeholder),
}

/// A text with placeholders. Its `Debug` shows nothing, since it may hold secrets.
#[derive(Clone, Default)]
pub(super) struct Template(Vec<TemplatePart>);

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template(..)")
    }
}

impl Template {
    /// A text that is never filled.
    pub(super) fn literal(text: &str) -> Self {
        Self(vec![TemplatePart::Literal(Zeroizing::new(text.to_owned()))])
    }

    /// Reads a text with `{{placeholders}}` and `${variables}`, whose values `variable`
    /// gives.
    pub(super) fn parse(
        text: &str,
        variable: &mut dyn FnMut(&str) -> Result<Zeroizing<String>, String>,
    ) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = begin(rest) {
            let (literal, from) = rest.split_at(at);
            if !literal.is_empty() {
                parts.push(TemplatePart::Literal(Zeroizing::new(literal.to_owned())));
            }
            let (opening, closing) = if from.starts_with("{{") { ("{{", "}}") } else { ("${", "}") };
            let inner = from.strip_prefix(opening).and_then(|inner| inner.split_once(closing));
            let (name, behind) = inner.ok_or_else(|| format!("{opening} is not closed with {closing}"))?;
            parts.push(if opening == "{{" {
                let placeholder = Placeholder::parse(name.trim());
                TemplatePart::Placeholder(placeholder.ok_or_else(|| unknown_placeholder(name))?)
            } else {
                TemplatePart::Value(variable(name.trim())?)
            });
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Literal(Zeroizing::new(rest.to_owned())));
        }
        Ok(Self(parts))
    }

    /// The text, filled for its place.
    pub(super) fn fill(&self, filling: &Filling<'_>, escaping: Escaping) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for part in &self.0 {
            // Writing to a text does not fail.
            let _ = match part {
                TemplatePart::Literal(literal) => text.write_str(literal),
                TemplatePart::Value(value) => text.write_str(&escaping.escape(value)),
                TemplatePart::Placeholder(placeholder) => {
                    text.write_str(&escaping.escape(&filling.value(*placeholder)))
                }
            };
        }
        text
    }

    /// Takes the variable that the text begins with as it stands: it is the beginning of
    /// an address.
    pub(super) fn begins_as_it_stands(mut self) -> Self {
        if let Some(first) = self.0.first_mut()
            && let TemplatePart::Value(value) = first
        {
            *first = TemplatePart::Literal(std::mem::take(value));
        }
        self
    }

    /// Whether it is this placeholder and nothing else, if it is a number.
    pub(super) fn only_number(&self) -> Option<Placeholder> {
        match &self.0[..] {
            [TemplatePart::Placeholder(placeholder)] if placeholder.is_number() => Some(*placeholder),
            _ => None,
        }
    }

    /// Whether it is nothing once it is filled, or lacks the address of receipts.
    pub(super) fn is_left_out(&self, filled: &str, filling: &Filling<'_>) -> bool {
        filled.is_empty() || (filling.receipt_url.is_empty() && self.has(Placeholder::ReceiptUrl))
    }

    /// Whether a placeholder is in it.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.0.iter().any(|part| matches!(part, TemplatePart::Placeholder(found) if *found == placeholder))
    }

    /// Whether it holds a value that may be a secret.
    pub(super) fn has_variable(&self) -> bool {
        self.0.iter().any(|part| matches!(part, TemplatePart::Value(_)))
    }
}

fn begin(text: &str) -> Option<usize> {
    match (text.find("{{"), text.find("${")) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn unknown_placeholder(name: &str) -> String {
    let known: Vec<String> = Placeholder::ALL.iter().map(|(_, name)| format!("{{{{{name}}}}}")).collect();
    format!("there is no placeholder {{{{{}}}}}; there are {}", name.trim(), known.join(", "))
}

#[cfg(test)]
mod tests;
