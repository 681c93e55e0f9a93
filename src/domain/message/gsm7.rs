//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038
//! §6.2.1). The national tables are left out, since not every phone and carrier
//! supports them.

/// The septet before a character of the extension table.
const ESCAPE: u8 = 0x1b;

/// The default alphabet, indexed by septet. The escape's place holds U+FFFF,
/// which `basic` never returns.
const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{ffff}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: the septet after the escape, and its character.
const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The number of septets of `c`: 1, or 2 with the escape; `None` when the
/// alphabet lacks it.
pub(super) fn septets(c: char) -> Option<usize> {
    if basic(c).is_some() {
        return Some(1);
    }
    extended(c).map(|_| 2)
}

/// Appends `c` unpacked, one septet per byte; a character that the alphabet
/// lacks becomes `?`.
pub(super) fn push(c: char, septets: &mut Vec<u8>) {
    match (basic(c), extended(c)) {
        (Some(septet), _) => septets.push(septet),
        (None, Some(septet)) => septets.extend([ESCAPE, septet]),
        (None, None) => septets.push(b'?'),
    }
}

/// The septet of `c` in the default alphabet.
fn basic(c: char) -> Option<u8> {
    // Most ASCII characters have their ASCII code, which saves the search.
    if matches!(c, ' '..='#' | '%'..='?' | 'A'..='Z' | 'a'..='z') {
        return u8::try_from(c).ok();
    }
    if c == '\u{ffff}' {
        return None;
    }
    BASIC.iter().position(|known| *known == c).and_then(|septet| u8::try_from(septet).ok())
}

fn extended(c: char) -> Option<u8> {
    EXTENSION.iter().find(|(_, known)| *known == c).map(|(septet, _)| *septet)
}

/// The text of unpacked septets, as a phone shows it; `None` for a lone escape or an unknown septet.
#[must_use]
pub fn decode(septets: &[u8]) -> Option<String> {
    let mut septets = septets.iter();
    let mut text = String::new();
    while let Some(septet) = septets.next() {
        text.push(match *septet {
            ESCAPE => {
                let next = septets.next()?;
                EXTENSION.iter().find(|(septet, _)| septet == next)?.1
            }
            septet => *BASIC.get(usize::from(septet))?,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str) -> Vec<u8> {
        let mut septets = Vec::new();
        text.chars().for_each(|c| push(c, &mut septets));
        septets
    }

    #[test]
    fn every_character_of_the_alphabet_comes_back() {
        let all: String = BASIC.iter().filter(|c| **c != '\u{ffff}').chain(EXTENSION.iter().map(|(_, c)| c)).collect();
        assert_eq!(all.chars().count(), 127 + 10);
        assert_eq!(decode(&encode(&all)).unwrap(), all);
    }

    #[test]
    fn known_characters_have_their_published_septets() {
        assert_eq!(encode("@£\nΔ ¡¿à"), [0x00, 0x01, 0x0a, 0x10, 0x20, 0x40, 0x60, 0x7f]);
        assert_eq!(encode("€{\\"), [0x1b, 0x65, 0x1b, 0x28, 0x1b, 0x2f]);
    }

    #[test]
    fn the_alphabet_lacks_these() {
        for c in ['ç', '`', 'ы', '😀', 'ž', '\0', '\t', '\u{1b}', '\u{ffff}', '\u{a0}', 'á', '’'] {
            assert_eq!(septets(c), None, "{c:?}");
        }
    }
}
