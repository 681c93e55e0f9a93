//! Notices of a login from an address that an operator never logged in from before. Each is
//! shown once: to a session elsewhere, that somebody logged in from there; to a session at
//! that address, when and where the login before was.

use std::net::IpAddr;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::operator::OperatorId;
use super::throttle::network;
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::{audit_events, login_notices};
use crate::store::types::text_enum;
use crate::store::{Conn, Tx, UtcTime};

/// As the index of logins says it: a value that is bound later would not use the index.
const IS_LOGIN: &str = "action IN ('operator.logged_in', 'operator.joined')";

id! {
    /// The id of a notice.
    LoginNoticeId = "lnot_"
}

text_enum! {
    /// The sessions that a notice is for.
    Audience {
        /// Those that began at another address.
        Elsewhere = "elsewhere",
        /// Those that began at the new address.
        Here = "here",
    }
}

/// A row of `login_notices`.
#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = login_notices)]
pub struct LoginNotice {
    /// Its id.
    pub id: LoginNoticeId,
    /// The operator.
    pub operator_id: OperatorId,
    /// The sessions that it is for.
    pub audience: Audience,
    /// The address that was new.
    pub new_address: String,
    /// The address of the login that it tells of: the new one, or the one before.
    pub address: Option<String>,
    /// The program of that login.
    pub user_agent: Option<String>,
    /// The time of that login.
    pub at: UtcTime,
}

impl LoginNotice {
    /// Whether it is for a session that began at this address.
    #[must_use]
    pub fn is_for(&self, address: Option<&str>) -> bool {
        let is_here = address.is_some_and(|address| is_same_network(address, &self.new_address));
        is_here == (self.audience == Audience::Here)
    }
}

/// Leaves notices if the login under way comes from an address that is new to the operator.
/// The very first login has nothing to compare with.
///
/// # Errors
/// When the database fails.
pub(super) fn announce(tx: &mut Tx<'_>, operator: &OperatorId) -> Result<()> {
    let Some(new_address) = tx.actor().address.clone() else { return Ok(()) };
    let logins = || {
        let by_operator = audit_events::table.filter(audit_events::actor_id.eq(operator.as_str()));
        // Somebody who adds another person has not logged in with that.
        by_operator.filter(audit_events::target_id.eq(operator.as_str())).filter(sql::<Bool>(IS_LOGIN))
    };
    let known: Vec<Option<String>> = logins().select(audit_events::address).distinct().load(tx.conn())?;
    let is_known = known.iter().flatten().any(|known| is_same_network(known, &new_address));
    let columns = (audit_events::at, audit_events::address, audit_events::user_agent);
    let last = logins().order(audit_events::at.desc()).select(columns);
    let last: Option<(UtcTime, Option<String>, Option<String>)> = last.first(tx.conn()).optional()?;
    let Some((last_at, last_address, last_user_agent)) = last.filter(|_| !is_known) else { return Ok(()) };
    let notice = |audience, at, address, user_agent| LoginNotice {
        id: LoginNoticeId::mint(),
        operator_id: operator.clone(),
        audience,
        new_address: new_address.clone(),
        address,
        user_agent,
        at,
    };
    let program = tx.actor().user_agent.clone();
    for notice in [
        notice(Audience::Elsewhere, tx.now(), Some(new_address.clone()), program),
        notice(Audience::Here, last_at, last_address, last_user_agent),
    ] {
        diesel::insert_into(login_notices::table).values(notice).execute(tx.conn())?;
    }
    Ok(())
}

/// The notices that nobody has seen yet, oldest first.
///
/// # Errors
/// When the database fails.
pub fn unseen(conn: &mut Conn, operator: &OperatorId) -> Result<Vec<LoginNotice>> {
    let notices = login_notices::table.filter(login_notices::operator_id.eq(operator));
    Ok(notices.order((login_notices::at, login_notices::id)).load(conn)?)
}

/// Takes notices away to show them. Gives those that nobody else has taken meanwhile.
///
/// # Errors
/// When the database fails.
pub fn take(conn: &mut Conn, notices: Vec<LoginNotice>) -> Result<Vec<LoginNotice>> {
    let mut taken = Vec::new();
    for notice in notices {
        if diesel::delete(login_notices::table.find(&notice.id)).execute(conn)? == 1 {
            taken.push(notice);
        }
    }
    Ok(taken)
}

/// Whether two addresses are the same, or of one IPv6 network, in which a device changes its
/// address every day.
fn is_same_network(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => network(one) == network(other),
        _ => one == other,
    }
}
