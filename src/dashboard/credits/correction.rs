//! The form of the Credits page that corrects the balance.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};

use super::forms::{CorrectionForm, Drawn, Forms};
use super::page::{LedgerPart, PATH, draw};
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::credit::{self, Addition, Correction};
use crate::error::Result;
use crate::format::{count, signed};
use crate::http::State;

const ALREADY_CORRECTED: &str = "This correction was already made.";

/// `POST /credits/corrections`
pub async fn correct_credits(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(PATH), &body),
    };
    who.may(Permission::ManageCredits)?;
    let form: CorrectionForm = parse_form(&body)?;
    match correct(&state, &who, &form).await {
        Ok((change, Addition::Made(balance))) => {
            tracing::info!(change, balance, operator = %who.operator.id, "the balance was corrected");
            let balance = count(balance, "credit");
            let toast =
                Toast::success(format!("Success. Corrected by {}: the balance is {balance} now.", signed(change)));
            session::leave_toast(&session, &toast)?;
            Ok(see_other(PATH))
        }
        Ok((_, Addition::Repeated)) => {
            session::leave_toast(&session, &Toast::error(ALREADY_CORRECTED))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let consequence = "The balance was not corrected. Try again in a moment.";
            let id = ("correction_id", (|form| &mut form.correction_id) as fn(&mut CorrectionForm) -> &mut String);
            let (status, correction) = Drawn::refused(form, error, consequence, id)?;
            draw(&state, &session, &who, status, Forms { correction, ..Forms::default() }, LedgerPart::default()).await
        }
    }
}

async fn correct(state: &State, who: &SignedIn, form: &CorrectionForm) -> Result<(i64, Addition)> {
    let correction = Correction::parse(&form.correction_id, &form.change, &form.reason)?;
    let (change, account, by) = (correction.change(), who.account.clone(), who.operator.id.clone());
    let addition = who.change(state, move |tx| credit::correct(tx, &account, Some(&by), correction)).await?;
    Ok((change, addition))
}
