//! What files hold: the columns of CSV by the path that it is of, and the rows of what is no list.

use serde_json::{Value, json};

/// A column: its name, and where it stands in a row, as a JSON pointer.
pub(super) type Column = (&'static str, &'static str);

/// Those of alerts.
const ALERT_COLUMNS: &[Column] = &[
    ("position", "/position"),
    ("state", "/state"),
    ("id", "/alert/id"),
    ("type", "/alert/type"),
    ("time", "/alert/time"),
    ("priority", "/alert/priority/score"),
    ("kind", "/alert/claim/kind"),
    ("speaker", "/alert/claim/speaker/name"),
    ("evidence", "/alert/evidence/sentence"),
    ("confidence", "/alert/claim/confidence"),
    ("outlets", "/alert/story/outlets"),
    ("headline", "/alert/document/headline"),
    ("url", "/alert/document/url"),
    ("thread", "/alert/thread/id"),
    ("why", "/alert/why"),
];

/// Those of feeds.
const FEED_COLUMNS: &[Column] = &[
    ("id", "/id"),
    ("outlet", "/outlet"),
    ("url", "/url"),
    ("state", "/state"),
    ("origin", "/origin"),
    ("paused_since", "/paused/since"),
    ("error", "/error"),
    ("failures", "/failures"),
    ("since", "/since"),
    ("last_poll", "/last_poll"),
    ("last_success", "/last_success"),
    ("next_poll", "/next_poll"),
    ("next_poll_reason", "/next_poll_reason"),
    ("rhythm_seconds", "/rhythm_seconds"),
    ("last_entry", "/last_entry"),
    ("texts", "/texts"),
];

/// Those of a thread's time line.
const EVENT_COLUMNS: &[Column] = &[
    ("event", "/event"),
    ("at", "/at"),
    ("claim", "/claim"),
    ("kind", "/kind"),
    ("speaker", "/speaker/name"),
    ("role", "/speaker/role"),
    ("target", "/target"),
    ("sentence", "/sentence"),
    ("outlets", "/outlets"),
    ("url", "/url"),
    ("confidence", "/confidence"),
    ("revision", "/revision"),
    ("withdrawn", "/withdrawn"),
    ("answers", "/answers"),
    ("alert", "/alert"),
    ("type", "/type"),
    ("priority", "/priority"),
    ("why", "/why"),
];

/// Those of endpoints.
const ENDPOINT_COLUMNS: &[Column] = &[
    ("name", "/name"),
    ("kind", "/kind"),
    ("address", "/address"),
    ("state", "/state"),
    ("since", "/since"),
    ("reason", "/reason"),
    ("pending", "/pending"),
    ("delivered", "/delivered"),
    ("dead", "/dead"),
    ("silenced", "/silenced"),
    ("last_success", "/last_success"),
    ("last_error", "/last_error"),
];

/// Those of silences.
const SILENCE_COLUMNS: &[Column] = &[
    ("id", "/id"),
    ("state", "/state"),
    ("comment", "/comment"),
    ("by", "/by"),
    ("created", "/created"),
    ("until", "/until"),
    ("speaker", "/matcher/speaker"),
    ("outlet", "/matcher/outlet"),
    ("thread", "/matcher/thread"),
    ("feed", "/matcher/feed"),
    ("kind", "/matcher/kind"),
    ("sink", "/matcher/sink"),
    ("when", "/matcher/when"),
    ("silenced", "/silenced"),
];

/// Those of trends: of each row the ones that its part has.
const TREND_COLUMNS: &[Column] = &[
    ("part", "/part"),
    ("bucket", "/bucket"),
    ("kind", "/kind"),
    ("speaker", "/speaker"),
    ("thread", "/thread"),
    ("state", "/state"),
    ("proposition", "/proposition"),
    ("claims", "/claims"),
    ("allegations", "/allegations"),
    ("denials", "/denials"),
    ("answers", "/answers"),
];

/// Those of the status.
const STATUS_COLUMNS: &[Column] =
    &[("part", "/part"), ("name", "/name"), ("state", "/state"), ("value", "/value"), ("detail", "/detail")];

