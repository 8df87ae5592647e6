//! WebSub (W3C Recommendation of 23 January 2018), the subscriber's side of the protocol without its I/O: headers and feeds in, the hub
//! that they name out; subscriptions in, requests to the hub out; what a hub sends in, whether it is genuine out.
//!
//! Discovery is section 4, subscription 5.1, verification 5.3, authenticated content 7.1. Everything here is bounded: hubs and feeds are
//! hostile alike.

use hmac::{Hmac, KeyInit as _, Mac};
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use reqwest::header::{self, HeaderMap};
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use url::{Url, form_urlencoded};

use crate::model::{ADDRESS_BYTES_MAX, Subscription};

/// Bytes of all `Link` headers that are looked at.
const LINK_BYTES_MAX: usize = 16 << 10;
/// Bytes at the head of a feed that are looked at, and events in them.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEAD_EVENTS_MAX: usize = 2_000;
/// Longest reason of a hub for a denial.
const REASON_CHARS_MAX: usize = 200;
/// Longest challenge that is given back; hubs send some dozens of characters.
const CHALLENGE_BYTES_MAX: usize = 1024;
/// Random bytes of a callback's address and of a secret. The secret goes out as 64 characters; hubs take up to 199.
const RANDOM_BYTES: usize = 32;

/// What a feed, or the headers that came with it, say of hubs; addresses as they stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HubLinks {
    /// `rel="hub"`, the first.
    pub hub: Option<String>,
    /// `rel="self"`.
    pub topic: Option<String>,
}

impl HubLinks {
    fn take(&mut self, rel: &str, address: &str) {
        for rel in rel.split_ascii_whitespace() {
            let place = match rel.to_ascii_lowercase().as_str() {
                "hub" => &mut self.hub,
                "self" => &mut self.topic,
                _ => continue,
            };
            if place.is_none() && !address.is_empty() && address.len() <= ADDRESS_BYTES_MAX {
                *place = Some(address.to_owned());
            }
        }
    }
}

/// A hub and the address that it knows the feed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// Where to subscribe.
    pub hub: Url,
    /// To what.
    pub topic: Url,
}

impl Hub {
    /// The hub that the headers name, else the one of the feed; both addresses must be given, and by the same. Relative ones are
    /// resolved by `base`, the address that the feed came from.
    pub fn find(headers: &HubLinks, feed: &HubLinks, base: &Url) -> Option<Self> {
        let links = if headers.hub.is_some() { headers } else { feed };
        let resolve = |address: &Option<String>| {
            let url = base.join(address.as_deref()?.trim()).ok()?;
            let is_usable = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= ADDRESS_BYTES_MAX;
            is_usable.then_some(url)
        };
        Some(Self { hub: resolve(&links.hub)?, topic: resolve(&links.topic)? })
    }
}

/// Reads `Link` headers (RFC 8288).
pub fn links_in_headers(headers: &HeaderMap) -> HubLinks {
    let mut links = HubLinks::default();
    let mut budget = LINK_BYTES_MAX;
    for value in headers.get_all(header::LINK) {
        let Some(rest) = budget.checked_sub(value.len()) else { break };
        budget = rest;
        let text = String::from_utf8_lossy(value.as_bytes());
        let mut rest = text.as_ref();
        while let Some((_, opened)) = rest.split_once('<') {
            let Some((address, behind)) = opened.split_once('>') else { break };
            // Up to the comma that ends this link: one inside quotation marks does not.
            let mut is_quoted = false;
            let end = behind.find(|c: char| {
                is_quoted ^= c == '"';
                c == ',' && !is_quoted
            });
            let (parameters, next) = behind.split_at_checked(end.unwrap_or(behind.len())).unwrap_or((behind, ""));
            let relation = parameters.split(';').find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
            });
            links.take(relation.unwrap_or_default(), address.trim());
            rest = next;
        }
    }
    links
}

