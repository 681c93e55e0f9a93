//! A small picture of a few numbers, without axes.

use std::fmt::Write as _;

/// From one bar to the next.
const STEP: usize = 3;
const BAR_WIDTH: usize = 2;
const HEIGHT: i64 = 18;
const MIN_BAR_HEIGHT: i64 = 2;

/// What `_sparkline.html` draws: one path, since a page has many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparkline {
    /// The width of the picture.
    pub width: usize,
    /// The height of the picture.
    pub height: i64,
    /// All bars.
    pub path: String,
}

impl Sparkline {
    /// Draws these numbers; none when all are zero.
    #[must_use]
    pub fn new(values: &[i64]) -> Option<Self> {
        let largest = values.iter().copied().max().filter(|largest| *largest > 0)?;
        let mut path = String::new();
        for (place, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
            let height = i128::from(*value) * i128::from(HEIGHT) / i128::from(largest);
            let height = i64::try_from(height).unwrap_or(HEIGHT).max(MIN_BAR_HEIGHT);
            let _ = write!(path, "M{} {HEIGHT}v-{height}h{BAR_WIDTH}v{height}z", place * STEP); // never fails for a string
        }
        Some(Self { width: values.len() * STEP - (STEP - BAR_WIDTH), height: HEIGHT, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_not_drawn() {
        assert_eq!(Sparkline::new(&[]), None);
        assert_eq!(Sparkline::new(&[0, 0]), None);
    }

    #[test]
    fn bars_are_in_proportion_and_what_is_few_is_seen() {
        let drawn = Sparkline::new(&[i64::MAX, 0, 1]).unwrap();

        assert_eq!(drawn.path, "M0 18v-18h2v18zM6 18v-2h2v2z");
        assert_eq!((drawn.width, drawn.height), (8, 18));
    }

    #[test]
    fn equal_numbers_are_equally_high() {
        assert_eq!(Sparkline::new(&[7, 7]).unwrap().path, "M0 18v-18h2v18zM3 18v-18h2v18z");
    }
}
