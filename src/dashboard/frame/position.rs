//! Where a page of a list stands in it, in the words of people.

use crate::format::grouped;

/// How many rows a list has, as far as that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Total {
    /// It was not counted.
    #[default]
    Unknown,
    /// So many.
    Exactly(usize),
    /// It was counted so far.
    MoreThan(usize),
}

/// The position of a page of `rows` rows with `before` rows before it: `51–100 of
/// 302`, or `7 messages` where one page has all of them. `None` without rows.
#[must_use]
pub fn position(before: usize, rows: usize, total: Total, [one, many]: [&str; 2]) -> Option<String> {
    let number = |number: usize| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    let range = format!("{}–{}", number(before + 1), number(before + rows));
    (rows > 0).then(|| match total {
        Total::Exactly(1) => format!("1 {one}"),
        Total::Exactly(total) if total <= rows => format!("{} {many}", number(total)),
        Total::Exactly(total) => format!("{range} of {}", number(total)),
        Total::MoreThan(counted) => format!("{range} of more than {}", number(counted)),
        Total::Unknown => range,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_it_stands_as_far_as_that_is_known() {
        for (before, rows, total, words) in [
            (0, 0, Total::Exactly(0), None),
            (0, 1, Total::Exactly(1), Some("1 message")),
            (0, 50, Total::Exactly(50), Some("50 messages")),
            (50, 50, Total::Exactly(302), Some("51–100 of 302")),
            (1_000, 50, Total::MoreThan(10_000), Some("1,001–1,050 of more than 10,000")),
            (50, 50, Total::Unknown, Some("51–100")),
        ] {
            assert_eq!(position(before, rows, total, ["message", "messages"]).as_deref(), words);
        }
    }
}
