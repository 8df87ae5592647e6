//! Copies of made-up wire stories, placed in order.

use proptest::prelude::*;

use super::*;
use crate::dedup::fingerprint::fingerprint;
use crate::dedup::label::label;
use crate::model::MarkupFormat;
use crate::text::document::archive_document;

const STORY: &str = "PARIS, Oct 31 (AFP) - The finance ministry rejected on Thursday a newspaper report that it had paid consultants \
twice for the same audit of the Halden shipyard. A ministry spokesman said the invoices shown by the paper covered two different years. \
\"There was one audit in 2021 and another in 2023,\" he told reporters in Paris. The newspaper stood by its account and said it would \
publish further documents. Opposition deputies called for a committee of inquiry into the contracts, worth 4.5 million euros.";
const LEAD: &str = "The finance ministry rejected on Thursday a newspaper report that it had paid consultants twice for the same audit \
of the Halden shipyard. A ministry spokesman said the invoices shown…";
const OTHER: &str = "LIMA, Oct 31 (AP) - Rescue teams reached a mountain village on Thursday where a landslide had buried eleven houses \
after a week of rain. The mayor said all families had been warned in time and slept in the school. Engineers closed the road to the \
valley and flew in food, tents and two water pumps. Forecasters expect more rain until Sunday in the southern highlands.";

fn weather(city: &str, figures: [u32; 6]) -> String {
    let [high, low, humidity, from, to, rain] = figures;
    format!(
        "The meteorological office said the maximum temperature in {city} is expected to be {high} degrees Celsius and the minimum {low} \
        degrees, with relative humidity of {humidity} percent. Winds will blow from the west at {from} to {to} kilometres per hour. Rainfall \
        of up to {rain} millimetres is forecast. Residents are advised to check the latest bulletins before travelling."
    )
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3_600).unwrap()
}

/// Places (headline, body) copies, each by its own outlet, an hour apart; gives the number of each one's story and its placement.
fn place_all(stories: &mut Stories, copies: &[(&str, &str)]) -> Vec<(usize, Placement)> {
    let mut seen: Vec<StoryId> = Vec::new();
    let placed = copies.iter().enumerate().map(|(number, (title, body))| {
        let outlet = format!("outlet {number}");
        let document = archive_document("1", Some(&outlet), Some(title), body, None, None, at(0), MarkupFormat::Text);
        let copy = Copy {
            document: document.id,
            outlet: &outlet,
            fingerprint: &fingerprint(&document),
            label: label(title).0,
            known_story: None,
            same_address: None,
            agency: Some("AFP"),
        };
        let placement = stories.place(&copy, at(i64::try_from(number).unwrap()));
        let known = seen.iter().position(|id| *id == placement.story).unwrap_or_else(|| {
            seen.push(placement.story);
            seen.len() - 1
        });
        (known, placement)
    });
    placed.collect()
}

#[track_caller]
fn check(copies: &[(&str, &str)], expected: &[usize]) {
    let placed = place_all(&mut Stories::new(), copies);
    assert_eq!(placed.iter().map(|(story, _)| *story).collect::<Vec<_>>(), expected);
    for (number, (story, placement)) in placed.iter().enumerate() {
        assert_eq!(placement.is_new, !expected[..number].contains(story));
    }
}

#[test]
fn copies_join_in_any_dress() {
    let html =
        format!("<p>Sign up for our newsletter</p><p>{}</p><p>Read more</p>", STORY.replace("(AFP)", "(Reuters)"));
    let copies = [
        ("Ministry rejects report of double payment", STORY),
        ("Paris denies paying twice for shipyard audit", &html),
        ("Ministry rejects report of double payment | Daily Post", LEAD),
        ("Landslide buries village", OTHER),
    ];
    check(&copies, &[0, 0, 0, 1]);
}

