//! Recovery codes: each stands in for the authenticator app once, in any order.

use std::fmt;

use diesel::prelude::*;
use zeroize::Zeroizing;

use crate::domain::identity::operator::OperatorId;
use crate::error::Result;
use crate::random;
use crate::store::schema::recovery_codes;
use crate::store::{Conn, Digest};

/// How many an operator gets at once.
pub const RECOVERY_CODE_COUNT: usize = 10;
/// Without letters and digits that look alike: 5 bits each.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// 80 bits.
const CODE_CHARS: usize = 16;
const GROUP_CHARS: usize = 4;

/// A recovery code as `XXXX-XXXX-XXXX-XXXX`. The database has its digest only.
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    fn generate() -> Result<Self> {
        let mut code = Zeroizing::new(String::with_capacity(CODE_CHARS + CODE_CHARS / GROUP_CHARS));
        for group in 0..CODE_CHARS / GROUP_CHARS {
            if group > 0 {
                code.push('-');
            }
            random::push_from(ALPHABET, GROUP_CHARS, &mut code)?;
        }
        Ok(Self(code))
    }

    /// The code, for the one page that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

/// Replaces the operator's codes by new ones.
pub(super) fn renew(conn: &mut Conn, operator: &OperatorId) -> Result<Vec<RecoveryCode>> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::operator_id.eq(operator))).execute(conn)?;
    let codes = (0..RECOVERY_CODE_COUNT).map(|_| RecoveryCode::generate()).collect::<Result<Vec<_>>>()?;
    for code in &codes {
        let row = (recovery_codes::operator_id.eq(operator), recovery_codes::digest.eq(digest(code.expose())));
        diesel::insert_into(recovery_codes::table).values(row).execute(conn)?;
    }
    Ok(codes)
}

/// How many are left.
pub(super) fn count(conn: &mut Conn, operator: &OperatorId) -> Result<i64> {
    Ok(recovery_codes::table.filter(recovery_codes::operator_id.eq(operator)).count().get_result(conn)?)
}

/// Uses a code up. Returns whether there was one: of two concurrent calls, one succeeds.
pub(super) fn take(conn: &mut Conn, operator: &OperatorId, typed: &str) -> Result<bool> {
    Ok(diesel::delete(recovery_codes::table.find((operator, digest(typed)))).execute(conn)? == 1)
}

/// In upper or lower case, with or without dashes.
fn digest(code: &str) -> Digest {
    let code: Zeroizing<String> =
        Zeroizing::new(code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect());
    Digest::of(code.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_eighty_bits_in_groups_and_debug_shows_nothing_of_it() {
        let code = RecoveryCode::generate().unwrap();

        let groups: Vec<&str> = code.expose().split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [4; 4]);
        assert!(groups.concat().bytes().all(|byte| ALPHABET.contains(&byte)), "{}", code.expose());
        assert_eq!(ALPHABET.len(), 32);
        assert_eq!(format!("{code:?}"), "RecoveryCode(..)");
    }

    #[test]
    fn a_code_may_be_typed_in_any_case_and_grouping() {
        for typed in ["abcd efgh jklm npqr", "ABCDEFGHJKLMNPQR", " abcd-EFGH-jklm-NPQR\n"] {
            assert_eq!(digest(typed), digest("ABCD-EFGH-JKLM-NPQR"), "{typed:?}");
        }
        assert_ne!(digest("ABCD-EFGH-JKLM-NPQS"), digest("ABCD-EFGH-JKLM-NPQR"));
    }
}
