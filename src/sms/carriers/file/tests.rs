use super::*;
use crate::domain::carrier::SenderRule;
use crate::sms::transport::TransportConfig;

const PASSWORD: &str = "s3cr3t/@";

fn environment(name: &str) -> Option<String> {
    match name {
        "A_PASSWORD" => Some(PASSWORD.to_owned()),
        "B_URL" => Some("smpp://b:%40@b.example.com:2776".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn read(text: &str) -> Result<CarriersConfig, String> {
    parse(text, &environment)
}

/// Two carriers, a and b, in lines 1 to 4, with more behind them from line 5 on.
fn problem(more: &str) -> String {
    let carriers = "[carriers.a]\ntransport = \"smpp://a:pw@a.example.com\"\n\
                    [carriers.b]\ntransport = \"smpp://b:pw@b.example.com\"\n";
    read(&format!("{carriers}{more}")).map(|_| ()).unwrap_err()
}

#[test]
fn a_file_has_carriers_in_its_order_and_routes_by_prefix() {
    let config = read(
        r#"
        [carriers.z]
        transport = "smpp://z:${A_PASSWORD}@z.example.com:2775?password_limit=off"
        sender = "+420777000111"
        [carriers.b]
        transport = "${B_URL}"
        enabled = false

        [[routes]]
        prefix = ["+420", "421"]
        carriers = ["z", "b"]
        credits = 3
        sender = "numeric"
        max_throttled = 5

        [[routes]]
        carriers = "b"
        sender = {replace = "Bank"}
        "#,
    )
    .unwrap();

    let carriers: Vec<_> =
        config.carriers.iter().map(|one| (one.name.as_str(), one.transport.host(), one.is_on)).collect();
    assert_eq!(carriers, [("z", "z.example.com:2775".to_owned(), true), ("b", "b.example.com:2776".to_owned(), false)]);
    let routes = config.routes.list();
    let shown: Vec<_> = routes.iter().map(|(prefix, route)| (*prefix, route.credits, route.carriers.len())).collect();
    assert_eq!(shown, [("", 1, 1), ("420", 3, 2), ("421", 3, 2)]);
    assert_eq!(routes[0].1.sender, SenderRule::Replace("Bank".parse().unwrap()));
    assert_eq!((&routes[1].1.sender, routes[1].1.max_throttled.as_secs()), (&SenderRule::Numeric, 5));
    assert!(!format!("{config:?}").contains("s3cr3t"), "{config:?}");
}

#[test]
fn without_routes_every_number_goes_by_the_carriers_in_their_order() {
    let config = read(
        "[carriers.z]\ntransport = \"smpp://z:pw@z.example.com\"\n[carriers.a]\ntransport = \"smpp://a:pw@a.example.com\"",
    );
    let config = config.unwrap();
    let route = config.routes.find(&"+420777123456".parse().unwrap()).unwrap();
    let names: Vec<_> = route.carriers.iter().map(|name| name.as_str()).collect();
    assert_eq!((names, route.credits), (vec!["z", "a"], 1));
}

/// What is added to the file of [`problem`], and how the answer begins.
const MISTAKES: &[(&str, &str)] = &[
    (
        "enabeld = false",
        "line 5: the key \"enabeld\" is unknown; a carrier has transport, transport_file, preset, url, enabled and sender",
    ),
    (
        "[[routes]]\ncarriers = [\"a\"]\nprefx = \"1\"",
        "line 7: the key \"prefx\" is unknown; a route has prefix, carriers, credits, sender and max_throttled",
    ),
    ("[route]\n", "line 5: the key \"route\" is unknown; the file has carriers and routes"),
    ("[[routes]]\ncarriers = [\"a\",\n\"c\"]", "line 7: there is no carrier \"c\"; the file has a and b"),
    ("[[routes]]\ncarriers = [\"a\", \"a\"]", "line 6: the route names the carrier \"a\" twice"),
    ("[[routes]]\ncarriers = []", "line 6: carriers is an empty list"),
    ("[[routes]]\ncredits = 1", "line 5: the route names no carriers: write carriers = [\"NAME\"]"),
    (
        "[[routes]]\ncarriers = [\"a\"]\nprefix = \"44\"\n[[routes]]\ncarriers = [\"b\"]\nprefix = \"+44\"",
        "line 10: there is a route for +44 already, in line 7",
    ),
    (
        "[[routes]]\ncarriers = [\"a\"]\n[[routes]]\ncarriers = [\"b\"]\nprefix = \"\"",
        "line 9: there is a route for every number already, in line 5",
    ),
    (
        "[[routes]]\ncarriers = [\"a\"]\nprefix = \"00420\"",
        "line 7: \"00420\" is not how a phone number begins: write the country code first, as in +420",
    ),
    ("[[routes]]\ncarriers = [\"a\"]\nprefix = 420", "line 7: prefix has to be a text in quotes"),
    ("[[routes]]\ncarriers = [\"a\"]\nprefix = []", "line 7: prefix is an empty list"),
    (
        "[[routes]]\ncarriers = [\"a\"]\ncredits = 101",
        "line 7: credits is a whole number of credits a segment from 0 to 100",
    ),
    (
        "[[routes]]\ncarriers = [\"a\"]\ncredits = -1",
        "line 7: credits is a whole number of credits a segment from 0 to 100",
    ),
    (
        "[[routes]]\ncarriers = [\"a\"]\ncredits = 1.5",
        "line 7: credits is a whole number of credits a segment from 0 to 100",
    ),
    (
        "[[routes]]\ncarriers = [\"a\"]\nsender = \"number\"",
        "line 7: sender is \"as_is\", \"numeric\" or {replace = \"SENDER\"}",
    ),
    (
        "[[routes]]\ncarriers = [\"a\"]\nsender = {replce = \"Bank\"}",
        "line 7: the key \"replce\" is unknown; the rule for senders has replace",
    ),
    (
        "routes = []",
        "line 5: the key \"routes\" is unknown; a carrier has transport, transport_file, preset, url, enabled and sender",
    ),
    ("[carriers.a]\nenabled = true", "line 5: this name is there twice; a carrier or a key stands in one place"),
    (
        "sender = \"A name that is too long\"",
        "line 5: sender \"A name that is too long\": The name of a sender has at most 11 characters; this has 23.",
    ),
    (
        "[carriers.B]\ntransport = \"\"",
        "line 5: \"B\" is not the name of a carrier: use 1 to 32 lower-case letters, digits, - and _",
    ),
    (
        "[carriers.sandbox]\ntransport = \"\"",
        "line 5: sandbox is the name of the sandbox: give the carrier another one",
    ),
    (
        "[carriers.c]\nenabled = true",
        "line 5: the carrier c needs transport = \"smpp://…\", transport_file with such a URL, or preset or url",
    ),
    (
        "[carriers.c]\ntransport = \"smpp://c:${NOWHERE}@c.example.com\"",
        "line 6: transport: the environment variable NOWHERE is not set",
    ),
    (
        "[carriers.c]\ntransport = \"smpp://c:${EMPTY}@c.example.com\"",
        "line 6: transport: the environment variable EMPTY is empty",
    ),
    (
        "[carriers.c]\ntransport_file = \"/nowhere/c\"",
        "line 6: transport_file: the file /nowhere/c can't be read (entity not found)",
    ),
    (
        "[carriers.c]\ntransport = \"smpp://c:pw@c.example.com?windw=1\"",
        "line 6: transport: the SMPP URL has a parameter \"windw\" that Keyfob does not know",
    ),
    (
        "[carriers.c]\ntransport = \"sandbox\"",
        "line 6: transport: sandbox is no carrier; without --carriers every message is rehearsed",
    ),
    (
        "[carriers.c]\ntransport = \"http://c.example.com\"",
        "line 6: transport: it names no carrier; write smpp://USER:PASSWORD@HOST:PORT",
    ),
];

#[test]
fn a_mistake_is_said_with_its_line_and_with_what_is_known() {
    for (more, sentence) in MISTAKES {
        let found = problem(more);
        assert!(found.starts_with(sentence), "{more}: {found}");
    }
}

#[test]
fn a_carrier_over_http_is_described_in_its_table() {
    let config = read(
        r#"
        [carriers.t]
        preset = "telnyx"
        api_key = "${A_PASSWORD}"
        from = "+15551234567"
        sender = "+15557654321"
        [carriers.own]
        enabled = false
        url = "https://sms.example.com/send?to={{to}}&text={{text}}"
        "#,
    );
    let carriers = config.unwrap().carriers;
    assert!(carriers.iter().all(|carrier| matches!(carrier.transport, TransportConfig::Http(_))));
    assert_eq!(carriers.iter().map(|carrier| carrier.is_on).collect::<Vec<_>>(), [true, false]);
    let found = problem("[carriers.t]\npreset = \"telnyx\"\napi_kex = \"${A_PASSWORD}\"");
    assert!(found.starts_with("line 7: "), "{found}");
    assert!(found.contains("api_kex") && found.contains("api_key"), "{found}");
    let found = problem("[carriers.t]\npreset = \"telnyx\"\ntransport = \"smpp://a:pw@a.example.com\"");
    assert!(found.starts_with("line 7: "), "{found}");
}

#[test]
fn a_file_without_carriers_is_refused() {
    for (text, line) in [("", 1), ("[carriers]", 1), ("\n[[routes]]\ncarriers = [\"a\"]", 1)] {
        let sentence = "the file has no carrier: write [carriers.NAME] and below it transport = \"smpp://…\"";
        assert_eq!(read(text).unwrap_err(), format!("line {line}: {sentence}"), "{text}");
    }
}

#[test]
fn no_mistake_repeats_a_secret() {
    for text in [
        "[carriers.a]\ntransport = \"smpp://a:${A_PASSWORD}@a.example.com?window=none\"",
        "[carriers.a]\ntransport = \"smpp://a:${A_PASSWORD}@\"",
        "[carriers.a]\ntransport = \"smpp://a:s3cr3t@a.example.com",
        "[carriers.a]\ntransport = \"smpp://a:s3cr3t@a.example.com\" x",
        "[carriers.a]\ntransport = \"smpp://a:${s3cr3t@a.example.com\"",
        "[carriers.a]\ntransport = \"smpp://a:${s3cr3t@}a.example.com\"",
        "[carriers.a]\ntransport = \"s3cr3t\"",
    ] {
        let found = read(text).map(|_| ()).unwrap_err();
        assert!(!found.contains("s3cr3t"), "{found}");
    }
}
