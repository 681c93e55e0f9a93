//! Validation of text that people type.

use crate::error::{Error, Result};

/// Validates one visible line of 1 to `limit` characters and removes the space around
/// it. Any script and markup is accepted, since pages escape it.
///
/// # Errors
/// [`Error::Invalid`] for `field`; the message begins with `what`.
pub fn line(field: &'static str, what: &str, limit: usize, text: &str) -> Result<String> {
    let text = text.trim();
    if is_blank(text) {
        return Err(Error::invalid(field, format!("{what} is required.")));
    }
    within(field, what, limit, text)?;
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("{what} can't have line breaks, tabs or other control characters.")));
    }
    Ok(text.to_owned())
}

/// Validates a text of up to `limit` characters, which may be empty. Line breaks are
/// normalised to `\n`.
///
/// # Errors
/// [`Error::Invalid`] for `field`; the message begins with `what`.
pub fn paragraph(field: &'static str, what: &str, limit: usize, text: &str) -> Result<String> {
    let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");
    within(field, what, limit, &text)?;
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Error::invalid(field, format!("{what} can't have control characters.")));
    }
    Ok(text)
}

fn within(field: &'static str, what: &str, limit: usize, text: &str) -> Result<()> {
    match text.chars().count() {
        length if length > limit => {
            Err(Error::invalid(field, format!("{what} has {length} characters; {limit} is the most.")))
        }
        _ => Ok(()),
    }
}

/// Whether a text shows anything.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_visible)
}

/// Removes what pasting brings along at both ends: every kind of space, and marks that
/// nobody sees.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_mark(c))
}

/// Removes marks that nobody sees, for text in which they mean nothing, and reads every
/// kind of space and hyphen as the one on the keyboard.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = trim(text).chars().filter(|c| !is_mark(*c));
    text.map(|c| {
        if is_space(c) {
            ' '
        } else if is_hyphen(c) {
            '-'
        } else {
            c
        }
    })
    .collect()
}

/// Whether a character is a space within a line.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() && !is_line_break(c)
}

/// Whether a character is a hyphen, a dash or a minus.
#[must_use]
pub fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

/// A character as a message names it, also one that can't be seen.
#[must_use]
pub fn name_of(c: char) -> String {
    match c {
        c if is_line_break(c) => "a line break".to_owned(),
        c if c.is_ascii_graphic() => format!("“{c}”"),
        c if is_visible(c) => format!("“{c}” (U+{:04X})", u32::from(c)),
        c => format!("U+{:04X}", u32::from(c)),
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character is visible: neither space nor a control or format character.
fn is_visible(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !is_mark(c)
}

/// Whether a character is a mark that shows nothing: of direction, of width zero, a filler.
#[must_use]
pub fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<String>) -> String {
        match result {
            Err(Error::Invalid(errors)) => errors.get("name").unwrap_or_default().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_space_around_a_line_is_dropped() {
        assert_eq!(line("name", "Key Name", 100, " Project X \u{a0}").unwrap(), "Project X");
    }

    #[test]
    fn a_line_that_shows_nothing_is_missing() {
        for blank in ["", " ", "\t\r\n", "\u{3000}", "\u{200b}\u{202e}", "\u{feff}", "\0", "\u{2800}\u{3164}\u{ad}"] {
            assert_eq!(message(line("name", "Key Name", 100, blank)), "Key Name is required.", "{blank:?}");
        }
    }

    #[test]
    fn what_pasting_brings_along_is_dropped_and_the_rest_can_be_named() {
        assert_eq!(trim("\u{202a}\u{a0}a\u{200d}b\u{202c}\r\n"), "a\u{200d}b");
        assert_eq!(plain("\u{feff}a\u{a0}\u{200b}b\u{2011}c\u{2060} "), "a b-c");
        for (c, name) in
            [('x', "“x”"), ('é', "“é” (U+00E9)"), ('\n', "a line break"), ('\0', "U+0000"), ('\u{200b}', "U+200B")]
        {
            assert_eq!(name_of(c), name);
        }
    }

    #[test]
    fn length_is_counted_in_characters_not_bytes() {
        assert!(line("name", "Key Name", 100, &"ž".repeat(100)).is_ok());
        assert!(line("name", "Key Name", 100, &"😀".repeat(100)).is_ok());
        let too_long = message(line("name", "Key Name", 100, &"a".repeat(101)));
        assert_eq!(too_long, "Key Name has 101 characters; 100 is the most.");
    }

    #[test]
    fn control_characters_are_refused_and_markup_is_kept() {
        for wrong in ["a\nb", "a\0b", "a\u{1b}[31mb", "a\u{7f}", "a\u{85}b"] {
            assert!(line("name", "Key Name", 100, wrong).is_err(), "{wrong:?}");
        }
        for fine in ["<b>x</b>", "a\u{202e}b", "{{7*7}}", "😀"] {
            assert_eq!(line("name", "Key Name", 100, fine).unwrap(), fine);
        }
    }

    #[test]
    fn a_paragraph_may_be_empty_and_keeps_its_line_breaks() {
        assert_eq!(paragraph("name", "Key Description", 500, "").unwrap(), "");
        assert_eq!(paragraph("name", "Key Description", 500, "a\r\nb\rc").unwrap(), "a\nb\nc");
        assert!(paragraph("name", "Key Description", 500, "a\0b").is_err());
        assert!(paragraph("name", "Key Description", 500, &"a".repeat(501)).is_err());
    }
}
