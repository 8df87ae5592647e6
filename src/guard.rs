//! The guard against being sent inside: which addresses a feed may be fetched from and a webhook posted to, checked in URLs and after DNS;
//! used by `intake` and `sink`.
//!
//! A feed is hostile and so are the redirects and the DNS of its host: without this a poller on an operator's network is
//! a way to that network's metadata service. So is the DNS of a webhook's name; but an address that the operator wrote out is what was meant. The resolver checks names after resolution and before the connection, so
//! that a name cannot change its mind in between; `check_url` checks addresses written out in a URL, which no resolver
//! ever sees.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why a URL or the host in it is not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Neither http nor https.
    #[error("the scheme {0:?} is not http or https")]
    Scheme(String),
    /// No host at all.
    #[error("the URL has no host")]
    NoHost,
    /// A special address, or a name that has no other.
    #[error("{host} is {what} ({address}); {permit} can permit it")]
    Address {
        /// The host as the URL names it.
        host: String,
        /// The address behind it.
        address: IpAddr,
        /// What kind of address that is.
        what: &'static str,
        /// The key of the config that can permit it.
        permit: &'static str,
    },
}

const LOOPBACK: &str = "a loopback address";
const PRIVATE: &str = "a private address";
const LINK_LOCAL: &str = "a link-local address";
const METADATA: &str = "a cloud metadata address";

/// The key that permits addresses of feeds.
const INTAKE_KEY: &str = "intake.allow_networks";

/// Networks of IPv4 that no feed is served from, with what they are.
const SPECIAL_V4: [(Ipv4Net, &str); 20] = [
    (v4([0, 0, 0, 0], 8), "an unspecified address"),
    (v4([10, 0, 0, 0], 8), PRIVATE),
    // Alibaba's, within the carriers' space.
    (v4([100, 100, 100, 200], 32), METADATA),
    (v4([100, 64, 0, 0], 10), "a carrier's shared address"),
    (v4([127, 0, 0, 0], 8), LOOPBACK),
    // Azure hands out credentials on this one although it lies in public space.
    (v4([168, 63, 129, 16], 32), METADATA),
    (v4([169, 254, 169, 254], 32), METADATA),
    (v4([169, 254, 0, 0], 16), LINK_LOCAL),
    (v4([172, 16, 0, 0], 12), PRIVATE),
    (v4([192, 0, 0, 0], 24), "a protocol address"),
    (v4([192, 0, 2, 0], 24), "a documentation address"),
    (v4([192, 88, 99, 0], 24), "a relay address"),
    (v4([192, 168, 0, 0], 16), PRIVATE),
    (v4([198, 18, 0, 0], 15), "a benchmark address"),
    (v4([198, 51, 100, 0], 24), "a documentation address"),
    (v4([203, 0, 113, 0], 24), "a documentation address"),
    (v4([224, 0, 0, 0], 4), "a multicast address"),
    (v4([255, 255, 255, 255], 32), "the broadcast address"),
    (v4([240, 0, 0, 0], 4), "a reserved address"),
    (v4([192, 31, 196, 0], 24), "a protocol address"),
];

/// Networks of IPv6 that no feed is served from; what lies outside `2000::/3` and is not named here is reserved.
const SPECIAL_V6: [(Ipv6Net, &str); 15] = [
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "an unspecified address"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), LOOPBACK),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), "an IPv4-compatible address"),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "a local translation address"),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 63), "a discard address"),
    // Teredo tunnels to any IPv4 address of the sender's choice.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "a Teredo address"),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "a benchmark address"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "a protocol address"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "a documentation address"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "a documentation address"),
    // Amazon's, within private space.
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), METADATA),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), PRIVATE),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), LINK_LOCAL),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "a site-local address"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "a multicast address"),
];

const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// What makes `address` one that is not fetched from; `None` where it is public or lies in a network of `allow`.
pub fn refusal(address: IpAddr, allow: &[IpNet]) -> Option<&'static str> {
    // An IPv4 address in IPv6 clothes is reached over IPv4, so it is judged as what it is.
    let address = address.to_canonical();
    if allow.iter().any(|network| network.contains(&address)) {
        return None;
    }
    match address {
        IpAddr::V4(address) => SPECIAL_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what),
        IpAddr::V6(address) => refusal_v6(address, allow),
    }
}

/// Whether what is sent to this address stays in the operator's own network: a loopback or private one.
pub fn is_near(address: IpAddr) -> bool {
    matches!(refusal(address, &[]), Some(LOOPBACK | PRIVATE))
}

/// What makes `address` one that nobody means even by writing it out: one that hands out a cloud's credentials, or is good on one
/// cable alone. `None` for others and those in a network of `allow`.
pub fn never_meant(address: IpAddr, allow: &[IpNet]) -> Option<&'static str> {
    refusal(address, allow).filter(|what| [METADATA, LINK_LOCAL].contains(what))
}

