//! `robots.txt` as RFC 9309 has it: the file in, whether a page may be asked for out; with a cache, both called by `page`.
//!
//! Written here rather than taken from a crate: those on offer compile a regular expression for every rule, without a bound on a hostile
//! file, and the matching is a few lines.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

/// Bytes read of a file; what stands beyond counts for nothing.
pub(super) const ROBOTS_BYTES_MAX: u64 = 500 << 10;
/// Rules kept of one file.
const RULES_MAX: usize = 5_000;
/// How long a file counts.
const RULES_TIME: Duration = Duration::from_hours(24);
/// How long a site is left alone whose file cannot be had.
const UNKNOWN_TIME: Duration = Duration::from_mins(30);
/// Sites remembered.
const SITES_MAX: usize = 1_000;
/// Longest wait between two pages that a site may ask for and gets; one that asks for more gets one page a poll.
pub(super) const DELAY_MAX: Duration = Duration::from_secs(30);

/// What a site permits.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Permission {
    /// What its rules say.
    Rules(Arc<Rules>),
    /// Nothing for now: its file cannot be had, though it may have one.
    Unknown,
}

/// The rules of one file for us.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rules {
    /// Patterns, and whether they allow.
    rules: Vec<(String, bool)>,
    /// Time to wait between two pages. Not in the standard, but asked for.
    pub(super) delay: Option<Duration>,
}

impl Rules {
    /// The rules for `product`, as the `User-Agent` names it: those of its groups, else those for everybody. Anything that cannot be read is
    /// passed over.
    pub(super) fn parse(text: &str, product: &str) -> Self {
        let (mut own, mut general) = (Self::default(), Self::default());
        let (mut is_own, mut is_general, mut is_named, mut in_head) = (false, false, false, false);
        for line in text.trim_start_matches('\u{feff}').split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            if key == "user-agent" {
                if !in_head {
                    (is_own, is_general, in_head) = (false, false, true);
                }
                let names_us = !product.is_empty() && product_of(value).eq_ignore_ascii_case(product);
                is_own |= names_us;
                is_named |= names_us;
                is_general |= value == "*";
                continue;
            }
            in_head = false;
            for rules in [is_own.then_some(&mut own), is_general.then_some(&mut general)].into_iter().flatten() {
                rules.take(&key, value);
            }
        }
        if is_named { own } else { general }
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "allow" | "disallow" if value.starts_with(['/', '*']) && self.rules.len() < RULES_MAX => {
                self.rules.push((normal(value), key == "allow"));
            }
            "crawl-delay" => {
                let seconds = value.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
                self.delay = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.min(86_400.0)).ok());
            }
            _ => {}
        }
    }

    /// Whether the page may be asked for: the longest rule that fits counts, of two as long the one that allows.
    pub(super) fn allow(&self, page: &Url) -> bool {
        let path = page.query().map_or_else(|| page.path().to_owned(), |query| format!("{}?{query}", page.path()));
        let path = normal(&path);
        let fitting = self.rules.iter().filter(|(pattern, _)| fits(pattern, &path));
        fitting.map(|(pattern, is_allowed)| (pattern.len(), *is_allowed)).max().is_none_or(|(_, is_allowed)| is_allowed)
    }
}

/// The product that a `User-Agent` or a line of the file begins with.
pub(super) fn product_of(agent: &str) -> &str {
    let end = agent.find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '-' | '_'))).unwrap_or(agent.len());
    agent.get(..end).unwrap_or_default()
}

/// A path or pattern in which every octet is written in one way: what needs no escape has none, all others have one in capitals.
fn normal(path: &str) -> String {
    let mut normal = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let escaped = match (byte == b'%').then(|| (digit(ahead.next()), digit(ahead.next()))) {
            Some((Some(high), Some(low))) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        if escaped.is_some() {
            bytes = ahead;
        }
        let is_escaped = escaped.is_some();
        let byte = escaped.unwrap_or(byte);
        let is_plain =
            byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || !is_escaped && byte.is_ascii_graphic();
        if is_plain {
            normal.push(char::from(byte));
        } else {
            normal.extend(["%", &format!("{byte:02X}")]);
        }
    }
    normal
}

/// Whether a pattern fits the beginning of a path, `*` for anything, `$` at the end for the end. Linear in the path for each part.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, is_whole) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        // Earlier parts are found as early as they can be; the last one may have to stand at the end.
        if let Some(part) = last.replace(part) {
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
    }
    match (last, is_whole) {
        (None, is_whole) => !is_whole || rest.is_empty(),
        (Some(part), true) => rest.ends_with(part),
        (Some(part), false) => rest.contains(part),
    }
}

/// What sites permit, remembered for a while.
#[derive(Debug, Default)]
pub(super) struct Robots {
    sites: Mutex<BTreeMap<String, (Permission, Instant)>>,
}

impl Robots {
    /// What the site of `page` is known to permit at `now`.
    pub(super) fn known(&self, page: &Url, now: Instant) -> Option<Permission> {
        let sites = self.sites();
        sites.get(&site(page)).filter(|(_, until)| now < *until).map(|(permission, _)| permission.clone())
    }

