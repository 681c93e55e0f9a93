//! Text in the form in which it is searched and sorted: without case and accents, the same
//! for both databases.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// By so many characters of a name it is sorted. Folding may make a name longer, and an
/// index of PostgreSQL takes 2,700 bytes.
const MAX_SORTED_CHARS: usize = 200;

/// The columns by which something is found: its name to sort by, and all that is searched.
#[must_use]
pub fn search_columns(name: &str, description: &str, external_id: Option<&str>) -> (String, String) {
    let name = fold(name);
    let mut search = name.clone();
    for text in [description, external_id.unwrap_or_default()].into_iter().filter(|text| !text.is_empty()) {
        search = search + "\n" + &fold(text);
    }
    (name.chars().take(MAX_SORTED_CHARS).collect(), search)
}

/// Compatibility forms are decomposed (NFKD), letters are lower case and marks are gone;
/// `ß` is `ss`. A text that has nothing but marks keeps them.
#[must_use]
pub fn fold(text: &str) -> String {
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    // A second time, since the lower case of a letter may have a mark.
    let folded: String = letters.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    match folded.trim() {
        "" => text.to_lowercase(),
        folded => folded.replace('ß', "ss").replace('ς', "σ"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_make_no_difference() {
        for (one, other) in [
            ("Žluťoučký KŮŇ", "zlutoucky kun"),
            ("Straße", "STRASSE"),
            ("İstanbul", "istanbul"),
            ("e\u{301}", "É"),
            ("ﬁle", "FILE"),
            ("ΟΔΟΣ", "οδος"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} and {other}");
        }
        assert_ne!(fold("a"), fold("b"));
    }

    #[test]
    fn a_text_of_marks_alone_is_not_empty() {
        assert_eq!(fold("\u{301}"), "\u{301}");
        assert_eq!(fold("😀"), "😀");
    }
}
