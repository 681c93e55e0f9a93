//! The addresses that a key may be used from.

use std::net::IpAddr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use ipnet::IpNet;

use crate::error::{Error, Result};
use crate::store::types::text_column;

/// The most addresses and ranges of a key.
const MAX_ALLOWED_IPS: usize = 50;

/// Addresses and ranges in canonical form; none means anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct AllowedIps(String);

impl AllowedIps {
    /// Validates a list of addresses and ranges with spaces, commas or line breaks
    /// between them. An IPv4-mapped IPv6 address becomes its IPv4 address.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `allowed_ips`: what is neither, a range whose address has
    /// bits behind its prefix, one that is there twice, one that covers everything
    /// beside others, or more than 50.
    pub fn parse(text: &str) -> Result<Self> {
        let parts = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|part| !part.is_empty());
        let mut nets: Vec<IpNet> = Vec::new();
        for part in parts {
            let net = parse_one(part)?;
            if nets.contains(&net) {
                return Err(invalid(format!("{} is in the list twice.", written(net))));
            }
            nets.push(net);
        }
        if nets.len() > MAX_ALLOWED_IPS {
            return Err(invalid(format!("{} addresses and ranges; {MAX_ALLOWED_IPS} is the most.", nets.len())));
        }
        if let Some(all) = nets.iter().find(|net| net.prefix_len() == 0).filter(|_| nets.len() > 1) {
            return Err(invalid(format!(
                "{all} allows every address, so the others have no effect. Remove one or the other."
            )));
        }
        nets.sort_unstable();
        Ok(Self(nets.into_iter().map(written).collect::<Vec<_>>().join(" ")))
    }

    /// Every address.
    #[must_use]
    pub fn anywhere() -> Self {
        Self::default()
    }

    /// As stored: canonical, with a space between two.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every address is allowed, an unknown one too.
    #[must_use]
    pub fn is_anywhere(&self) -> bool {
        self.0.is_empty()
    }

    /// The addresses and ranges as they are written.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|entry| !entry.is_empty())
    }

    /// The same as ranges.
    #[must_use]
    pub fn networks(&self) -> Vec<IpNet> {
        self.entries().filter_map(|entry| parse_one(entry).ok()).collect()
    }

    /// The list with one address more.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `allowed_ips` when the list is full.
    pub fn with(&self, address: IpAddr) -> Result<Self> {
        let address = address.to_canonical();
        if self.networks().iter().any(|net| net.contains(&address)) {
            return Ok(self.clone());
        }
        Self::parse(&format!("{} {address}", self.0))
    }
}

fn parse_one(text: &str) -> Result<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let Ok(net) = text.parse::<IpNet>() else {
        let shown: String = text.chars().take(50).collect();
        return Err(invalid(format!("“{shown}” is no IP address or range. Write 203.0.113.9 or 10.0.0.0/8.")));
    };
    let net = canonical(net);
    if net.trunc() != net {
        return Err(invalid(format!("“{text}” has bits behind its prefix. Did you mean {}?", written(net.trunc()))));
    }
    Ok(net)
}

/// A range of IPv4-mapped IPv6 addresses as the range of IPv4 addresses that it is.
fn canonical(net: IpNet) -> IpNet {
    match (net.addr().to_canonical(), net.prefix_len()) {
        (IpAddr::V4(address), length) if net.addr().is_ipv6() && length >= 96 => {
            IpNet::new(address.into(), length - 96).unwrap_or(net)
        }
        _ => net,
    }
}

/// A range of one address is written as the address.
fn written(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

fn invalid(message: String) -> Error {
    Error::invalid("allowed_ips", message)
}

text_column!(AllowedIps, |text: &str| Some(AllowedIps(text.to_owned())));

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        AllowedIps::parse(text).ok().map(|list| list.0)
    }

    fn told(text: &str) -> String {
        match AllowedIps::parse(text) {
            Err(Error::Invalid(errors)) => errors.get("allowed_ips").unwrap().to_owned(),
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn a_list_is_stored_in_one_form() {
        for (written, stored) in [
            ("", ""),
            (" \n, ", ""),
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9/32", "203.0.113.9"),
            ("2001:DB8::0001", "2001:db8::1"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("192.0.2.1,10.0.0.0/8\r\n2001:db8::/32", "10.0.0.0/8 192.0.2.1 2001:db8::/32"),
        ] {
            assert_eq!(parsed(written).as_deref(), Some(stored), "{written:?}");
            assert_eq!(parsed(stored).as_deref(), Some(stored), "what is stored is read again");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_named() {
        for wrong in ["localhost", "10.0.0", "10.0.0.1/33", "fe80::1%eth0", "10.0.0.1:80", "[::1]", "010.0.0.1", "*"] {
            assert!(told(wrong).contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn bits_behind_the_prefix_are_refused_with_what_was_meant() {
        assert!(told("10.0.0.5/8").contains("Did you mean 10.0.0.0/8?"));
        assert!(told("2001:db8::1/32").contains("Did you mean 2001:db8::/32?"));
        assert!(told("::ffff:10.0.0.5/104").contains("Did you mean 10.0.0.0/8?"));
    }

    #[test]
    fn everywhere_beside_others_and_doubles_are_refused() {
        assert!(told("0.0.0.0/0 10.0.0.1").contains("0.0.0.0/0"));
        assert!(told("10.0.0.1 ::ffff:10.0.0.1").contains("twice"));
    }

    #[test]
    fn fifty_entries_are_the_most() {
        let list = |number: usize| (0..number).map(|i| format!("10.0.0.{i}")).collect::<Vec<_>>().join(" ");
        assert!(parsed(&list(50)).is_some());
        assert!(told(&list(51)).contains("50 is the most"));
    }

    #[test]
    fn an_address_that_is_covered_is_not_added_again() {
        let list = AllowedIps::parse("10.0.0.0/8").unwrap();
        assert_eq!(list.with("::ffff:10.1.2.3".parse().unwrap()).unwrap(), list);
        assert_eq!(list.with("192.0.2.1".parse().unwrap()).unwrap().as_str(), "10.0.0.0/8 192.0.2.1");
        assert!(AllowedIps::anywhere().is_anywhere() && !list.is_anywhere());
    }
}
