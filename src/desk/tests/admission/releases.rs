//! What becomes of alerts when the use of their documents changes.

use super::*;
use crate::look::{Chosen, Period, Wanted};

/// A denial whose agency says this of its use.
fn released(bench: &mut Bench, release: Release, version: u64) {
    let text = "Mayor Odile Franck denied on Monday that she had taken bribes from a brewery.";
    let mut document =
        archive_document("wire", None, Some("A mayor answers"), text, Some(now()), None, bench.now, MarkupFormat::Text);
    document.version = Version { number: Some(version), ..Version::default() };
    document.release = release;
    if let Release::Until(until) = release {
        document.embargo_until = Some(until);
    }
    let withheld = (release == Release::Withheld).then_some((document.id, document.version));
    let documents = if withheld.is_some() { Vec::new() } else { vec![document] };
    bench.process(vec![Work { documents, withheld: withheld.into_iter().collect(), ..Work::default() }]);
}

fn due(bench: &Bench) -> Option<Timestamp> {
    let store = &bench.desk.as_ref().unwrap().1;
    let now = bench.now;
    let entries = store.due("one", now, 9).unwrap();
    entries.first().map(|entry| entry.row.due).or(store.next_due("one", now).unwrap())
}

fn in_hours(hours: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_hours(hours)).unwrap()
}

#[test]
fn what_waits_in_the_outbox_goes_when_the_last_version_says() {
    let mut bench = Bench::new(Limits::none());
    released(&mut bench, Release::Until(in_hours(2)), 1);
    assert_eq!(due(&bench), Some(in_hours(2)));
    released(&mut bench, Release::Until(in_hours(6)), 2);
    assert_eq!(due(&bench), Some(in_hours(6)), "prolonged");
    released(&mut bench, Release::Until(in_hours(1)), 1);
    assert_eq!(due(&bench), Some(in_hours(6)), "an older version says nothing");
    released(&mut bench, Release::Usable, 2);
    assert_eq!(due(&bench), Some(in_hours(6)), "nor does the same version");
    bench.open();
    released(&mut bench, Release::Withheld, 3);
    assert!(due(&bench).unwrap() > in_hours(24 * 365 * 1_000), "withheld");
    released(&mut bench, Release::Usable, 4);
    assert_eq!(due(&bench), Some(Timestamp::UNIX_EPOCH), "it may be used after all");
    assert_eq!(bench.rows().len(), 1);
}

#[test]
fn what_is_due_is_seen_to_after_a_failed_commit_although_nothing_comes() {
    let mut bench = Bench::new(Limits { group_wait: SignedDuration::from_mins(20), ..Limits::none() });
    bench.take(&Step::Accuse(0));
    let later = in_hours(1);
    let (desk, store) = bench.desk.as_mut().unwrap();
    store.commits_to_fail.store(1, Ordering::SeqCst);
    assert!(desk.process(Vec::new(), later).is_err());
    assert!(desk.is_due(later));
    assert_eq!(desk.process(Vec::new(), later).unwrap().routed.len(), 1);
    assert!(!desk.is_due(later));
}

#[test]
fn an_embargo_that_a_later_version_lifts_early_is_over() {
    let mut bench = Bench::new(Limits::none());
    released(&mut bench, Release::Until(in_hours(6)), 1);
    released(&mut bench, Release::Usable, 2);
    assert_eq!(due(&bench), Some(Timestamp::UNIX_EPOCH));
}

#[test]
fn what_waits_for_a_digest_is_not_listed_before_its_release() {
    let quiet = QuietHours::new(vec!["08:00-10:00".parse().unwrap()], TimeZone::UTC);
    let mut bench = Bench::new(Limits { quiet, ..Limits::none() });
    released(&mut bench, Release::Usable, 1);
    assert_eq!(bench.rows().len(), 0);
    released(&mut bench, Release::Withheld, 2);
    bench.wait(24 * 60);
    assert_eq!(bench.rows().len(), 0, "withheld");
    released(&mut bench, Release::Until(in_hours(48)), 3);
    bench.wait(25 * 60);
    assert_eq!(bench.rows().len(), 0, "under embargo until the quiet hours of the next day");
    bench.wait(2 * 60);
    let rows = bench.rows();
    assert_eq!(rows[0].1.digest.as_ref().unwrap().alerts.len(), 1);
}

#[test]
fn what_is_collected_under_an_embargo_that_is_lifted_does_not_wait_for_its_end() {
    let collect = Some(Collect::Every(SignedDuration::from_hours(1)));
    let mut bench = Bench::new(Limits { collect, ..Limits::none() });
    released(&mut bench, Release::Until(in_hours(20)), 1);
    bench.wait(2 * 60);
    assert_eq!(bench.rows().len(), 0);
    released(&mut bench, Release::Usable, 2);
    bench.wait(1);
    assert_eq!(bench.rows()[0].1.digest.as_ref().unwrap().alerts.len(), 1);

    // Nor does what came meanwhile go sooner for it.
    let mut bench = Bench::new(bench.limits);
    released(&mut bench, Release::Until(in_hours(20)), 1);
    bench.wait(2 * 60);
    bench.take(&Step::Deny(1));
    released(&mut bench, Release::Usable, 2);
    bench.wait(59);
    assert_eq!(bench.rows().len(), 0);
    bench.wait(1);
    assert_eq!(bench.rows()[0].1.digest.as_ref().unwrap().alerts.len(), 2);
}

