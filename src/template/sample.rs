//! Sample alerts of every type, on which templates are tried: bare ones, and ones full of hostile text.

use jiff::{SignedDuration, Timestamp};

use super::Links;
use crate::model::{
    Alert, AlertAnswer, AlertClaim, AlertDocument, AlertId, AlertStory, AlertThread, AlertType, Basis, ClaimId,
    ClaimSpeaker, Digest, DigestCause, DigestEntry, DocumentId, Evidence, FeedAlert, FeedId, Kind, Link, Offsets,
    Priority, Quote, SinkAlert, Stance, StanceEntry, StoryId, ThreadId, ThreadState,
};

/// What a feed may say to break out of a message, to ring for everybody, or to hide.
pub(super) const HOSTILE: &str = "\"}]\\ <!channel> <@U012AB3CD> @everyone @channel @here <at>all</at> `x` ```y``` **z** _u_ ~s~ ||v|| \
    [link](http://evil.example) ](http://evil.example) http://evil.example <http://evil.example|here> &amp; {{ alert }} {% raw %} # > - \u{202e}desrever\u{202c} \u{0}\u{7}\u{1b}[2J\n\n# two\r\nthree";

/// Entries of a full digest.
const ENTRIES: usize = 5;

/// A bare and a full alert of each type.
pub(super) fn alerts() -> Vec<Alert> {
    AlertType::ALL.into_iter().flat_map(|alert_type| [alert(alert_type, false), alert(alert_type, true)]).collect()
}

/// Links as a daemon makes them that has all of them.
pub(super) fn links() -> Option<Links> {
    let base = "https://gainsay.example/".parse().ok()?;
    Some(Links::new(base, Some(b"sample"), SignedDuration::from_hours(24 * 7)))
}

/// An alert of this type; with everything that one can have, or nothing but what each has.
pub(super) fn alert(alert_type: AlertType, is_full: bool) -> Alert {
    let text = if is_full { HOSTILE.to_owned() } else { "a sample".to_owned() };
    let priority = Priority { score: 71, reasons: if is_full { vec![text.clone()] } else { Vec::new() } };
    let empty = Alert::new(AlertId::of(&[b"sample"]), alert_type, Timestamp::UNIX_EPOCH, priority, text.clone());
    if alert_type == AlertType::Digest {
        let entries = if is_full { ENTRIES } else { 0 };
        let alerts = (0..entries).map(|number| entry(number % 2 == 0)).collect();
        let left_out = u32::from(is_full) * 7;
        let types = [(AlertType::DenialNew, u32::from(is_full) * 12)].into();
        let (cause, since) = (DigestCause::Budget, is_full.then_some(Timestamp::UNIX_EPOCH));
        let digest = Digest { cause, day: "2024-10-31".to_owned(), budget: 100, since, types, alerts, left_out };
        return Alert { digest: Some(digest), ..empty };
    }
    if alert_type.as_str().starts_with("feed.") {
        let (id, url) = (FeedId::new("sample"), "https://news.example/rss.xml".to_owned());
        return Alert { feed: Some(FeedAlert { id, outlet: text.clone(), url, incident: 1, detail: text }), ..empty };
    }
    if alert_type.as_str().starts_with("sink.") {
        let sink = SinkAlert { name: text.clone(), since: Timestamp::UNIX_EPOCH, detail: text };
        return Alert { sink: Some(sink), ..empty };
    }
    claim_alert(empty, &text, is_full)
}

/// An alert that says wherever one looks that it is a test: what an endpoint is tried with.
pub fn test_alert(id: AlertId, now: Timestamp) -> Alert {
    const MARK: &str = "TEST ALERT";
    let (before, cue, after) =
        ("TEST ALERT: gainsay", "denied", "nothing; it tries whether this endpoint takes alerts.");
    let why = "a test of this endpoint, asked for with `gainsay endpoint test`; nobody said anything".to_owned();
    let priority = Priority { score: 50, reasons: vec![MARK.to_owned()] };
    let mut alert = claim_alert(Alert::new(id, AlertType::DenialNew, now, priority, why), MARK, false);
    let sentence = format!("{before} {cue} {after}");
    if let Some(claim) = &mut alert.claim {
        let start = before.chars().count() + 1;
        claim.cue = Quote { text: cue.to_owned(), start, end: start + cue.chars().count() };
        claim.sentence = Offsets { start: 0, end: sentence.chars().count() };
    }
    alert.evidence = Some(Evidence { sentence, before: String::new(), after: String::new() });
    if let Some(document) = &mut alert.document {
        "TEST ALERT of gainsay".clone_into(&mut document.headline);
        "gainsay endpoint test".clone_into(&mut document.outlet);
        document.first_seen = now;
    }
    alert
}

