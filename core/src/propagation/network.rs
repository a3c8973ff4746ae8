//! Address ranges that are trusted: to say which trace a request belongs to, or whom it came from.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// One range in CIDR notation: `10.0.0.0/8`, `fd00::/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The bits of the range's first address, IPv4 as its mapped IPv6 form.
    bits: u128,
    /// How many of them count.
    prefix: u32,
}

/// An address range that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network: write an address such as 10.1.2.3, or a range such as 10.0.0.0/8 or fd00::/8")]
pub struct NetworkError(String);

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, prefix) =
            text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (longest, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix: u32 = match prefix {
            Some(prefix) if prefix.bytes().all(|b| b.is_ascii_digit()) => {
                prefix.parse().map_err(|_| wrong())?
            }
            Some(_) => return Err(wrong()),
            None => longest,
        };
        if prefix > longest {
            return Err(wrong());
        }
        Ok(Self { bits: bits(address), prefix: prefix + offset })
    }
}

impl Network {
    /// Whether the address is in the range. IPv4 addresses that a dual-stack socket shows as IPv6 count as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let differ = self.bits ^ bits(address);
        self.prefix == 0 || differ >> (128 - self.prefix) == 0
    }
}

/// A list of ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// Each text is one range.
    ///
    /// # Errors
    /// The first text that is none.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, NetworkError> {
        texts.into_iter().map(|text| text.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of the ranges holds the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// As [`Networks::contains`] for the other end of a connection: none on Unix sockets, whose peers are on this
    /// machine and count as being in any list that is not empty.
    #[must_use]
    pub fn contains_peer(&self, address: Option<IpAddr>) -> bool {
        match address {
            Some(address) => self.contains(address),
            None => !self.0.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_addresses() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("192.168.1.128/25", "192.168.1.127", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "1.2.3.4", true),
            ("fd00::/8", "fdab::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::1", "::1", true),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            (" 127.0.0.1/32 ", "127.0.0.1", true),
        ] {
            let networks = Networks::parse([network]).unwrap();
            assert_eq!(networks.contains(address.parse().unwrap()), expected, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "a", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "1.2.3.4/8/9"]
        {
            assert_eq!(Networks::parse([text]), Err(NetworkError(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn unix_sockets_are_local() {
        assert!(Networks::parse(["10.0.0.0/8"]).unwrap().contains_peer(None));
        assert!(!Networks::default().contains_peer(None));
    }
}