#[test]
fn the_same_text_belongs_where_it_was_whatever_was_taken_for_its_copy() {
    let mut stories = Stories::new();
    let (first, fuller) = (weather("Norrby", [11, 4, 80, 20, 30, 5]), STORY.repeat(2));
    let story = place_all(&mut stories, &[("Weather in Norrby", &first)])[0].1.story;
    let stray = archive_document("2", Some("two"), None, &fuller, None, None, at(1), MarkupFormat::Text);
    let fingerprint = fingerprint(&stray);
    let label = RevisionLabel::None;
    let stray = Copy {
        document: stray.id,
        outlet: "two",
        agency: None,
        fingerprint: &fingerprint,
        label,
        known_story: Some(story),
        same_address: None,
    };
    stories.place(&stray, at(1));
    assert_eq!(stories.get(story).unwrap().fingerprint, fingerprint, "the fuller text stands for the story");
    let again = place_all(&mut stories, &[("Norrby: wind and rain", &first)]);
    assert_eq!((again[0].1.story, again[0].1.is_new), (story, false));
    assert_eq!(stories.forget_before(at(2)), [story]);
    assert!(stories.by_text.is_empty());
}

#[test]
fn a_teaser_first_finds_its_full_story() {
    check(&[("Ministry rejects report", LEAD), ("Ministry rejects report of double payment", STORY)], &[0, 0]);
}

#[test]
fn fillings_of_one_form_stay_apart() {
    let forms = [
        weather("Lima", [38, 8, 35, 13, 19, 50]),
        weather("Oslo", [14, 3, 76, 21, 48, 37]),
        weather("Perth", [29, 11, 90, 10, 50, 45]),
    ];
    check(
        &[
            ("Weather forecast for Lima: foggy morning", &forms[0]),
            ("Weather forecast for Oslo: rain likely", &forms[1]),
            ("Weather forecast for Perth: thunderstorms", &forms[2]),
            ("Weather forecast for Oslo: rain likely", &forms[1]),
        ],
        &[0, 1, 2, 1],
    );
}

#[test]
fn a_round_up_joins_none_of_its_stories() {
    let roundup = format!("{LEAD}\n{OTHER}\n{}", weather("Lima", [38, 8, 35, 13, 19, 50]));
    check(
        &[
            ("Ministry rejects report of double payment", STORY),
            ("Landslide buries village", OTHER),
            ("Top stories at 1200 GMT", &roundup),
        ],
        &[0, 1, 2],
    );
}

#[test]
fn labels_raise_the_revision_once() {
    let title = "Ministry rejects report of double payment";
    let titles = [
        title.to_owned(),
        format!("UPDATE 1-{title}"),
        format!("UPDATE 1-{title}"),
        format!("UPDATE 2-{title}"),
        format!("REFILE-{title}"),
        format!("CORRECTED-{title}"),
        format!("MANDATORY KILL-{title}"),
    ];
    let copies: Vec<(&str, &str)> = titles.iter().map(|title| (title.as_str(), STORY)).collect();
    let placed = place_all(&mut Stories::new(), &copies);
    assert_eq!(placed.iter().map(|(_, placement)| placement.revision).collect::<Vec<_>>(), [0, 1, 1, 2, 2, 3, 4]);
}

#[test]
fn nobody_takes_back_what_others_wrote() {
    let mut stories = Stories::new();
    let title = "Ministry rejects report of double payment";
    let story = place_all(&mut stories, &[(title, STORY)])[0].1.story;
    let mut place = |outlet: &str, label, agency| {
        let document = archive_document("9", Some(outlet), Some(title), STORY, None, None, at(1), MarkupFormat::Text);
        let fingerprint = fingerprint(&document);
        let copy = Copy {
            document: document.id,
            outlet,
            agency,
            fingerprint: &fingerprint,
            label,
            known_story: None,
            same_address: None,
        };
        stories.place(&copy, at(1))
    };
    let kill = place("A blog", RevisionLabel::Kill, None);
    assert_eq!((kill.story, kill.label, kill.revision), (story, RevisionLabel::None, 0));
    let kill = place("Elsewhere", RevisionLabel::Kill, Some("AFP"));
    assert_eq!((kill.label, kill.revision), (RevisionLabel::Kill, 1));
    let late = place("Late Post", RevisionLabel::None, None);
    assert!(late.is_killed, "a late copy of a killed story is void");
    let again = place("outlet 0", RevisionLabel::Refile, None);
    assert_eq!((again.label, again.is_killed, again.revision), (RevisionLabel::Refile, false, 2));
}

