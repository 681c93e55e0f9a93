//! Addresses in pages. Templates write them from the root, `/api-keys`, and know nothing of
//! an installation below a path of its host: all pages and parts of pages pass here when they
//! are drawn, and get that path in front of what browsers follow.

use crate::http::base_path::{self, BasePath};

/// The attributes of our templates that hold an address.
pub const ATTRIBUTES: [&str; 7] = ["href", "src", "action", "formaction", "hx-get", "hx-post", "data-list-url"];

/// A page as it is sent to the client whose request is being handled.
#[must_use]
pub(super) fn placed(page: String) -> String {
    match base_path::current() {
        Some(base) => below(&base, &page),
        None => page,
    }
}

/// Reads tags and their attributes, and nothing else: text of people's, which is escaped, can
/// neither begin a tag nor end a value, so that it stays as it is.
fn below(base: &BasePath, page: &str) -> String {
    let mut placed = String::with_capacity(page.len() + page.len() / 16);
    let mut rest = page;
    while let Some(tag) = tag_start(rest) {
        let (text, from_tag) = rest.split_at(tag);
        placed.push_str(text);
        rest = place_in_tag(base, from_tag, &mut placed);
    }
    placed.push_str(rest);
    placed
}

/// Where the next tag begins: a closing tag and a comment have no attributes.
fn tag_start(html: &str) -> Option<usize> {
    let is_tag = |at: &usize| html.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphabetic);
    html.match_indices('<').map(|(at, _)| at).find(is_tag)
}

/// Copies a tag up to its end, and gives what comes after it.
fn place_in_tag<'a>(base: &BasePath, tag: &'a str, placed: &mut String) -> &'a str {
    let mut rest = tag;
    while let Some(at) = rest.find(['"', '\'', '>']) {
        let (before, from_mark) = rest.split_at(at);
        let (mark, value) = from_mark.split_at(1);
        placed.push_str(before);
        placed.push_str(mark);
        rest = value;
        if mark == ">" {
            return rest;
        }
        if is_address(before) {
            placed.push_str(base.before(value));
        }
        let end = value.find(mark).map_or(value.len(), |end| end + 1);
        placed.push_str(&value[..end]);
        rest = &value[end..];
    }
    placed.push_str(rest);
    ""
}

/// Whether what stands before a value ends with the name of an attribute that holds an address.
fn is_address(before: &str) -> bool {
    let name = before.strip_suffix('=').and_then(|names| names.rsplit(|c: char| c.is_ascii_whitespace()).next());
    name.is_some_and(|name| ATTRIBUTES.contains(&name))
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use proptest::prelude::*;

    use super::*;

    /// A page that writes a base path itself, with text of people's wherever there can be some.
    #[derive(Template)]
    #[template(
        ext = "html",
        source = r##"<!doctype html><p title="{{ text }}" lang='{{ text }}'>{{ text }} href="/x"</p>
<a class="{{ text }}" href="{{ base }}/keys/{{ text }}" title="/{{ text }}">{{ text }}</a>
<form method="post" action="{{ base }}/logout"><input value="{{ text }}"/><input value="/{{ text }}"></form>
<a href="//example.com/{{ text }}">x</a><a href="?{{ text }}"></a><a href='{{ base }}/a'
  hx-get="{{ base }}/b">y</a><textarea>{{ text }}</textarea><i data-a="{{ text }}" src="{{ base }}/c"/>{{ text }}"##
    )]
    struct Mixed<'a> {
        base: &'a str,
        text: &'a str,
    }

    #[track_caller]
    fn assert_placed(text: &str) {
        let base = BasePath::parse("/keyfob").unwrap().unwrap();
        let written = Mixed { base: "", text }.render().unwrap();
        assert_eq!(below(&base, &written), Mixed { base: "/keyfob", text }.render().unwrap());
    }

    proptest! {
        #[test]
        fn addresses_of_the_page_change_and_text_of_peoples_does_not(
            text in prop_oneof![
                any::<String>(),
                "( href=| src=|\\\"|'|/|<a |<|>|=|&#34;|&quot;| action=\"/x|a|\\\\|\n){0,8}",
            ]
        ) {
            assert_placed(&text);
        }
    }

    #[test]
    fn a_tag_that_has_no_end_is_copied_to_its_end() {
        let base = BasePath::parse("/keyfob").unwrap().unwrap();
        for html in ["<", "<a", "<a href=", "<a href=\"", "<a href=\"x", "a < b", "</a href", "<!-- x -->", ""] {
            assert_eq!(below(&base, html), html);
        }
    }
}
