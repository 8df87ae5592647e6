//! The rules of the desk, on analyses made by hand.

mod feedback;
mod hostile;
mod recognise;
mod scenarios;

use jiff::{SignedDuration, Timestamp};

use crate::dedup::fingerprint::fingerprint;
use crate::dedup::label::label;
use crate::extract::proposition::proposition;
use crate::link::view::View;
use crate::model::*;
use crate::pipeline::{Change, Input, State, Windows, step};
use crate::route::{Router, Silencer};
use crate::rule::Rule;
use crate::text::document::archive_document;
use crate::text::sentence::sentences;

fn windows() -> Windows {
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    Windows { stories: days(7), claims: days(30), threads: days(90) }
}

/// A desk that writes down what it would store.
struct Desk {
    state: State,
    stored: Records,
    now: Timestamp,
}

/// A claim to be put into a document: kind, speaker, cue, content, target, and what it answers.
struct Said {
    kind: Kind,
    speaker: &'static str,
    role: Option<&'static str>,
    affiliation: Option<&'static str>,
    cue: &'static str,
    content: &'static str,
    target: Option<&'static str>,
    answers: Vec<usize>,
}

fn said(kind: Kind, speaker: &'static str, cue: &'static str, content: &'static str) -> Said {
    Said { kind, speaker, role: None, affiliation: None, cue, content, target: None, answers: Vec::new() }
}

fn analysis(id: &str, outlet: &str, title: &str, body: &str, now: Timestamp, claims: Vec<Said>) -> Analysis {
    let document = archive_document(id, Some(outlet), Some(title), body, Some(now), None, now, MarkupFormat::Text);
    let sentences = sentences(&document.text, document.headline);
    let find = |words: &str| {
        let start = document.text.find(words).unwrap_or_else(|| panic!("{words:?} is not in {:?}", document.text));
        Span::new(start, start + words.len())
    };
    let claims = claims
        .into_iter()
        .map(|said| {
            let cue = find(said.cue);
            Claim {
                attribution: Attribution {
                    source: None,
                    cue,
                    content: vec![find(said.content)],
                    sentence: *sentences.iter().find(|sentence| sentence.contains(cue)).unwrap(),
                },
                kind: said.kind,
                speaker: Some(Speaker {
                    name: said.speaker.into(),
                    role: said.role.map(str::to_owned),
                    via: None,
                    affiliation: said.affiliation.map(str::to_owned),
                }),
                proposition: proposition(&document.text, &[find(said.content)]),
                target: said.target.map(str::to_owned),
                basis: None,
                answers: said.answers,
                is_background: false,
                is_negated_denial: false,
                confidence: Confidence::from_probability(0.9),
            }
        })
        .collect();
    Analysis {
        fingerprint: fingerprint(&document),
        label: label(document.headline_text()).0,
        document,
        models: ModelsHash(String::new()),
        language: "eng".into(),
        sentences,
        claims,
        issues: Vec::new(),
    }
}

impl Desk {
    fn new() -> Self {
        let now = "2024-10-31T08:00:00Z".parse().unwrap();
        Self { state: State::new(windows()), stored: Records::default(), now }
    }

    fn take(&mut self, id: &str, outlet: &str, title: &str, body: &str, claims: Vec<Said>) -> Vec<Event> {
        self.take_analysis(analysis(id, outlet, title, body, self.now, claims))
    }

    fn take_analysis(&mut self, analysis: Analysis) -> Vec<Event> {
        self.input(Input::Analysed(Box::new(analysis)))
    }

    fn input(&mut self, input: Input) -> Vec<Event> {
        self.now = self.now.checked_add(SignedDuration::from_mins(10)).unwrap();
        let changes = step(&mut self.state, input, self.now);
        let mut events = Vec::new();
        for change in changes {
            match change {
                Change::Document(record) => put(&mut self.stored.documents, *record, |record| record.id),
                Change::Story(record) => put(&mut self.stored.stories, *record, |record| record.id),
                Change::Claim(record) => put(&mut self.stored.claims, (*record).into(), |record| record.id),
                Change::Thread(record) => put(&mut self.stored.threads, *record, |record| record.id),
                Change::Feed(record) => put(&mut self.stored.feeds, record, |record| record.feed.clone()),
                Change::Mute(record) => put(&mut self.stored.muted, record, |record| record.key.clone()),
                Change::Unmute(key) => self.stored.muted.retain(|muted| muted.key != key),
                Change::ForgetThread(id) => self.stored.threads.retain(|thread| thread.id != id),
                Change::Event(event) => events.push(event),
                _ => {}
            }
        }
        // One sink gets everything.
        for routed in Router::new(vec![Rule::everything()], vec!["desk".into()])
            .route(events.clone(), &Silencer::default(), None)
            .routed
        {
            for change in self.state.note_alerted(&routed.alert, &routed.sinks) {
                let Change::Claim(record) = change else { panic!("{change:?}") };
                put(&mut self.stored.claims, (*record).into(), |record| record.id);
            }
        }
        events
    }

