use super::*;

const FILLING: Filling<'static> = Filling {
    to: "+420777123456",
    to_digits: "420777123456",
    from: "",
    text: "\"Ano\\ne\"\n100 % & 😀",
    id: "msg_1",
    segments: 2,
    validity_seconds: 90,
    receipt_url: "https://keys.example.com/r?message=msg_1",
    is_gsm: false,
};

fn parse(text: &str) -> Result<Template, String> {
    Template::parse(text, &mut |name| match name {
        "TOKEN" => Ok(Zeroizing::new("s3cr\"et".to_owned())),
        _ => Err(format!("no {name}")),
    })
}

#[test]
fn a_text_is_escaped_for_its_place() {
    let json = parse(r#"{"text": "{{text}}", "n": {{segments}}}"#).unwrap().fill(&FILLING, Escaping::Json);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["text"].as_str(), json["n"].as_i64()), (Some(FILLING.text), Some(2)));

    let form = parse("to={{to}}&text={{ text }}&from={{from}}").unwrap().fill(&FILLING, Escaping::Url);
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let expected = [("to", FILLING.to), ("text", FILLING.text), ("from", "")];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_variable_is_escaped_too_and_never_shown() {
    let template = parse("Bearer ${TOKEN}").unwrap();
    assert_eq!(template.fill(&FILLING, Escaping::Json).as_str(), r#"Bearer s3cr\"et"#);
    assert_eq!(template.fill(&FILLING, Escaping::Plain).as_str(), "Bearer s3cr\"et");
    assert_eq!(format!("{template:?}"), "Template(..)");
    let base = parse("${TOKEN}/${TOKEN}").unwrap().begins_as_it_stands();
    assert_eq!(base.fill(&FILLING, Escaping::Url).as_str(), "s3cr\"et/s3cr%22et");
}

#[test]
fn validity_is_there_in_seconds_and_in_whole_minutes() {
    let template = parse("{{validity_seconds}} {{validity_minutes}}").unwrap();
    assert_eq!(template.fill(&FILLING, Escaping::Plain).as_str(), "90 2");
}

#[test]
fn an_unknown_placeholder_is_named_with_those_that_there_are() {
    let problem = parse("{{phone}}").unwrap_err();
    assert!(problem.contains("{{phone}}") && problem.contains("{{to_digits}}"), "{problem}");
    assert!(parse("{{to").unwrap_err().contains("not closed"));
    assert!(parse("${TOKEN").unwrap_err().contains("not closed"));
    assert_eq!(parse("${OTHER}").unwrap_err(), "no OTHER");
}
