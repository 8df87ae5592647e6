//! Entries under another identity: which are the known document, and which stay one of their own.

use super::*;

const ADDRESS: &str = "bank.example/1";

/// An entry of a feed: guid, headline, text, and when it was published, in hours.
#[derive(Clone, Copy)]
struct Entry {
    guid: &'static str,
    title: &'static str,
    body: &'static str,
    hour: Option<i64>,
}

const KNOWN: Entry = Entry {
    guid: "1",
    title: "Chairman denies hiding losses at harbour bank",
    body: "ANDES - Tomas Rehn, chairman of the harbour bank, denied on Monday that he had hidden losses of 40 million crowns \
           from the auditors. Two witnesses will speak before the court rises for the summer. Shares fell in early trading, \
           and opposition parties want a vote in parliament on who is to supervise the bank.",
    hour: Some(1),
};

fn hours(hours: i64) -> Timestamp {
    Timestamp::from_second(1_730_000_000 + 3_600 * hours).unwrap()
}

fn entry(feed: &str, entry: Entry, address: Option<&str>) -> Document {
    let (title, published) = (Some(entry.title), entry.hour.map(hours));
    let document = archive_document(
        entry.guid,
        Some(feed),
        title,
        entry.body,
        published,
        Some("https://bank.example/1"),
        hours(2),
        MarkupFormat::Text,
    );
    Document { trace: address.map(|address| EntryTrace::of(&document, address)), ..document }
}

fn read(document: Document) -> Analysis {
    let found = analysis("other", "Andes", "", "", hours(2), Vec::new());
    Analysis { fingerprint: fingerprint(&document), label: label(document.headline_text()).0, document, ..found }
}

/// A desk that has read these.
fn desk(documents: impl IntoIterator<Item = Document>) -> Desk {
    let mut desk = Desk::new();
    for document in documents {
        desk.take_analysis(read(document));
    }
    desk
}

fn known() -> Document {
    entry("Andes", KNOWN, Some(ADDRESS))
}

/// The guid of the known entry that one of the next poll is taken for.
#[track_caller]
fn check(poll: &[Document], expected: &[&Document]) {
    let mut desk = desk([known()]);
    let mut recognised = poll.to_vec();
    desk.state.recognise(&mut recognised);
    let ids = |documents: &[Document]| documents.iter().map(|document| document.id).collect::<Vec<_>>();
    assert_eq!(ids(&recognised), expected.iter().map(|document| document.id).collect::<Vec<_>>());
    desk.restart();
    let mut again = poll.to_vec();
    desk.state.recognise(&mut again);
    assert_eq!(ids(&again), ids(&recognised), "after a restart");
    desk.state.recognise(&mut again);
    assert_eq!(ids(&again), ids(&recognised), "twice is once");
}

#[track_caller]
fn check_known(later: Entry) {
    check(&[entry("Andes", later, Some(ADDRESS))], &[&known()]);
}

#[track_caller]
fn check_other(document: &Document) {
    check(std::slice::from_ref(document), &[document]);
}

#[test]
fn another_guid_makes_no_other_entry() {
    check_known(Entry { guid: "https://bank.example/?p=1", ..KNOWN });
    check_known(Entry { guid: "2", hour: None, ..KNOWN });
    check_known(Entry { guid: "2", hour: Some(5), ..KNOWN });
    // The guid holds the headline, which was edited.
    check_known(Entry { guid: "2", title: "Bank chairman Rehn rejects charge of hidden losses", ..KNOWN });
    check_known(Entry {
        guid: "2",
        title: "UPDATE 1-Chairman denies hiding losses at harbour bank",
        hour: Some(3),
        ..KNOWN
    });
    // A teaser of the same instant.
    let body = "Tomas Rehn, chairman of the harbour bank, denied on Monday that he had hidden losses.";
    check_known(Entry { guid: "2", body, ..KNOWN });
}

#[test]
fn what_only_the_address_joins_stays_apart() {
    let note = Entry {
        guid: "2",
        title: "Ferry strike enters second week",
        body: "PORT ALBA - Crews of the island ferries said they would stay out until pay talks resume.",
        hour: Some(1),
    };
    check_other(&entry("Andes", note, Some(ADDRESS)));
    check_other(&entry("Andes", Entry { hour: Some(3), ..note }, Some(ADDRESS)));
}

#[test]
fn another_feed_or_address_or_company_at_the_address_stays_apart() {
    let flipped = Entry { guid: "2", ..KNOWN };
    check_other(&entry("Tide", flipped, Some(ADDRESS)));
    check_other(&entry("Andes", flipped, Some("bank.example/2")));
    check_other(&entry("Andes", flipped, None));
}

#[test]
fn what_stands_beside_the_known_entry_stays_apart() {
    let corrected = entry("Andes", Entry { guid: "2", ..KNOWN }, Some(ADDRESS));
    // The known one has another address by now, and would else be taken for what took its place.
    let moved = entry("Andes", KNOWN, Some("bank.example/2"));
    check(&[corrected.clone(), moved.clone()], &[&corrected, &moved]);
}

#[test]
fn of_several_at_one_address_the_one_that_says_the_same_is_it() {
    let other = Entry { guid: "0", title: "Chairman of harbour bank speaks", ..KNOWN };
    let desk = desk([known(), entry("Andes", other, Some(ADDRESS))]);
    for (later, known) in [(KNOWN, known()), (other, entry("Andes", other, None))] {
        let mut poll = [entry("Andes", Entry { guid: "3", ..later }, Some(ADDRESS))];
        desk.state.recognise(&mut poll);
        assert_eq!(poll[0].id, known.id);
    }
}

#[test]
fn an_edit_under_another_guid_is_a_revision_of_the_document() {
    let mut desk = desk([known()]);
    let mut poll =
        [entry("Andes", Entry { guid: "2", title: "Bank chairman Rehn rejects charge", ..KNOWN }, Some(ADDRESS))];
    desk.state.recognise(&mut poll);
    let [edited] = poll;
    assert!(!desk.state.knows(&edited));
    desk.take_analysis(read(edited));
    assert_eq!(desk.stored.documents.len(), 1);
    assert_eq!((desk.stored.documents[0].id, desk.stored.documents[0].revision), (known().id, 1));
    assert_eq!(desk.stored.stories.iter().map(|story| story.copies).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_document_of_before_there_were_traces_gets_one_when_it_is_seen_again() {
    let mut desk = desk([entry("Andes", KNOWN, None)]);
    let stored = serde_json::to_value(&desk.stored.documents[0]).unwrap();
    assert!(stored.get("trace").is_none(), "as it was stored before: {stored}");
    desk.restart();
    let flipped = || [entry("Andes", Entry { guid: "2", ..KNOWN }, Some(ADDRESS))];
    let is_recognised = |desk: &Desk| {
        let mut poll = flipped();
        desk.state.recognise(&mut poll);
        poll[0].id == known().id
    };
    assert!(!is_recognised(&desk));
    assert!(desk.input(Input::SeenAgain(known().id, known().trace)).is_empty());
    assert!(is_recognised(&desk));
    desk.restart();
    assert!(is_recognised(&desk));
    // It is written once, whatever the feed says then.
    let moved = entry("Andes", Entry { hour: Some(9), ..KNOWN }, Some("bank.example/2"));
    assert_eq!(step(&mut desk.state, Input::SeenAgain(known().id, moved.trace), desk.now), []);
}
