//! TLS to PostgreSQL: who is trusted, and what is said when somebody is not.

use std::path::Path;

use keyfob::clock::Clock;
use keyfob::store::Store;

use crate::support::{App, Authority, Certificate, Database, Process, TlsFront, Tunnel, keyfob, run, time_until};

/// A server and its database behind it.
struct Scene {
    db: Database,
    address: String,
}

impl Scene {
    fn set() -> Self {
        let db = Database::postgres();
        let url = db.url();
        let address = url.split(['@', '/']).find(|part| part.contains(':') && !part.ends_with(':')).unwrap().to_owned();
        Self { db, address }
    }

    fn url(&self, port: u16, parameters: &str) -> String {
        let url = self.db.url();
        let (_, name) = url.rsplit_once('/').unwrap();
        format!("postgres://postgres:hunter2@localhost:{port}/{name}?{parameters}")
    }

    /// Opens the database at `front`.
    fn open(&self, front: &TlsFront, parameters: &str) -> Result<(), String> {
        Store::open(&self.url(front.port, parameters).parse()?).map(drop)
    }

    /// With a front of its own: connections of an earlier store may come late.
    #[track_caller]
    fn assert_encrypted(&self, certificate: &Certificate, parameters: &str) {
        let front = TlsFront::showing(certificate, &self.address);
        self.open(&front, parameters).unwrap();
        assert!(front.encrypted() > 0, "{parameters} is not encrypted");
    }

    #[track_caller]
    fn assert_plain(&self, front: &TlsFront, parameters: &str) {
        self.open(front, parameters).unwrap();
        assert_eq!(front.encrypted(), 0, "{parameters} is encrypted");
    }

    #[track_caller]
    fn assert_refused(&self, front: &TlsFront, parameters: &str, sentence: &str) {
        let refused = self.open(front, parameters).unwrap_err();
        assert!(refused.contains(sentence), "{parameters}: {refused}");
        assert!(!refused.contains("hunter2") && !refused.contains("@keyfob"), "{refused}");
    }
}

fn trusting(mode: &str, file: &Path) -> String {
    format!("sslmode={mode}&sslrootcert={}", file.display())
}

#[test]
fn a_certificate_for_the_host_by_a_trusted_authority_is_good_for_every_mode() {
    let (scene, authority) = (Scene::set(), Authority::new());
    let certificate = authority.sign("localhost");

    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        scene.assert_encrypted(&certificate, &trusting(mode, &authority.path()));
    }
    scene.assert_encrypted(&certificate, "");
    scene.assert_encrypted(&certificate, "sslmode=require");
    let front = TlsFront::showing(&certificate, &scene.address);
    scene.assert_plain(&front, "sslmode=disable");
    scene.assert_plain(&front, "sslmode=allow");
    scene.assert_refused(&front, "sslrootcert=system", "is signed by none of the public authorities");
    let refused = Store::open(&scene.url(front.port, "sslmode=require&dbname=nowhere").parse().unwrap()).err().unwrap();
    assert!(refused.contains(&format!("server at \"localhost\" (127.0.0.1), port {}", front.port)), "{refused}");
}

#[test]
fn a_certificate_for_another_host_is_refused_where_the_name_is_checked() {
    let (scene, authority) = (Scene::set(), Authority::new());
    let certificate = authority.sign("other.example.com");

    scene.assert_encrypted(&certificate, "sslmode=require");
    scene.assert_encrypted(&certificate, &trusting("verify-ca", &authority.path()));
    let front = TlsFront::showing(&certificate, &scene.address);
    let sentence = "the certificate of localhost is for other.example.com";
    scene.assert_refused(&front, &trusting("verify-full", &authority.path()), sentence);
}

#[test]
fn a_certificate_by_another_authority_is_refused_wherever_one_is_named() {
    let (scene, authority, other) = (Scene::set(), Authority::new(), Authority::new());
    let certificate = other.sign("localhost");

    scene.assert_encrypted(&certificate, "sslmode=require");
    let front = TlsFront::showing(&certificate, &scene.address);
    let sentence =
        format!("the certificate of localhost is signed by an authority that is not in {}", authority.path().display());
    for mode in ["require", "verify-ca", "verify-full"] {
        scene.assert_refused(&front, &trusting(mode, &authority.path()), &sentence);
    }
}

#[test]
fn a_certificate_that_has_expired_is_refused_wherever_it_is_checked() {
    let (scene, authority) = (Scene::set(), Authority::new());
    let certificate = authority.sign_until("localhost", 2020);

    scene.assert_encrypted(&certificate, "sslmode=require");
    let front = TlsFront::showing(&certificate, &scene.address);
    let sentence = "the certificate of localhost has expired";
    scene.assert_refused(&front, &trusting("verify-ca", &authority.path()), sentence);
}