    /// As after a restart.
    fn restart(&mut self) {
        (self.stored.now, self.stored.next_sequence) = self.state.position();
        self.state = State::restore(windows(), self.stored.clone());
    }
}

fn put<R, I: PartialEq>(records: &mut Vec<R>, record: R, id: impl Fn(&R) -> I) {
    match records.iter().position(|known| id(known) == id(&record)) {
        Some(position) => records[position] = record,
        None => records.push(record),
    }
}

fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.alert_type.as_str()).collect()
}

fn claim_event(event: &Event) -> &ClaimEvent {
    match &event.subject {
        Subject::Claim(claim) => claim,
        other => panic!("{other:?} is no claim"),
    }
}

const TITLE: &str = "Bank accused over cartel money";
const BODY: &str = "LIMA (Andes) - Prosecutors on Monday accused Arvo Bank of laundering cartel money through its Panama \
    branch for three years.\nThe bank's chairman, Tomas Rehn, dismissed the charge that it had laundered cartel money as \
    a fairy tale told by rivals.\nShares in the bank fell nine percent on the Lima exchange before trading was halted.";

fn bank_claims() -> Vec<Said> {
    let mut accusation =
        said(Kind::Allegation, "Prosecutors", "accused", "laundering cartel money through its Panama branch");
    accusation.target = Some("Arvo Bank");
    let mut denial = said(Kind::Denial, "Tomas Rehn", "dismissed", "the charge that it had laundered cartel money");
    denial.answers = vec![0];
    denial.role = Some("chairman");
    denial.affiliation = Some("Arvo Bank");
    vec![accusation, denial]
}

#[test]
fn one_story_opens_one_thread_with_its_answer() {
    let mut desk = Desk::new();
    let events = desk.take("1", "Andes", TITLE, BODY, bank_claims());
    assert_eq!(types(&events), ["allegation.new", "denial.new"]);
    let denial = claim_event(&events[1]);
    assert_eq!(denial.thread.state, ThreadState::Answered);
    assert_eq!((denial.thread.stances.len(), denial.thread.sequence), (1, 1));
    assert_eq!(denial.answers[0].claim, claim_event(&events[0]).report.claim.id);
    assert_eq!(denial.also, [claim_event(&events[0]).report.claim.id]);
}

#[test]
fn another_outlets_copy_says_nothing_new() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    assert_eq!(types(&desk.take("2", "Pacific Post", "Lima bank in cartel probe", BODY, bank_claims())), [""; 0]);
    let story = desk.stored.stories.first().unwrap();
    assert_eq!((story.outlets.len(), story.copies), (2, 2));
}

#[test]
fn the_same_quote_in_other_words_is_the_same_stance() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let body = "The chairman of Arvo Bank, Tomas Rehn, called the accusation of laundering cartel money through the Panama \
                branch an invention. He was speaking to reporters at a conference on river trade in the north.";
    let mut denial = said(
        Kind::Denial,
        "Tomas Rehn",
        "called",
        "the accusation of laundering cartel money through the Panama branch an invention",
    );
    denial.affiliation = Some("Arvo Bank");
    assert_eq!(types(&desk.take("2", "Daily Tide", "Rehn calls accusation an invention", body, vec![denial])), [""; 0]);
    assert_eq!(desk.stored.threads.len(), 1);
}

#[test]
fn a_claim_that_is_opened_anew_under_its_id_is_found_once() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims().into_iter().take(1).collect());
    let mut record = desk.state.claims().next().unwrap();
    let view = View::of(record.kind, &record.report, record.speaker.as_ref(), &record.proposition);
    let (id, before) = (record.id, record.sequence);
    record.sequence += 100;
    desk.state.put_claim(record);
    assert_eq!(desk.state.index.candidates(&view), [id]);
    assert!(desk.state.index.view(before).is_none() && desk.state.index.view(before + 100).is_some());
    desk.state.forget_claim(id, &mut Vec::new());
    assert_eq!(desk.state.index.candidates(&view), []);
}

