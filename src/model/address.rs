//! Addresses: the canonical one of an article, and how one is shown to people.

use url::Url;

/// Query parameters that track the reader and name no article.
const TRACKING: [&str; 14] = [
    "fbclid", "gclid", "dclid", "msclkid", "yclid", "igshid", "mc_cid", "mc_eid", "cmpid", "icid", "intcmp", "ncid",
    "ocid", "smid",
];

/// Longest address that is one: browsers and servers agree on about as much, and what is longer was made to be copied.
pub const ADDRESS_BYTES_MAX: usize = 2 << 10;

/// The canonical form of an article's address: scheme and host as the URL standard writes them, no fragment, no tracking
/// parameters, no trailing slash, no AMP suffix. `None` for anything that is not an absolute http(s) URL of at most
/// [`ADDRESS_BYTES_MAX`] bytes.
pub fn canonical_address(address: &str) -> Option<String> {
    let address = address.trim();
    if address.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    let mut url = Url::parse(address).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    url.set_fragment(None);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| !key.starts_with("utm_") && !TRACKING.contains(&key.as_ref()))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    if kept.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(&kept);
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/amp").unwrap_or(path).to_owned();
    url.set_path(&path);
    // What the URL standard escapes has grown.
    Some(url.into()).filter(|address: &String| address.len() <= ADDRESS_BYTES_MAX)
}

/// An address as logs, errors and alerts show it: without user, password and fragment, with `…` for every value of its
/// query. A feed's address may hold a token there, and logs and alerts are read by more people than the config.
pub fn shown_address(address: &Url) -> String {
    let mut bare = address.clone();
    // These fail for an address without a host, which has no user either.
    bare.set_username("").ok();
    bare.set_password(None).ok();
    bare.set_query(None);
    bare.set_fragment(None);
    let query = address.query().filter(|query| !query.is_empty()).map(|query| {
        let shown: Vec<String> = query.split('&').map(shown_parameter).collect();
        format!("?{}", shown.join("&"))
    });
    format!("{bare}{}", query.unwrap_or_default())
}

/// What has no `=` may be a token as a whole.
fn shown_parameter(parameter: &str) -> String {
    parameter.split_once('=').map_or_else(|| "…".to_owned(), |(name, _)| format!("{name}=…"))
}

/// A text that may be an address, as [`shown_address`] shows it.
pub fn shown_text(text: &str) -> String {
    Url::parse(text).map_or_else(|_| text.to_owned(), |address| shown_address(&address))
}

/// An endpoint as logs and errors show it: scheme, host and port. Chat services put the token into the path.
pub fn shown_endpoint(endpoint: &Url) -> String {
    endpoint.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        assert_eq!(canonical_address(address).as_deref(), expected);
    }

    #[test]
    fn twins_share_one_address() {
        let plain = Some("https://a.example/world/1");
        check("https://A.example:443/world/1/?utm_source=rss&fbclid=x#top", plain);
        check(" https://a.example/world/1/amp ", plain);
        check("https://a.example/?id=7&utm_medium=x", Some("https://a.example/?id=7"));
        check("https://a.example", Some("https://a.example/"));
        check("mailto:desk@a.example", None);
        check("/world/1", None);
        check(&format!("https://a.example/{}", "x".repeat(ADDRESS_BYTES_MAX)), None);
        check(&format!("https://a.example/{}", "é".repeat(ADDRESS_BYTES_MAX / 4)), None);
    }

    #[track_caller]
    fn check_shown(address: &str, expected: &str, endpoint: &str) {
        let parsed = Url::parse(address).unwrap();
        assert_eq!((shown_address(&parsed), shown_endpoint(&parsed)), (expected.to_owned(), endpoint.to_owned()));
        assert_eq!(shown_text(address), expected);
    }

    #[test]
    fn no_secret_is_shown() {
        let a = "https://a.example";
        check_shown("https://a.example/feed", "https://a.example/feed", a);
        check_shown("https://u:secret@a.example/feed#secret", "https://a.example/feed", a);
        check_shown("https://secret@a.example:8443/", "https://a.example:8443/", "https://a.example:8443");
        check_shown("https://a.example/f?key=secret&n=1", "https://a.example/f?key=…&n=…", a);
        check_shown("https://a.example/f?secret&key=s=cret", "https://a.example/f?…&key=…", a);
        check_shown("https://a.example/f?", "https://a.example/f", a);
        check_shown("mailto:desk@a.example?key=secret", "mailto:desk@a.example?key=…", "null");
        assert_eq!(shown_text("a title with ?key=value"), "a title with ?key=value");
    }
}
