//! What a check found.

use serde::Serialize;

/// How bad it is, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    #[serde(rename = "ok")]
    Fine,
    /// It could not be checked, or there is nothing to check.
    Skipped,
    Warning,
    Failure,
}

/// The result of one check. Nothing in it is secret.
#[derive(Debug, Serialize)]
pub(super) struct Diagnosis {
    check: &'static str,
    pub(super) outcome: Severity,
    /// What was found, as a sentence without a full stop.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Diagnosis {
    pub(super) fn fine(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, outcome: Severity::Fine, detail: detail.into(), advice: None }
    }

    pub(super) fn skipped(check: &'static str, detail: impl Into<String>) -> Self {
        Self { outcome: Severity::Skipped, ..Self::fine(check, detail) }
    }

    pub(super) fn warning(check: &'static str, detail: impl Into<String>, advice: &str) -> Self {
        Self { outcome: Severity::Warning, advice: Some(advice.to_owned()), ..Self::fine(check, detail) }
    }

    /// What does not work. The detail may say itself what to change.
    pub(super) fn failure(check: &'static str, detail: impl Into<String>, advice: Option<&str>) -> Self {
        Self { outcome: Severity::Failure, advice: advice.map(str::to_owned), ..Self::fine(check, detail) }
    }

    /// One line for a program, or one with a second one of advice for people.
    pub(super) fn line(&self, json: bool) -> String {
        if json {
            return serde_json::to_string(self).unwrap_or_default();
        }
        let mark = match self.outcome {
            Severity::Fine => "ok     ",
            Severity::Skipped => "skipped",
            Severity::Warning => "WARNING",
            Severity::Failure => "FAILURE",
        };
        let advice = self.advice.as_ref().map(|advice| format!("\n         {advice}")).unwrap_or_default();
        format!("{mark}  {}: {}{advice}", self.check, self.detail)
    }
}