#[test]
fn an_address_that_wholly_different_texts_have_says_nothing() {
    let mut stories = Stories::new();
    let story = place_all(&mut stories, &[("Ministry rejects report", STORY)])[0].1.story;
    let mut place = |title: &str, body: &str| {
        let document = archive_document("9", Some("nine"), Some(title), body, None, None, at(1), MarkupFormat::Text);
        let fingerprint = fingerprint(&document);
        let copy = Copy {
            document: document.id,
            outlet: "nine",
            agency: None,
            fingerprint: &fingerprint,
            label: RevisionLabel::None,
            known_story: None,
            same_address: Some(story),
        };
        stories.place(&copy, at(1)).story
    };
    assert_ne!(place("Landslide buries village", OTHER), story);
    let rewritten = "Paris says it never paid consultants twice for the Halden shipyard audit. The ministry rejected on Thursday a \
                     newspaper report, its spokesman said, and named two years, 2021 and 2023.";
    assert_eq!(place("Ministry rejects report of double payment", rewritten), story);
}

#[test]
fn a_kill_notice_finds_its_story_by_the_headline() {
    let title = "Ministry rejects report of double payment";
    let kill = format!("KILL-{title}");
    check(
        &[
            (title, STORY),
            ("Landslide buries village", OTHER),
            (&kill, "Please disregard the story; it should not have been sent."),
        ],
        &[0, 1, 0],
    );
}

#[test]
fn an_edit_stays_in_its_story_and_raises_the_revision() {
    let mut stories = Stories::new();
    let placed = place_all(&mut stories, &[("Ministry rejects report", STORY)]);
    let edited =
        archive_document("1", Some("outlet 0"), Some("Landslide"), OTHER, None, None, at(0), MarkupFormat::Text);
    let copy = Copy {
        document: edited.id,
        outlet: "outlet 0",
        fingerprint: &fingerprint(&edited),
        label: RevisionLabel::None,
        known_story: Some(placed[0].1.story),
        same_address: None,
        agency: None,
    };
    let placement = stories.place(&copy, at(5));
    assert_eq!((placement.story, placement.revision), (placed[0].1.story, 1));
    let record = stories.get(placement.story).unwrap();
    assert_eq!((record.copies, record.outlets.len(), record.last_seen), (1, 1, at(5)));
}

#[test]
fn what_left_the_window_is_forgotten() {
    let mut stories = Stories::new();
    let copies =
        [("Ministry rejects report", STORY), ("Landslide buries village", OTHER), ("Ministry rejects report", LEAD)];
    let placed = place_all(&mut stories, &copies);
    assert_eq!(stories.forget_before(at(2)), [placed[1].1.story]);
    assert!(stories.get(placed[1].1.story).is_none() && stories.get(placed[0].1.story).is_some());
    assert!(place_all(&mut stories, &copies[..2])[1].1.is_new);
}

#[test]
fn what_thousands_of_stories_share_finds_few_and_is_forgotten_with_them() {
    const FORMS: u32 = 3_000;
    let mut stories = Stories::new();
    for number in 0..FORMS {
        let figures = [1, 2, 3, 4, 5, 6].map(|at| number * at * 37 % 99_991);
        let body = weather(&format!("Town{number}"), figures);
        let id = number.to_string();
        let outlet = format!("outlet {number}");
        let document = archive_document(&id, Some(&outlet), None, &body, None, None, at(0), MarkupFormat::Text);
        let copy = Copy {
            document: document.id,
            outlet: &outlet,
            agency: None,
            fingerprint: &fingerprint(&document),
            label: RevisionLabel::None,
            known_story: None,
            same_address: None,
        };
        stories.place(&copy, at(0));
    }
    assert!(stories.len() > 100, "{} stories", stories.len());
    let form = archive_document("f", None, None, &weather("Nowhere", [0; 6]), None, None, at(0), MarkupFormat::Text);
    let print = fingerprint(&form);
    let shingles = print.lists().shingles.len() + print.lists().lead.len();
    let candidates = stories.index.candidates(&print).len();
    assert!(candidates <= shingles * 64, "{candidates} candidates for {shingles} shingles");
    let count = stories.len();
    assert_eq!((stories.forget_oldest(count / 2).len(), stories.len()), (count / 2, count - count / 2));
    assert_eq!(stories.forget_before(at(1)).len(), count - count / 2);
    assert!(stories.is_empty() && stories.by_text.is_empty() && stories.by_last_seen.is_empty());
    assert!(stories.index.is_empty());
}

