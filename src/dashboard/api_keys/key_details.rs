//! A key with everything that its page shows, read in one transaction.

use std::collections::BTreeMap;

use super::callback::view::CallbackView;
use super::default_sender_view::DefaultSenderView;
use super::first_request::SMS;
use super::handover_view::HandoverView;
use super::missed_switch::MissedSwitch;
use super::reason_view::ReasonView;
use super::rotation::view::SecretsView;
use super::rules::allowed_ips_view::AllowedIpsView;
use super::rules::bounds_view::BoundsView;
use super::rules::expiry_view::ExpiryView;
use super::rules::scopes_view::KeyScopesView;
use super::undo_view::UndoView;
use super::uses::UsesView;
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::guards::limits_view::LimitsView;
use crate::dashboard::leaks::report_view::LeakReportView;
use crate::dashboard::refusals::fresh;
use crate::dashboard::refusals::of_key::KeyRefusals;
use crate::domain::api_key::{self, ApiKey, ApiKeyEntry, ApiKeyId, SecretOrigin};
use crate::domain::guard;
use crate::domain::identity::operator;
use crate::domain::leak_report;
use crate::domain::refusal::refused_addresses;
use crate::error::Result;
use crate::gate::Code;
use crate::http::State;
use crate::store::{Conn, UtcTime};

/// Some more than are shown, since some may be allowed by now.
const MAX_REFUSED_ADDRESSES: i64 = 100;

/// A key, and its sections where it has them.
pub(super) struct KeyDetails {
    pub(super) entry: ApiKeyEntry,
    /// What a program keeps with it.
    pub(super) metadata: BTreeMap<String, String>,
    /// The name of the operator who made it.
    pub(super) created_by: Option<String>,
    pub(super) reason: ReasonView,
    pub(super) expiry: ExpiryView,
    pub(super) secrets: Option<SecretsView>,
    pub(super) scopes: KeyScopesView,
    /// The bounds of a key that manages others.
    pub(super) bounds: Option<BoundsView>,
    pub(super) allowed_ips: AllowedIpsView,
    pub(super) uses: UsesView,
    pub(super) refusals: KeyRefusals,
    pub(super) leak_report: Option<LeakReportView>,
    pub(super) handover: Option<HandoverView>,
    pub(super) default_sender: Option<DefaultSenderView>,
    /// Its sending limits, where it can send.
    pub(super) limits: Option<LimitsView>,
    pub(super) callback: Option<CallbackView>,
    /// What was done last, while it can be undone.
    pub(super) undo: Option<UndoView>,
    /// A switch that was used after the session had ended.
    pub(super) missed: Option<MissedSwitch>,
}

impl KeyDetails {
    /// Reads a key; `missed` is what the address says about a missed switch.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
    pub(super) async fn read(state: &State, who: &SignedIn, id: &ApiKeyId, missed: &str) -> Result<Self> {
        let (account, id, missed, now) = (who.account.clone(), id.clone(), missed.to_owned(), state.clock.now());
        let reader = who.clone();
        fresh::write_down(&state.gate).await;
        let read = state.store.read(move |conn| {
            let entry = api_key::find(conn, &account, &id)?;
            let refused = refused_addresses(conn, &id, Code::IpNotAllowed.name(), now, MAX_REFUSED_ADDRESSES)?;
            let maker = entry.key.created_by.as_ref().map(|maker| operator::find(conn, maker)).transpose()?;
            Ok(Self {
                metadata: entry.key.metadata.entries(),
                created_by: maker.map(|maker| maker.name),
                reason: ReasonView::read(conn, &entry.key)?,
                expiry: ExpiryView::read(conn, &entry.key, now)?,
                secrets: SecretsView::of(&entry, now),
                scopes: KeyScopesView::read(conn, &entry.key)?,
                bounds: BoundsView::read(conn, &entry.key)?,
                allowed_ips: AllowedIpsView::of(&entry, refused, now),
                uses: UsesView::read(conn, &entry.key, now)?,
                refusals: KeyRefusals::read(conn, &account, &id, now)?,
                leak_report: leak_report::of_key(conn, &id)?.map(|report| LeakReportView::new(report, now)),
                handover: HandoverView::read(conn, &entry.key, now)?,
                default_sender: DefaultSenderView::read(conn, &entry.key)?,
                limits: limits(conn, &entry.key, now)?,
                callback: CallbackView::read(conn, &entry.key)?,
                undo: UndoView::read(conn, &reader, &id, now)?,
                missed: MissedSwitch::read(conn, &account, &missed)?,
                entry,
            })
        });
        read.await
    }

    /// Whether the present secret is one that Keyfob never had.
    pub(super) fn is_imported(&self) -> bool {
        self.entry.secret.origin == SecretOrigin::Imported
    }
}

/// The sending limits of a key; `None` for a key that sends nothing.
fn limits(conn: &mut Conn, key: &ApiKey, now: UtcTime) -> Result<Option<LimitsView>> {
    if key.service != SMS {
        return Ok(None);
    }
    let limits = guard::find(conn, &key.account_id, Some(&key.id))?;
    Ok(Some(LimitsView::new(&limits, guard::usage_of(conn, key.id.as_str(), now)?)))
}
