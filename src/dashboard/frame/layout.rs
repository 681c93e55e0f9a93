//! What pages have in common: how they are drawn, and the frame around them.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderValue, LOCATION, RETRY_AFTER, VARY};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

use super::addresses;
use super::login_notice::LoginNoticeView;
use super::session::{self, SignedIn};
use super::toast::Toast;
pub use super::when::When;
use crate::domain::account::{Access, Permission};
use crate::error::{Error, Result};

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
    let body = addresses::placed(template.render().map_err(Error::internal)?);
    Ok(response.content_type(ContentType::html()).insert_header((VARY, "HX-Request-Type")).body(body))
}

/// Leads to another page after a form was sent: the browser GETs it. The path is one of the
/// routes; a base path is put in front of it on the way out.
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
    /// The name that was given to the installation.
    pub installation: Option<String>,
    /// What they may do: pages draw nothing that would be refused.
    pub access: Access,
    /// The entry of the sidebar that is open.
    pub section: &'static str,
    /// Messages to show.
    pub toasts: Vec<Toast>,
    /// Logins from new addresses to tell of.
    pub login_notices: Vec<LoginNoticeView>,
}

impl Shell {
    /// The frame for the operator who is logged in, with the toast that the last request left
    /// and the notices that no page has shown yet.
    #[must_use]
    pub fn new(section: &'static str, who: &SignedIn, session: &Session) -> Self {
        Self {
            operator_name: who.operator.name.clone(),
            operator_email: who.operator.email.clone(),
            installation: who.installation.clone(),
            access: who.access,
            section,
            toasts: session::take_toast(session).into_iter().collect(),
            login_notices: session::take_login_notices(session)
                .into_iter()
                .map(|notice| LoginNoticeView::new(notice, who.read_at))
                .collect(),
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

    /// Whether the carriers can be seen.
    #[must_use]
    pub const fn views_carriers(&self) -> bool {
        self.access.allows(Permission::ViewCarriers)
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
