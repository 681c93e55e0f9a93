//! The carrier's own id of a segment, which its delivery receipt refers to.

/// An id that a carrier assigned to a segment, unique within this carrier only, together with the form in which
/// ids are compared: carriers write the same id differently in the response to
/// the submit and in the receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierMessageId {
    id: String,
    key: String,
}

impl CarrierMessageId {
    /// Takes an id as the carrier wrote it. Its key is the same in lower case
    /// and without leading zeros.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        let key = id.trim().trim_start_matches('0').to_ascii_lowercase();
        Self { id, key }
    }

    /// The id as the carrier wrote it. Match it first: two ids may have one key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }

    /// The form in which ids are compared when the exact id matches nothing.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the carrier assigned no id: then no receipt can refer to the segment.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.id.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_in_case_and_leading_zeros_have_one_key() {
        for (id, key) in [("0000000F", "f"), ("f", "f"), ("A-00b", "a-00b"), ("000", "")] {
            assert_eq!(CarrierMessageId::new(id).key(), key);
        }
    }
}