#[test]
fn a_denial_days_later_finds_its_allegation() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims().into_iter().take(1).collect());
    desk.now = desk.now.checked_add(SignedDuration::from_hours(50)).unwrap();
    let body = "Arvo Bank rejected as baseless the accusation of laundering cartel money in Panama. Its lawyers will file \
                papers next week, the company told investors in a letter.";
    let denial = said(Kind::Denial, "Arvo Bank", "rejected", "the accusation of laundering cartel money in Panama");
    let events = desk.take("2", "Daily Tide", "Bank answers at last", body, vec![denial]);
    assert_eq!(types(&events), ["denial.new", "thread.linked"]);
    assert_eq!(claim_event(&events[0]).answers.len(), 1);
    assert_eq!(desk.stored.threads.len(), 1);
}

#[test]
fn an_answer_does_not_tell_what_it_answers_before_that_is_released() {
    let check = |embargo_hours: i64, is_told: bool| {
        let mut desk = Desk::new();
        let hours = |hours| desk.now.checked_add(SignedDuration::from_hours(hours)).unwrap();
        let (release, later) = (hours(embargo_hours), hours(50));
        let claims = bank_claims().into_iter().take(1).collect();
        let mut first = analysis("1", "Andes", TITLE, BODY, desk.now, claims);
        first.document.embargo_until = Some(release);
        desk.take_analysis(first);
        desk.now = later;
        let body = "Arvo Bank rejected as baseless the accusation of laundering cartel money in Panama. Its lawyers will \
                    file papers next week, the company told investors in a letter.";
        let denial = said(Kind::Denial, "Arvo Bank", "rejected", "the accusation of laundering cartel money in Panama");
        let events = desk.take("2", "Daily Tide", "Bank answers at last", body, vec![denial]);
        assert_eq!(types(&events), ["denial.new", "thread.linked"]);
        let alleged =
            &desk.stored.claims.iter().find(|claim| claim.kind == Kind::Allegation).unwrap().text().proposition.text;
        for event in &events {
            let shown = claim_event(event);
            assert_eq!(shown.answers[0].speaker.is_some(), is_told);
            assert_eq!(
                (&shown.answers[0].proposition == alleged, &shown.thread.proposition == alleged),
                (is_told, is_told)
            );
            let respondents: Vec<&str> = shown.thread.stances.iter().map(|entry| entry.respondent.as_str()).collect();
            assert_eq!(respondents, ["Arvo Bank"]);
        }
    };
    check(90, false);
    check(20, true);
}

#[test]
fn a_correction_revises_and_withdraws_what_was_alerted() {
    let mut desk = Desk::new();
    let first = desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let allegation = claim_event(&first[0]).report.claim.id;
    let body = BODY
        .replace("Arvo Bank", "Alvo Trust")
        .replace("cartel money through its Panama branch", "tax money in Belize");
    let mut accusation = said(Kind::Allegation, "Prosecutors", "accused", "laundering tax money in Belize");
    accusation.target = Some("Alvo Trust");
    let events = desk.take("1", "Andes", &format!("CORRECTED: {TITLE}"), &body, vec![accusation]);
    assert_eq!(types(&events), ["claim.revised", "claim.withdrawn"]);
    let revised = &claim_event(&events[0]).report.claim;
    assert_eq!((revised.id, revised.revision, revised.supersedes), (allegation, 2, Some(1)));
}

#[test]
fn a_kill_withdraws_everything_and_late_copies_stay_silent() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let events = desk.take("1", "Andes", &format!("KILL: {TITLE}"), "Please kill this story.", Vec::new());
    assert_eq!(types(&events), ["claim.withdrawn", "claim.withdrawn"]);
    assert_eq!(claim_event(&events[0]).thread.state, ThreadState::Withdrawn);
    assert_eq!(types(&desk.take("2", "Pacific Post", TITLE, BODY, bank_claims())), [""; 0]);
}

#[test]
fn a_baseline_is_silent_and_known_afterwards() {
    let mut desk = Desk::new();
    let mut old = analysis("1", "Andes", TITLE, BODY, desk.now, bank_claims());
    old.document.is_baseline = true;
    assert_eq!(types(&desk.take_analysis(old)), [""; 0]);
    assert_eq!(types(&desk.take("2", "Pacific Post", TITLE, BODY, bank_claims())), [""; 0]);
}

#[test]
fn outlets_that_disagree_on_one_speech_act_are_flagged() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let body = "Tomas Rehn has not denied that the bank laundered cartel money through its Panama branch, and left the hall \
                without taking questions from reporters who had come from the capital.";
    let mut silence = said(
        Kind::NoComment,
        "Tomas Rehn",
        "has not denied",
        "the bank laundered cartel money through its Panama branch",
    );
    silence.affiliation = Some("Arvo Bank");
    let mut silent = analysis("2", "Daily Tide", "Chairman leaves hall", body, desk.now, vec![silence]);
    silent.claims[0].is_negated_denial = true;
    let events = desk.take_analysis(silent);
    assert_eq!(types(&events), ["thread.contradiction"]);
    assert!(claim_event(&events[0]).thread.contradiction);
}

