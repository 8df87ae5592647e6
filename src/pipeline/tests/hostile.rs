//! Hostile streams: whatever comes, the state keeps its bounds, and what is stored is what the desk knows.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::pipeline::bounds::Bounds;

/// Bounds that a test reaches.
const SMALL: Bounds =
    Bounds { documents: 1_600, stories: 800, claims: 400, threads: 320, thread_claims: 50, claim_stories: 20 };

/// A desk with small bounds, and a store that keeps what it is told.
struct Flooded {
    state: State,
    documents: BTreeMap<DocumentId, DocumentRecord>,
    stories: BTreeMap<StoryId, StoryRecord>,
    claims: BTreeMap<ClaimId, ClaimRecord>,
    threads: BTreeMap<ThreadId, ThreadRecord>,
}

fn start() -> Timestamp {
    "2024-10-31T08:00:00Z".parse().unwrap()
}

fn after(hours: i64) -> Timestamp {
    start().checked_add(SignedDuration::from_hours(hours)).unwrap()
}

impl Flooded {
    fn new() -> Self {
        let mut state = State::new(windows());
        state.bounds = SMALL;
        Self {
            state,
            documents: BTreeMap::new(),
            stories: BTreeMap::new(),
            claims: BTreeMap::new(),
            threads: BTreeMap::new(),
        }
    }

    /// Takes a document in; says what is alerted.
    fn take(&mut self, analysis: Analysis, now: Timestamp) -> Vec<&'static str> {
        let changes = step(&mut self.state, Input::Analysed(Box::new(analysis)), now);
        let mut events = Vec::new();
        for change in changes {
            match change {
                Change::Document(record) => drop(self.documents.insert(record.id, *record)),
                Change::Story(record) => drop(self.stories.insert(record.id, *record)),
                Change::Claim(record) => drop(self.claims.insert(record.id, *record)),
                Change::Thread(record) => drop(self.threads.insert(record.id, *record)),
                Change::ForgetDocument(id) => drop(self.documents.remove(&id)),
                Change::ForgetStory(id) => drop(self.stories.remove(&id)),
                Change::ForgetClaim(id) => drop(self.claims.remove(&id)),
                Change::ForgetThread(id) => drop(self.threads.remove(&id)),
                Change::Feed(_)
                | Change::Budget(_)
                | Change::Mute(_)
                | Change::Unmute(_)
                | Change::Group(_)
                | Change::ForgetGroup(_)
                | Change::Silence(_)
                | Change::EndSilence(_)
                | Change::Moved(_)
                | Change::Dropped(_) => {}
                Change::Event(event) => events.push(event.alert_type.as_str()),
            }
        }
        let counts = self.state.counts();
        // One step brings a document, a story and the claims of a document; the next one forgets what is over.
        assert!(counts.documents <= SMALL.documents + 1 && counts.stories <= SMALL.stories + 1, "{counts:?}");
        assert!(counts.claims <= SMALL.claims + 2 && counts.threads <= SMALL.threads + 2, "{counts:?}");
        events
    }

    /// What is stored is what the desk knows, to the last record, and nothing in it points to what is gone.
    fn assert_consistent(&self) {
        assert_eq!(self.documents, self.state.documents);
        assert!(self.claims.values().cloned().eq(self.state.claims()), "claims differ");
        assert_eq!(self.stories.len(), self.state.counts().stories);
        for story in self.stories.values() {
            assert_eq!(self.state.stories.get(story.id), Some(story));
        }
        assert!(self.threads.keys().eq(self.state.threads.keys()));
        for claim in self.claims.values() {
            assert!(claim.stories.len() <= SMALL.claim_stories);
        }
        for thread in self.state.threads.values() {
            assert!(thread.claims.len() <= SMALL.thread_claims && thread.stances.len() <= SMALL.thread_claims);
            assert!(thread.claims.iter().all(|claim| self.claims.contains_key(claim)));
        }
        let listed: BTreeSet<ClaimId> = self.state.claims_of_story.values().flatten().copied().collect();
        assert!(listed.iter().eq(self.claims.keys()), "each claim stands under its stories and nothing else does");
        let traced = self.documents.values().filter_map(|known| Some((known.trace?.address, known.id)));
        assert_eq!(traced.collect::<BTreeSet<_>>(), self.state.traces);
        for (url, document) in &self.state.addresses {
            assert_eq!(self.documents[document].url.as_ref(), Some(url));
        }
    }

    /// The desk as after a restart.
    fn restarted(&self) -> Self {
        let (now, next_sequence) = self.state.position();
        let records = Records {
            now,
            next_sequence,
            documents: self.documents.values().cloned().collect(),
            stories: self.stories.values().cloned().collect(),
            claims: self.claims.values().cloned().map(Into::into).collect(),
            threads: self.threads.values().cloned().collect(),
            ..Records::default()
        };
        let mut state = State::restore(windows(), records);
        state.bounds = SMALL;
        let (documents, stories) = (self.documents.clone(), self.stories.clone());
        Self { state, documents, stories, claims: self.claims.clone(), threads: self.threads.clone() }
    }
}