#[test]
fn a_certificate_that_signs_itself_is_good_for_whoever_names_that_very_one() {
    let scene = Scene::set();
    for make in [Certificate::of, Certificate::of_openssl] {
        let (certificate, other) = (make("localhost"), make("localhost"));
        let front = TlsFront::showing(&certificate, &scene.address);

        scene.assert_encrypted(&certificate, &trusting("verify-full", &certificate.path()));
        assert!(scene.open(&front, &trusting("verify-full", &other.path())).is_err());
        let elsewhere = TlsFront::showing(&make("other.example.com"), &scene.address);
        assert!(scene.open(&elsewhere, &trusting("verify-full", &certificate.path())).is_err());
    }
}

#[test]
fn a_server_without_tls_is_refused_unless_the_url_says_that_it_may_be_one() {
    let scene = Scene::set();
    let front = TlsFront::without_tls(&scene.address);

    scene.assert_plain(&front, "");
    scene.assert_plain(&front, "sslmode=prefer");
    let sentence = "localhost does not offer TLS, and sslmode=require asks for it";
    scene.assert_refused(&front, "sslmode=require", sentence);
    scene.assert_refused(&front, "sslrootcert=system", "sslmode=verify-full asks for it");
}

#[test]
fn a_server_that_falls_silent_in_the_handshake_is_given_up() {
    let (scene, front) = (Scene::set(), TlsFront::silent());

    for parameters in ["sslmode=require&connect_timeout=1", "sslmode=prefer"] {
        scene.assert_refused(&front, parameters, "timeout expired");
    }
}

#[test]
fn files_that_can_not_be_used_are_told() {
    let (scene, front) = (Scene::set(), TlsFront::silent());
    let empty = tempfile::NamedTempFile::new().unwrap();

    scene.assert_refused(&front, &trusting("verify-ca", Path::new("/nowhere/ca.pem")), "/nowhere/ca.pem");
    scene.assert_refused(&front, &trusting("verify-ca", empty.path()), "has no certificate in it");
}

#[test]
fn a_connection_that_is_cut_is_a_lost_one_and_the_next_one_is_encrypted_again() {
    let (scene, authority) = (Scene::set(), Authority::new());
    let front = TlsFront::showing(&authority.sign("localhost"), &scene.address);
    let tunnel = Tunnel::to(&format!("127.0.0.1:{}", front.port));
    let url = scene.url(tunnel.port, &trusting("verify-full", &authority.path()));
    let app = App::start_set(&scene.db, |config| config.database_url = url.parse().unwrap(), Clock::System);
    let app = app.with_operator();
    let key = app.make_key("Project X");
    app.assert_verdict(&key.secret, "VALID");

    tunnel.cut();
    time_until(&app.url, &key.secret, "UNAVAILABLE");
    tunnel.open();
    time_until(&app.url, &key.secret, "VALID");
    tunnel.fall_silent();
    time_until(&app.url, &key.secret, "UNAVAILABLE");
    tunnel.open();
    time_until(&app.url, &key.secret, "VALID");
}

#[test]
fn the_log_says_at_the_start_whether_the_connection_is_encrypted() {
    let (scene, authority) = (Scene::set(), Authority::new());
    let front = TlsFront::showing(&authority.sign("localhost"), &scene.address);
    let log = |parameters: &str| {
        let url = scene.url(front.port, parameters);
        let mut process = Process::spawn(&mut keyfob(&["--listen", "127.0.0.1:0", "--database-url", &url]));
        process.wait_for("Open");
        process.signal("TERM");
        process.end().assert_success().stderr
    };

    let checked = log(&trusting("verify-full", &authority.path()));
    assert!(checked.contains("localhost is encrypted; its certificate and name are checked"), "{checked}");
    let unchecked = log("sslmode=require");
    assert!(unchecked.contains("localhost is encrypted; its certificate is not checked"), "{unchecked}");
    let plain = log("sslmode=disable");
    assert!(plain.contains("localhost is not encrypted, and stays on this machine"), "{plain}");
}

#[test]
fn what_keyfob_can_not_do_is_refused_at_the_start() {
    let refused = |parameters: &str, sentence: &str| {
        let url = format!("postgres://me:hunter2@db.example.com/keyfob?{parameters}");
        let ended = run(&["--listen", "127.0.0.1:0", "--database-url", &url], "");
        let ended = ended.assert_says(sentence).assert_one_sentence();
        assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
    };

    refused("sslmode=verify-full", "add sslrootcert=FILE");
    refused("sslmode=require&channel_binding=require", "channel_binding=require, which Keyfob does not do");
}
