//! `keyfob doctor`: looks at the settings and at everything that Keyfob depends on, changes no
//! data, and says what to mend.

mod carriers;
mod database;
mod diagnosis;
mod disk;
mod process;
mod public_url;
mod server;

use std::process::ExitCode;

use super::on_database::print;
use crate::config::Config;
use crate::error::Error;
use diagnosis::{Diagnosis, Severity};

/// Runs every check, with the variables that nobody knows, and prints what was found: sentences, or one JSON object on each line.
/// Wrong settings, one sentence for each, are findings too; nothing else can be checked with them.
/// The exit code is 0 if all is well, 1 after warnings and 2 if something does not work.
///
/// # Errors
/// When standard output can't be written.
pub(super) async fn examine(
    config: Result<Config, Vec<String>>,
    unknown: &[String],
    json: bool,
) -> Result<ExitCode, Error> {
    let mut findings = process::check(&config, unknown);
    findings.extend(match &config {
        Ok(config) => surroundings(config).await?,
        Err(_) => vec![Diagnosis::skipped("database", "nothing else was checked: the settings have to be right first")],
    });
    let lines: Vec<String> = findings.iter().map(|finding| finding.line(json)).collect();
    print(&(lines.join("\n") + "\n"))?;
    let worst = findings.iter().map(|finding| finding.outcome).max().unwrap_or(Severity::Fine);
    if !json {
        print(&format!("\n{}\n", conclusion(&findings)))?;
    }
    Ok(match worst {
        Severity::Fine | Severity::Skipped => ExitCode::SUCCESS,
        Severity::Warning => ExitCode::from(1),
        Severity::Failure => ExitCode::from(2),
    })
}

/// What Keyfob works with.
async fn surroundings(config: &Config) -> Result<Vec<Diagnosis>, Error> {
    let mut findings = database::check(config).await?;
    let (server, is_running) = server::check(config).await?;
    findings.extend(server);
    findings.extend(carriers::check(config, is_running).await);
    Ok(findings)
}

fn conclusion(findings: &[Diagnosis]) -> String {
    let number = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    match (number(Severity::Failure), number(Severity::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (0, warnings) => format!("Works, with {} to look at.", crate::format::count(warnings as i64, "warning")),
        (failures, _) => format!("{} to mend.", crate::format::count(failures as i64, "failure")),
    }
}
