//! `keyfob credits`: what an account may still send.

use clap::Subcommand;

use super::on_database::{say, with_account};
use crate::config::Config;
use crate::domain::credit::{self, Correction, LedgerEntryId, TopUp};
use crate::error::Error;
use crate::format::{count, grouped, signed};

#[derive(Debug, Subcommand)]
pub(super) enum CreditsCommand {
    /// Add credits
    Add {
        /// How many
        credits: String,
        /// Why; it stands in the ledger
        #[arg(long)]
        note: String,
    },
    /// Correct the balance, up or down
    Correct {
        /// Credits to add, or with a minus to take away
        #[arg(allow_hyphen_values = true)]
        change: String,
        /// Why; it stands in the ledger and in the audit log
        #[arg(long)]
        reason: String,
    },
}

pub(super) async fn run(config: &Config, command: Option<CreditsCommand>) -> Result<(), Error> {
    match command {
        None => show(config).await,
        Some(CreditsCommand::Add { credits, note }) => add(config, &credits, &note).await,
        Some(CreditsCommand::Correct { change, reason }) => correct(config, &change, &reason).await,
    }
}

async fn show(config: &Config) -> Result<(), Error> {
    let credits = with_account(config, |tx, account| credit::balance(tx, account)).await?;
    say(config, &format!("{}.", count(credits, "credit")))
}

async fn add(config: &Config, credits: &str, note: &str) -> Result<(), Error> {
    let top_up = TopUp::parse(LedgerEntryId::mint().as_str(), credits, note)?;
    let amount = top_up.amount();
    let balance = with_account(config, move |tx, account| {
        credit::add(tx, account, None, top_up)?;
        credit::balance(tx, account)
    });
    let balance = balance.await?;
    say(config, &format!("{} added; the account has {} now.", count(amount, "credit"), grouped(balance)))
}

async fn correct(config: &Config, change: &str, reason: &str) -> Result<(), Error> {
    let correction = Correction::parse(LedgerEntryId::mint().as_str(), change, reason)?;
    let change = correction.change();
    let balance = with_account(config, move |tx, account| {
        credit::correct(tx, account, None, correction)?;
        credit::balance(tx, account)
    });
    let balance = count(balance.await?, "credit");
    say(config, &format!("Corrected by {}; the account has {balance} now.", signed(change)))
}
