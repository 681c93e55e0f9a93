//! Rust's text in words and signs, and the names of the types in it.

/// Whether a token is a name or keyword.
pub(super) fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The words and signs of a text, without comments and what is in quotes.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            start + rest[start..].find(&end).map_or(rest.len() - start, |at| at + end.len())
        } else if first == '"' {
            quoted(rest)
        } else if rest.starts_with("'\\") || (first == '\'' && rest.chars().nth(2) == Some('\'')) {
            let start = if rest.starts_with("'\\") { 3 } else { 1 };
            start + rest[start..].find('\'').map_or(0, |at| at + 1)
        } else if is_word(rest) {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest[..word].to_owned());
            word
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// How many signs a raw string is fenced with, where one begins.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r')?.bytes().take_while(|byte| *byte == b'#').count();
    text[1 + hashes..].starts_with('"').then_some(hashes)
}

fn quoted(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |at| at + 2)
}

/// The types that are defined, by keyword and by the macros that define some.
pub(super) fn type_names(tokens: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "struct" | "enum" | "trait" => found.extend(tokens.get(at + 1).filter(|name| is_word(name)).cloned()),
            // Deeper ones belong to a trait or to its implementation.
            "type" if depth == 0 => found.extend(tokens.get(at + 1).filter(|name| is_word(name)).cloned()),
            "id" | "text_enum" if tokens[at + 1..].starts_with(&["!".to_owned(), "{".to_owned()]) => {
                let after = ["{", "="];
                let name =
                    (at + 3..tokens.len() - 1).find(|at| is_word(&tokens[*at]) && after.contains(&&*tokens[at + 1]));
                found.extend(name.map(|at| tokens[at].clone()));
            }
            _ => {}
        }
    }
    found
}
