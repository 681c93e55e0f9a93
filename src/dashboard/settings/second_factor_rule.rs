//! The installation's rule about who needs a second factor.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use askama::Template;
use serde::Deserialize;

use super::instance_page::PATH;
use super::second_factor_rule_view::SecondFactorRuleView;
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::account::Permission;
use crate::domain::identity::second_factor::SecondFactorRule;
use crate::error::Result;
use crate::http::State;

/// The form again, when the rule was refused.
#[derive(Template)]
#[template(path = "settings/second_factor_rule.html")]
struct SecondFactorRulePage {
    shell: Shell,
    second_factor_rule: SecondFactorRuleView,
    alert: Option<String>,
}

/// What is chosen.
#[derive(Deserialize)]
pub struct SecondFactorRuleForm {
    #[serde(default)]
    second_factor_rule: String,
}

/// `POST /settings/instance/second-factor`
pub async fn save_second_factor_rule(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    form: Form<SecondFactorRuleForm>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageInstallation)?;
    who.require_fresh_login(state.clock.now())?;
    let (id, rule) = (who.operator.id.clone(), SecondFactorRule::parse(&form.second_factor_rule));
    let saved = match rule {
        Ok(rule) => who.change(&state, move |tx| rule.save_as(tx, &id)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            tracing::info!(operator = %who.operator.id, "the rule about second factors was saved");
            session::leave_toast(&session, &Toast::success("Success. Rule saved."))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let rejection = FormRejection::of(error, "Nothing was saved. Try again in a moment.")?;
            let stored = state.store.read(SecondFactorRule::read).await?;
            let error = rejection.errors.get("second_factor_rule").map(str::to_owned);
            let second_factor_rule = SecondFactorRuleView { error, ..SecondFactorRuleView::of(stored) };
            let (rejected, _, alert) = rejection.into_parts();
            let shell = Shell::new("settings", &who, &session);
            rejected.respond(&SecondFactorRulePage { shell, second_factor_rule, alert })
        }
    }
}
