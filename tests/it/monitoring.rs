//! Monitoring as `deploy/` and `docs/monitoring.md` have it: held against a real Keyfob that a
//! real Prometheus reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    Application, CarrierPeer, Client, Database, EMAIL, PASSWORD, PeerAnswer, Process, Prometheus, keyfob, promtool,
};

const RULES: &str = "deploy/prometheus/keyfob.rules.yml";
const DASHBOARD: &str = include_str!("../../deploy/grafana/keyfob.json");
const DOCUMENTATION: &str = include_str!("../../docs/monitoring.md");

/// A server of which everything was asked that is counted.
struct Busy {
    _process: Process,
    _carrier: CarrierPeer,
    /// Where its metrics are.
    address: String,
}

impl Busy {
    fn on(db: &Database) -> Self {
        let carrier = CarrierPeer::start(|submit| match &submit.to[submit.to.len() - 1..] {
            "1" => PeerAnswer::Refuse(0x0b),
            _ => PeerAnswer::Deliver("stat:DELIVRD err:000"),
        });
        let secret = db.app().make_key("Project X").secret;
        let arguments = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--database-url", &db.url()];
        let mut process = Process::spawn(keyfob(&arguments).args(["--sms-transport", &carrier.url("")]));
        let client = process.client();
        let url = process.wait_for("Metrics");
        let address = url.trim_start_matches("http://").trim_end_matches("/metrics").to_owned();

        for key in [&*secret, "mistyped"] {
            client.post_json("/v1/keys/verify", json!({"key": key}).to_string()).assert_ok();
        }
        let application = Application { client: client.with("x-api-key", &secret) };
        for phone in ["+420777000001", "+420777000002"] {
            application.wait_for_end(&application.sent(phone, "Hello"));
        }
        client.post("/login", &[("email", EMAIL), ("password", "a wrong password")]).assert_status(401);
        client.log_in(EMAIL, PASSWORD);
        client.get("/api-keys").assert_ok();
        Self { _process: process, _carrier: carrier, address }
    }

    fn metrics(&self) -> String {
        Client::new(&format!("http://{}", self.address)).get("/metrics").assert_ok().body
    }
}

/// The metrics that a text names.
fn named_metrics(text: &str) -> BTreeSet<String> {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c| !is_of_name(c));
    words.filter(|word| word.starts_with("keyfob_") || word.starts_with("process_")).map(str::to_owned).collect()
}

/// The panels of the dashboard that show something.
fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row").cloned().collect()
}

/// An expression as Grafana sends it.
fn filled_in(expression: &Value) -> String {
    expression.as_str().unwrap().replace("$__rate_interval", "1m").replace("$instance", ".+")
}

#[test]
fn every_panel_shows_something_and_no_alert_fires_while_all_is_well() {
    let db = Database::sqlite();
    let busy = Busy::on(&db);
    let prometheus = Prometheus::reading(&busy.address);
    // A rate needs two readings.
    prometheus.wait_for("count_over_time(keyfob_carrier_messages_total{status=\"failed\"}[5m]) > 1");
    prometheus.wait_for("count_over_time(up{job=\"keyfob\"}[5m]) > 1");

    for panel in panels() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = filled_in(&target["expr"]);
            prometheus.wait_for(&expression);
        }
    }
    let read = prometheus.metric_names();
    for rule in prometheus.alert_rules() {
        let name = &rule["name"];
        assert_eq!((&rule["health"], &rule["state"]), (&json!("ok"), &json!("inactive")), "{rule}");
        assert!(rule["duration"].as_f64().unwrap() > 0.0, "{name} has no `for`");
        assert!(["critical", "warning"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        assert!(!rule["annotations"]["summary"].as_str().unwrap().is_empty(), "{name}");
        assert!(rule["annotations"]["description"].as_str().unwrap().contains("What to do: "), "{name}");
        for metric in named_metrics(rule["query"].as_str().unwrap()) {
            assert!(read.contains(&metric), "{name} asks for {metric}, which there is not");
        }
    }
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        prometheus.query(&filled_in(&annotation["expr"]));
    }
}

#[test]
fn every_metric_is_named_as_is_usual_and_described() {
    let text = Busy::on(&Database::sqlite()).metrics();

    promtool(&["check", "metrics"], &text);
    let told: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let rows = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| `"));
    let described: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(described, told, "docs/monitoring.md and /metrics");
    for secret in ["+420777", "Project X", EMAIL, "Hello", "/api-keys"] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
}

#[test]
fn alerts_fire_when_they_should_and_not_otherwise() {
    promtool(&["check", "rules", RULES], "");
    promtool(&["check", "config", "deploy/prometheus/prometheus.yml"], "");
    promtool(&["test", "rules", "tests/prometheus/alerts.yml"], "");
}

#[test]
fn the_dashboard_can_be_imported_anywhere_and_no_panel_lies_over_another() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert!(dashboard["schemaVersion"].as_i64().unwrap() >= 39);
    assert!(!DASHBOARD.contains("://"), "it loads from elsewhere");
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = &panel["title"];
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "the id of {title} is taken");
        let [x, y, width, height] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_i64().unwrap());
        assert!(x + width <= 24, "{title} is too wide");
        for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{title} lies over another panel");
        }
    }
    for panel in panels() {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{panel}");
    }
}
