//! The page's files, built into the program: an address in, a file with its type and tag out. Nothing of them is secret; what the page
//! shows it asks the API for.

use axum::Router;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};

/// What a browser lets the page do: its own scripts and styles, requests to its own daemon, and nothing that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files by name; that without one is the page itself.
const FILES: [(&str, &str, &[u8]); 29] = [
    ("", "text/html; charset=utf-8", include_bytes!("page/index.html")),
    ("index.html", "text/html; charset=utf-8", include_bytes!("page/index.html")),
    ("app.css", "text/css; charset=utf-8", include_bytes!("page/app.css")),
    ("icon.svg", "image/svg+xml", include_bytes!("page/icon.svg")),
    ("alert_row.js", SCRIPT, include_bytes!("page/alert_row.js")),
    ("alerts.js", SCRIPT, include_bytes!("page/alerts.js")),
    ("api.js", SCRIPT, include_bytes!("page/api.js")),
    ("app.js", SCRIPT, include_bytes!("page/app.js")),
    ("chart.js", SCRIPT, include_bytes!("page/chart.js")),
    ("deliveries.js", SCRIPT, include_bytes!("page/deliveries.js")),
    ("diff.js", SCRIPT, include_bytes!("page/diff.js")),
    ("dom.js", SCRIPT, include_bytes!("page/dom.js")),
    ("explain.js", SCRIPT, include_bytes!("page/explain.js")),
    ("export.js", SCRIPT, include_bytes!("page/export.js")),
    ("feed_add.js", SCRIPT, include_bytes!("page/feed_add.js")),
    ("feeds.js", SCRIPT, include_bytes!("page/feeds.js")),
    ("list.js", SCRIPT, include_bytes!("page/list.js")),
    ("live.js", SCRIPT, include_bytes!("page/live.js")),
    ("merge.js", SCRIPT, include_bytes!("page/merge.js")),
    ("notify.js", SCRIPT, include_bytes!("page/notify.js")),
    ("refresh.js", SCRIPT, include_bytes!("page/refresh.js")),
    ("said.js", SCRIPT, include_bytes!("page/said.js")),
    ("search.js", SCRIPT, include_bytes!("page/search.js")),
    ("status.js", SCRIPT, include_bytes!("page/status.js")),
    ("thread.js", SCRIPT, include_bytes!("page/thread.js")),
    ("threads.js", SCRIPT, include_bytes!("page/threads.js")),
    ("toast.js", SCRIPT, include_bytes!("page/toast.js")),
    ("trends.js", SCRIPT, include_bytes!("page/trends.js")),
    ("words.js", SCRIPT, include_bytes!("page/words.js")),
];

/// Serves them.
pub fn page() -> Router {
    FILES.iter().fold(Router::new(), |router, (name, kind, bytes)| {
        let hash = Sha256::digest(bytes);
        let tag = hash.iter().take(12).fold("\"".to_owned(), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
        router.route(&format!("/{name}"), get(async move |headers: HeaderMap| answer(&headers, &tag, kind, bytes)))
    })
}

fn answer(headers: &HeaderMap, tag: &str, kind: &'static str, bytes: &'static [u8]) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    let is_known = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let fields = [
        (header::ETAG, tag),
        // Asked for anew each time, so that a page never runs with the scripts of another version.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    if is_known { (StatusCode::NOT_MODIFIED, fields).into_response() } else { (fields, bytes).into_response() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that is not built in would be a page that does not start.
    #[test]
    fn every_file_of_the_page_is_built_in() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/page");
        let mut there: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        there.sort();
        let mut built_in: Vec<&str> = FILES.iter().map(|(name, ..)| *name).filter(|name| !name.is_empty()).collect();
        built_in.sort_unstable();
        assert_eq!(built_in, there);
    }
}
