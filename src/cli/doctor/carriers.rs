//! The carriers of messages.

use super::diagnosis::Diagnosis;
use crate::config::Config;
use crate::sms::transport::ProbeDepth;

const CHECK: &str = "carrier";

/// While a server runs, it has the carrier's only session.
pub(super) async fn check(config: &Config, is_running: bool) -> Vec<Diagnosis> {
    let carriers = config.all_carriers().carriers;
    if carriers.is_empty() {
        return vec![Diagnosis::skipped(CHECK, "there is none: SMS go to the sandbox, and no phone gets them")];
    }
    let depth = if is_running { ProbeDepth::Connect } else { ProbeDepth::LogIn };
    let mut findings = Vec::new();
    for carrier in &carriers {
        let name = &carrier.name;
        findings.push(if carrier.is_on {
            match carrier.transport.probe(depth).await {
                Ok(detail) => Diagnosis::fine(CHECK, format!("{name}: {detail}")),
                Err(problem) => Diagnosis::failure(
                    CHECK,
                    format!("{name}: {problem}"),
                    Some("mend its settings (--sms-transport or --carriers), or the network between"),
                ),
            }
        } else {
            Diagnosis::skipped(CHECK, format!("{name} is switched off"))
        });
    }
    findings
}
