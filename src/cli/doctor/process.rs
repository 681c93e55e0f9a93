//! The settings and the limits of the process.

use clap::CommandFactory;

use super::finding::Finding;
use crate::config::Config;
use crate::environment;
use crate::http::public_url::PublicUrl;

/// With fewer open files a few hundred clients fill the server: each takes two.
const FEW_FILES: u64 = 4_096;

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![settings(config)];
    findings.extend(unknown_variables());
    findings.push(open_files());
    findings
}

/// The settings that were understood. That they were is why this runs.
fn settings(config: &Config) -> Finding {
    let public_url = config.public_url.as_ref().map_or("no public URL", PublicUrl::as_str);
    Finding::fine("settings", format!("listens at {}, {public_url}, {}", config.listen, config.database_url))
}

fn unknown_variables() -> Option<Finding> {
    let unknown = environment::unknown_variables(&crate::cli::Cli::command());
    let names = unknown.join(", ");
    let advice = "correct the names; keyfob --help lists those that are known";
    (!unknown.is_empty()).then(|| Finding::warning("environment", format!("Keyfob does not know {names}"), advice))
}

fn open_files() -> Finding {
    const CHECK: &str = "open files";
    match rlimit::getrlimit(rlimit::Resource::NOFILE) {
        Ok((_, most)) if most < FEW_FILES => Finding::warning(
            CHECK,
            format!("the process may have {most} files and connections open"),
            "raise the hard limit: ulimit -Hn, or LimitNOFILE= of the unit",
        ),
        Ok((_, rlimit::INFINITY)) => Finding::fine(CHECK, "no limit"),
        Ok((_, most)) => Finding::fine(CHECK, format!("up to {most}")),
        Err(error) => Finding::skipped(CHECK, error.to_string()),
    }
}
