//! A real Prometheus, with the files of `deploy/prometheus`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Client, free_address};

/// How long it may take to start, and to read something.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Prometheus {
    process: Child,
    client: Client,
    folder: TempDir,
}

impl Prometheus {
    /// Reads the metrics at `address` as `deploy/prometheus/prometheus.yml` says, only more often.
    #[track_caller]
    pub fn reading(address: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/keyfob.rules.yml");
        let config = include_str!("../../../deploy/prometheus/prometheus.yml");
        let examples: [(&str, &str); 4] = [
            ("scrape_interval: 15s", "scrape_interval: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ("- keyfob.rules.yml", &format!("- {}", rules.display())),
            ("[\"127.0.0.1:9464\"]", &format!("[{address:?}]")),
        ];
        let config = examples.iter().fold(config.to_owned(), |text, (example, real)| {
            assert_eq!(text.matches(example).count(), 1, "{example} in {text}");
            text.replace(example, real)
        });
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let own = free_address();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={own}"))
            .arg("--log.level=warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("prometheus: {error}; run the tests with ./tests/run, which installs it"));
        let mut prometheus = Self { process, client: Client::new(&format!("http://{own}")), folder };
        let began = Instant::now();
        while !prometheus.client.try_send("GET", "/-/ready", None).is_ok_and(|answer| answer.status == 200) {
            let ended = prometheus.process.try_wait().unwrap();
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "{}", prometheus.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        prometheus
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What an expression gives now: one value for each series.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.client.post("/api/v1/query", &[("query", expression)]);
        assert_eq!(answer.status, 200, "{expression}: {}", answer.body);
        let data = answer.json()["data"].clone();
        match data["resultType"].as_str() {
            Some("vector") => data["result"].as_array().unwrap().clone(),
            _ => vec![data["result"].clone()],
        }
    }

    /// Waits until an expression gives something.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) {
        let began = Instant::now();
        while self.query(expression).is_empty() {
            assert!(began.elapsed() < PATIENCE, "nothing for {expression}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The alert rules, once each of them was evaluated.
    #[track_caller]
    pub fn alert_rules(&self) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let groups = self.client.get("/api/v1/rules?type=alert").assert_ok().json()["data"]["groups"].clone();
            let groups = groups.as_array().unwrap().iter();
            let rules: Vec<Value> = groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect();
            if !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown") {
                return rules;
            }
            assert!(began.elapsed() < PATIENCE, "{rules:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The names of all metrics that it has read.
    pub fn metric_names(&self) -> BTreeSet<String> {
        let names = self.client.get("/api/v1/label/__name__/values").assert_ok().json()["data"].clone();
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs `promtool`, which comes with Prometheus, from the project's folder. It must find nothing.
#[track_caller]
pub fn promtool(arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let [said, complaints] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success() && complaints.is_empty(), "{command:?}\n{said}\n{complaints}");
}