fn entry(is_full: bool) -> DigestEntry {
    let full = |text: &str| is_full.then(|| text.to_owned());
    DigestEntry {
        id: AlertId::of(&[b"entry"]),
        alert_type: AlertType::DenialNew,
        time: Timestamp::UNIX_EPOCH,
        priority: 50,
        claim: is_full.then(|| ClaimId::of(&[b"c"])),
        also: Vec::new(),
        thread: is_full.then(|| ThreadId::of(&[b"t"])),
        speaker: full(HOSTILE),
        content: full(HOSTILE),
        headline: full(HOSTILE),
        outlet: full(HOSTILE),
        url: full("https://news.example/1?a=(b)"),
        role: full(HOSTILE),
        sentence: full(HOSTILE),
        outlets: full(HOSTILE).into_iter().collect(),
        why: HOSTILE.to_owned(),
    }
}

fn claim_alert(empty: Alert, text: &str, is_full: bool) -> Alert {
    let full = || is_full.then(|| text.to_owned());
    let sentence = format!("{text} denied {text}");
    let start = text.chars().count() + 1;
    let quote = |text: &str, start: usize| Quote { text: text.to_owned(), start, end: start + text.chars().count() };
    let document = DocumentId::of(&[b"d"]);
    let claim = AlertClaim {
        document,
        id: ClaimId::of(&[b"c"]),
        kind: Kind::Denial,
        cue: quote("denied", start),
        source: is_full.then(|| quote(text, 0)),
        speaker: is_full.then(|| ClaimSpeaker { name: text.repeat(12), role: full(), via: full() }),
        content: if is_full { vec![quote(text, start + 7)] } else { Vec::new() },
        target: full(),
        basis: is_full.then_some(Basis::Charge),
        answers: Vec::new(),
        background: false,
        confidence: 0.97,
        sentence: Offsets { start: 0, end: sentence.chars().count() },
        language: "eng".to_owned(),
        revision: 1,
        supersedes: None,
    };
    let answer = AlertAnswer {
        claim: ClaimId::of(&[b"a"]),
        speaker: full(),
        proposition: text.to_owned(),
        link: Link { score: 0.5, reason: text.to_owned() },
    };
    let stance = StanceEntry { respondent: text.to_owned(), stance: Stance::Denied, claim: claim.id };
    let list = || if is_full { vec![text.to_owned(); 3] } else { Vec::new() };
    Alert {
        evidence: Some(Evidence { sentence, before: text.to_owned(), after: text.to_owned() }),
        document: Some(AlertDocument {
            id: document,
            url: is_full.then(|| "https://news.example/1?a=(b)".to_owned()),
            headline: text.to_owned(),
            outlet: text.to_owned(),
            agency: full(),
            via: full(),
            published: is_full.then_some(Timestamp::UNIX_EPOCH),
            first_seen: Timestamp::UNIX_EPOCH,
            embargo_until: is_full.then_some(Timestamp::UNIX_EPOCH),
            topics: list(),
        }),
        story: Some(AlertStory { id: StoryId::of(&[b"s"]), revision: 0, outlets: list(), copies: 3 }),
        thread: Some(AlertThread {
            id: ThreadId::of(&[b"t"]),
            sequence: 1,
            state: ThreadState::Answered,
            proposition: text.to_owned(),
            stances: if is_full { vec![stance] } else { Vec::new() },
            contradiction: is_full,
        }),
        answers: if is_full { vec![answer] } else { Vec::new() },
        also: if is_full { vec![ClaimId::of(&[b"b"])] } else { Vec::new() },
        claim: Some(claim),
        rules: list(),
        watched: list(),
        ..empty
    }
}
