//! Answers of servers, and what is made of them.

use super::*;

#[track_caller]
fn check_retry_after(status: u16, value: &'static str, expected: Option<u64>) {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
    let now = "2024-10-31T08:00:00Z".parse().unwrap();
    let wait = retry_after(StatusCode::from_u16(status).unwrap(), &headers, now);
    assert_eq!(wait, expected.map(Duration::from_secs), "{status} {value}");
}

#[test]
fn retry_after_is_seconds_or_a_date_and_capped() {
    check_retry_after(429, "120", Some(120));
    check_retry_after(503, "Thu, 31 Oct 2024 08:05:00 GMT", Some(300));
    check_retry_after(503, "Thu, 31 Oct 2024 07:00:00 GMT", Some(0));
    check_retry_after(429, "99999999999", Some(86_400));
    check_retry_after(429, "soon", None);
    check_retry_after(500, "120", None);
    check_retry_after(403, "60", Some(60));
    check_retry_after(401, "60", None);
}

#[test]
fn a_403_for_a_used_up_quota_is_a_limit() {
    let wait = |name: &'static str, value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        retry_after(StatusCode::FORBIDDEN, &headers, Timestamp::UNIX_EPOCH)
    };
    assert_eq!(wait("x-ratelimit-remaining", "0"), Some(USED_UP));
    assert_eq!(wait("ratelimit-remaining", "0.0"), Some(USED_UP));
    assert_eq!(wait("x-ratelimit-remaining", "3"), None);
    assert_eq!(wait("server", "0"), None);
}

#[track_caller]
fn check_fresh(lines: &[(&'static str, &'static str)], max_age: Option<u64>, expires: Option<u64>) {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    let found = freshness(&headers, "2024-10-31T08:00:00Z".parse().unwrap());
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    assert_eq!((seconds(found.max_age), seconds(found.expires)), (max_age, expires), "{lines:?}");
}

#[test]
fn freshness_is_what_the_server_says() {
    let expires = ("expires", "Thu, 31 Oct 2024 08:10:00 GMT");
    check_fresh(&[], None, None);
    check_fresh(&[("cache-control", "public, Max-Age=\"300\"")], Some(300), None);
    check_fresh(&[("cache-control", "public"), ("cache-control", "max-age=300"), ("age", "120")], Some(180), None);
    check_fresh(&[("cache-control", "max-age=300"), ("age", "900"), expires], Some(0), None);
    check_fresh(&[("cache-control", "max-age=99999999999999999999")], Some(u64::MAX), None);
    check_fresh(&[("cache-control", "s-maxage=300, max-age=x"), expires], None, Some(600));
    check_fresh(&[expires, ("date", "Thu, 31 Oct 2024 08:08:00 GMT")], None, Some(120));
    check_fresh(&[expires, ("date", "Thu, 31 Oct 2024 09:00:00 GMT")], None, None);
    for never in ["0", "-1", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        check_fresh(&[("expires", never)], None, None);
    }
    check_fresh(&[("cache-control", "no-cache, max-age=300"), expires], None, None);
}

#[test]
fn redirects_count_as_permanent_up_to_the_first_that_is_not() {
    let end = |hops: &[u16]| {
        let mut permanent = Permanent::default();
        for (hop, status) in hops.iter().enumerate() {
            let target = Url::parse(&format!("https://a.example/{hop}")).unwrap();
            permanent.follow(StatusCode::from_u16(*status).unwrap(), &target);
        }
        permanent.end().map(|url| url.path().to_owned())
    };
    assert_eq!(end(&[]), None);
    assert_eq!(end(&[302, 301]), None);
    assert_eq!(end(&[301]).as_deref(), Some("/0"));
    assert_eq!(end(&[301, 308]).as_deref(), Some("/1"));
    assert_eq!(end(&[301, 307, 301]).as_deref(), Some("/0"));
}

#[track_caller]
fn check_target(from: &str, location: &'static str, expected: &str) {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, HeaderValue::from_static(location));
    let target = redirect_target(&Url::parse(from).unwrap(), &headers).map_or_else(|e| e.to_string(), Url::into);
    assert_eq!(target, expected);
}

#[test]
fn credentials_stay_with_their_host() {
    check_target("https://u:p@a.example/feed", "/new#x", "https://u:p@a.example/new");
    check_target("https://u:p@a.example/feed", "//b.example/new", "https://b.example/new");
    check_target("https://u:p@a.example/feed", "http://u:p@a.example/feed", "http://a.example/feed");
    check_target(
        "https://u:p@a.example/feed?k=v",
        "https://[",
        "https://a.example/feed?k=… redirects to no valid address",
    );
}
