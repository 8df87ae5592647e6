//! A made-up story for the tests of what is known and drawn: an authority accuses a ferry operator, whose director denies it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::state::{Event, News, State};
use super::wire::{Delivery, Endpoint, Feed, Placed, Status, Thread};

const ALLEGED: &str = "The Maritime Safety Authority on Tuesday accused ferry operator Corvane Lines of concealing failed \
                       inspections of three ferries.";
const DENIED: &str = "Corvane Lines chief executive Marta Ilves on Wednesday denied that the company had concealed failed inspections of \
                      three ferries.";

pub(super) fn now() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().unwrap()
}

fn before(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn id(digit: char) -> String {
    digit.to_string().repeat(32)
}

fn quote(sentence: &str, words: &str) -> Value {
    let start = sentence.split_once(words).unwrap().0.chars().count();
    json!({"text": words, "start": start, "end": start + words.chars().count()})
}

fn claim(denial: bool) -> Value {
    let (digit, kind, sentence, cue, content) = if denial {
        ('2', "denial", DENIED, "denied", "the company had concealed failed inspections of three ferries")
    } else {
        ('4', "allegation", ALLEGED, "accused", "concealing failed inspections of three ferries")
    };
    let speaker = if denial {
        json!({"name": "Marta Ilves", "role": "Corvane Lines chief executive", "via": null})
    } else {
        json!({"name": "The Maritime Safety Authority", "role": null, "via": null})
    };
    json!({
        "id": id(digit), "document": id('3'), "kind": kind, "cue": quote(sentence, cue), "source": null, "speaker": speaker,
        "content": [quote(sentence, content)], "target": (!denial).then_some("Corvane Lines"), "basis": null,
        "answers": if denial { vec![id('4')] } else { Vec::new() }, "background": false,
        "confidence": if denial { 0.92 } else { 0.97 }, "sentence": {"start": 0, "end": sentence.chars().count()},
        "language": "eng", "revision": 1, "supersedes": null
    })
}

fn evidence(denial: bool) -> Value {
    if denial {
        json!({"sentence": DENIED, "before": "", "after": "The ships are safe, she said."})
    } else {
        json!({"sentence": ALLEGED, "before": "", "after": ""})
    }
}

fn placed(position: i64, denial: bool, minutes: i64) -> Placed {
    let outlets: &[&str] = if denial { &["Coastal Courier"] } else { &["Vesper Online", "Agora Times"] };
    let stances = json!([{"respondent": "Marta Ilves", "stance": "denied", "claim": id('2')}]);
    let answers = json!([{
        "claim": id('4'), "speaker": "The Maritime Safety Authority",
        "proposition": "concealing failed inspections of three ferries",
        "link": {"score": 0.94, "reason": "earlier document, same words"}
    }]);
    let alert = json!({
        "schema_version": 1, "id": format!("{position:032x}"), "type": if denial { "denial.new" } else { "allegation.new" },
        "time": before(minutes), "priority": {"score": if denial { 75 } else { 40 }, "reasons": if denial { vec!["first answer"] } else { vec![] }},
        "claim": claim(denial), "evidence": evidence(denial),
        "document": {
            "id": id('3'), "url": if denial { "https://denial.example/story" } else { "https://ferry.example/story" },
            "headline": if denial { "Corvane answers over ferries" } else { "Authority speaks of ferries" },
            "outlet": outlets[0], "agency": null, "via": null, "published": null, "first_seen": before(minutes), "embargo_until": null
        },
        "story": {"id": id('5'), "revision": 0, "outlets": outlets, "copies": outlets.len()},
        "thread": {
            "id": id('6'), "sequence": 2, "state": if denial { "answered" } else { "alleged" },
            "proposition": "concealing failed inspections of three ferries",
            "stances": if denial { stances } else { json!([]) }, "contradiction": false
        },
        "answers": if denial { answers } else { json!([]) },
        "also": [], "feed": null, "digest": null, "rules": ["everything"],
        "why": if denial { "denial: first answer in this thread" } else { "allegation: first in its thread" }
    });
    serde_json::from_value(json!({"position": position, "alert": alert})).unwrap()
}

/// The denial at a position.
pub(super) fn denial(position: i64) -> Placed {
    placed(position, true, 3)
}

/// The allegation at a position.
pub(super) fn allegation(position: i64) -> Placed {
    placed(position, false, 95)
}

/// A feed that fails, as an alert.
pub(super) fn failing(position: i64) -> Placed {
    let alert = json!({
        "schema_version": 1, "id": format!("{position:032x}"), "type": "feed.failing", "time": before(1500),
        "priority": {"score": 60, "reasons": []}, "claim": null, "evidence": null, "document": null, "story": null, "thread": null,
        "answers": [], "also": [], "digest": null, "rules": [], "why": "a feed fails",
        "feed": {"id": "harbour", "outlet": "Harbour Post", "url": "https://harbour.example/rss", "incident": 1, "detail": "status 503"}
    });
    serde_json::from_value(json!({"position": position, "alert": alert})).unwrap()
}

/// The thread of both.
pub(super) fn thread() -> Thread {
    let said = |denial: bool, minutes: i64, outlets: &[&str]| {
        let claim = claim(denial);
        json!({
            "event": "claim", "at": before(minutes), "claim": claim["id"], "kind": claim["kind"], "speaker": claim["speaker"],
            "target": claim["target"], "proposition": "", "sentence": evidence(denial)["sentence"], "outlets": outlets,
            "url": if denial { "https://denial.example/story" } else { "https://ferry.example/story" },
            "confidence": claim["confidence"], "revision": 1, "background": false, "withdrawn": false, "answers": claim["answers"]
        })
    };
    let alert = |minutes: i64, kind: &str, why: &str, status: &str, error: Option<&str>| {
        json!({
            "event": "alert", "at": before(minutes), "alert": id('1'), "type": kind, "claim": null, "priority": 75, "why": why,
            "deliveries": [{"sink": "desk", "status": status, "attempts": 1, "due": before(0), "settled": null, "last_error": error}]
        })
    };
    let mut thread: Thread = serde_json::from_value(json!({
        "id": id('6'), "state": "answered", "proposition": "concealing failed inspections of three ferries",
        "stances": [{"respondent": "Marta Ilves", "stance": "denied", "claim": id('2')}], "contradiction": false, "followed": true,
        "muted": false,
        "timeline": [
            said(false, 95, &["Vesper Online", "Agora Times"]),
            alert(95, "allegation.new", "allegation: first in its thread", "delivered", None),
            said(true, 3, &["Coastal Courier"]),
            alert(3, "denial.new", "denial: first answer in this thread", "pending", Some("status 503")),
        ]
    }))
    .unwrap();
    let whole = |denial: bool| json!({"id": claim(denial)["id"], "claim": claim(denial), "evidence": evidence(denial)});
    thread.claims = [true, false].map(|denial| serde_json::from_value(whole(denial)).unwrap()).to_vec();
    thread
}

/// How the daemon does.
pub(super) fn status() -> Status {
    let version = env!("CARGO_PKG_VERSION");
    serde_json::from_value(
        json!({"version": version, "feeds": {"total": 3, "failing": 1}, "endpoints": {"total": 2, "failing": 0}}),
    )
    .unwrap()
}

pub(super) fn feeds() -> Vec<Feed> {
    let feed = |id: &str, state: &str, error: Option<&str>| {
        json!({
            "id": id, "outlet": id, "url": format!("https://{id}.example/rss"), "state": state, "since": error.map(|_| before(1500)),
            "failures": if error.is_some() { 7 } else { 0 }, "error": error, "next_poll": before(-5), "last_success": before(2),
            "last_entry": before(95), "texts": 412, "paused": (state == "paused").then(|| json!({"since": before(60), "by": "Ada"}))
        })
    };
    let all = json!([
        feed("harbour", "failing", Some("status 503")),
        feed("coastal-courier", "healthy", None),
        feed("added.vesper-example-1a2b3c4d", "paused", None)
    ]);
    serde_json::from_value(all).unwrap()
}

pub(super) fn deliveries() -> (Vec<Endpoint>, Vec<Delivery>) {
    let endpoints = json!([
        {"name": "desk", "kind": "webhook", "state": "failing", "since": before(30), "reason": "status 503", "pending": 2, "delivered": 40, "dead": 1},
        {"name": "archive", "kind": "jsonl", "state": "ok", "since": null, "reason": null, "pending": 0, "delivered": 43, "dead": 0}
    ]);
    let delivery = |sink: &str, status: &str, error: Option<&str>| {
        json!({"type": "denial.new", "sink": sink, "status": status, "attempts": 2, "time": before(3), "last_error": error, "reason": null,
               "speaker": "Marta Ilves", "headline": "Corvane answers over ferries"})
    };
    let rows = json!([delivery("desk", "pending", Some("status 503")), delivery("archive", "delivered", None)]);
    (serde_json::from_value(endpoints).unwrap(), serde_json::from_value(rows).unwrap())
}

/// A daemon with the three alerts, connected.
pub(super) fn state() -> State {
    let mut state = State::new("127.0.0.1:8420".to_owned(), now(), Some(status()));
    let alerts = vec![denial(7), allegation(6), failing(2)];
    state.take(Event::News(News::Listed { alerts, next: None, unknown: 0 }));
    state.take(Event::News(News::Connected));
    state
}
