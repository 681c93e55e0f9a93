//! What the Messages page says about carriers.

use crate::dashboard::carriers::trouble::TroubledCarriers;
use crate::domain::account::{Access, AccountId, Permission};
use crate::domain::carrier::CarrierName;
use crate::domain::message;
use crate::error::Result;
use crate::format::count;
use crate::sms::Sms;
use crate::sms::carriers::{Carrier, Carriers};
use crate::store::Conn;

/// What there is to say.
#[derive(Default)]
pub(super) struct CarrierNotices {
    /// Whether no carrier is set, so that all messages are rehearsed.
    pub(super) rehearses: bool,
    /// How many messages wait for a carrier from before, if some do, as in `3 messages`.
    pub(super) waiting: Option<String>,
    /// The carriers that messages wait for, for those who may see carriers.
    pub(super) sentences: Vec<String>,
    /// Whether messages wait, for those who may not.
    pub(super) waits: bool,
    /// The carriers that take fewer messages than they are sent.
    pub(super) paces: Vec<PaceNotice>,
}

/// A carrier whose pace was learned from its refusals.
pub(super) struct PaceNotice {
    pub(super) subject: String,
    /// Messages a second.
    pub(super) rate: u32,
}

/// What this instance knows without its database.
pub(super) struct CarriersNow {
    rehearses: bool,
    sees_carriers: bool,
    troubled: TroubledCarriers,
    paces: Vec<PaceNotice>,
}

impl CarriersNow {
    pub(super) fn seen_by(access: Access, sms: &Sms) -> Self {
        let sees_carriers = access.allows(Permission::ViewCarriers);
        let carriers = sms.carriers();
        Self {
            rehearses: carriers.is_some_and(Carriers::rehearse_all),
            sees_carriers,
            troubled: TroubledCarriers::of(sms),
            paces: if sees_carriers { carriers.map(paces).unwrap_or_default() } else { Vec::new() },
        }
    }

    /// Adds what waits. It is counted only where there may be something: it takes time, and
    /// with a carrier that is well messages wait for a moment only.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn notices(self, conn: &mut Conn, account: &AccountId) -> Result<CarrierNotices> {
        let waiting = if self.rehearses { message::waiting_for_carrier(conn, account)? } else { 0 };
        Ok(CarrierNotices {
            rehearses: self.rehearses,
            waiting: (waiting > 0).then(|| count(waiting, "message")),
            sentences: if self.sees_carriers { self.troubled.sentences(conn)? } else { Vec::new() },
            waits: !self.sees_carriers && self.troubled.hold_messages_of(conn, account)?,
            paces: self.paces,
        })
    }
}

fn paces(carriers: &Carriers) -> Vec<PaceNotice> {
    carriers.list().iter().filter_map(|carrier| pace(carrier)).collect()
}

fn pace(carrier: &Carrier) -> Option<PaceNotice> {
    let rate = carrier.transport.state().learned_rate?;
    let is_default = carrier.name == CarrierName::default_carrier();
    Some(PaceNotice {
        subject: if is_default { "Your carrier".to_owned() } else { carrier.name.to_string() },
        // A carrier that takes one message in two seconds takes about one.
        rate: rate.floor().clamp(1.0, f64::from(u32::MAX)) as u32,
    })
}
