//! What changes of the use of documents while they wait to be read.

use super::*;
use crate::model::Release;

/// A denial whose agency says this of its use.
fn wire(release: Release, version: u64) -> Work {
    let text = "Senator Marta Ilves denied on Monday that she had burned the will of her aunt.";
    let mut document = archive_document("wire", None, None, text, Some(now()), None, now(), MarkupFormat::Text);
    document.version = Version { number: (version > 0).then_some(version), ..Version::default() };
    document.release = release;
    if let Release::Until(until) = release {
        document.embargo_until = Some(until);
    }
    if release == Release::Withheld {
        return Work { withheld: vec![(document.id, document.version)], ..Work::default() };
    }
    Work { documents: vec![document], ..Work::default() }
}

fn in_hours(hours: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_hours(hours)).unwrap()
}

/// After how many hours the alert may go, of 0, 3 and 6, where each batch came while others waited.
#[track_caller]
fn check(batches: &[Vec<Work>], expected: Option<i64>) {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let (mut desk, store) = thrifty_desk(folder.path());
        desk.sinks[0].limits = Limits::none();
        (desk, store)
    };
    let (mut desk, store) = open();
    desk.take(flood(), now()).unwrap();
    for batch in batches {
        let before = desk.backlog();
        desk.take(batch.clone(), now()).unwrap();
        let after = desk.backlog();
        assert!(after <= before + batch.len());
        assert_eq!(store.backlog_marks().unwrap().len(), after);
        desk.take(batch.clone(), now()).unwrap();
        assert!(batch.len() > 1 || desk.backlog() == after, "what waits already does not wait twice");
    }
    drop((desk, store));
    let (mut desk, store) = open();
    while desk.backlog() > 0 {
        desk.catch_up(now()).unwrap();
        assert_eq!(store.backlog_marks().unwrap().len(), desk.backlog());
    }
    let is_it = |body: &[u8]| String::from_utf8_lossy(body).contains("the will of her aunt");
    let is_ready = |at| store.due("one", at, 99).unwrap().iter().any(|entry| is_it(&entry.row.body));
    assert_eq!([0, 3, 6].into_iter().find(|hours| is_ready(in_hours(*hours))), expected);
}

#[test]
fn the_last_release_counts_for_what_waits_unread() {
    let until = |hours| Release::Until(in_hours(hours));
    let (usable, withheld) = (Release::Usable, Release::Withheld);
    check(&[vec![wire(usable, 1)]], Some(0));
    check(&[vec![wire(usable, 1)], vec![wire(withheld, 2)]], None);
    check(&[vec![wire(usable, 0)], vec![wire(withheld, 0)]], None);
    check(&[vec![wire(usable, 1)], vec![wire(withheld, 2)], vec![wire(usable, 3)]], Some(0));
    check(&[vec![wire(usable, 2)], vec![wire(withheld, 1)]], Some(0));
    check(&[vec![wire(usable, 1)], vec![wire(withheld, 2)], vec![wire(usable, 1)]], None);
    check(&[vec![wire(usable, 1)], vec![wire(until(3), 2)]], Some(3));
    check(&[vec![wire(usable, 0)], vec![wire(until(3), 0)], vec![wire(until(6), 0)]], Some(6));
    check(&[vec![wire(until(6), 1)], vec![wire(until(3), 2)], vec![wire(until(6), 1)]], Some(3));
    // In one batch.
    check(&[vec![wire(usable, 1), wire(until(3), 2)]], Some(3));
    check(&[vec![wire(usable, 1), wire(withheld, 2)]], None);
}

#[test]
fn the_last_release_counts_of_what_is_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, store) = thrifty_desk(folder.path());
    let batch = vec![wire(Release::Usable, 1), wire(Release::Until(in_hours(3)), 2)];
    assert_eq!(desk.take(batch, now()).unwrap().analysed, 2);
    assert!(store.due("one", now(), 9).unwrap().is_empty());
    assert_eq!(store.due("one", in_hours(3), 9).unwrap().len(), 1);
}