/// Reads the links of a feed itself, from what stands before its first entry; of RSS those of Atom's namespace, under any prefix.
pub(super) fn links_in_feed(text: &str) -> HubLinks {
    if text.starts_with('{') {
        return HubLinks::default();
    }
    let mut end = text.len().min(HEAD_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut reader = Reader::from_str(text.get(..end).unwrap_or_default());
    (reader.config_mut().check_end_names, reader.config_mut().allow_dangling_amp) = (false, true);
    let mut links = HubLinks::default();
    for _ in 0..HEAD_EVENTS_MAX {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                let name = element.local_name();
                if ["item", "entry"].iter().any(|entry| name.as_ref().eq_ignore_ascii_case(entry)) {
                    break;
                }
                if name.as_ref().eq_ignore_ascii_case("link") {
                    take(&element, &mut links);
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    links
}

fn take(element: &BytesStart<'_>, links: &mut HubLinks) {
    let attribute = |name: &str| {
        let found =
            element.attributes().flatten().find(|attribute| attribute.key.as_ref().eq_ignore_ascii_case(name))?;
        Some(htmlize::unescape(found.value.as_ref()).into_owned())
    };
    if let (Some(rel), Some(address)) = (attribute("rel"), attribute("href")) {
        links.take(&rel, address.trim());
    }
}

/// Reads `hubs` and `feed_url` among the values of a JSON Feed's own.
pub(super) fn links_in_json(feed: &Map<String, Value>) -> HubLinks {
    let mut links = HubLinks::default();
    let hubs = feed.get("hubs").and_then(Value::as_array).into_iter().flatten();
    for hub in
        hubs.filter(|hub| hub.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("websub")))
    {
        links.take("hub", hub.get("url").and_then(Value::as_str).unwrap_or_default());
    }
    links.take("self", feed.get("feed_url").and_then(Value::as_str).unwrap_or_default());
    links
}

/// A subscription to ask `hub` for at `now`, with a callback under `base` and a secret that nobody can guess; nothing where the system
/// gives no random numbers.
pub fn new_subscription(hub: &Hub, base: &Url, now: Timestamp) -> Option<Subscription> {
    let callback = format!("{}/{}", base.as_str().trim_end_matches('/'), random()?);
    Some(Subscription {
        hub: hub.hub.to_string(),
        topic: hub.topic.to_string(),
        callback,
        secret: random()?,
        ends: None,
        next: now,
        is_pending: false,
        failures: 0,
        trouble: None,
        last_push: None,
        rhythm: None,
        has_missed: false,
        takes_content: false,
    })
}

/// 256 random bits in hexadecimal.
fn random() -> Option<String> {
    use std::fmt::Write as _;

    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).ok()?;
    let mut text = String::with_capacity(2 * RANDOM_BYTES);
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    Some(text)
}

/// What the hub is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To push, for about so many seconds.
    Subscribe {
        /// Seconds.
        lease: u64,
    },
    /// To push no more.
    Unsubscribe,
}

/// The form by which the hub is asked.
pub(super) fn request(subscription: &Subscription, mode: Mode) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("hub.callback", &subscription.callback).append_pair("hub.topic", &subscription.topic);
    match mode {
        Mode::Subscribe { lease } => form
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.lease_seconds", &lease.to_string())
            .append_pair("hub.secret", &subscription.secret),
        Mode::Unsubscribe => form.append_pair("hub.mode", "unsubscribe"),
    };
    form.finish()
}

/// What a hub wants to know, or tells, by a GET on the callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether it was asked to push.
    Subscribe {
        /// To be given back.
        challenge: String,
        /// Seconds for which it will.
        lease: Option<u64>,
    },
    /// Whether it was asked to push no more.
    Unsubscribe {
        /// To be given back.
        challenge: String,
    },
    /// It will not push.
    Denied {
        /// Why, in its words, on one line.
        reason: String,
    },
}

