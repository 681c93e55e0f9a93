//! A carrier as a table in TOML describes it: a template of the request, and rules for
//! answers and receipts.

use std::time::Duration;

use toml::de::DeTable;
use zeroize::Zeroizing;

use super::answer::{AnswerRules, Fault, Finder};
use super::config::{HttpConfig, HttpLimits};
use super::file_body::{check_header, read_body, read_fields};
use super::receipt_rules::{FieldName, ReceiptRules};
use super::request::RequestTemplate;
use super::template::{Escaping, Placeholder, SAMPLE, Template};
use super::toml_reader::TomlTable;
use super::variables::{REFER_TO_SECRET, VariableSource, Variables, check_receipt_secret, whole_reference};
use crate::domain::message::ReceiptState;
use crate::secret_text::SecretText;

/// The keys of a carrier.
const KEYS: [&str; 18] = [
    "title",
    "url",
    "method",
    "query",
    "headers",
    "user",
    "password",
    "body",
    "form",
    "from",
    "accepted_status",
    "id",
    "code",
    "refused",
    "receipt",
    "receipt_secret",
    "idempotency_header",
    "max_validity",
];
const RECEIPT_KEYS: [&str; 7] = ["method", "list", "id", "status", "map", "code", "answer"];
const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "GET"];
/// The statuses with which carriers accept a message, unless a template says otherwise.
const ACCEPTED: [u16; 3] = [200, 201, 202];
/// The longest validity that a message has.
const MAX_VALIDITY: Duration = Duration::from_secs(7 * 24 * 3_600);
const STATE_WORDS: [(&str, ReceiptState); 7] = [
    ("enroute", ReceiptState::Enroute),
    ("delivered", ReceiptState::Delivered),
    ("undelivered", ReceiptState::Undelivered),
    ("expired", ReceiptState::Expired),
    ("rejected", ReceiptState::Rejected),
    ("deleted", ReceiptState::Deleted),
    ("unknown", ReceiptState::Unknown),
];

/// Reads the settings of a carrier from a table. `others` are keys that somebody else reads.
pub(super) fn read(
    table: &DeTable<'_>,
    file: &str,
    source: VariableSource<'_>,
    others: &[&str],
) -> Result<HttpConfig, String> {
    let table = TomlTable::new(table, file);
    // Those of a preset have variables, which whoever uses it has read.
    let others = if matches!(source, VariableSource::Preset(_)) { &["variables"] } else { others };
    let known: Vec<&str> = KEYS.iter().chain(&HttpLimits::NAMES).chain(others).copied().collect();
    table.check_keys(&known)?;
    let mut reader = FileReader { table, variables: Variables::new(source) };
    let request = reader.request()?;
    let config = HttpConfig {
        title: table.text("title")?.map_or_else(|| "the carrier".to_owned(), |(title, _)| title.to_owned()),
        place: place(&request.url),
        answers: reader.answers()?,
        receipts: table.table("receipt")?.map(read_receipt).transpose()?,
        sender: reader.plain_text("from")?.to_string(),
        limits: limits(table)?,
        max_validity: max_validity(table)?,
        receipt_secret: reader.receipt_secret()?,
        credentials: SecretText::from(reader.variables.secrets()),
        request,
    };
    let has_secret = config.receipt_secret.is_some() || !config.credentials.expose().is_empty();
    if config.receipts.is_some() && !has_secret {
        return Err(table.problem_here(
            "the address of receipts needs a secret, and this file has none to derive it from: set receipt_secret",
        ));
    }
    Ok(config)
}

/// The scheme and host of an address.
pub(super) fn place(url: &Template) -> String {
    let url = url::Url::parse(&url.fill(&SAMPLE, Escaping::Url));
    url.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

struct FileReader<'a> {
    table: TomlTable<'a>,
    variables: Variables<'a>,
}

impl<'a> FileReader<'a> {
    fn request(&mut self) -> Result<RequestTemplate, String> {
        let table = self.table;
        let (url, at) =
            table.text("url")?.ok_or_else(|| table.problem_here("url is missing: the address of the carrier's API"))?;
        let template = Template::parse(url, &mut |name| self.variables.get(name));
        let url = template.map_err(|problem| table.problem(&at, &format!("url: {problem}")))?.begins_as_it_stands();
        let filled = url.fill(&SAMPLE, Escaping::Url);
        let is_address = url::Url::parse(&filled).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_address || filled.parse::<ureq::http::Uri>().is_err() {
            return Err(table.problem(&at, "url is not an address that begins with https:// or http://"));
        }
        let (user, password) = (self.template("user")?, self.template("password")?);
        let login = user.map(|user| (user, password.unwrap_or_default()));
        let request = RequestTemplate {
            method: "",
            url,
            query: read_fields(table, "query", &mut self.variables)?,
            headers: read_fields(table, "headers", &mut self.variables)?,
            login,
            idempotency_header: table.text("idempotency_header")?.map(|(name, _)| name.to_owned()),
            body: read_body(table, &mut self.variables)?,
        };
        let request = RequestTemplate { method: self.method(request.has_body())?, ..request };
        request.headers.iter().try_for_each(|(name, value)| check_header(table, name, value))?;
        if !request.has(Placeholder::To) && !request.has(Placeholder::ToDigits) {
            return Err(table
                .problem_here("neither {{to}} nor {{to_digits}} is anywhere: the carrier would not know the phone"));
        }
        if !request.has(Placeholder::Text) && !request.has(Placeholder::GsmText) {
            return Err(table.problem_here("{{text}} is nowhere: the carrier would not get the text"));
        }
        Ok(request)
    }

