use super::*;
use crate::sms::transport::http::template::Filling;

fn environment(name: &str) -> Option<String> {
    (name == "TOKEN").then(|| "t0ken-of-the-carrier".to_owned())
}

fn read_text(text: &str) -> Result<HttpConfig, String> {
    let table = DeTable::parse(text).unwrap();
    read(table.get_ref(), text, VariableSource::References(&environment), &["on"])
}

const SMALL: &str = r#"
url = "https://sms.example.com/send"
headers = { Authorization = "Bearer ${TOKEN}" }
body = '{"to": "{{to}}", "text": "{{text}}"}'
"#;

#[test]
fn a_small_file_is_enough() {
    let config = read_text(SMALL).unwrap();
    let request = config.request.fill(&SAMPLE);
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://sms.example.com/send"));
    let expected = [("Authorization", "Bearer t0ken-of-the-carrier"), ("content-type", "application/json")];
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, expected);
    assert_eq!(request.body.unwrap().as_str(), r#"{"to": "+15005550006", "text": "\"Hello\""}"#);
    assert_eq!(
        (config.answers.accepted.clone(), config.to_string()),
        (vec![200, 201, 202], "https://sms.example.com".to_owned())
    );
    assert!(config.receipts.is_none());
}

#[test]
fn a_table_becomes_json_or_a_form_without_what_is_empty() {
    let text = r#"
url = "https://sms.example.com/send?channel=sms"
user = "me"
password = "${TOKEN}"
idempotency_header = "Idempotency-Key"
window = 3
rate = 9
query = { key = "a b" }
[body]
messages = [{ to = ["{{to}}"], text = "{{text}}", from = "{{from}}", parts = "{{segments}}", now = true, n = 7 }]
callback = "{{receipt_url}}&x=1"
"#;
    let config = read_text(text).unwrap();
    let filling = Filling { from: "", receipt_url: "", ..SAMPLE };
    let request = config.request.fill(&filling);
    assert_eq!(request.url.as_str(), "https://sms.example.com/send?channel=sms&key=a%20b");
    let body: serde_json::Value = serde_json::from_str(request.body.as_ref().unwrap()).unwrap();
    let message = serde_json::json!({"to": ["+15005550006"], "text": "\"Hello\"", "parts": 1, "now": true, "n": 7});
    assert_eq!(body, serde_json::json!({"messages": [message]}));
    assert!(request.headers.iter().any(|(name, value)| name == "Idempotency-Key" && **value == *SAMPLE.id));
    assert_eq!((config.limits.window, config.limits.rate.unwrap().get()), (3, 9));
}

#[test]
fn every_mistake_is_named_with_its_line() {
    for (mistake, words) in [
        (SMALL.replace("{{text}}", "Hello"), &["line 2", "{{text}} is nowhere"][..]),
        (SMALL.replace("{{to}}", "+15005550006"), &["line 2", "{{to_digits}}"]),
        (SMALL.replace("{{to}}", "{{phone}}"), &["line 4", "{{phone}}", "{{to_digits}}"]),
        (SMALL.replace("\"{{to}}\"", "{{to}}"), &["line 4", "does not become JSON"]),
        (SMALL.replace("body =", "bodi ="), &["line 4", "\"bodi\" is not known", "idempotency_header"]),
        (SMALL.replace("${TOKEN}", "${TOKEN_2}"), &["line 3", "the environment variable TOKEN_2 is not set"]),
        (SMALL.replace("${TOKEN}", "s3cret"), &["line 3", "this is a secret"]),
        (SMALL.replace("${TOKEN}", "${file:/nowhere/token}"), &["line 3", "/nowhere/token can't be read"]),
        (SMALL.replace("https:", "ftp:"), &["line 2", "not an address"]),
        (SMALL.replace("url =", "# url ="), &["line 3", "url is missing"]),
        (format!("{SMALL}window = 0\n"), &["line 5", "window is a number from 1 to 100"]),
        (format!("{SMALL}password = \"s3cret\"\n"), &["line 5", "this is a secret"]),
        (format!("{SMALL}accepted_status = [20]\n"), &["line 5", "list of statuses"]),
        (format!("{SMALL}id = \"(\"\n"), &["line 5", "JSON Pointer"]),
        (format!("{SMALL}[refused]\n7 = \"wrong_number\"\n"), &["line 6", "\"wrong_number\"", "invalid_recipient"]),
        (format!("{SMALL}[receipt]\nstatus = \"s\"\n"), &["map is missing"]),
        (
            format!("{SMALL}[receipt]\nstatus = \"s\"\nmap = {{ ok = \"fine\" }}\n"),
            &["line 7", "\"fine\"", "delivered"],
        ),
        (format!("{SMALL}[receipt]\nstate = \"s\"\n"), &["line 6", "\"state\" is not known"]),
        (format!("{SMALL}form = {{ a = \"b\" }}\n"), &["there is a form"]),
        (format!("{SMALL}receipt_secret = \"abc\"\n"), &["line 5", "this is a secret"]),
    ] {
        let problem = read_text(&mistake).unwrap_err();
        for word in words {
            assert!(problem.contains(word), "{word:?} is not in {problem:?}");
        }
        assert!(!problem.contains("s3cret") && !problem.contains("t0ken"), "{problem}");
    }
}

#[test]
fn keys_that_somebody_else_reads_are_passed_over() {
    assert!(read_text(&format!("{SMALL}on = true\n")).is_ok());
    assert!(read_text(&format!("{SMALL}off = true\n")).is_err());
}

#[test]
fn receipts_need_a_secret_to_derive_their_address_from() {
    let receipt = "[receipt]\nid = \"id\"\nstatus = \"s\"\nmap = { ok = \"delivered\" }\n";
    assert!(read_text(&format!("{SMALL}{receipt}")).is_ok());
    let public = SMALL.replace("headers", "# headers");
    assert!(read_text(&format!("{public}{receipt}")).unwrap_err().contains("receipt_secret"));
}

#[test]
fn a_secret_may_be_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from-a-file\n").unwrap();
    let text = SMALL.replace("${TOKEN}", &format!("${{file:{}}}", file.path().display()));
    let request = read_text(&text).unwrap().request.fill(&SAMPLE);
    assert_eq!(request.headers[0].1.as_str(), "Bearer from-a-file");
}
