//! Members and parameters that the API does not know, named in errors.

/// The longest name that is repeated in an error: a key, which may be in the wrong place,
/// is longer.
const MAX_NAME_CHARS: usize = 32;
/// The most differences at which a known name is suggested.
const MAX_DIFFERENCES: usize = 2;

/// The name and the known ones, from Serde's message about an unknown field; `None` for
/// other messages, and for a name that may be a secret.
pub(super) fn explain(message: &str) -> Option<String> {
    let (name, rest) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > MAX_NAME_CHARS || !name.chars().all(is_word) {
        return None;
    }
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    let nearest = known.iter().map(|known| (differences(name, known), *known)).min();
    let hint = match nearest {
        Some((count, known)) if count <= MAX_DIFFERENCES.min(known.len() / 2) => format!("; did you mean \"{known}\"?"),
        _ => ".".to_owned(),
    };
    Some(format!("\"{name}\"{hint} Known are {}", known.join(", ")))
}

/// The letters to add, to remove, to replace or to swap with their neighbour (the optimal
/// string alignment distance).
fn differences(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, wanted) in other.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(letter != wanted)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == other[j - 1] && one[i - 1] == *wanted {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> Option<String> {
        explain(&format!("unknown field `{name}`, expected one of `to`, `text`, `from`"))
    }

    #[test]
    fn an_unknown_name_is_told_with_the_known_ones_and_the_nearest_of_them() {
        assert_eq!(told("form").as_deref(), Some("\"form\"; did you mean \"from\"? Known are to, text, from"));
        assert_eq!(told("body").as_deref(), Some("\"body\". Known are to, text, from"));
        assert_eq!(explain("unknown field `x`, expected `key`").as_deref(), Some("\"x\". Known are key"));
        assert_eq!(explain("invalid type: string \"x\""), None);
    }

    #[test]
    fn a_name_that_may_be_a_secret_is_not_repeated() {
        for name in ["sms_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3Un6aF", "a b", "ž", "<b>", ""] {
            assert_eq!(told(name), None, "{name}");
        }
    }

    #[test]
    fn differences_are_those_of_somebody_who_types() {
        for (one, other, count) in
            [("", "", 0), ("form", "from", 1), ("txt", "text", 1), ("too", "to", 1), ("", "ab", 2)]
        {
            assert_eq!(differences(one, other), count, "{one} {other}");
        }
    }
}