    fn method(&self, has_body: bool) -> Result<&'static str, String> {
        match self.table.text("method")? {
            None => Ok(if has_body { "POST" } else { "GET" }),
            Some((text, at)) => {
                let method = METHODS.iter().find(|method| **method == text).copied();
                method.ok_or_else(|| self.table.problem(&at, &format!("method is one of {}", METHODS.join(", "))))
            }
        }
    }

    /// The template of a key that holds a secret as a whole, or a part.
    fn template(&mut self, key: &str) -> Result<Option<Template>, String> {
        let Some((text, at)) = self.table.text(key)? else { return Ok(None) };
        let text = whole_reference(text).map_or_else(|| text.to_owned(), |name| format!("${{{name}}}"));
        let template = Template::parse(&text, &mut |name| self.variables.get(name));
        let template = template.map_err(|problem| self.table.problem(&at, &format!("{key}: {problem}")))?;
        if key == "password" && !template.has_variable() {
            return Err(self.table.problem(&at, REFER_TO_SECRET));
        }
        Ok(Some(template))
    }

    /// The text of a key without placeholders.
    fn plain_text(&mut self, key: &str) -> Result<Zeroizing<String>, String> {
        let Some((text, at)) = self.table.text(key)? else { return Ok(Zeroizing::default()) };
        let template = Template::parse(text, &mut |name| self.variables.get(name));
        let template = template.map_err(|problem| self.table.problem(&at, &format!("{key}: {problem}")))?;
        Ok(template.fill(&SAMPLE, Escaping::Plain))
    }

    fn receipt_secret(&mut self) -> Result<Option<SecretText>, String> {
        let Some((text, at)) = self.table.text("receipt_secret")? else { return Ok(None) };
        let name = whole_reference(text).ok_or_else(|| self.table.problem(&at, REFER_TO_SECRET))?;
        let secret = self.variables.get(name).and_then(|secret| check_receipt_secret(&secret));
        secret.map(Some).map_err(|problem| self.table.problem(&at, &problem))
    }

    fn answers(&mut self) -> Result<AnswerRules, String> {
        let table = self.table;
        let accepted = match table.get("accepted_status") {
            None => ACCEPTED.to_vec(),
            Some(value) => {
                let problem =
                    || table.problem(&value.span(), "accepted_status is a list of statuses, such as [200, 202]");
                let list = value.get_ref().as_array().ok_or_else(problem)?;
                let status = |item: &toml::Spanned<toml::de::DeValue<'_>>| {
                    item.get_ref().as_integer()?.to_string().parse().ok().filter(|status| (200..600).contains(status))
                };
                list.iter().map(status).collect::<Option<Vec<u16>>>().ok_or_else(problem)?
            }
        };
        let finder = |key: &str| match table.text(key)? {
            None => Ok(None),
            Some((text, at)) => {
                Finder::parse(text).map(Some).map_err(|problem| table.problem(&at, &format!("{key}: {problem}")))
            }
        };
        Ok(AnswerRules {
            accepted,
            id: finder("id")?,
            code: finder("code")?.into_iter().collect(),
            refused: read_meanings(table, "refused", &Fault::WORDS)?,
        })
    }
}

/// A table of the carrier's words, each with one of ours.
fn read_meanings<T: Copy>(table: TomlTable<'_>, key: &str, words: &[(&str, T)]) -> Result<Vec<(String, T)>, String> {
    let Some(meanings) = table.table(key)? else { return Ok(Vec::new()) };
    let read = |(theirs, value)| {
        let ours = meanings.as_text(theirs, value)?;
        let known = words.iter().find(|(word, _)| *word == ours).map(|(_, meaning)| (theirs.to_owned(), *meaning));
        known.ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            meanings.problem(&value.span(), &format!("{ours:?} is not known here; there are {}", words.join(", ")))
        })
    };
    meanings.entries().into_iter().map(read).collect()
}

fn read_receipt(table: TomlTable<'_>) -> Result<ReceiptRules, String> {
    table.check_keys(&RECEIPT_KEYS)?;
    let field = |key: &str| Ok::<_, String>(table.text(key)?.map(|(text, _)| FieldName::parse(text)));
    let takes_get = match table.text("method")? {
        None | Some(("POST", _)) => false,
        Some(("GET", _)) => true,
        Some((_, at)) => return Err(table.problem(&at, "method is POST or GET")),
    };
    let states = read_meanings(table, "map", &STATE_WORDS)?;
    if states.is_empty() {
        return Err(
            table.problem_here("map is missing: what the words of the carrier mean, such as DELIVRD = \"delivered\"")
        );
    }
    Ok(ReceiptRules {
        takes_get,
        list: table.text("list")?.map(|(pointer, _)| pointer.to_owned()),
        id: field("id")?,
        status: field("status")?.ok_or_else(|| table.problem_here("status is missing: the field with the state"))?,
        states,
        code: field("code")?,
        answer: table.text("answer")?.map(|(text, _)| text.to_owned()).unwrap_or_default(),
        signed_with: None,
    })
}

fn limits(table: TomlTable<'_>) -> Result<HttpLimits, String> {
    let mut limits = HttpLimits::default();
    for name in HttpLimits::NAMES {
        if let Some(value) = table.get(name) {
            let text = table.as_word(name, value)?;
            limits.set(name, &text).map_err(|problem| table.problem(&value.span(), &problem))?;
        }
    }
    Ok(limits)
}

fn max_validity(table: TomlTable<'_>) -> Result<Duration, String> {
    let Some(value) = table.get("max_validity") else { return Ok(MAX_VALIDITY) };
    let seconds = table.as_word("max_validity", value)?.parse().ok().filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| table.problem(&value.span(), "max_validity is a number of seconds"))
}

#[cfg(test)]
mod tests;
