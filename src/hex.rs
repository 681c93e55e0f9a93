//! Hexadecimal digits, for secrets and digests that are kept as text.

use zeroize::Zeroizing;

/// The bytes as lower-case digits.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads `N` bytes from exactly `2 * N` digits of either case.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = Zeroizing::new([0; N]);
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        assert_eq!(encode(&[0, 0x0f, 0xf0, 0xff]), "000ff0ff");
        assert_eq!(*decode::<4>("000ff0ff").unwrap(), [0, 0x0f, 0xf0, 0xff]);
        assert_eq!(*decode::<1>("Ff").unwrap(), [0xff]);
    }

    #[test]
    fn what_is_not_hexadecimal_or_of_another_length_is_refused() {
        for wrong in ["", "f", "fff", "ffff", "+f", "0x", "é"] {
            assert_eq!(decode::<1>(wrong), None, "{wrong}");
        }
    }
}
