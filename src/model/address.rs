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

/// Parameters that say for whom, where and how an article is shown; two addresses that differ in nothing else are compared as one.
const PRESENTATION: [&str; 12] =
    ["_ga", "_gl", "amp", "cmp", "ito", "output", "outputtype", "ref", "ref_src", "referrer", "rss", "xtor"];
/// The beginnings of others: campaigns as counters other than Google's name them.
const PRESENTATION_PREFIXES: [&str; 6] = ["at_", "hsa_", "mtm_", "ns_", "pk_", "wt_"];
/// Labels of a host that name an edition of a site for some devices.
const EDITIONS: [&str; 4] = ["amp", "m", "mobile", "www"];

/// An address as it is compared with others of its feed, never shown or fetched: its AMP and mobile editions, with and without
/// `www`, `.html` or a slash at the end, over http and https, are one, and parameters say nothing that only track the reader.
/// More than [`canonical_address`] this may take two articles for one, so that it proves nothing alone. `None` for what has no canonical
/// address, and for a home page, which is no article's.
pub fn comparable_address(address: &str) -> Option<String> {
    let url = Url::parse(&canonical_address(address)?).ok()?;
    let url = behind_cache(&url).unwrap_or(url);
    let host = plain_host(url.host_str()?);
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = plain_path(url.path());
    let mut query: Vec<(String, String)> = url
        .query_pairs()
        .map(|(key, value)| (key.to_lowercase(), value.into_owned()))
        .filter(|(key, _)| {
            !PRESENTATION.contains(&key.as_str())
                && !TRACKING.contains(&key.as_str())
                && !PRESENTATION_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        })
        .collect();
    query.sort();
    if path.is_empty() && query.is_empty() {
        return None;
    }
    let mut comparable = format!("{host}{port}/{path}");
    for (key, value) in query {
        comparable.extend(["&", &key, "=", &value]);
    }
    Some(comparable)
}

/// The publisher's address of a page that an AMP cache or viewer shows: `https://a-example.cdn.ampproject.org/c/s/a.example/1`,
/// `https://www.google.com/amp/s/a.example/1` (the form of the AMP project's "Cache URL format").
fn behind_cache(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    let mut path = url.path().trim_start_matches('/');
    path = if host.ends_with(".cdn.ampproject.org") || host == "cdn.ampproject.org" {
        path.strip_prefix("c/").or_else(|| path.strip_prefix("v/"))?
    } else if matches!(plain_host(host).split('.').next(), Some("google" | "bing")) {
        path.strip_prefix("amp/")?
    } else {
        return None;
    };
    let (scheme, path) = path.strip_prefix("s/").map_or(("http", path), |path| ("https", path));
    let mut found = Url::parse(&format!("{scheme}://{path}")).ok().filter(Url::has_host)?;
    found.set_query(url.query());
    Some(found)
}

/// A host without the labels of its editions, those of its own name left.
fn plain_host(host: &str) -> String {
    let labels: Vec<&str> = host.split('.').collect();
    let own = labels.len().saturating_sub(2);
    let kept = labels.iter().enumerate().filter(|(at, label)| *at >= own || !EDITIONS.contains(label));
    kept.map(|(_, label)| *label).collect::<Vec<_>>().join(".")
}

/// A path without empty segments, marks of AMP at either end, `.html` and `index`.
fn plain_path(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.first() == Some(&"amp") {
        segments.remove(0);
    }
    segments.pop_if(|last| *last == "amp");
    if let Some(last) = segments.last_mut() {
        for ending in [".html", ".htm", ".amp"] {
            *last = last.strip_suffix(ending).unwrap_or(last);
        }
    }
    segments.pop_if(|last| matches!(*last, "index" | ""));
    segments.join("/")
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
    fn check_twins(twins: &[&str], expected: Option<&str>) {
        for twin in twins {
            assert_eq!(comparable_address(twin).as_deref(), expected, "{twin}");
        }
    }

    #[test]
    fn editions_of_one_article_are_compared_as_one() {
        check_twins(
            &[
                "https://a.example/world/1",
                "http://www.a.example/world/1/",
                "https://m.a.example/world/1.html",
                "https://mobile.a.example/world/1.htm",
                "https://amp.a.example/world/1?amp=1",
                "https://a.example/amp/world/1",
                "https://a.example/world/1/amp/",
                "https://a.example/world/1.amp",
                "https://a.example/world/1.amp.html?outputType=amp",
                "https://a.example/world//1/index.html?at_medium=RSS&CMP=feed&ref=rss",
                "https://a-example.cdn.ampproject.org/c/s/a.example/world/1?utm_source=x",
                "https://a-example.cdn.ampproject.org/v/www.a.example/world/1/",
                "https://www.google.com/amp/s/amp.a.example/world/1",
            ],
            Some("a.example/world/1"),
        );
        check_twins(
            &["https://a.example/story?p=7&id=3&utm_medium=x", "http://www.a.example/story.html?id=3&fbclid=y&p=7#top"],
            Some("a.example/story&id=3&p=7"),
        );
        check_twins(&["https://en.m.a.example/1", "https://en.a.example/1"], Some("en.a.example/1"));
        check_twins(&["https://a.example:8443/1"], Some("a.example:8443/1"));
        check_twins(&["https://a.example/?p=7"], Some("a.example/&p=7"));
        check_twins(&["http://127.0.0.1/1"], Some("127.0.0.1/1"));
        check_twins(&["http://m.example/1"], Some("m.example/1"));
    }

    #[test]
    fn what_may_be_another_article_is_another() {
        check_twins(&["https://a.example/World/1"], Some("a.example/World/1"));
        check_twins(&["https://a.example/world/amp/1"], Some("a.example/world/amp/1"));
        check_twins(&["https://a.example/1.php"], Some("a.example/1.php"));
        check_twins(&["https://google.example/amp"], None);
        let homes = ["https://www.a.example/", "https://a.example/index.html?utm_source=x", "https://a.example/amp"];
        check_twins(&homes, None);
        check_twins(
            &["mailto:desk@a.example", "/world/1", "https://www.google.com/amp/s/", "https://a.example/?"],
            None,
        );
        check_twins(&["https://cdn.ampproject.org/c/s/"], None);
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
