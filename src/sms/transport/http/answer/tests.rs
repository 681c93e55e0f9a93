use super::*;

fn rules() -> AnswerRules {
    AnswerRules {
        accepted: vec![200, 201],
        id: Some(Finder::parse("/id").unwrap()),
        code: vec![Finder::parse("/code").unwrap()],
        refused: [
            ("21211", Fault::Message(MessageError::InvalidRecipient)),
            ("21*", Fault::Message(MessageError::Rejected)),
            ("214", Fault::Account),
            ("30", Fault::Throttled),
        ]
        .map(|(code, fault)| (code.to_owned(), fault))
        .to_vec(),
    }
}

fn judge(status: u16, body: &str) -> Judgement {
    let is_html = body.starts_with('<');
    rules().judge("Twilio", &HttpAnswer { status, retry_after: None, is_html, body: body.to_owned() })
}

fn accepted(id: &str) -> Judgement {
    Judgement::Accepted(CarrierMessageId::new(id))
}

fn rejected(error: MessageError, code: &str) -> Judgement {
    Judgement::Rejected(CarrierRejection { error, carrier_code: Some(code.to_owned()) })
}

#[track_caller]
fn assert_held(judgement: &Judgement, words: &str) {
    match judgement {
        Judgement::Held(problem) => assert!(problem.needs_operator && problem.sentence.contains(words), "{problem:?}"),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_unknown(judgement: &Judgement, needs_operator: bool) {
    match judgement {
        Judgement::Unknown(problem) => assert_eq!(problem.needs_operator, needs_operator, "{problem:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_accepted_message_has_the_carriers_id_whatever_its_type() {
    assert_eq!(judge(201, r#"{"id": "SM1"}"#), accepted("SM1"));
    assert_eq!(judge(200, r#"{"id": 17}"#), accepted("17"));
    // It was accepted all the same.
    for body in
        [r#"{"id": ""}"#, r#"{"id": "a b"}"#, r#"{"other": 1}"#, r#"{"id": "SM1""#, "", "OK", &"x".repeat(70_000)]
    {
        assert_eq!(judge(201, body), accepted(""), "{body:.20}");
    }
}

#[test]
fn a_refusal_names_the_fault_and_the_carriers_own_code() {
    assert_eq!(judge(400, r#"{"code": 21211}"#), rejected(MessageError::InvalidRecipient, "21211"));
    assert_eq!(judge(400, r#"{"code": 21999}"#), rejected(MessageError::Rejected, "21999"), "by its beginning");
    assert_eq!(judge(400, r#"{"code": 7}"#), rejected(MessageError::Rejected, "7"), "one that is not mapped");
    assert_eq!(judge(422, "no"), rejected(MessageError::Rejected, "422"), "none at all");
    // Some carriers refuse with 200.
    assert_eq!(judge(200, r#"{"code": 21211, "id": "1"}"#), rejected(MessageError::InvalidRecipient, "21211"));
}

#[test]
fn what_is_not_the_messages_fault_holds_the_queue() {
    assert_held(&judge(401, "{}"), "Twilio refuses the password");
    assert_held(&judge(403, "<html>"), "refuses the password");
    assert_held(&judge(402, ""), "payment");
    assert_held(&judge(302, ""), "redirect (status 302)");
    assert_held(&judge(404, "<html>"), "no such address");
    assert_held(&judge(400, r#"{"code": 214}"#), "code 214");
    // The message's fault, though the status is the same.
    assert_eq!(judge(403, r#"{"code": 21211}"#), rejected(MessageError::InvalidRecipient, "21211"));
    assert_eq!(judge(404, r#"{"code": 9}"#), rejected(MessageError::Rejected, "9"));
}

#[test]
fn what_says_neither_yes_nor_no_leaves_the_outcome_unknown() {
    assert_unknown(&judge(408, "{}"), false);
    for status in [500, 502, 503, 504, 599] {
        assert_unknown(&judge(status, r#"{"code": 21211}"#), false);
    }
    assert_unknown(&judge(200, "<html><body>Welcome to the hotel's Wi-Fi"), true);
    assert_unknown(&judge(204, ""), true);
}

#[test]
fn a_carrier_that_is_too_busy_says_how_long() {
    let judge = |status, seconds: Option<u64>, body: &str| {
        let retry_after = seconds.map(Duration::from_secs);
        match rules().judge("Twilio", &HttpAnswer { status, retry_after, is_html: false, body: body.to_owned() }) {
            Judgement::Throttled { after, .. } => Some(after.map(|after| after.as_secs())),
            _ => None,
        }
    };
    assert_eq!(judge(429, None, ""), Some(None));
    assert_eq!(judge(429, Some(9), ""), Some(Some(9)));
    assert_eq!(judge(503, Some(9), ""), Some(Some(9)));
    assert_eq!(judge(503, None, ""), None);
    assert_eq!(judge(400, None, r#"{"code": 30}"#), Some(None));
}

#[test]
fn an_id_can_be_found_in_an_answer_that_is_not_json() {
    let finder = Finder::parse("^Success \"([^\"]+)\"").unwrap();
    assert_eq!(finder.find("Success \"0703-3084\"").as_deref(), Some("0703-3084"));
    assert_eq!(finder.find("Error \"No route found\""), None);
    assert!(Finder::parse("(").unwrap_err().contains("neither"));
}
