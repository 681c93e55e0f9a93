//! Numbers as people read them.

/// With a comma between the thousands: `1,000`.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "−" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The same with its sign: `+500`.
#[must_use]
pub fn signed(number: i64) -> String {
    let sign = if number > 0 { "+" } else { "" };
    format!("{sign}{}", grouped(number))
}

/// So many of something: `1 credit`, `1,000 credits`.
#[must_use]
pub fn count(number: i64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (7, "7"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(grouped(i64::MIN), "−9,223,372,036,854,775,808");
    }

    #[test]
    fn a_change_has_its_sign_and_a_count_its_unit() {
        assert_eq!((signed(500), signed(-1_000), signed(0)), ("+500".into(), "−1,000".into(), "0".into()));
        assert_eq!((count(1, "credit"), count(2_000, "credit")), ("1 credit".into(), "2,000 credits".into()));
    }
}
