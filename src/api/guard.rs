//! Who may ask: how often, under which name of the host, with which token, and, to change something, from where.
//!
//! A page of the web can send a browser anywhere. It can make a name of its own stand for 127.0.0.1 (DNS rebinding): hence the check of
//! the Host. It can post forms and simple requests: hence the header of our own, which it cannot send without being asked back, and the
//! check of the Origin.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};

use super::problem::Problem;
use crate::config::{Scope, WebConfig};

/// Requests that are answered at once, and in each second after that.
const BURST: f64 = 300.0;
const RATE: f64 = 60.0;
/// The same of this machine, where benches and many tabs are at home.
const BURST_HERE: f64 = 4_000.0;
const RATE_HERE: f64 = 2_000.0;
/// Addresses that are remembered.
const PEERS_MAX: usize = 4_096;
/// The header that a change must have.
const OURS: HeaderName = HeaderName::from_static("x-gainsay");

/// The door.
#[derive(Debug)]
pub(super) struct Guard {
    web: WebConfig,
    is_local: bool,
    buckets: Mutex<BTreeMap<IpAddr, (f64, Instant)>>,
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// Whose token it was.
    pub(super) name: Option<String>,
    /// What is open to them.
    pub(super) scope: Scope,
}

impl Guard {
    pub(super) fn new(web: WebConfig, listen: Option<SocketAddr>) -> Self {
        let is_local = listen.is_some_and(|address| address.ip().is_loopback());
        Self { web, is_local, buckets: Mutex::default() }
    }

    /// Lets a request in or says why not; one that changes something goes through [`check_change`] as well.
    pub(super) fn admit(&self, peer: IpAddr, headers: &HeaderMap, scope: Scope) -> Result<Caller, Problem> {
        let is_named_here = self.check_host(headers)?;
        self.check_token(headers, scope, is_named_here && peer.is_loopback())
    }

    /// Whether nobody is let in without a token.
    pub(super) fn needs_token(&self) -> bool {
        !self.web.tokens.is_empty()
    }

    /// Whether another request of this address may be answered now: a bucket that fills with time.
    pub(super) fn check_rate(&self, peer: IpAddr) -> Result<(), Problem> {
        let (burst, rate) = if peer.is_loopback() { (BURST_HERE, RATE_HERE) } else { (BURST, RATE) };
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= PEERS_MAX && !buckets.contains_key(&peer) {
            // Whoever has been quiet for long has a full bucket anyway.
            buckets.retain(|_, (left, since)| *left + now.duration_since(*since).as_secs_f64() * RATE < BURST);
            if buckets.len() >= PEERS_MAX {
                buckets.pop_first();
            }
        }
        let (left, since) = buckets.get(&peer).copied().unwrap_or((burst, now));
        let filled = (left + now.duration_since(since).as_secs_f64() * rate).min(burst);
        let is_in_time = filled >= 1.0;
        buckets.insert(peer, (if is_in_time { filled - 1.0 } else { filled }, now));
        if is_in_time {
            Ok(())
        } else {
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("at most {rate} requests in a second")))
        }
    }

    /// Whether the request was sent to this machine by a name that is always its own; refused where it was sent to a stranger's.
    pub(super) fn check_host(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let mut given = headers.get_all(header::HOST).iter();
        let host =
            given.next().and_then(|host| host.to_str().ok()).ok_or_else(|| Problem::bad("the Host is missing"))?;
        if given.next().is_some() {
            return Err(Problem::bad("the Host is given twice"));
        }
        let name = host_name(host);
        let bare = name.strip_prefix('[').map_or(Some(name.as_str()), |inner| inner.strip_suffix(']'));
        if let Some(Ok(address)) = bare.map(str::parse::<IpAddr>) {
            // What a browser takes for an address is not looked up, and cannot be made to stand for another one.
            return Ok(address.is_loopback());
        }
        if name == "localhost" {
            return Ok(true);
        }
        if self.web.is_host(&name) {
            return Ok(false);
        }
        let detail = format!(
            "{name:?} is none of this daemon's names; accepted: its address, localhost, or what [web] names as hosts and in public_url"
        );
        Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail))
    }

    fn check_token(&self, headers: &HeaderMap, scope: Scope, is_here: bool) -> Result<Caller, Problem> {
        if self.web.tokens.is_empty() {
            if self.is_local && is_here {
                return Ok(Caller { name: None, scope: Scope::Operate });
            }
            let detail = "beyond this machine the API is closed without tokens: set tokens in [web] of the config";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "a token is needed: Authorization: Bearer TOKEN"));
        };
        // All are compared, so that the time says nothing of which fits.
        let mut found = None;
        for known in &self.web.tokens {
            if known.is(token.trim()) {
                found = Some(known);
            }
        }
        match found {
            None => Err(Problem::new(StatusCode::UNAUTHORIZED, "this token is not known")),
            Some(known) if known.scope < scope => {
                Err(Problem::new(StatusCode::FORBIDDEN, "this token may only read: its scope would have to be operate"))
            }
            Some(known) => Ok(Caller { name: Some(known.name.clone()), scope: known.scope }),
        }
    }
}

