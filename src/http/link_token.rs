//! The secrets that a path holds: the tokens in the addresses of links, of a hand-over, an
//! invitation and a new password, and the secret in the address of a carrier's receipts.
//! They are kept out of logs and referrers.

use percent_encoding::percent_decode_str;

/// The first part of such an address, and the route, as logs have it.
const LINKS: [(&str, &str); 3] =
    [("handover", "/handover/{token}"), ("invitations", "/invitations/{token}"), ("passwords", "/passwords/{token}")];

/// The route of receipts, as logs have it.
const RECEIPTS: &str = "/v1/carriers/{name}/receipts/{secret}";

/// Whether a path holds a token, however it is written: a link may have been mistyped.
#[must_use]
pub fn is_in(path: &str) -> bool {
    route_of(path).is_some()
}

/// The path as logs have it: the pattern of the route instead of a token.
#[must_use]
pub fn without(path: &str) -> &str {
    route_of(path).unwrap_or(path)
}

fn route_of(path: &str) -> Option<&'static str> {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let mut parts = path.split('/').map(str::trim).filter(|part| !part.is_empty());
    let first = parts.next()?;
    let mut rest = parts.skip_while(|part| !part.eq_ignore_ascii_case("carriers"));
    if first.eq_ignore_ascii_case("v1") && rest.next().is_some() {
        return Some(RECEIPTS);
    }
    LINKS.iter().find(|(link, _)| first.eq_ignore_ascii_case(link)).map(|(_, route)| *route)
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
        assert_eq!(without("//Invitations%2Fabc"), "/invitations/{token}");
        assert_eq!(without("/%70asswords/abc"), "/passwords/{token}");
        for path in ["/v1/carriers/default/receipts/SECRET", "/v1//carriers%2Fdefault/receipt/SECRET"] {
            assert_eq!(without(path), RECEIPTS, "{path}");
        }
        for path in
            ["/", "/carriers", "/api-keys/key_1/handover", "/handovers", "/people/invitations/new", "*", "/v1/auth"]
        {
            assert_eq!(without(path), path);
        }
    }
}
