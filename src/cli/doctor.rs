//! `keyfob doctor`: looks at the settings and at everything that Keyfob depends on, changes
//! nothing, and says what to mend.

mod carriers;
mod database;
mod disk;
mod finding;
mod process;
mod server;

use std::process::ExitCode;

use super::on_database::print;
use crate::config::Config;
use crate::error::Error;
use finding::{Finding, Outcome};

/// Runs every check and prints what was found: sentences, or one JSON object on each line.
/// The exit code is 0 if all is well, 1 after warnings and 2 if something does not work.
///
/// # Errors
/// When standard output can't be written.
pub(super) async fn examine(config: &Config, json: bool) -> Result<ExitCode, Error> {
    let mut findings = process::check(config);
    findings.extend(database::check(config).await?);
    let (server, is_running) = server::check(config).await?;
    findings.extend(server);
    findings.extend(carriers::check(config, is_running).await);
    let lines: Vec<String> = findings.iter().map(|finding| finding.line(json)).collect();
    print(&(lines.join("\n") + "\n"))?;
    let worst = findings.iter().map(|finding| finding.outcome).max().unwrap_or(Outcome::Fine);
    if !json {
        print(&format!("\n{}\n", conclusion(&findings)))?;
    }
    Ok(match worst {
        Outcome::Fine | Outcome::Skipped => ExitCode::SUCCESS,
        Outcome::Warning => ExitCode::from(1),
        Outcome::Failure => ExitCode::from(2),
    })
}

fn conclusion(findings: &[Finding]) -> String {
    let number = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    match (number(Outcome::Failure), number(Outcome::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (0, warnings) => format!("Works, with {} to look at.", crate::format::count(warnings as i64, "warning")),
        (failures, _) => format!("{} to mend.", crate::format::count(failures as i64, "failure")),
    }
}