/// Columns of an export as CSV.
pub(super) fn columns(path: &str) -> &'static [Column] {
    match path {
        "/claims" => &[
            ("id", "/id"),
            ("kind", "/kind"),
            ("first_seen", "/first_seen"),
            ("speaker", "/claim/speaker/name"),
            ("role", "/claim/speaker/role"),
            ("target", "/claim/target"),
            ("evidence", "/evidence/sentence"),
            ("confidence", "/claim/confidence"),
            ("background", "/claim/background"),
            ("withdrawn", "/withdrawn"),
            ("outlets", "/outlets"),
            ("headline", "/document/headline"),
            ("url", "/document/url"),
            ("thread", "/thread"),
        ],
        "/threads" => &[
            ("id", "/id"),
            ("state", "/state"),
            ("proposition", "/proposition"),
            ("stances", "/stances"),
            ("contradiction", "/contradiction"),
            ("outlets", "/outlets"),
            ("last_added", "/last_added"),
            ("last_seen", "/last_seen"),
        ],
        "/alerts" => ALERT_COLUMNS,
        "/deliveries" => &[
            ("alert", "/alert"),
            ("type", "/type"),
            ("sink", "/sink"),
            ("status", "/status"),
            ("attempts", "/attempts"),
            ("time", "/time"),
            ("due", "/due"),
            ("settled", "/settled"),
            ("last_error", "/last_error"),
            ("reason", "/reason"),
            ("speaker", "/speaker"),
            ("headline", "/headline"),
            ("outlet", "/outlet"),
            ("url", "/url"),
        ],
        "/feeds" => FEED_COLUMNS,
        "/endpoints" => ENDPOINT_COLUMNS,
        "/silences" => SILENCE_COLUMNS,
        "/threads/{id}" => EVENT_COLUMNS,
        "/trends" => TREND_COLUMNS,
        "/status" => STATUS_COLUMNS,
        "/search" => &[
            ("id", "/id"),
            ("kind", "/kind"),
            ("time", "/time"),
            ("speaker", "/speaker"),
            ("text", "/text"),
            ("outlet", "/outlet"),
            ("thread", "/thread"),
        ],
        _ => &[],
    }
}

/// What happened in a thread.
pub(super) fn events(thread: &Value) -> Vec<Value> {
    items(thread, "timeline").cloned().collect()
}

fn items<'v>(of: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Trends as rows, each of one part: how many claims of a kind a bucket has, what a speaker made, how often a thread was answered.
pub(super) fn trends(trends: &Value) -> Vec<Value> {
    let mut rows = Vec::new();
    for (at, bucket) in items(trends, "buckets").enumerate() {
        for (kind, counts) in trends["kinds"].as_object().into_iter().flatten() {
            rows.push(json!({"part": "kinds", "bucket": bucket, "kind": kind, "claims": counts.get(at)}));
        }
    }
    rows.extend(items(trends, "speakers").map(|one| {
        json!({
            "part": "speakers", "speaker": one["name"], "claims": one["claims"], "allegations": one["allegations"],
            "denials": one["denials"],
        })
    }));
    rows.extend(items(trends, "contested").map(|one| {
        json!({
            "part": "contested", "thread": one["id"], "state": one["state"], "proposition": one["proposition"],
            "claims": one["claims"].as_array().map(Vec::len), "answers": one["answers"],
        })
    }));
    rows
}

/// The status as rows: the checks, then each number and fact, those of a group by the names of both.
pub(super) fn status(status: &Value) -> Vec<Value> {
    let checks = items(status, "checks").map(
        |check| json!({"part": "check", "name": check["name"], "state": check["state"], "detail": check["detail"]}),
    );
    let fact = |name: &str, value: &Value| json!({"part": "fact", "name": name, "value": value});
    let facts = status.as_object().into_iter().flatten().flat_map(|(name, value)| match value {
        Value::Array(_) => Vec::new(),
        Value::Object(group) => group.iter().map(|(part, value)| fact(&format!("{name}.{part}"), value)).collect(),
        value => vec![fact(name, value)],
    });
    checks.chain(facts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trends_are_rows_of_their_parts() {
        let found = trends(&json!({
            "buckets": ["d1", "d2"],
            "kinds": {"denial": [1, 2], "allegation": [0, 3]},
            "speakers": [{"name": "N", "claims": 3, "allegations": 1, "denials": 2}],
            "contested": [{"id": "t", "state": "answered", "proposition": "p", "claims": ["a", "b"], "answers": 1}],
        }));
        assert_eq!(found.len(), 6);
        let denial = found.iter().find(|row| row["bucket"] == "d2" && row["kind"] == "denial").unwrap();
        assert_eq!(denial["claims"], 2);
        assert_eq!((&found[4]["speaker"], &found[4]["denials"]), (&json!("N"), &json!(2)));
        assert_eq!((&found[5]["thread"], &found[5]["claims"]), (&json!("t"), &json!(2)));
    }

    #[test]
    fn a_status_is_its_checks_and_its_facts() {
        let found = status(&json!({
            "version": "1", "feeds": {"total": 3, "failing": 1}, "checks": [{"name": "disk", "state": "odd", "detail": "d"}],
        }));
        let told: Vec<String> = found.iter().map(|row| format!("{} {}", row["name"], row["value"])).collect();
        assert_eq!(found[0], json!({"part": "check", "name": "disk", "state": "odd", "detail": "d"}));
        assert!(
            told.contains(&"\"feeds.failing\" 1".to_owned()) && told.contains(&"\"version\" \"1\"".to_owned()),
            "{told:?}"
        );
    }
}
