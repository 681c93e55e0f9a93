//! Links by which operators set a new password, so that nobody needs the machine for it.

use diesel::prelude::*;

use super::link_token::LinkToken;
use super::operator::{
    self, Operator, OperatorId, acting_operator, find_member, lock_people, require_no_other_account,
};
use crate::domain::account::{AccountId, Permission};
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::store::schema::{operators, password_links};
use crate::store::{Conn, Digest, Tx, UtcTime};

/// How long a link can be used, in seconds.
const PASSWORD_LINK_SECONDS: i64 = 24 * 3_600;

/// A row of `password_links`: an operator has one at most.
#[derive(Insertable)]
#[diesel(table_name = password_links)]
struct PasswordLink {
    operator_id: OperatorId,
    digest: Digest,
    created_by: Option<OperatorId>,
    created_at: UtcTime,
    expires_at: UtcTime,
    used_at: Option<UtcTime>,
}

/// A link that was made just now.
#[derive(Debug)]
pub struct NewPasswordLink {
    /// For whom.
    pub operator: Operator,
    /// The secret of the link, which is nowhere else.
    pub token: LinkToken,
    /// From when on it can't be used.
    pub expires_at: UtcTime,
}

/// Makes a link for somebody of the account. It takes the place of an earlier one.
///
/// # Errors
/// [`Error::NotFound`] for somebody who is not in; [`Error::Invalid`] for `operator` when it is
/// somebody who is disabled, or works for another account, too.
pub fn create(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId) -> Result<NewPasswordLink> {
    lock_people(tx, account, Permission::ManagePeople)?;
    let member = find_member(tx, account, id)?;
    require_no_other_account(tx, account, &member)?;
    let operator = member.operator;
    if operator.disabled_at.is_some() {
        let sentence = format!("{} is disabled and can't log in. Enable them first.", operator.name);
        return Err(Error::invalid("operator", sentence));
    }
    let (now, token) = (tx.now(), LinkToken::generate()?);
    let row = PasswordLink {
        operator_id: id.clone(),
        digest: token.digest(),
        created_by: acting_operator(tx),
        created_at: now,
        expires_at: now.plus_seconds(PASSWORD_LINK_SECONDS),
        used_at: None,
    };
    diesel::delete(password_links::table.find(id)).execute(tx.conn())?;
    diesel::insert_into(password_links::table).values(&row).execute(tx.conn())?;
    tx.audit(operator.event(Action::OperatorPasswordLinkMade).of(account).done())?;
    Ok(NewPasswordLink { operator, token, expires_at: row.expires_at })
}

/// The operator whose password the link with this token sets.
///
/// # Errors
/// [`Error::NotFound`] for an unknown token, and for a link that was used or has ended.
pub fn find_operator(conn: &mut Conn, token: &LinkToken, now: UtcTime) -> Result<Operator> {
    Ok(password_links::table
        .inner_join(operators::table)
        .filter(password_links::digest.eq(token.digest()))
        .filter(password_links::used_at.is_null())
        .filter(password_links::expires_at.gt(now))
        .filter(operators::disabled_at.is_null())
        .select(Operator::as_select())
        .first(conn)?)
}

/// Uses a link: sets the password and ends all sessions.
///
/// # Errors
/// As [`find_operator`]; of several requests at the same moment, all but one get
/// [`Error::NotFound`].
pub fn set_password(tx: &mut Tx<'_>, token: &LinkToken, hash: &str) -> Result<Operator> {
    let now = tx.now();
    let operator = find_operator(tx, token, now)?;
    let link = password_links::table.filter(password_links::digest.eq(token.digest()));
    let unused = link.filter(password_links::used_at.is_null());
    if diesel::update(unused).set(password_links::used_at.eq(now)).execute(tx.conn())? == 0 {
        return Err(Error::NotFound);
    }
    operator::set_password(tx, &operator.id, hash)?;
    Ok(operator)
}
