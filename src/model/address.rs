//! Canonical article addresses: what makes two URLs the same article.

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
}
