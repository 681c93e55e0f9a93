//! The settings and the limits of the process.

use super::diagnosis::Diagnosis;
use crate::audit_log;
use crate::config::Config;
use crate::http::public_url::PublicUrl;

/// With fewer open files a few hundred clients fill the server: each takes two.
const FEW_FILES: u64 = 4_096;

pub(super) fn check(config: &Result<Config, Vec<String>>, unknown: &[String]) -> Vec<Diagnosis> {
    let mut findings = settings(config.as_ref().map_err(Vec::as_slice));
    findings.extend(unknown_variables(unknown));
    findings.extend(config.as_ref().ok().and_then(audit_log));
    findings.push(open_files());
    findings
}

/// The settings as they were read, or each that could not be.
fn settings(config: Result<&Config, &[String]>) -> Vec<Diagnosis> {
    const CHECK: &str = "settings";
    match config {
        Ok(config) => {
            let public_url = config.public_url.as_ref().map_or("no public URL", PublicUrl::as_str);
            let told = format!("listens at {}, {public_url}, {}", config.listen, config.database_url);
            vec![Diagnosis::fine(CHECK, told)]
        }
        Err(problems) => problems.iter().map(|problem| Diagnosis::failure(CHECK, problem, None)).collect(),
    }
}

fn audit_log(config: &Config) -> Option<Diagnosis> {
    const CHECK: &str = "audit log";
    let target = config.audit_log.as_ref()?;
    Some(match audit_log::probe(target) {
        Ok(()) => Diagnosis::fine(CHECK, format!("{target} can be written")),
        Err(problem) => Diagnosis::failure(
            CHECK,
            problem,
            Some("name a file in a folder that Keyfob's user can write, with --audit-log"),
        ),
    })
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
