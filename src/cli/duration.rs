//! Durations as people type them: `90s`, `30m`, `24h`, `30d`, `1y`.

/// The units, with their seconds. A year has 365 days, as in the forms.
const UNITS: [(char, i64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('y', 365 * 86_400)];

/// Reads a duration. Returns its seconds.
///
/// # Errors
/// A sentence that says what to type.
pub(super) fn parse_seconds(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let (number, seconds) = UNITS
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds)))
        .ok_or("write a number with its unit: 90s, 30m, 24h, 30d or 1y")?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("write a whole number before the unit: 90s, 30m, 24h, 30d or 1y".to_owned());
    }
    let number: Option<i64> = number.parse().ok();
    number.and_then(|number| number.checked_mul(*seconds)).ok_or_else(|| "this is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_with_its_unit() {
        for (text, seconds) in
            [("90s", 90), ("30m", 1_800), ("24h", 86_400), ("30d", 2_592_000), ("1y", 31_536_000), (" 0s ", 0)]
        {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "30", "d", "-1d", "+1d", "1.5h", "1 d", "30D", "1w", "1d12h", "٣d", "99999999999999999999d"]
        {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
        assert!(parse_seconds(&format!("{}y", i64::MAX)).unwrap_err().contains("too long"));
    }
}
