//! The request that hands a message to the carrier.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::client::ReadyRequest;
use super::template::{Escaping, Filling, Placeholder, Template, url_encoded};

pub(super) const FORM_TYPE: &str = "application/x-www-form-urlencoded";
pub(super) const JSON_TYPE: &str = "application/json";

/// A request with placeholders. A field of a form, a query or a JSON object that is empty
/// once it is filled is left out.
#[derive(Debug, Clone)]
pub(super) struct RequestTemplate {
    pub(super) method: &'static str,
    pub(super) url: Template,
    pub(super) query: Vec<(String, Template)>,
    pub(super) headers: Vec<(String, Template)>,
    /// Of HTTP's basic authentication.
    pub(super) login: Option<(Template, Template)>,
    /// The header that holds the message's id, by which the carrier knows a repetition.
    pub(super) idempotency_header: Option<String>,
    pub(super) body: BodyTemplate,
}

/// A body with placeholders.
#[derive(Debug, Clone)]
pub(super) enum BodyTemplate {
    None,
    /// As the template writes it.
    Text(Template, Escaping),
    Form(Vec<(String, Template)>),
    Json(JsonTemplate),
}

/// JSON with placeholders in its strings.
#[derive(Debug, Clone)]
pub(super) enum JsonTemplate {
    Text(Template),
    /// A number or a boolean.
    Fixed(Value),
    List(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
}

impl RequestTemplate {
    /// The request for a message.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> ReadyRequest {
        let mut url = self.url.fill(filling, Escaping::Url);
        let query = encoded(&self.query, filling);
        if !query.is_empty() {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push(separator);
            url.push_str(&query);
        }
        let plain = |template: &Template| template.fill(filling, Escaping::Plain);
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        if let Some((user, password)) = &self.login {
            let login = Zeroizing::new(format!("{}:{}", *plain(user), *plain(password)));
            let value = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(login.as_bytes())));
            headers.push(("authorization".to_owned(), value));
        }
        if let Some(name) = &self.idempotency_header {
            headers.push((name.clone(), Zeroizing::new(filling.id.to_owned())));
        }
        let (content_type, body) = match &self.body {
            BodyTemplate::None => (None, None),
            BodyTemplate::Text(template, Escaping::Json) => {
                (Some(JSON_TYPE), Some(template.fill(filling, Escaping::Json)))
            }
            BodyTemplate::Text(template, escaping) => (Some(FORM_TYPE), Some(template.fill(filling, *escaping))),
            BodyTemplate::Form(fields) => (Some(FORM_TYPE), Some(encoded(fields, filling))),
            BodyTemplate::Json(template) => {
                let value = template.fill(filling).unwrap_or_default();
                (Some(JSON_TYPE), Some(Zeroizing::new(value.to_string())))
            }
        };
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(content_type) = content_type.filter(|_| !has_type) {
            headers.push(("content-type".to_owned(), Zeroizing::new(content_type.to_owned())));
        }
        ReadyRequest { method: self.method, url, headers, body }
    }

    pub(super) fn has_body(&self) -> bool {
        !matches!(self.body, BodyTemplate::None)
    }

    /// Whether a placeholder is anywhere in it.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        let mut templates: Vec<&Template> = vec![&self.url];
        templates.extend(self.query.iter().chain(&self.headers).map(|(_, template)| template));
        match &self.body {
            BodyTemplate::None => {}
            BodyTemplate::Text(template, _) => templates.push(template),
            BodyTemplate::Form(fields) => templates.extend(fields.iter().map(|(_, template)| template)),
            BodyTemplate::Json(template) => template.collect(&mut templates),
        }
        templates.iter().any(|template| template.has(placeholder))
    }
}

fn encoded(fields: &[(String, Template)], filling: &Filling<'_>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for (name, template) in fields {
        let value = template.fill(filling, Escaping::Plain);
        if template.is_left_out(&value, filling) {
            continue;
        }
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&url_encoded(name));
        text.push('=');
        text.push_str(&url_encoded(&value));
    }
    text
}

impl JsonTemplate {
    /// `None` for what is empty.
    fn fill(&self, filling: &Filling<'_>) -> Option<Value> {
        match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Text(template) => {
                let text = template.fill(filling, Escaping::Plain);
                match template.only_number() {
                    Some(_) => text.parse::<u64>().ok().map(Value::from),
                    None => (!template.is_left_out(&text, filling)).then(|| Value::from(text.as_str())),
                }
            }
            Self::List(items) => {
                let items: Vec<Value> = items.iter().filter_map(|item| item.fill(filling)).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            Self::Object(fields) => {
                let fill = |(name, field): &(String, Self)| Some((name.clone(), field.fill(filling)?));
                let fields: Map<String, Value> = fields.iter().filter_map(fill).collect();
                (!fields.is_empty()).then_some(Value::Object(fields))
            }
        }
    }

    fn collect<'a>(&'a self, templates: &mut Vec<&'a Template>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(template) => templates.push(template),
            Self::List(items) => items.iter().for_each(|item| item.collect(templates)),
            Self::Object(fields) => fields.iter().for_each(|(_, field)| field.collect(templates)),
        }
    }
}
