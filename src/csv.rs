//! Comma-separated values (RFC 4180) for spreadsheets and programs.

/// Makes spreadsheets read the file as UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Appends a line.
pub fn push_line<'a>(csv: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            csv.push(',');
        }
        csv.push('"');
        csv.push_str(&cell.replace('"', "\"\""));
        csv.push('"');
    }
    csv.push_str("\r\n");
}

/// A text of somebody else, in which a spreadsheet finds no formula: an apostrophe
/// stands before each character that could begin one. That is the first, and the
/// first after what begins a new cell where a spreadsheet separates cells by
/// semicolons or tabs and does not see the quotes
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut begins_cell = true;
    for c in text.chars() {
        if begins_cell && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            safe.push('\'');
        }
        begins_cell = matches!(c, ';' | '"' | '\t' | '\r' | '\n') || (begins_cell && c.is_whitespace());
        safe.push(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_may_hold_separators_quotes_and_lines() {
        let mut csv = String::new();
        push_line(&mut csv, ["plain", "a,b", "say \"hi\"", "one\ntwo", ""]);
        assert_eq!(csv, "\"plain\",\"a,b\",\"say \"\"hi\"\"\",\"one\ntwo\",\"\"\r\n");
    }

    #[test]
    fn nothing_that_a_customer_writes_is_a_formula() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" \t=1", " \t'=1"),
            ("＝1", "'＝1"),
            ("a;=1", "a;'=1"),
            ("a\n=1", "a\n'=1"),
            ("a\" ;\"=1", "a\" ;\"'=1"),
            ("Total: 1+1=2, -5 °C", "Total: 1+1=2, -5 °C"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), safe, "{text}");
        }
    }
}