fn refusal_v6(address: Ipv6Addr, allow: &[IpNet]) -> Option<&'static str> {
    let [_, first, second, .., seventh, eighth] = address.segments();
    if NAT64.contains(&address) {
        return refusal(embedded(seventh, eighth), allow);
    }
    if SIX_TO_FOUR.contains(&address) {
        return refusal(embedded(first, second), allow);
    }
    let special = SPECIAL_V6.iter().find(|(network, _)| network.contains(&address)).map(|(_, what)| *what);
    special.or_else(|| (!GLOBAL_V6.contains(&address)).then_some("a reserved address"))
}

/// The IPv4 address that two segments of an IPv6 address carry.
fn embedded(high: u16, low: u16) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
}

/// Checks what can be told from the URL alone: its scheme, and its host where that is an address.
///
/// # Errors
/// What is wrong with it, in words for the operator.
pub fn check_url(url: &Url, allow: &[IpNet]) -> Result<(), Refused> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::Scheme(url.scheme().to_owned()));
    }
    let address = match url.host() {
        None => return Err(Refused::NoHost),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
    };
    match refusal(address, allow) {
        Some(what) => Err(Refused::Address { host: address.to_string(), address, what, permit: INTAKE_KEY }),
        None => Ok(()),
    }
}

/// Checks the name in a URL that a proxy is to resolve: refused where any address that it has here must not be fetched from. What cannot
/// be looked up here is left to the proxy, which may be there because this machine knows no names.
///
/// # Errors
/// The address, in words for the operator.
pub(crate) async fn check_name(url: &Url, allow: &[IpNet]) -> Result<(), Refused> {
    let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
    let Ok(found) = tokio::net::lookup_host((name, 0)).await else { return Ok(()) };
    for address in found {
        if let Some(what) = refusal(address.ip(), allow) {
            let (host, address) = (name.to_owned(), address.ip());
            return Err(Refused::Address { host, address, what, permit: INTAKE_KEY });
        }
    }
    Ok(())
}

/// A DNS resolver for reqwest that gives only addresses which may be fetched from.
#[derive(Debug, Clone)]
pub struct GuardedResolver {
    allow: Arc<[IpNet]>,
    trusted: Option<Arc<str>>,
    /// The key of the config that holds `allow`.
    permit: &'static str,
}

impl GuardedResolver {
    /// A resolver that lets through public addresses and those in the networks of `allow`.
    pub fn new(allow: Arc<[IpNet]>) -> Self {
        Self { allow, trusted: None, permit: INTAKE_KEY }
    }

    /// One that also lets through whatever address this host has: the operator's own proxy.
    #[must_use]
    pub fn trusting(self, host: Option<String>) -> Self {
        Self { trusted: host.map(Into::into), ..self }
    }
}

/// The resolver of an endpoint's name: public addresses, those in the networks of its sink's `allow`, and `localhost`, which means
/// this machine whoever says it.
pub fn endpoint_resolver(allow: Arc<[IpNet]>) -> GuardedResolver {
    GuardedResolver { allow, trusted: Some("localhost".into()), permit: "allow_networks of its sink" }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow, permit) = (Arc::clone(&self.allow), self.permit);
        let is_trusted = self.trusted.as_deref().is_some_and(|host| host.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            // Port 0 stands for the port of the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if is_trusted {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            Ok(Box::new(permitted(name.as_str(), &found, &allow, permit)?.into_iter()) as Addrs)
        })
    }
}

