//! `keyfob operator reset-second-factor`: for somebody who has lost their phone.

use crate::cli::on_database::{actor, open, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::identity::operator;
use crate::domain::identity::second_factor;
use crate::error::Error;
use crate::store::MayCreate;

pub(super) async fn run(config: &Config, email: String) -> Result<(), Error> {
    let store = open(config, MayCreate::Nothing)?;
    let wanted = email.clone();
    let reset = store.change(actor(), Clock::System.now(), move |tx| {
        let operator = operator::find_by_email(tx, &wanted)?;
        Ok((second_factor::reset(tx, &operator.id)?, operator.email))
    });
    match reset.await {
        Ok((true, email)) => {
            say(config, &format!("{email} has no second factor now, and all their sessions were ended."))
        }
        Ok((false, email)) => say(config, &format!("{email} has no second factor; nothing was changed.")),
        Err(Error::NotFound) => Err(Error::invalid("email", format!("There is no operator {email}."))),
        Err(error) => Err(error),
    }
}