#[test]
fn who_rides_in_an_alert_that_waits_is_told_although_its_subject_is_withdrawn() {
    let mut bench = Bench::new(Limits { group_wait: SignedDuration::from_mins(20), ..Limits::none() });
    bench.take(&Step::Tell(0));
    bench.take(&Step::Correct(0));
    let told: Vec<Alert> = bench.rows().into_iter().map(|(_, alert)| alert).collect();
    let types: Vec<AlertType> = told.iter().map(|alert| alert.alert_type).collect();
    assert_eq!(types, [AlertType::DenialNew, AlertType::ClaimWithdrawn]);
    let subject = |alert: &Alert| alert.claim.as_ref().map(|claim| claim.id);
    assert_eq!((subject(&told[0]), told[0].also.len()), (subject(&told[1]), 1));
    bench.end();
    assert_eq!(bench.rows().len(), 2);
}

/// The states and types of the rows of the outbox, and that the ledger says the same.
fn outbox(bench: &Bench) -> Vec<(String, AlertType)> {
    let view = View::open(&bench.database()).unwrap();
    assert_eq!(view.ledger().unwrap(), view.counted_outbox().unwrap());
    assert!(view.ledger().unwrap().iter().all(crate::store::Ledger::is_balanced));
    bench.rows().into_iter().map(|(state, alert)| (state, alert.alert_type)).collect()
}

fn kill(bench: &mut Bench) {
    bench.publish("wire", "KILL: A mayor answers", "Please kill this story.");
}

#[test]
fn what_is_killed_before_its_release_is_told_to_nobody() {
    let (denial, withdrawal) = (AlertType::DenialNew, AlertType::ClaimWithdrawn);
    let silenced = |alert_type| ("silenced".to_owned(), alert_type);
    for withheld in [false, true] {
        let mut bench = Bench::new(Limits::none());
        released(&mut bench, Release::Until(in_hours(6)), 1);
        if withheld {
            released(&mut bench, Release::Withheld, 2);
        }
        kill(&mut bench);
        assert_eq!((outbox(&bench), due(&bench)), (vec![silenced(denial), silenced(withdrawal)], None));
        assert_eq!(listed(&bench), [], "nor is it shown");
        let replayed = |alerts: &[crate::model::AlertId]| {
            let period = Period::new(None, None, bench.now);
            let wanted = Wanted { alerts, sink: None, state: Some("silenced"), period };
            Chosen::find(&View::open(&bench.database()).unwrap(), &wanted, 9).unwrap().positions.len()
        };
        assert_eq!((replayed(&[]), replayed(&[bench.rows()[0].1.id])), (0, 1), "nor sent with what else was silenced");
    }
    let mut bench = Bench::new(Limits::none());
    released(&mut bench, Release::Usable, 1);
    let store = Arc::clone(&bench.desk.as_ref().unwrap().1);
    let alert = store.due("one", bench.now, 9).unwrap()[0].row.alert;
    let (sink, result) = ("one".to_owned(), crate::model::AttemptResult::Delivered);
    let (at, duration) = (bench.now, Duration::ZERO);
    store.record_attempt(Attempt { alert, sink, at, duration, status: None, head: None, result }).unwrap();
    released(&mut bench, Release::Withheld, 2);
    kill(&mut bench);
    assert_eq!(outbox(&bench), [("delivered".to_owned(), denial), ("pending".to_owned(), withdrawal)], "it was sent");
    assert_eq!(due(&bench), Some(Timestamp::UNIX_EPOCH));
}

/// Lets all that is known leave the window.
fn forget(bench: &mut Bench) {
    bench.wait(1_500);
    bench.publish("rain", "Rain", "It rained on the hills.");
    bench.wait(90);
    bench.publish("river", "Flood", "The river rose overnight.");
}

#[test]
fn what_is_withheld_until_it_is_forgotten_waits_no_longer_and_may_come_again() {
    let mut bench = Bench::new(Limits::none());
    released(&mut bench, Release::Usable, 1);
    released(&mut bench, Release::Withheld, 2);
    forget(&mut bench);
    assert_eq!(outbox(&bench)[0], ("silenced".to_owned(), AlertType::DenialNew));
    released(&mut bench, Release::Usable, 3);
    assert_eq!(outbox(&bench)[0], ("pending".to_owned(), AlertType::DenialNew));
    assert_eq!(due(&bench), Some(Timestamp::UNIX_EPOCH));

    let quiet = QuietHours::new(vec!["08:00-08:30".parse().unwrap()], TimeZone::UTC);
    let mut bench = Bench::new(Limits { quiet, ..Limits::none() });
    released(&mut bench, Release::Usable, 1);
    released(&mut bench, Release::Withheld, 2);
    assert_eq!(listed(&bench)[0].1, "held");
    forget(&mut bench);
    bench.end();
    assert_eq!((listed(&bench).len(), listed(&bench)[0].1.as_str(), outbox(&bench).len()), (1, "taken_back", 0));
}

#[test]
fn what_is_put_under_an_embargo_leaves_its_group() {
    let mut bench = Bench::new(Limits { group_wait: SignedDuration::from_mins(20), ..Limits::none() });
    bench.take(&Step::Accuse(0));
    released(&mut bench, Release::Usable, 1);
    released(&mut bench, Release::Until(in_hours(3)), 2);
    bench.wait(30);
    let told: Vec<AlertType> = bench.rows().into_iter().map(|(_, alert)| alert.alert_type).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    let ready = bench.desk.as_ref().unwrap().1.due("one", bench.now, 9).unwrap();
    assert_eq!((ready.len(), ready[0].row.alert_type), (1, AlertType::AllegationNew));
}
