//! What a program calls a key itself: the id of a customer or an order.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use super::secret_scan::refuse_secrets;
use crate::domain::text;
use crate::error::Result;
use crate::store::types::text_column;

const MAX_EXTERNAL_ID_CHARS: usize = 255;

/// An id that another system gave to a key. Several keys may have the same one.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct ExternalId(String);

impl ExternalId {
    /// Validates an id: one line of 1 to 255 characters without a secret of a key.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid) for `external_id`.
    pub fn parse(text: &str) -> Result<Self> {
        let id = text::line("external_id", "External ID", MAX_EXTERNAL_ID_CHARS, text)?;
        refuse_secrets("external_id", &id)?;
        Ok(Self(id))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_column!(ExternalId, |text: &str| Some(ExternalId(text.to_owned())));
