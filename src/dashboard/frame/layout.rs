//! What pages have in common: how they are drawn, and the frame around them.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderValue, LOCATION, RETRY_AFTER, VARY};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::session::{self, SignedIn};
use super::toast::Toast;
use crate::domain::account::{Access, Permission};
use crate::error::{Error, Result};
use crate::store::UtcTime;

/// Draws a page or a fragment.
///
/// # Errors
/// [`Error::Internal`] when the template fails.
pub fn html(status: StatusCode, template: &impl Template) -> Result<HttpResponse> {
    respond(HttpResponse::build(status), template)
}

/// Draws a page or a fragment into a response that has headers already.
///
/// # Errors
/// [`Error::Internal`] when the template fails.
pub fn respond(mut response: HttpResponseBuilder, template: &impl Template) -> Result<HttpResponse> {
    let body = template.render().map_err(Error::internal)?;
    Ok(response.content_type(ContentType::html()).insert_header((VARY, "HX-Request-Type")).body(body))
}

/// Leads to another page after a form was sent: the browser GETs it.
#[must_use]
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// Says when the same request may work, where that is known (RFC 9110 §10.2.3).
#[must_use]
pub fn come_back_after(seconds: Option<u64>, mut response: HttpResponse) -> HttpResponse {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The frame around a dashboard page.
pub struct Shell {
    /// Who is logged in.
    pub operator_name: String,
    /// Who is logged in.
    pub operator_email: String,
    /// What they may do: pages draw nothing that would be refused.
    pub access: Access,
    /// The entry of the sidebar that is open.
    pub section: &'static str,
    /// Messages to show.
    pub toasts: Vec<Toast>,
}

impl Shell {
    /// The frame for the operator who is logged in, with the toast that the last request left.
    #[must_use]
    pub fn new(section: &'static str, who: &SignedIn, session: &Session) -> Self {
        Self {
            operator_name: who.operator.name.clone(),
            operator_email: who.operator.email.clone(),
            access: who.access,
            section,
            toasts: session::take_toast(session).into_iter().collect(),
        }
    }

    /// Whether keys and messages can be more than looked at.
    #[must_use]
    pub const fn manages_keys(&self) -> bool {
        self.access.allows(Permission::ManageKeys)
    }

    /// Whether credits can be added.
    #[must_use]
    pub const fn manages_credits(&self) -> bool {
        self.access.allows(Permission::ManageCredits)
    }

    /// Whether services and their scopes can be more than looked at.
    #[must_use]
    pub const fn manages_services(&self) -> bool {
        self.access.allows(Permission::ManageServices)
    }

    /// Whether the settings of the installation can be seen and changed.
    #[must_use]
    pub const fn manages_installation(&self) -> bool {
        self.access.allows(Permission::ManageInstallation)
    }
}

/// A time as pages show it; scripts turn it into the reader's own time zone.
#[derive(Debug, Clone)]
pub struct When {
    /// RFC 3339, to the second.
    pub iso: String,
    /// For people, in UTC.
    pub text: String,
    /// The same to the second, for where only how long ago is shown.
    pub exact: String,
}

impl From<UtcTime> for When {
    fn from(time: UtcTime) -> Self {
        let time = time.to_datetime().truncate_to_second();
        let people = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC");
        let exact = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC");
        Self {
            iso: time.format(&Rfc3339).unwrap_or_default(),
            text: time.format(&people).unwrap_or_default(),
            exact: time.format(&exact).unwrap_or_default(),
        }
    }
}