/// A word of its own for a number.
fn word(number: usize) -> String {
    let syllables = ["ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu"];
    let digits = number.to_string();
    digits.bytes().map(|digit| syllables[usize::from(digit - b'0')]).collect()
}

/// A name of its own for a number.
fn name(number: usize) -> String {
    let word = word(number + 100);
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// Words about something of its own.
fn matter(number: usize) -> String {
    [3, 5, 7, 11].map(|times| word(100_000 + times * number)).join(" ")
}

/// A document without claims.
fn item(id: usize, body: &str, now: Timestamp) -> Analysis {
    analysis(&id.to_string(), "Flood", &format!("Item {}", word(id)), body, now, Vec::new())
}

/// A document in which somebody accuses somebody of what is unlike anything else.
fn accusation(id: &str, number: usize, now: Timestamp) -> Analysis {
    let content = matter(number);
    let body = format!("{} residents accused the port of {content}.", name(number));
    claim_in(id, "Port accused", &body, Kind::Allegation, "accused", &content, now)
}

fn claim_in(id: &str, title: &str, body: &str, kind: Kind, cue: &str, content: &str, now: Timestamp) -> Analysis {
    let mut found = analysis(id, "Flood", title, body, now, Vec::new());
    let text = &found.document.text;
    let find = |words: &str| {
        let start = text.rfind(words).unwrap();
        Span::new(start, start + words.len())
    };
    let (cue, content) = (find(cue), find(content));
    let name = body.split(' ').next().unwrap().to_owned();
    let claim = Claim {
        attribution: Attribution {
            source: None,
            cue,
            content: vec![content],
            sentence: *found.sentences.iter().find(|sentence| sentence.contains(cue)).unwrap(),
        },
        kind,
        speaker: Some(Speaker { name, role: None, via: None, affiliation: None }),
        proposition: proposition(text, &[content]),
        target: None,
        basis: None,
        answers: Vec::new(),
        is_background: false,
        is_negated_denial: false,
        confidence: Confidence::from_probability(0.9),
    };
    found.claims.push(claim);
    found
}

#[test]
fn a_flood_of_distinct_items_pushes_out_the_oldest() {
    const ITEMS: usize = 30_000;
    let mut desk = Flooded::new();
    let hour = |number: usize| after(i64::try_from(number / 10_000).unwrap());
    for number in 0..ITEMS {
        desk.take(item(number, &format!("{} {}", word(number), word(number * 3)), hour(number)), hour(number));
    }
    desk.assert_consistent();
    let counts = desk.state.counts();
    assert!(counts.documents > SMALL.documents / 2 && counts.stories > SMALL.stories / 2, "{counts:?}");
    let knows = |number: usize| {
        let one = item(number, &format!("{} {}", word(number), word(number * 3)), hour(number)).document;
        desk.state.knows(&one)
    };
    assert!(knows(ITEMS - 1) && knows(ITEMS - SMALL.documents / 2) && !knows(0));
}

#[test]
fn a_flood_goes_on_after_a_restart_as_it_would_have() {
    let mut desk = Flooded::new();
    for number in 0..3_000 {
        desk.take(accusation(&number.to_string(), number, start()), start());
    }
    desk.assert_consistent();
    let mut restarted = desk.restarted();
    for number in 3_000..4_500 {
        let one = desk.take(accusation(&number.to_string(), number, start()), start());
        assert_eq!(one, restarted.take(accusation(&number.to_string(), number, start()), start()), "{number}");
    }
    assert_eq!(desk.documents, restarted.documents);
    assert_eq!(desk.stories, restarted.stories);
    assert_eq!(desk.claims, restarted.claims);
    restarted.assert_consistent();
}

#[test]
fn one_id_with_other_text_again_and_again_is_one_document() {
    let mut desk = Flooded::new();
    for number in 0..3_000 {
        let body = format!(
            "{} {} and nothing else was said of the {} matter.",
            word(number),
            word(2 * number),
            word(3 * number)
        );
        desk.take(item(1, &body.repeat(4), start()), start());
    }
    desk.assert_consistent();
    assert_eq!(desk.documents.len(), 1);
    assert_eq!(desk.documents.values().next().unwrap().revision, 2_999);
    let story = desk.stories.values().next().unwrap();
    assert_eq!((desk.stories.len(), story.copies), (1, 1));
    assert!(story.texts.len() <= 256, "{} texts", story.texts.len());
}

#[test]
fn a_kill_reaches_every_claim_of_a_story_with_hundreds() {
    let mut desk = Flooded::new();
    desk.state.bounds.claims = 4_000;
    desk.state.bounds.threads = 4_000;
    for number in 0..700 {
        let changes = step(&mut desk.state, Input::Analysed(Box::new(accusation("1", number, start()))), start());
        assert!(!changes.is_empty());
    }
    let claims = desk.state.claims.len();
    assert!(claims > 600, "{claims} claims of one story");
    let kill = analysis("1", "Flood", "KILL: Port accused", "Please kill this story.", start(), Vec::new());
    step(&mut desk.state, Input::Analysed(Box::new(kill)), start());
    assert!(desk.state.claims.values().all(|claim| claim.is_withdrawn), "none is left standing");
}

#[test]
fn the_same_rare_terms_in_thousands_of_claims_fill_no_thread() {
    let mut desk = Flooded::new();
    let mut alerts = 0;
    for number in 0..1_500 {
        // Each by somebody else, all of the same words.
        let content = "hiding mercury ledgers and radium cargo in the Halden sheds";
        let body = format!("{} residents accused the port of {content}.", name(number));
        let one = claim_in(&number.to_string(), &word(number), &body, Kind::Allegation, "accused", content, start());
        alerts += desk.take(one, start()).len();
    }
    desk.assert_consistent();
    assert!(alerts > 0);
    let largest = desk.state.threads.values().map(|thread| thread.claims.len()).max().unwrap();
    assert!(largest > 1, "they are one matter, as long as a thread has room: {:?}", desk.state.counts());
}

#[test]
fn thousands_who_accuse_and_deny_fill_no_thread() {
    let mut desk = Flooded::new();
    for number in 0..600 {
        let content = matter(1);
        let denial = format!("{} denied {content}.", name(number + 5_000));
        let accusation = format!("{} residents accused the port of {content}.", name(number));
        let (id, title) = (number.to_string(), word(number));
        let mut both =
            claim_in(&id, &title, &format!("{denial}\n{accusation}"), Kind::Denial, "denied", &content, start());
        both.claims.extend(
            claim_in(&id, &title, &format!("{denial}\n{accusation}"), Kind::Allegation, "accused", &content, start())
                .claims,
        );
        both.claims[1].speaker.as_mut().unwrap().name = name(number);
        both.claims.swap(0, 1);
        both.claims[1].answers = vec![0];
        desk.take(both, start());
    }
    desk.assert_consistent();
    let most = desk.state.threads.values().map(|thread| thread.stances.len()).max().unwrap();
    assert!(most > 10, "many speak in one thread, as long as it has room: {most}");
}

#[test]
fn thousands_of_forms_with_the_same_words_keep_the_bounds() {
    let mut desk = Flooded::new();
    for number in 0..3_000 {
        let figures: Vec<String> = (1..9).map(|at| (number * at * 37 % 99_991).to_string()).collect();
        let body = format!(
            "The exchange said the index closed at {} points and turnover was {} shares. Gainers were {} and losers {}, while {} were \
             unchanged. Volume rose {} percent to {} lots worth {} crowns, dealers said on Thursday in the capital.",
            figures[0], figures[1], figures[2], figures[3], figures[4], figures[5], figures[6], figures[7]
        );
        desk.take(
            analysis(&number.to_string(), &format!("Outlet {number}"), "Market close", &body, start(), Vec::new()),
            start(),
        );
    }
    desk.assert_consistent();
    assert!(desk.stories.values().all(|story| story.outlets.len() <= 1_000 && story.texts.len() <= 256));
}

#[test]
fn a_year_forward_and_back_leaves_nothing_that_is_kept_for_a_year() {
    let mut desk = Flooded::new();
    let year = 24 * 365;
    for number in 0..100 {
        desk.take(accusation(&number.to_string(), number, start()), after(0));
    }
    for number in 100..200 {
        desk.take(accusation(&number.to_string(), number, start()), after(year));
    }
    desk.take(item(9_000, "A calm day at the harbour.", start()), after(1));
    assert_eq!(desk.state.position().0, Some(after(1)), "the clock is believed when it is set back");
    desk.assert_consistent();
    assert!(desk.documents.values().all(|known| known.last_seen <= after(1)));
    // In small steps, as a desk that runs goes through its days.
    for hour in 2..24 * 100 {
        desk.take(item(9_000 + usize::try_from(hour / 20).unwrap(), "A calm day.", start()), after(hour));
    }
    desk.assert_consistent();
    let counts = desk.state.counts();
    assert!(counts.claims == 0 && counts.threads == 0 && counts.stories < 20, "{counts:?}");
}

#[test]
fn dates_that_items_give_themselves_move_no_clock() {
    let mut desk = Flooded::new();
    for (number, published) in
        ["9999-12-30T22:00:00Z", "0001-01-01T00:00:00Z", "-009998-01-01T00:00:00Z"].iter().enumerate()
    {
        let mut one = accusation(&number.to_string(), number, start());
        one.document.published = Some(published.parse().unwrap());
        desk.take(one, start());
    }
    assert_eq!(desk.state.position().0, Some(start()));
    assert!(desk.documents.values().all(|known| known.last_seen == start()));
    assert!(desk.claims.values().all(|claim| claim.last_seen == start() && claim.first_seen == start()));
    // And a desk whose own clock is at either end of time goes on.
    for now in [Timestamp::MAX, Timestamp::MIN, start()] {
        desk.take(accusation(&now.to_string(), 50, start()), now);
    }
    desk.assert_consistent();
}
