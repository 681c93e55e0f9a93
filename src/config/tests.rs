use super::*;

fn settings(database_url: &str, listen: &str, public_url: Option<&str>, trusted_proxy: &str) -> Settings {
    Settings {
        database_url: database_url.into(),
        wait_for_database: 0,
        database_connections: store::DEFAULT_CONNECTIONS,
        listen: listen.into(),
        metrics_listen: None,
        public_url: public_url.map(Into::into),
        trusted_proxy: trusted_proxy.into(),
        sms_transport: "sandbox".into(),
        carriers: None,
        callback_allow: String::new(),
        message_retention: None,
        opening_credits: credit::DEFAULT_OPENING_CREDITS,
        internal_url: None,
        key_header: None,
        audit_log: None,
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let mut wrong = settings("mysql://x", "8080", Some("keys.example.com/path"), "proxy.lan");
    wrong.metrics_listen = Some("localhost:9464".into());
    wrong.callback_allow = "10.0.0.0/8, intranet".into();
    wrong.internal_url = Some("keyfob:8080".into());
    wrong.key_header = Some("Cookie".into());
    let problems = Config::parse(&wrong).unwrap_err();
    assert_eq!(problems.len(), 8, "{problems:?}");
}

#[test]
fn a_header_for_keys_has_a_plain_name_that_means_nothing_else() {
    assert_eq!(parse_key_header("--key-header", "X-Auth-Token").unwrap().as_str(), "x-auth-token");
    for wrong in ["", "x_auth", "x auth", "x-auth;", "schlüssel", "cookie", "Authorization", "host"] {
        assert!(parse_key_header("--key-header", wrong).unwrap_err().contains("--key-header"), "{wrong}");
    }
}

#[test]
fn a_public_url_is_an_origin() {
    let public = |url| {
        Config::parse(&settings("sqlite:k.db", "127.0.0.1:0", Some(url), "127.0.0.1"))
            .ok()
            .and_then(|config| config.public_url)
    };
    assert_eq!(public("https://Keys.Example.com/").as_deref(), Some("https://keys.example.com"));
    assert_eq!(public("https://keys.example.com:443").as_deref(), Some("https://keys.example.com"));
    assert_eq!(public("http://[::1]:8080").as_deref(), Some("http://[::1]:8080"));
    for wrong in ["keys.example.com", "ftp://x", "https://", "https://x/y", "https://x'; rm -rf /"] {
        assert_eq!(public(wrong), None, "{wrong}");
    }
}
