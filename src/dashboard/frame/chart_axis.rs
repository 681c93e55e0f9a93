//! The vertical axis of a chart: round numbers, and few of them.

/// The most steps between zero and the top of the axis.
const MAX_STEPS: i128 = 3;
const UNITS: [(i128, &str); 4] = [(1_000_000_000_000, "T"), (1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")];

/// An axis from zero to a round number that no value exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    step: i128,
    steps: i128,
}

impl Axis {
    /// The axis of values of which this is the largest.
    pub(super) fn up_to(largest: i64) -> Self {
        let largest = i128::from(largest.max(1));
        let mut power = 1;
        loop {
            for step in [power, 2 * power, 5 * power] {
                let steps = (largest + step - 1) / step;
                if steps <= MAX_STEPS {
                    return Self { step, steps };
                }
            }
            power *= 10;
        }
    }

    /// What it marks, from zero up.
    pub(super) fn marks(self) -> impl Iterator<Item = i128> {
        (0..=self.steps).map(move |number| number * self.step)
    }

    /// How far up a value is, where the whole axis is so long.
    pub(super) fn height(self, value: i128, length: i64) -> i64 {
        i64::try_from(value.max(0) * i128::from(length) / (self.step * self.steps)).unwrap_or(length)
    }
}

/// A round number in few characters: `500`, `1.5k`, `20M`.
pub(super) fn short(number: i128) -> String {
    let Some((size, unit)) = UNITS.into_iter().find(|(size, _)| number >= *size) else { return number.to_string() };
    match (number / size, number % size * 10 / size) {
        (whole, 0) => format!("{whole}{unit}"),
        (whole, tenth) => format!("{whole}.{tenth}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(largest: i64) -> Vec<String> {
        Axis::up_to(largest).marks().map(short).collect()
    }

    #[test]
    fn an_axis_has_few_round_marks_and_its_top_is_no_lower_than_the_largest_value() {
        assert_eq!(marks(0), ["0", "1"]);
        assert_eq!(marks(1), ["0", "1"]);
        assert_eq!(marks(4), ["0", "2", "4"]);
        assert_eq!(marks(7), ["0", "5", "10"]);
        assert_eq!(marks(10), ["0", "5", "10"]);
        assert_eq!(marks(11), ["0", "5", "10", "15"]);
        assert_eq!(marks(12_340), ["0", "5k", "10k", "15k"]);
        assert_eq!(marks(3_000_001), ["0", "2M", "4M"]);
        assert_eq!(marks(i64::MAX), ["0", "5000000T", "10000000T"]);
    }

    #[test]
    fn heights_are_in_proportion_and_none_leaves_the_axis() {
        let axis = Axis::up_to(10);
        assert_eq!([0, 5, 10, -3].map(|value| axis.height(value, 100)), [0, 50, 100, 0]);
        assert_eq!(Axis::up_to(i64::MAX).height(i128::from(i64::MAX), 100), 92);
    }

    #[test]
    fn a_short_number_keeps_a_tenth_where_it_has_one() {
        assert_eq!([999, 1_000, 1_500, 20_000_000].map(short), ["999", "1k", "1.5k", "20M"]);
    }
}
