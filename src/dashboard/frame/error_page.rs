//! One error, three faces: a page for a browser, a fragment for htmx, problem
//! details (RFC 9457) under `/v1`. Every response of 400 and above is drawn
//! here, the HTTP library's own ones too; causes go to the log and nowhere else.

use actix_session::storage::{SaveError, UpdateError};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, REFERER, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse};
use askama::Template;

use crate::http::error_description::ErrorView;
use crate::http::problem::problem;

use super::htmx::{self, Htmx};
use super::layout::{html, see_other};
use super::next_path::NextPath;
use super::toast::Toast;
use crate::error::Error;
use crate::http::request_id::RequestId;
use crate::store::log_outage_cause;

/// Who is to read the error, learnt from the request before it is passed on.
struct Reader {
    path: String,
    path_and_query: String,
    is_get: bool,
    htmx: Htmx,
    referer: String,
    request_id: String,
}

impl Reader {
    fn of(request: &ServiceRequest) -> Self {
        let referer = request.headers().get(REFERER).and_then(|value| value.to_str().ok());
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        Self {
            path: request.path().to_owned(),
            path_and_query: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            is_get: request.method() == Method::GET,
            htmx: Htmx::of(request.headers()),
            referer: referer.unwrap_or_default().to_owned(),
            request_id: id.unwrap_or_default(),
        }
    }

    fn draw(&self, view: ErrorView) -> HttpResponse {
        let status = view.status;
        let retry_after = view.retry_after;
        let drawn = if is_for_programs(&self.path) {
            Ok(problem(&view, &self.request_id))
        } else if view.needs_fresh_login {
            Ok(self.ask_to_confirm())
        } else if let Htmx::Part { source, current_url } = &self.htmx {
            fragment(&view, source, current_url)
        } else if status == StatusCode::UNAUTHORIZED {
            Ok(see_other(&self.login_url()))
        } else {
            self.page(view)
        };
        let mut response = drawn.unwrap_or_else(|_| HttpResponse::new(status));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// Leads to the page that asks for the password again, and from there back.
    fn ask_to_confirm(&self) -> HttpResponse {
        match &self.htmx {
            Htmx::Part { current_url, .. } => {
                let url = NextPath::from_url(current_url).confirmation_url();
                HttpResponse::Forbidden().insert_header((htmx::REDIRECT, url)).finish()
            }
            Htmx::No => see_other(&self.after_login().confirmation_url()),
        }
    }

    /// Where to log in. A browser that comes straight from a login has not sent back
    /// the cookie of its new session, which the page then says.
    fn login_url(&self) -> String {
        let url = self.after_login().login_url();
        let from = NextPath::from_url(&self.referer);
        let from = from.as_str().split('?').next().unwrap_or_default();
        let separator = if url.contains('?') { '&' } else { '?' };
        let is_lost = self.is_get && matches!(from, "/login" | "/setup");
        if is_lost { format!("{url}{separator}cookie_lost") } else { url }
    }

    fn after_login(&self) -> NextPath {
        if self.is_get { NextPath::parse(&self.path_and_query) } else { NextPath::from_url(&self.referer) }
    }

    fn page(&self, view: ErrorView) -> crate::error::Result<HttpResponse> {
        let page = ErrorPage {
            status: view.status.as_u16(),
            title: view.title.to_owned(),
            message: view.detail,
            request_id: self.request_id.clone(),
            back: Some(("/api-keys".to_owned(), "Go to API Keys".to_owned())),
        };
        html(view.status, &page)
    }
}

fn is_for_programs(path: &str) -> bool {
    path.starts_with("/v1/") || matches!(path, "/healthz" | "/readyz" | "/openapi.json")
}

/// In a form: a message above its fields, which stay as they are. Elsewhere:
/// the way to the login, or a toast.
fn fragment(view: &ErrorView, source: &str, current_url: &str) -> crate::error::Result<HttpResponse> {
    let login = view.status == StatusCode::UNAUTHORIZED;
    let form = source.strip_prefix("form#").filter(|id| id.ends_with("-form"));
    let (target, swap, mut response) = match form {
        Some(id) => {
            let button = if id == "message-form" { "Send" } else { "Create" };
            let alert = FormAlert { message: view.detail.clone(), login, button };
            (format!("#{id}-message"), "innerHTML", html(view.status, &alert)?)
        }
        None if login => {
            let login = NextPath::from_url(current_url).login_url();
            return Ok(HttpResponse::build(view.status).insert_header((htmx::REDIRECT, login)).finish());
        }
        None => {
            let toast = ErrorToast { toast: Toast::error(view.detail.clone()) };
            ("#toasts".to_owned(), "innerHTML", html(view.status, &toast)?)
        }
    };
    let target = HeaderValue::from_str(&target).map_err(Error::internal)?;
    response.headers_mut().insert(HeaderName::from_static(htmx::RETARGET), target);
    response.headers_mut().insert(HeaderName::from_static(htmx::RESWAP), HeaderValue::from_static(swap));
    Ok(response)
}

/// `errors/page.html`
#[derive(Template)]
#[template(path = "errors/page.html")]
struct ErrorPage {
    status: u16,
    title: String,
    message: String,
    request_id: String,
    back: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "errors/_toast.html")]