/// The addresses of `host` that may be fetched from; an error where it has only others.
fn permitted(
    host: &str,
    found: &[SocketAddr],
    allow: &[IpNet],
    permit: &'static str,
) -> Result<Vec<SocketAddr>, Refused> {
    let mut kept = Vec::new();
    let mut refused = None;
    for &address in found {
        match refusal(address.ip(), allow) {
            None => kept.push(address),
            Some(what) => {
                refused = Some(Refused::Address { host: host.to_owned(), address: address.ip(), what, permit });
            }
        }
    }
    match refused {
        Some(refused) if kept.is_empty() => Err(refused),
        _ => Ok(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        assert_eq!(refusal(address.parse().unwrap(), &[]), expected, "{address}");
    }

    #[test]
    fn public_addresses_pass() {
        for address in
            ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            check(address, None);
        }
        check("64:ff9b::808:808", None);
        check("2002:808:808::1", None);
    }

    #[test]
    fn special_ipv4_is_refused_to_the_edges() {
        for (first, last, what) in [
            ("0.0.0.0", "0.255.255.255", "an unspecified address"),
            ("10.0.0.0", "10.255.255.255", "a private address"),
            ("100.64.0.0", "100.127.255.255", "a carrier's shared address"),
            ("127.0.0.0", "127.255.255.255", "a loopback address"),
            ("169.254.0.0", "169.254.255.255", "a link-local address"),
            ("172.16.0.0", "172.31.255.255", "a private address"),
            ("192.168.0.0", "192.168.255.255", "a private address"),
            ("198.18.0.0", "198.19.255.255", "a benchmark address"),
            ("192.0.2.0", "192.0.2.255", "a documentation address"),
            ("224.0.0.0", "239.255.255.255", "a multicast address"),
            ("240.0.0.0", "255.255.255.254", "a reserved address"),
        ] {
            check(first, Some(what));
            check(last, Some(what));
        }
        check("169.254.169.254", Some("a cloud metadata address"));
        check("100.100.100.200", Some("a cloud metadata address"));
        check("168.63.129.16", Some("a cloud metadata address"));
        check("255.255.255.255", Some("the broadcast address"));
    }

    #[test]
    fn special_ipv6_is_refused() {
        check("::", Some("an unspecified address"));
        check("::1", Some("a loopback address"));
        check("::7f00:1", Some("an IPv4-compatible address"));
        check("::ffff:127.0.0.1", Some("a loopback address"));
        check("::ffff:0:7f00:1", Some("a reserved address"));
        check("fd00:ec2::254", Some("a cloud metadata address"));
        check("fd00:ec2::253", Some("a private address"));
        check("fe80::1", Some("a link-local address"));
        check("fec0::1", Some("a site-local address"));
        check("ff02::1", Some("a multicast address"));
        check("2001:db8::1", Some("a documentation address"));
        check("3fff::1", Some("a documentation address"));
        check("2001:0:4136:e378::1", Some("a Teredo address"));
        check("2001:2::1", Some("a benchmark address"));
        check("2001:10::1", Some("a protocol address"));
        check("100::1", Some("a discard address"));
        check("4000::1", Some("a reserved address"));
    }

    #[test]
    fn ipv4_inside_ipv6_is_judged_as_ipv4() {
        check("64:ff9b::7f00:1", Some("a loopback address"));
        check("64:ff9b::a9fe:a9fe", Some("a cloud metadata address"));
        check("64:ff9b:1::1", Some("a local translation address"));
        check("2002:a00:1::1", Some("a private address"));
        check("2002:7f00:1::", Some("a loopback address"));
    }

    #[test]
    fn allowed_networks_pass_and_nothing_beside_them() {
        let allow: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        assert_eq!(refusal("127.0.0.1".parse().unwrap(), &allow), None);
        assert_eq!(refusal("::ffff:127.0.0.1".parse().unwrap(), &allow), None);
        assert_eq!(refusal("::1".parse().unwrap(), &allow), None);
        assert_eq!(refusal("10.0.0.1".parse().unwrap(), &allow), Some("a private address"));
    }

    #[track_caller]
    fn check_refused_url(url: &str, expected: &str) {
        let text = check_url(&Url::parse(url).unwrap(), &[]).map_err(|refused| refused.to_string());
        assert!(text.clone().is_err_and(|text| text.contains(expected)), "{url}: {text:?}");
    }

    #[test]
    fn urls_are_checked_before_any_dns() {
        check_refused_url("file:///etc/passwd", "scheme");
        check_refused_url("gopher://a.example/", "scheme");
        check_refused_url("http://127.0.0.1/", "loopback");
        check_refused_url("http://2130706433/", "loopback");
        check_refused_url("http://0x7f.1/", "loopback");
        check_refused_url("http://017700000001/", "loopback");
        check_refused_url("http://[::1]:8080/", "loopback");
        check_refused_url("http://[::ffff:a9fe:a9fe]/latest/", "metadata");
        assert_eq!(check_url(&Url::parse("https://a.example/feed").unwrap(), &[]), Ok(()));
    }

    #[test]
    fn a_name_with_one_public_address_keeps_only_that() {
        let found: Vec<SocketAddr> = vec!["10.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap()];
        assert_eq!(permitted("a.example", &found, &[], INTAKE_KEY).unwrap(), vec![found[1]]);
        assert!(permitted("a.example", &found[..1], &[], INTAKE_KEY).is_err());
    }

    #[test]
    fn some_addresses_are_near_and_some_never_meant() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for near in ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "fd12::1", "::ffff:10.0.0.1"] {
            assert!(is_near(address(near)) && never_meant(address(near), &[]).is_none(), "{near}");
        }
        for far in ["8.8.8.8", "100.64.0.1", "2606:4700::1111"] {
            assert!(!is_near(address(far)) && never_meant(address(far), &[]).is_none(), "{far}");
        }
        let allow = ["169.254.0.0/16".parse().unwrap(), "fd00:ec2::254/128".parse().unwrap()];
        for never in ["169.254.169.254", "169.254.0.9", "fe80::1", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"] {
            assert!(!is_near(address(never)) && never_meant(address(never), &[]).is_some(), "{never}");
            assert_eq!(never_meant(address(never), &allow).is_none(), never != "fe80::1", "{never}");
        }
    }
}
