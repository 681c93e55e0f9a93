//! A `User-Agent` in the words of people: the browser and the system, where it names usual ones.

use crate::domain::text;

/// What else is shown of a program, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// A part of the `User-Agent` and what it stands for. Browsers also name those that they
/// resemble, so the more special ones come first.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// `Firefox on Linux`; another program as it calls itself, shortened.
#[must_use]
pub fn program_words(user_agent: Option<&str>) -> String {
    let Some(user_agent) = user_agent.map(str::trim).filter(|name| !text::is_blank(name)) else {
        return "Unknown program".to_owned();
    };
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(part, _)| user_agent.contains(part)).map(|named| named.1);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) if user_agent.starts_with("Mozilla/") => format!("{browser} on {system}"),
        _ => match user_agent.char_indices().nth(MAX_SHOWN_CHARS) {
            Some((end, _)) => format!("{}…", user_agent[..end].trim_end()),
            None => user_agent.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_browsers_and_systems_are_named() {
        for (user_agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/150.0 Mobile Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
        ] {
            assert_eq!(program_words(Some(user_agent)), words);
        }
    }

    #[test]
    fn other_programs_are_called_as_they_call_themselves() {
        assert_eq!(program_words(Some(" curl/8.20.0 ")), "curl/8.20.0");
        assert_eq!(program_words(Some("<b>Firefox/</b> Linux")), "<b>Firefox/</b> Linux");
        assert_eq!(program_words(Some(&"ž".repeat(61))), format!("{}…", "ž".repeat(60)));
        for nothing in [None, Some(""), Some(" \u{200b}")] {
            assert_eq!(program_words(nothing), "Unknown program");
        }
    }
}