#[test]
fn old_acts_retold_are_no_events() {
    let mut desk = Desk::new();
    let mut retold = analysis("1", "Andes", TITLE, BODY, desk.now, bank_claims());
    retold.claims.iter_mut().for_each(|claim| claim.is_background = true);
    assert_eq!(types(&desk.take_analysis(retold)), [""; 0]);
    let fresh = desk.take("2", "Daily Tide", "Second take", BODY, bank_claims());
    assert_eq!(types(&fresh), ["allegation.new", "denial.new"]);
}

#[test]
fn a_restart_changes_nothing() {
    let run = |restarts: bool| {
        let mut desk = Desk::new();
        let mut all = desk.take("1", "Andes", TITLE, BODY, bank_claims());
        if restarts {
            desk.restart();
        }
        all.extend(desk.take("2", "Pacific Post", "Lima bank in cartel probe", BODY, bank_claims()));
        let kill = desk.take("1", "Andes", &format!("KILL: {TITLE}"), "Please kill this story.", Vec::new());
        all.extend(kill);
        all
    };
    assert_eq!(run(false), run(true));
}

/// What the desk says, as type and number, of a feed that says one thing after the other.
#[test]
fn incidents_of_a_feed_close_once_and_worse_ones_take_the_place_of_others() {
    use AlertType::{FeedEmpty, FeedFailing, FeedGone, FeedMoved, FeedRecovered, FeedStale};
    let mut state = State::new(windows());
    let at: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
    let mut says = |kind: Option<AlertType>, moved_to: Option<&str>| -> Vec<(AlertType, u64)> {
        let incident = kind.map(|kind| FeedIncident { kind, since: at, detail: "so".into() });
        let moved_to = moved_to.map(str::to_owned);
        let health =
            FeedHealth { feed: FeedId::new("a"), url: "http://a".into(), outlet: "A".into(), incident, moved_to };
        let changes = step(&mut state, Input::FeedHealth(health), at).into_iter();
        let events = changes.filter_map(|change| match change {
            Change::Event(Event { alert_type, subject: Subject::Feed(feed), .. }) => Some((alert_type, feed.incident)),
            _ => None,
        });
        events.collect()
    };
    assert_eq!(says(None, None), []);
    assert_eq!(says(Some(FeedStale), None), [(FeedStale, 1)]);
    assert_eq!(says(Some(FeedStale), Some("http://b")), [(FeedMoved, 1)]);
    assert_eq!(says(Some(FeedStale), Some("http://b")), [], "told once");
    assert_eq!(says(Some(FeedFailing), None), [(FeedFailing, 2)]);
    assert_eq!(says(Some(FeedGone), None), [(FeedGone, 3)]);
    assert_eq!(says(Some(FeedEmpty), None), [(FeedRecovered, 3), (FeedEmpty, 4)]);
    assert_eq!(says(None, None), [(FeedRecovered, 4)]);
    assert_eq!(says(None, Some("http://c")), [(FeedMoved, 2)]);
}

#[test]
fn a_failing_feed_is_one_incident() {
    let mut state = State::new(windows());
    let start: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
    let second = |seconds: i64| start.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let mut poll = |seconds: i64, failing_since: Option<i64>| -> Vec<String> {
        let at = second(seconds);
        let incident = |since| FeedIncident { kind: AlertType::FeedFailing, since, detail: "status 500".into() };
        let incident = failing_since.map(second).map(incident);
        let health =
            FeedHealth { feed: FeedId::new("a"), url: "http://a".into(), outlet: "A".into(), incident, moved_to: None };
        let events = step(&mut state, Input::FeedHealth(health), at).into_iter().filter_map(|change| match change {
            Change::Event(event) => Some(event.why),
            _ => None,
        });
        events.collect()
    };
    assert_eq!(poll(0, None), [""; 0]);
    assert_eq!(poll(30, Some(10)).len(), 1);
    assert_eq!(poll(40, Some(10)), [""; 0]);
    assert_eq!(poll(55, None), ["a answers again after 45 s"]);
    assert_eq!(poll(60, None), [""; 0]);
    assert_eq!(poll(200, Some(100)).len(), 1);
    assert_eq!(poll(1000, None), ["a answers again after 15 min"]);
    assert_eq!(poll(2000, Some(2000)).len(), 1);
    assert_eq!(poll(2000, None), ["a answers again after less than a second"]);
}
