//! The body, the query and the headers of a request, as a table in TOML describes them.

use serde_json::Value;
use toml::de::DeValue;
use ureq::http::{HeaderName, HeaderValue};

use super::request::{BodyTemplate, JsonTemplate};
use super::template::{Escaping, SAMPLE, Template};
use super::toml_reader::{TomlTable, TomlValue};
use super::variables::{REFER_TO_SECRET, Variables};

/// Headers that hold a secret.
const SECRET_HEADERS: [&str; 5] = ["authorization", "x-api-key", "api-key", "apikey", "x-auth-token"];

/// The fields of a table of texts.
pub(super) fn read_fields(
    table: TomlTable<'_>,
    key: &str,
    variables: &mut Variables<'_>,
) -> Result<Vec<(String, Template)>, String> {
    let Some(fields) = table.table(key)? else { return Ok(Vec::new()) };
    let read = |(name, value): (&str, TomlValue<'_>)| {
        let text = fields.as_word(name, value)?;
        let template = Template::parse(&text, &mut |name| variables.get(name));
        let template = template.map_err(|problem| fields.problem(&value.span(), &format!("{name}: {problem}")))?;
        let is_secret = key == "headers" && SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str());
        if is_secret && !template.has_variable() {
            return Err(fields.problem(&value.span(), REFER_TO_SECRET));
        }
        Ok((name.to_owned(), template))
    };
    fields.entries().into_iter().map(read).collect()
}

/// Refuses what can't be a header.
pub(super) fn check_header(table: TomlTable<'_>, name: &str, value: &Template) -> Result<(), String> {
    let value = value.fill(&SAMPLE, Escaping::Plain);
    if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(&value).is_err() {
        return Err(table.problem_here(&format!("{name:?} can't be a header, or its value can't be one")));
    }
    Ok(())
}

/// The body: text in JSON or of a form, a table that becomes JSON, or the fields of a form.
pub(super) fn read_body(table: TomlTable<'_>, variables: &mut Variables<'_>) -> Result<BodyTemplate, String> {
    let form = read_fields(table, "form", variables)?;
    let Some(body) = table.get("body") else {
        return Ok(if form.is_empty() { BodyTemplate::None } else { BodyTemplate::Form(form) });
    };
    if !form.is_empty() {
        return Err(table.problem(&body.span(), "there is a form, so there can be no body"));
    }
    let Some(text) = body.get_ref().as_str() else {
        return read_json(table, body, variables).map(BodyTemplate::Json);
    };
    let is_json = match content_type(table)? {
        Some(kind) if kind.contains("json") => true,
        Some(kind) if kind.contains("form-urlencoded") => false,
        None => text.trim_start().starts_with(['{', '[']),
        Some(_) => {
            let what =
                "a body that is a text has the content type application/json or application/x-www-form-urlencoded";
            return Err(table.problem(&body.span(), what));
        }
    };
    let template = Template::parse(text, &mut |name| variables.get(name));
    let template = template.map_err(|problem| table.problem(&body.span(), &format!("body: {problem}")))?;
    if !is_json {
        return Ok(BodyTemplate::Text(template, Escaping::Url));
    }
    // Shows a placeholder without its quotes, a missing comma, and the like.
    if let Err(error) = serde_json::from_str::<Value>(&template.fill(&SAMPLE, Escaping::Json)) {
        let what = format!("body does not become JSON ({error}); placeholders of texts stand within quotes");
        return Err(table.problem(&body.span(), &what));
    }
    Ok(BodyTemplate::Text(template, Escaping::Json))
}

fn content_type(table: TomlTable<'_>) -> Result<Option<String>, String> {
    let headers = table.table("headers")?.map(|headers| headers.entries()).unwrap_or_default();
    let found = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    Ok(found.and_then(|(_, value)| value.get_ref().as_str()).map(str::to_ascii_lowercase))
}

fn read_json(
    table: TomlTable<'_>,
    value: TomlValue<'_>,
    variables: &mut Variables<'_>,
) -> Result<JsonTemplate, String> {
    Ok(match value.get_ref() {
        DeValue::String(text) => {
            let template = Template::parse(text, &mut |name| variables.get(name));
            JsonTemplate::Text(template.map_err(|problem| table.problem(&value.span(), &problem))?)
        }
        DeValue::Boolean(is_so) => JsonTemplate::Fixed((*is_so).into()),
        DeValue::Integer(number) => {
            let number: i64 =
                number.to_string().parse().map_err(|_| table.problem(&value.span(), "a number is too large"))?;
            JsonTemplate::Fixed(number.into())
        }
        DeValue::Array(items) => {
            let items = items.iter().map(|item| read_json(table, item, variables));
            JsonTemplate::List(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(_) => {
            let fields = table.as_table("body", value)?.entries().into_iter();
            let fields = fields.map(|(name, field)| Ok((name.to_owned(), read_json(table, field, variables)?)));
            JsonTemplate::Object(fields.collect::<Result<_, String>>()?)
        }
        DeValue::Float(_) | DeValue::Datetime(_) => {
            return Err(table.problem(&value.span(), "body takes texts, whole numbers, true, false, lists and tables"));
        }
    })
}
