//! Cursors of lists that are sorted by age (keyset pagination).

use crate::store::UtcTime;

/// The position after the row with this time and id. Its text, `MICROS.ID`, is part
/// of links; it is not secret and not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<I>(pub UtcTime, pub I);

impl<I: std::fmt::Display> std::fmt::Display for Cursor<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0.micros(), self.1)
    }
}

impl<I: std::str::FromStr> std::str::FromStr for Cursor<I> {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (time, id) = text.split_once('.').ok_or(())?;
        Ok(Self(UtcTime::from_micros(time.parse().map_err(|_| ())?), id.parse().map_err(|_| ())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::ApiKeyId;

    #[test]
    fn a_cursor_survives_the_way_through_a_link() {
        let cursor = Cursor(UtcTime::from_micros(1_790_000_000_123_456), ApiKeyId::mint());
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for wrong in ["", ".", "1", "x.key_0", "1.key_0", "1;DROP TABLE api_keys"] {
            assert_eq!(wrong.parse::<Cursor<ApiKeyId>>(), Err(()), "{wrong}");
        }
    }
}
