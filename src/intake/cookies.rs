//! Cookies of feeds that want them: what a feed's servers set is kept in memory, each feed apart, and shown to them again.
//!
//! Bounded in number and size. What was set is lost at the end of the daemon: a server that wants it sets it again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie_store::{CookieStore, RawCookie};
use reqwest::header::{self, HeaderMap, HeaderValue};
use url::Url;

use crate::model::FeedId;

/// Cookies kept of one feed; with one more all are forgotten, as no decent server sets so many.
const COOKIES_MAX: usize = 64;
/// Cookies read of one answer.
const SET_MAX: usize = 16;
/// Longest cookie, with its attributes.
const COOKIE_BYTES_MAX: usize = 4_096;

/// The cookies of all feeds. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Jars(Arc<Mutex<BTreeMap<FeedId, CookieStore>>>);

impl Jars {
    /// What a feed shows to `url`; nothing where nothing was set for it.
    pub(super) fn header(&self, feed: &FeedId, url: &Url) -> Option<HeaderValue> {
        let jars = self.jars();
        let values = jars.get(feed)?.get_request_values(url);
        let shown = values.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut value = HeaderValue::from_str(&shown).ok().filter(|value| !value.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Takes what an answer from `url` sets.
    pub(super) fn take(&self, feed: &FeedId, url: &Url, headers: &HeaderMap) {
        let set = headers.get_all(header::SET_COOKIE).iter().take(SET_MAX);
        let set = set.filter(|value| value.len() <= COOKIE_BYTES_MAX).filter_map(|value| value.to_str().ok());
        let cookies: Vec<RawCookie<'static>> = set.filter_map(|text| RawCookie::parse(text.to_owned()).ok()).collect();
        if cookies.is_empty() {
            return;
        }
        let mut jars = self.jars();
        let jar = jars.entry(feed.clone()).or_default();
        jar.store_response_cookies(cookies.into_iter(), url);
        if jar.iter_any().count() > COOKIES_MAX {
            jar.clear();
        }
    }

    fn jars(&self) -> MutexGuard<'_, BTreeMap<FeedId, CookieStore>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cookies: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::SET_COOKIE, cookie.parse().unwrap());
        }
        headers
    }

    #[test]
    fn cookies_stay_with_their_feed_and_their_site() {
        let jars = Jars::default();
        let (one, other) = (FeedId::new("one"), FeedId::new("other"));
        let url: Url = "https://a.example/feed".parse().unwrap();
        jars.take(&one, &url, &answer(&["a=1; Path=/".to_owned(), "b=2; Domain=b.example".to_owned()]));
        assert_eq!(jars.header(&one, &url).unwrap(), "a=1");
        assert_eq!(jars.header(&other, &url), None);
        assert_eq!(jars.header(&one, &"https://b.example/".parse().unwrap()), None);
        jars.take(&one, &url, &answer(&["a=; Max-Age=0; Path=/".to_owned()]));
        assert_eq!(jars.header(&one, &url), None);
    }

    #[test]
    fn a_flood_of_cookies_is_not_kept() {
        let jars = Jars::default();
        let (feed, url) = (FeedId::new("one"), "https://a.example/feed".parse().unwrap());
        for round in 0..20 {
            let many: Vec<String> = (0..100).map(|number| format!("c{round}-{number}=x; Path=/")).collect();
            jars.take(&feed, &url, &answer(&many));
            let shown = jars.header(&feed, &url).map_or(0, |value| value.to_str().unwrap().split("; ").count());
            assert!(shown <= COOKIES_MAX, "{shown}");
        }
        jars.take(&FeedId::new("two"), &url, &answer(&["x".repeat(COOKIE_BYTES_MAX + 1)]));
        assert_eq!(jars.header(&FeedId::new("two"), &url), None);
    }
}