struct ErrorToast {
    toast: Toast,
}

#[derive(Template)]
#[template(path = "errors/_form_alert.html")]
struct FormAlert {
    message: String,
    login: bool,
    /// The button that sends the form again.
    button: &'static str,
}

/// Draws every response of 400 and above that has no face yet.
pub async fn render_errors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let reader = Reader::of(&request);
    match next.call(request).await {
        Ok(response) if is_bare_error(&response) => Ok(redraw(&reader, response.map_into_boxed_body())),
        Ok(response) => Ok(response.map_into_boxed_body()),
        // A middleware gave up and took the request with it.
        Err(error) => {
            let view = describe(&error, error.as_response_error().status_code());
            Err(InternalError::from_response(error, reader.draw(view)).into())
        }
    }
}

fn is_bare_error<B>(response: &ServiceResponse<B>) -> bool {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    is_error && (response.response().error().is_some() || !response.headers().contains_key(CONTENT_TYPE))
}

fn redraw(reader: &Reader, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let view = match response.response().error() {
        Some(error) => describe(error, response.status()),
        None => ErrorView::of_status(response.status()),
    };
    let mut drawn = reader.draw(view);
    if let Some(allow) = response.headers().get(ALLOW) {
        drawn.headers_mut().insert(ALLOW, allow.clone());
    }
    response.into_response(drawn)
}

fn describe(error: &actix_web::Error, status: StatusCode) -> ErrorView {
    if let Some(error) = error.as_error::<Error>() {
        return ErrorView::logged(error);
    }
    if is_session_failure(error) {
        log_outage_cause(&error.to_string());
        return ErrorView::of_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    if status.is_server_error() {
        tracing::error!(cause = %error, "failed");
    }
    ErrorView::of_status(status)
}

/// What the session middleware, and nothing else, gives when its store fails.
fn is_session_failure(error: &actix_web::Error) -> bool {
    error.as_error::<InternalError<anyhow::Error>>().is_some()
        || error.as_error::<InternalError<SaveError>>().is_some()
        || error.as_error::<InternalError<UpdateError>>().is_some()
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::dev::Service;
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;
    use crate::http::panics::catch_panics;

    async fn panic_here() -> HttpResponse {
        panic!("sms_live_secret")
    }

    /// As the server answers: an error that no middleware took draws itself.
    async fn answer(result: Result<ServiceResponse, actix_web::Error>) -> (StatusCode, String) {
        let response = result.map_or_else(|error| error.error_response(), HttpResponse::from);
        let status = response.status();
        (status, String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn a_panic_ends_one_request_with_a_500_that_tells_nothing_of_it() {
        let app = App::new()
            .route("/panic", web::get().to(panic_here))
            .route("/calm", web::get().to(HttpResponse::Ok))
            .wrap(from_fn(catch_panics))
            .wrap(from_fn(render_errors));
        let app = init_service(app).await;
        let get = |path: &str| app.call(TestRequest::get().uri(path).to_request());

        for _ in 0..3 {
            let (status, body) = answer(get("/panic").await).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(body.contains("Something went wrong"), "{body}");
            assert!(!body.contains("secret") && !body.contains("panic"), "{body}");
            assert_eq!(answer(get("/calm").await).await.0, StatusCode::OK);
        }
    }
}