    /// Remembers what the site of `page` permits.
    pub(super) fn note(&self, page: &Url, permission: &Permission, now: Instant) {
        let time = if matches!(permission, Permission::Rules(_)) { RULES_TIME } else { UNKNOWN_TIME };
        let mut sites = self.sites();
        if sites.len() >= SITES_MAX {
            sites.retain(|_, (_, until)| now < *until);
        }
        if sites.len() >= SITES_MAX {
            let oldest = sites.iter().min_by_key(|(_, (_, until))| *until).map(|(site, _)| site.clone());
            oldest.and_then(|oldest| sites.remove(&oldest));
        }
        if let Some(until) = now.checked_add(time) {
            sites.insert(site(page), (permission.clone(), until));
        }
    }

    fn sites(&self) -> MutexGuard<'_, BTreeMap<String, (Permission, Instant)>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn site(page: &Url) -> String {
    page.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, path: &str, expected: bool) {
        let page = Url::parse(&format!("https://news.example{path}")).unwrap();
        assert_eq!(Rules::parse(file, "gainsay").allow(&page), expected, "{file:?} {path}");
    }

    #[test]
    fn our_own_group_counts_and_else_that_for_all() {
        let file = "User-agent: *\nDisallow: /\n\nUser-Agent: Gainsay/1.0\nDisallow: /private\n";
        check(file, "/story", true);
        check(file, "/private/1", false);
        check("user-agent: other\nuser-agent: GAINSAY\ndisallow: /a\nuser-agent: gainsay\ndisallow: /b", "/a", false);
        check("user-agent: other\nuser-agent: GAINSAY\ndisallow: /a\nuser-agent: gainsay\ndisallow: /b", "/b", false);
        check("user-agent: *\ndisallow: /\nuser-agent: gainsay\nallow:", "/x", true);
        check("user-agent: gainsaybot\ndisallow: /", "/x", true);
        check("disallow: /", "/x", true);
        check("", "/x", true);
        check("\u{feff}User-agent: * # all\r\nDisallow: /x # this\r\n", "/x", false);
    }

    #[test]
    fn the_longest_rule_counts_and_allows_in_a_draw() {
        let file = "user-agent: *\nallow: /example/page/\ndisallow: /example/page/disallowed.gif\n";
        check(file, "/example/page/1", true);
        check(file, "/example/page/disallowed.gif", false);
        check("user-agent: *\nallow: /page\ndisallow: /page", "/page", true);
        check("user-agent: *\nallow: /p\ndisallow: /", "/page", true);
        check("user-agent: *\nallow: /$\ndisallow: /", "/", true);
        check("user-agent: *\nallow: /$\ndisallow: /", "/page", false);
        check("user-agent: *\ndisallow:", "/page", true);
    }

    #[test]
    fn patterns_have_stars_and_ends() {
        let of = |rule: &str| format!("user-agent: *\ndisallow: {rule}");
        check(&of("/*.php"), "/a/index.php?x", false);
        check(&of("/*.php$"), "/a.php/index.php", false);
        check(&of("/*.php$"), "/index.php?x", true);
        check(&of("/a*b*c"), "/axxbyyc", false);
        check(&of("/a*b*c"), "/axxcyyb", true);
        check(&of("*/print"), "/story/print", false);
        check(&of("/fish"), "/Fish", true);
        check(&of("/foo/bar?baz=http://foo.bar"), "/foo/bar?baz=http://foo.bar", false);
        check(&of("/caf%c3%a9"), "/café", false);
        check(&of("/café"), "/caf%C3%A9", false);
        check(&of("/foo/%62%61%7A"), "/foo/baz", false);
        check(&of(&format!("/{}x", "*a".repeat(2_000))), &format!("/{}", "a".repeat(1_900)), true);
    }

    #[test]
    fn a_product_is_the_head_of_the_user_agent() {
        assert_eq!(product_of("gainsay/0.1.0 (+https://desk.example)"), "gainsay");
        assert_eq!(product_of("4chan"), "");
        assert_eq!(Rules::parse("user-agent: *\ncrawl-delay: 2.5", "").delay, Some(Duration::from_millis(2_500)));
        assert_eq!(Rules::parse("user-agent: *\ncrawl-delay: -1", "").delay, None);
    }

    #[test]
    fn what_is_known_of_sites_ages_and_is_bounded() {
        let (robots, now) = (Robots::default(), Instant::now());
        let page = |number: usize| Url::parse(&format!("https://s{number}.example/x")).unwrap();
        let free = Permission::Rules(Arc::default());
        for number in 0..SITES_MAX + 10 {
            robots.note(&page(number), &free, now + Duration::from_millis(number as u64));
        }
        assert_eq!(robots.sites().len(), SITES_MAX);
        robots.note(&page(1), &Permission::Unknown, now);
        assert_eq!(robots.known(&page(1), now), Some(Permission::Unknown));
        assert_eq!(robots.known(&page(1), now + UNKNOWN_TIME), None);
        assert_eq!(robots.known(&page(SITES_MAX), now + UNKNOWN_TIME), Some(free));
        assert_eq!(robots.known(&page(SITES_MAX), now + RULES_TIME + Duration::from_mins(1)), None);
    }
}
