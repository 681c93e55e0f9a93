//! What a leak report does, on the whole installation.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use serde::Deserialize;

use super::instance_page::{PATH, require_owner};
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::leak_report::LeakReportPolicy;
use crate::error::{Error, Result};
use crate::http::State;

/// What is chosen.
#[derive(Deserialize)]
pub struct LeakReportsForm {
    leak_reports: String,
}

/// The choices, with what each does.
pub(super) const CHOICES: [(LeakReportPolicy, &str); 3] = [
    (LeakReportPolicy::Mark, "Mark the key and show it to operators"),
    (LeakReportPolicy::Disable, "Mark the key and switch it off"),
    (LeakReportPolicy::Off, "Ignore reports"),
];

/// `POST /settings/instance/leak-reports`
pub async fn save_leak_reports(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    form: Form<LeakReportsForm>,
) -> Result<HttpResponse> {
    require_owner(&state, &who)?;
    let policy: LeakReportPolicy = form
        .leak_reports
        .parse()
        .map_err(|()| Error::Malformed("Write leak_reports=mark, disable or off.".to_owned()))?;
    who.change(&state, move |tx| policy.save(tx)).await?;
    tracing::info!(operator = %who.operator.id, policy = policy.as_str(), "the rule about leak reports was saved");
    session::leave_toast(&session, &Toast::success("Success. Rule about leak reports saved."))?;
    Ok(see_other(PATH))
}