impl Question {
    /// Reads the query of a GET on the callback, with the topic that it is about; nothing where it is no question of a hub.
    pub fn read(query: &str) -> Option<(Self, String)> {
        let value = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let challenge = || value("hub.challenge").filter(|text| (1..=CHALLENGE_BYTES_MAX).contains(&text.len()));
        let question = match value("hub.mode")?.as_str() {
            "subscribe" => Self::Subscribe {
                challenge: challenge()?,
                lease: value("hub.lease_seconds").and_then(|text| text.trim().parse().ok()),
            },
            "unsubscribe" => Self::Unsubscribe { challenge: challenge()? },
            "denied" => {
                let reason = value("hub.reason").unwrap_or_default();
                let visible = reason.chars().map(|c| if c.is_control() { ' ' } else { c });
                Self::Denied { reason: visible.take(REASON_CHARS_MAX).collect() }
            }
            _ => return None,
        };
        Some((question, value("hub.topic")?))
    }
}

/// Whether `X-Hub-Signature` is that of `body` under `secret`, compared in constant time. Its form is `method=hexadecimal`, its method
/// one of the four that the Recommendation names.
pub fn is_signed(header: &str, secret: &str, body: &[u8]) -> bool {
    let Some((method, signature)) = header.trim().split_once('=') else { return false };
    let Some(signature) = hexadecimal(signature.trim()) else { return false };
    let secret = secret.as_bytes();
    // A key of any length is one.
    macro_rules! verify {
        ($digest:ty) => {
            Hmac::<$digest>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
        };
    }
    match method.trim().to_ascii_lowercase().as_str() {
        "sha1" => verify!(Sha1),
        "sha256" => verify!(Sha256),
        "sha384" => verify!(Sha384),
        "sha512" => verify!(Sha512),
        _ => false,
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.len() > 128 || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| u8::try_from(char::from(*byte).to_digit(16)?).ok();
    text.as_bytes().chunks_exact(2).map(|pair| Some((digit(pair.first()?)? << 4) | digit(pair.last()?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(hub: &str, topic: &str) -> HubLinks {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        HubLinks { hub: text(hub), topic: text(topic) }
    }

    #[track_caller]
    fn check_headers(values: &[&str], hub: &str, topic: &str) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::LINK, value.parse().unwrap());
        }
        assert_eq!(links_in_headers(&headers), links(hub, topic), "{values:?}");
    }

    #[test]
    fn headers_name_hub_and_topic_in_every_form() {
        check_headers(
            &["<https://h.example/>; rel=\"hub\"", "<https://a.example/>; rel=self"],
            "https://h.example/",
            "https://a.example/",
        );
        check_headers(&["<h>;rel=hub, <t>; title=\"a, <b>\"; REL=\"self alternate\""], "h", "t");
        check_headers(&["<one>; rel=hub, <two>; rel=hub, <x>; rel=\"next\""], "one", "");
        check_headers(&["<never closed; rel=hub", "no brackets; rel=hub", "<>; rel=hub"], "", "");
        check_headers(&[&format!("<{}>; rel=hub", "x".repeat(LINK_BYTES_MAX))], "", "");
    }

    #[test]
    fn feeds_name_them_before_their_first_entry() {
        let rss = "<rss xmlns:a='http://www.w3.org/2005/Atom'><channel><title>T & U</title><link>https://a.example</link>\
                   <a:link rel='hub' href='https://h.example/?a=1&amp;b=2'/><a:link rel='self' href='/rss'/><item>\
                   <a:link rel='hub' href='https://evil.example'/></item></channel></rss>";
        assert_eq!(links_in_feed(rss), links("https://h.example/?a=1&b=2", "/rss"));
        let atom = "<feed><link rel=\"self\" href=\"s\"/><entry><link rel=\"hub\" href=\"h\"/></entry></feed>";
        assert_eq!(links_in_feed(atom), links("", "s"));
        assert_eq!(links_in_feed("<feed><link rel='hub' href='h'"), HubLinks::default());
        assert_eq!(links_in_feed(&"é".repeat(HEAD_BYTES_MAX)), HubLinks::default());
        let json = r#"{"feed_url":"t","hubs":[{"type":"rssCloud","url":"r"},{"type":"WebSub","url":"h"}]}"#;
        let read = |json: &str| links_in_json(&serde_json::from_str(json).unwrap());
        assert_eq!(read(json), links("h", "t"));
        assert_eq!(read(r#"{"hubs":7}"#), HubLinks::default());
    }

    #[test]
    fn a_hub_needs_both_addresses_from_one_place() {
        let base: Url = "https://a.example/feed".parse().unwrap();
        let find = |headers: &HubLinks, feed: &HubLinks| {
            Hub::find(headers, feed, &base).map(|hub| (hub.hub.to_string(), hub.topic.to_string()))
        };
        let found = Some(("https://h.example/".to_owned(), "https://a.example/rss".to_owned()));
        assert_eq!(find(&links("https://h.example", "/rss"), &HubLinks::default()), found);
        assert_eq!(find(&links("", "/other"), &links("https://h.example", "/rss")), found);
        assert_eq!(find(&links("https://h.example", ""), &links("https://g.example", "/rss")), None);
        assert_eq!(find(&links("file:///etc/passwd", "/rss"), &HubLinks::default()), None);
    }

    #[test]
    fn questions_are_read_and_bounded() {
        let read = |query: &str| Question::read(query);
        let topic = "https://a.example/?x=1".to_owned();
        assert_eq!(
            read(
                "hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2F%3Fx%3D1&hub.challenge=c%20c&hub.lease_seconds=60"
            ),
            Some((Question::Subscribe { challenge: "c c".to_owned(), lease: Some(60) }, topic))
        );
        assert_eq!(
            read("hub.mode=denied&hub.topic=t&hub.reason=no%0Ano"),
            Some((Question::Denied { reason: "no no".to_owned() }, "t".to_owned()))
        );
        for nonsense in
            ["", "hub.mode=subscribe&hub.topic=t", "hub.mode=unsubscribe&hub.challenge=c", "hub.mode=dance&hub.topic=t"]
        {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(read(&format!("hub.mode=unsubscribe&hub.topic=t&hub.challenge={}", "c".repeat(2_000))), None);
    }

    /// RFC 2202 (SHA-1) and RFC 4231 (the others), test case 2 of each.
    #[test]
    fn signatures_are_those_of_the_standards() {
        let is_signed = |header: &str| is_signed(header, "Jefe", b"what do ya want for nothing?");
        let sha256 = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for header in [
            "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            sha256,
            "SHA384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            "sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ] {
            assert!(is_signed(header), "{header}");
        }
        for header in [
            "",
            "sha256",
            "sha256=",
            "sha256=zz",
            "md5=00",
            &sha256.replace('4', "5"),
            sha256.trim_end_matches("43"),
            "sha1=é",
        ] {
            assert!(!is_signed(header), "{header}");
        }
    }

    #[test]
    fn a_request_says_who_is_to_be_called_and_tells_no_secret_when_it_ends() {
        let hub = Hub { hub: "https://h.example/".parse().unwrap(), topic: "https://a.example/rss".parse().unwrap() };
        let base: Url = "https://me.example/hooks/".parse().unwrap();
        let one = new_subscription(&hub, &base, Timestamp::UNIX_EPOCH).unwrap();
        let other = new_subscription(&hub, &base, Timestamp::UNIX_EPOCH).unwrap();
        assert!(one.token() != other.token() && one.secret != other.secret && one.secret.len() == 64);
        assert_eq!(one.callback, format!("https://me.example/hooks/{}", one.token()));
        let form = request(&one, Mode::Subscribe { lease: 60 });
        assert!(form.contains("hub.mode=subscribe&hub.lease_seconds=60") && form.contains(&one.secret), "{form}");
        assert!(!request(&one, Mode::Unsubscribe).contains(&one.secret));
        let shown = format!("{one:?}");
        assert!(!shown.contains(&one.secret) && !shown.contains(one.token()), "{shown}");
    }
}