/// The host without its port, in small letters.
fn host_name(host: &str) -> String {
    let end = if host.starts_with('[') { host.find(']').map(|at| at + 1) } else { host.find(':') };
    host.get(..end.unwrap_or(host.len())).unwrap_or(host).trim_end_matches('.').to_ascii_lowercase()
}

/// Fails where a request that changes something was not sent by a program or by our own page.
pub(super) fn check_change(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let refused = |detail: &str| Problem::new(StatusCode::FORBIDDEN, detail);
    if let Some(origin) = text(header::ORIGIN) {
        let host = text(header::HOST).unwrap_or_default();
        let is_same = origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host));
        if !is_same {
            return Err(refused("the Origin is another one than the Host"));
        }
    }
    if text(HeaderName::from_static("sec-fetch-site")).is_some_and(|site| !["same-origin", "none"].contains(&site)) {
        return Err(refused("another site sent this request"));
    }
    if text(OURS) != Some("1") {
        return Err(refused("the header X-Gainsay is missing, or another one than X-Gainsay: 1"));
    }
    let kind = text(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        let detail = format!("Content-Type: {kind:?} is not accepted; accepted: application/json");
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[track_caller]
    fn check_host(host: &str, expected: Result<bool, u16>) {
        let web = WebConfig { hosts: vec!["gainsay.example".to_owned()], ..WebConfig::default() };
        let guard = Guard::new(web, "127.0.0.1:8420".parse().ok());
        assert_eq!(guard.check_host(&headers(&[("host", host)])).map_err(|problem| problem.status), expected, "{host}");
    }

    #[test]
    fn a_host_is_an_address_or_a_name_of_ours() {
        for host in ["127.0.0.1", "127.0.0.1:8420", "[::1]:8420", "localhost", "LOCALHOST:1", "localhost."] {
            check_host(host, Ok(true));
        }
        for host in ["192.0.2.7:8420", "[2001:db8::1]", "gainsay.example:443", "Gainsay.Example"] {
            check_host(host, Ok(false));
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "x", "gainsay.example.evil", "[::1"]
        {
            check_host(host, Err(421));
        }
    }

    #[track_caller]
    fn check_change(more: &[(&'static str, &str)], expected: Result<(), u16>) {
        let mut all = headers(&[("host", "127.0.0.1:8420"), ("content-type", "application/json"), ("x-gainsay", "1")]);
        all.extend(headers(more));
        assert_eq!(super::check_change(&all).map_err(|problem| problem.status), expected, "{more:?}");
    }

    #[test]
    fn only_our_own_page_and_programs_change_something() {
        check_change(&[], Ok(()));
        check_change(&[("origin", "http://127.0.0.1:8420"), ("sec-fetch-site", "same-origin")], Ok(()));
        check_change(&[("content-type", "application/json; charset=utf-8")], Ok(()));
        for origin in ["null", "http://evil.example", "http://127.0.0.1:8421", "http://127.0.0.1:8420.evil.example"] {
            check_change(&[("origin", origin)], Err(403));
        }
        check_change(&[("sec-fetch-site", "cross-site")], Err(403));
        check_change(&[("x-gainsay", "0")], Err(403));
        check_change(&[("content-type", "text/plain")], Err(415));
        let bare = headers(&[("host", "127.0.0.1:8420"), ("content-type", "application/json")]);
        assert_eq!(super::check_change(&bare).unwrap_err().status, 403);
    }

    #[test]
    fn a_flood_of_one_address_leaves_the_others_alone() {
        let guard = Guard::new(WebConfig::default(), None);
        let [flood, other] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse::<IpAddr>().unwrap());
        let let_in = (0..2_000).filter(|_| guard.check_rate(flood).is_ok()).count();
        assert!((300..400).contains(&let_in), "{let_in}");
        guard.check_rate(other).unwrap();
        for number in 0..u32::try_from(PEERS_MAX).unwrap() + 10 {
            guard.check_rate(std::net::Ipv4Addr::from(0x0a00_0000 + number).into()).unwrap();
        }
        assert!(guard.buckets.lock().unwrap().len() <= PEERS_MAX);
    }
}
