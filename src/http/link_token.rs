//! The token in the address of a hand-over's link: the one secret that a path holds. It is
//! kept out of logs and referrers.

use percent_encoding::percent_decode_str;

const HANDOVER: &str = "handover";
/// The route, as logs have it.
const ROUTE: &str = "/handover/{token}";

/// Whether a path holds a token, however it is written: a link may have been mistyped.
#[must_use]
pub fn is_in(path: &str) -> bool {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let first = path.split('/').map(str::trim).find(|part| !part.is_empty());
    first.is_some_and(|first| first.eq_ignore_ascii_case(HANDOVER))
}

/// The path as logs have it: the pattern of the route instead of a token.
#[must_use]
pub fn without(path: &str) -> &str {
    if is_in(path) { ROUTE } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognized_however_its_link_is_written() {
        for path in [
            "/handover/abc",
            "//handover/abc",
            "/%68andover/abc",
            "/Handover/abc/",
            "/handover%2Fabc",
            "/ handover/abc",
        ] {
            assert_eq!(without(path), "/handover/{token}", "{path}");
        }
        for path in ["/", "/api-keys/key_1/handover", "/handovers", "*", "/v1/auth"] {
            assert_eq!(without(path), path);
        }
    }
}
