//! Warnings that a limit is nearly or wholly used.

/// From these parts of a limit on it is warned of, in percent.
const LEVELS: [i64; 2] = [100, 80];

/// A limit that is warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarnedLimit {
    /// Messages in a minute.
    MessagesMinute,
    /// Credits in a day.
    CreditsDay,
}

/// A limit of which a request used so much that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardWarning {
    /// The account or the key, by its id.
    pub holder: String,
    /// The limit.
    pub limit_kind: WarnedLimit,
    /// What was used in its window.
    pub used: i64,
    /// What may be used.
    pub limit: i64,
}

/// The percentage to warn of once so much of a limit is used; 0 for none.
pub(super) fn level(used: i64, limit: i64) -> i64 {
    let reached = |level: &i64| i128::from(used) * 100 >= i128::from(limit) * i128::from(*level);
    LEVELS.into_iter().find(reached).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_warned_at_four_fifths_and_at_the_limit() {
        for (used, limit, expected) in [(0, 5, 0), (3, 5, 0), (4, 5, 80), (5, 5, 100), (399, 500, 0), (400, 500, 80)] {
            assert_eq!(level(used, limit), expected, "{used} of {limit}");
        }
        assert_eq!(level(i64::MAX, i64::MAX), 100);
    }
}