#[test]
fn a_clock_that_was_ahead_keeps_no_story_longer() {
    let mut stories = Stories::new();
    let copies = [("Ministry rejects report", STORY), ("Landslide buries village", OTHER)];
    let placed = place_all(&mut stories, &copies);
    let changed = stories.set_back(at(0));
    assert_eq!(
        changed.iter().map(|record| (record.id, record.last_seen)).collect::<Vec<_>>(),
        [(placed[1].1.story, at(0))]
    );
    assert_eq!(stories.forget_before(at(1)).len(), 2);
}

/// Pages that are taken down are edited to one text, each in its own story.
#[test]
fn of_stories_that_came_to_hold_one_text_the_eldest_has_it() {
    let mut stories = Stories::new();
    let place = |stories: &mut Stories, outlet: &str, body: &str, known_story, hour| {
        let document = archive_document("1", Some(outlet), None, body, None, None, at(0), MarkupFormat::Text);
        let (document, fingerprint, label) = (document.id, &fingerprint(&document), RevisionLabel::None);
        let copy = Copy { document, outlet, agency: None, fingerprint, label, known_story, same_address: None };
        stories.place(&copy, at(hour)).story
    };
    let removed = weather("Norrby", [11, 4, 80, 20, 30, 5]);
    let gone = place(&mut stories, "one", STORY, None, 0);
    let elder = place(&mut stories, "two", OTHER, None, 1);
    assert_eq!(stories.forget_before(at(1)), [gone]);
    let younger = place(&mut stories, "three", STORY, None, 2);
    for (outlet, story) in [("three", younger), ("two", elder)] {
        assert_eq!(place(&mut stories, outlet, &removed, Some(story), 3), story);
    }
    assert!(elder != younger && stories.by_text.len() == 4);
    assert_eq!(place(&mut stories, "four", &removed, None, 4), elder, "whatever slot it stands in");
    assert_eq!(stories.forget_before(at(9)).len(), 2);
    assert!(stories.by_text.is_empty());
}

/// A sample of the shingles of so short a text may be empty.
#[test]
fn a_flash_of_one_sentence_finds_its_copies() {
    let people = ["Quell", "Orrin", "Marsh", "Tovar", "Lindqvist", "Abara", "Keel", "Sato", "Brandt", "Ysolde"];
    let acts = ["denies taking", "rejects claims of", "disputes the", "never saw any", "calls lie talk of"];
    let matters = ["harbour bribes", "ferry deal", "vote fraud", "mine leak", "bank raid tip-off"];
    for (number, person) in people.iter().enumerate() {
        for (act, matter) in acts.iter().flat_map(|act| matters.iter().map(move |matter| (act, matter))) {
            let flash = format!("Minister {person} {act} {matter}");
            let full = format!("{flash}, {number} days after the report. {LEAD}");
            check(&[(&flash, &flash), (&flash, &flash), (&flash, &full)], &[0, 0, 0]);
        }
    }
}

/// One of a few made-up texts, whole or in part.
fn any_copy() -> impl Strategy<Value = (String, String)> {
    let bodies = [
        STORY.to_owned(),
        LEAD.to_owned(),
        OTHER.to_owned(),
        weather("Lima", [1, 2, 3, 4, 5, 6]),
        weather("Oslo", [11, 12, 13, 14, 15, 16]),
    ];
    let titles = [
        "Ministry rejects report",
        "UPDATE 1-Ministry rejects report",
        "Landslide buries village",
        "Weather forecast",
        "KILL-Landslide buries village",
    ];
    (0..titles.len(), 0..bodies.len(), 5_usize..90).prop_map(move |(title, body, words)| {
        (titles[title].to_owned(), bodies[body].split(' ').take(words).collect::<Vec<_>>().join(" "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn restored_stories_behave_as_before(copies in proptest::collection::vec(any_copy(), 1..24), cut in 0_usize..24, forget in 0_i64..12) {
        let copies: Vec<(&str, &str)> = copies.iter().map(|(title, body)| (title.as_str(), body.as_str())).collect();
        let (before, after) = copies.split_at(cut.min(copies.len()));
        let mut kept = Stories::new();
        place_all(&mut kept, before);
        kept.forget_before(at(forget));
        let records = kept.table.iter().flatten().cloned();
        let mut restored = Stories::restore(records.collect());
        prop_assert_eq!(place_all(&mut kept, after), place_all(&mut restored, after));
        prop_assert_eq!(kept.forget_before(at(100)), restored.forget_before(at(100)));
    }
}
