//! Lists of IP addresses and ranges, as settings contain them.

use std::net::IpAddr;

use ipnet::IpNet;

/// A list of addresses and ranges.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Parses addresses and ranges, separated by commas: `127.0.0.1, 10.0.0.0/8`.
    ///
    /// # Errors
    /// The first part that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let nets =
            parts.map(|part| part.parse().or_else(|_| part.parse().map(IpAddr::into)).map_err(|_| part.to_owned()));
        nets.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the list contains `address`. An IPv4-mapped IPv6 address counts as
    /// its IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|net| net.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_an_error_in_it_is_refused() {
        assert_eq!(Networks::parse("127.0.0.1, proxy.lan").unwrap_err(), "proxy.lan");
        assert_eq!(Networks::parse("10.0.0.0/33").unwrap_err(), "10.0.0.0/33");
    }

    #[test]
    fn an_address_is_the_same_in_either_form() {
        let networks = Networks::parse("10.0.0.0/8, ::1").unwrap();
        for (address, is_in) in [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("::1", true), ("11.0.0.1", false)] {
            assert_eq!(networks.contains(address.parse().unwrap()), is_in, "{address}");
        }
    }
}
