use super::*;

fn settings(database_url: &str, listen: &str, public_url: Option<&str>, trusted_proxy: &str) -> Settings {
    Settings {
        database_url: database_url.into(),
        wait_for_database: 0,
        database_connections: store::DEFAULT_CONNECTIONS,
        database_pooler: false,
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
fn a_public_url_is_an_origin_and_perhaps_a_path() {
    let read = |url| Config::parse(&settings("sqlite:k.db", "127.0.0.1:0", Some(url), "127.0.0.1"));
    for (given, url, origin) in [
        ("https://Keys.Example.com/", "https://keys.example.com", "https://keys.example.com"),
        ("https://keys.example.com:443", "https://keys.example.com", "https://keys.example.com"),
        ("http://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080"),
        ("https://Example.com/Keyfob", "https://example.com/Keyfob", "https://example.com"),
        ("https://example.com:443/a/keyfob/", "https://example.com/a/keyfob", "https://example.com"),
    ] {
        let public = read(given).unwrap().public_url.unwrap();
        assert_eq!((public.as_str(), public.origin()), (url, origin), "{given}");
    }
    for (wrong, words) in [
        ("keys.example.com", "write for example https://"),
        ("ftp://x", "write for example https://"),
        ("https://", "write for example https://"),
        ("https:///keyfob", "write for example https://"),
        ("https://x:8080keyfob", "write for example https://"),
        ("https://x'; rm -rf /", "write for example https://"),
        ("https://me:hunter2@x/keyfob", "write for example https://"),
        ("https://x//keyfob", "two slashes"),
        ("https://x/keyfob//", "two slashes"),
        ("https://x/../keyfob", "\"..\""),
        ("https://x/key%2ffob", "'%'"),
        ("https://x/key fob", "' '"),
        ("https://x/keyfob?a=b", "leave out what begins with \"?\""),
        ("https://x?a", "leave out what begins with \"?\""),
        ("https://x/keyfob/#top", "leave out what begins with \"#\""),
        ("https://x/v1/keyfob", "choose another one"),
        ("https://Bücher.example/keyfob", "write https://xn--bcher-kva.example/keyfob"),
        ("https://me:hunter2@bücher.example", "write for example https://"),
    ] {
        let problems = read(wrong).unwrap_err().join("; ");
        assert!(problems.contains("--public-url") && problems.contains(words), "{wrong}: {problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}
