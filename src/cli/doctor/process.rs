//! The settings and the limits of the process.

use super::diagnosis::Diagnosis;
use crate::config::Config;
use crate::http::public_url::PublicUrl;

/// With fewer open files a few hundred clients fill the server: each takes two.
const FEW_FILES: u64 = 4_096;

pub(super) fn check(config: &Config, unknown: &[String]) -> Vec<Diagnosis> {
    let mut findings = vec![settings(config)];
    findings.extend(unknown_variables(unknown));
    findings.push(open_files());
    findings
}

/// The settings as they were read. Wrong ones end every command before this.
fn settings(config: &Config) -> Diagnosis {
    let public_url = config.public_url.as_ref().map_or("no public URL", PublicUrl::as_str);
    Diagnosis::fine("settings", format!("listens at {}, {public_url}, {}", config.listen, config.database_url))
}

fn unknown_variables(unknown: &[String]) -> Option<Diagnosis> {
    let names = unknown.join(", ");
    let advice = "correct the names; keyfob --help lists those that are known";
    (!unknown.is_empty()).then(|| Diagnosis::warning("environment", format!("Keyfob does not know {names}"), advice))
}

fn open_files() -> Diagnosis {
    const CHECK: &str = "open files";
    match rlimit::getrlimit(rlimit::Resource::NOFILE) {
        Ok((_, most)) if most < FEW_FILES => Diagnosis::warning(
            CHECK,
            format!("the process may have {most} files and connections open"),
            "raise the hard limit: ulimit -Hn, or LimitNOFILE= of the unit",
        ),
        Ok((_, rlimit::INFINITY)) => Diagnosis::fine(CHECK, "no limit"),
        Ok((_, most)) => Diagnosis::fine(CHECK, format!("up to {most}")),
        Err(error) => Diagnosis::skipped(CHECK, error.to_string()),
    }
}
