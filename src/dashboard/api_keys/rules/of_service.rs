//! The scopes of the service that is chosen in the form for a new key.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::choices::ScopeChoice;
use super::typed::TypedRules;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::html;
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::{service, service_scope};
use crate::error::{FieldErrors, Result};
use crate::http::State;

#[derive(Template)]
#[template(path = "api_keys/_scopes.html")]
struct ScopesPart {
    scopes: ScopeChoice,
    errors: FieldErrors,
}

/// `GET /api-keys/new/scopes?service=sms`: the part of the form, with what is ticked so far.
pub async fn choose_scopes(state: Data<State>, who: SignedIn, request: HttpRequest) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let (mut slug, mut typed) = (String::new(), TypedRules::default());
    for (name, value) in parse_form::<Vec<(String, String)>>(request.query_string().as_bytes())? {
        if name == "service" { slug = value } else { typed.take(&name, value) }
    }
    let read = state.store.read(move |conn| {
        let service = service::find_managed(conn, &slug)?;
        service_scope::list(conn, &service.slug)
    });
    let scopes = ScopeChoice::typed(read.await?, typed.is_full(), &typed.scopes);
    html(StatusCode::OK, &ScopesPart { scopes, errors: FieldErrors::default() })
}
