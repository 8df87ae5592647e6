//! Tests of the resolver: short invented wire texts in, speakers and targets out.

use proptest::prelude::*;

use super::*;
use crate::text::sentence::sentences;

mod meant;
mod omitted;

/// The span of the `nth` occurrence of some words.
fn find(text: &str, words: &str, nth: usize) -> Span {
    let (start, found) = text.match_indices(words).nth(nth).unwrap_or_else(|| panic!("no {words} in {text}"));
    Span::new(start, start + found.len())
}

fn attribution(text: &str, source: Option<Span>, cue: &str, content: &str) -> Attribution {
    let near = source.map_or(0, |source| source.start);
    let cue =
        text.match_indices(cue).map(|(at, _)| Span::new(at, at + cue.len())).min_by_key(|cue| cue.start.abs_diff(near));
    let content = if content.is_empty() { Vec::new() } else { vec![find(text, content, 0)] };
    Attribution { source, cue: cue.unwrap(), content, sentence: Span::new(0, text.len()) }
}

/// Checks the name, office and affiliation behind a source, given as its words and which occurrence of them.
#[track_caller]
fn check(text: &str, source: (&str, usize), cue: &str, name: &str, role: Option<&str>, affiliation: Option<&str>) {
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let attribution = attribution(text, Some(find(text, source.0, source.1)), cue, "");
    let found = resolver.speaker(&attribution, Kind::Statement).unwrap();
    assert_eq!(
        (found.name.as_str(), found.role.as_deref(), found.affiliation.as_deref()),
        (name, role, affiliation),
        "{source:?} in {text}"
    );
}

#[track_caller]
fn check_target(text: &str, source: Option<&str>, cue: &str, content: &str, target: &str) {
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let attribution = attribution(text, source.map(|source| find(text, source, 0)), cue, content);
    let speaker = resolver.speaker(&attribution, Kind::Allegation);
    assert_eq!(resolver.target(&attribution, speaker.as_ref()).as_deref(), Some(target), "{text}");
}

#[test]
fn a_surname_becomes_the_full_name() {
    let text = "Alba Lindgren left the council on Monday. Ms Lindgren denied taking money.";
    check(text, ("Ms Lindgren", 0), "denied", "Alba Lindgren", None, None);
}

#[test]
fn the_lead_gives_the_office_and_the_next_sentence_the_name() {
    let text = "Russia's envoy to the Arctic Council on Monday waved away reports of sabotage. Pyotr Velin accused Oslo of \
                inventing them. \"Nothing of the kind,\" he told reporters.";
    let office = Some("Russia's envoy to the Arctic Council");
    check(text, ("Russia's envoy to the Arctic Council", 0), "waved away", "Pyotr Velin", office, Some("Russia"));
    check(text, ("he", text.matches("he").count() - 1), "told", "Pyotr Velin", office, Some("Russia"));
}

#[test]
fn a_pronoun_is_the_last_fitting_speaker() {
    let text = "Mr Tom Arden met Ms Eva Brandt in May. She said the sale was off. He denied it.";
    check(text, ("She", 0), "said", "Eva Brandt", None, None);
    check(text, ("He", 0), "denied", "Tom Arden", None, None);
}

#[test]
fn an_office_beside_the_name_is_kept() {
    let text = "Harbour Ministry spokeswoman Jane Rowe rejected the report.";
    check(
        text,
        ("Harbour Ministry spokeswoman Jane Rowe", 0),
        "rejected",
        "Jane Rowe",
        Some("Harbour Ministry spokeswoman"),
        Some("Harbour Ministry"),
    );
    let text = "Jane Rowe, a lawyer for the family, rejected the report.";
    check(
        text,
        ("Jane Rowe, a lawyer for the family", 0),
        "rejected",
        "Jane Rowe",
        Some("a lawyer for the family"),
        None,
    );
}

#[test]
fn bodies_and_unnamed_sources_stay_as_written() {
    check("The Kremlin denied it.", ("The Kremlin", 0), "denied", "The Kremlin", None, Some("Russia"));
    let text = "A senior U.S. official said so.";
    check(text, ("A senior U.S. official", 0), "said", "A senior U.S. official", None, Some("United States"));
    check(
        "The United Nations denied it.",
        ("The United Nations", 0),
        "denied",
        "The United Nations",
        None,
        Some("United Nations"),
    );
    check("Prosecutors denied it.", ("Prosecutors", 0), "denied", "Prosecutors", None, None);
}

#[test]
fn what_is_told_by_a_noun_has_its_teller() {
    check_accuser("The yard denied media reports that it had sunk a tug.", None, "reports", Some("media reports"));
    check_accuser("The yard denied market rumours of a sale.", None, "market rumours", Some("market rumours"));
    check_accuser("The yard rejected Northwater's claims of fraud.", None, "claims", Some("Northwater"));
    check_accuser("The yard rejected claims by Jane Rowe that it was broke.", None, "claims", Some("Jane Rowe"));
    check_accuser("The yard rejected claims that it was broke.", None, "claims", None);
    check_accuser("The FA is looking at Barcelona rumours of a sale.", None, "rumours", None);
    check_accuser("He denied the Kavanaugh allegations of assault.", None, "allegations", None);
    check_accuser("YARD SALE RUMOURS PERSIST IN NORVIK", None, "RUMOURS", None);
}

#[test]
fn who_is_rumoured_to_have_done_it_does_not_say_so() {
    check_accuser("Tom Arden reportedly sold the yard.", Some("Tom Arden"), "reportedly", None);
    check_accuser("Two sources reportedly confirmed a leak.", Some("Two sources"), "reportedly", Some("Two sources"));
    check_accuser("The yard hid a leak, it was claimed.", Some("it"), "was claimed", None);
    check_accuser("The yard hid a leak, Tom Arden claimed.", Some("Tom Arden"), "claimed", Some("Tom Arden"));
}

#[test]
fn who_held_an_office_is_named_by_it() {
    let text = "Former police director Tom Arden left in May. The ex-director denied it.";
    check(text, ("The ex-director", 0), "denied", "Tom Arden", Some("Former police director"), None);
    let text = "Ex-mayor Tom Arden accused Mayor Jane Rowe of theft. The mayor denied it.";
    check(text, ("The mayor", 0), "denied", "Jane Rowe", Some("Mayor"), None);
    let text = "President Jane Rowe accused ex-president Tom Arden of theft. The ex-president denied it.";
    check(text, ("The ex-president", 0), "denied", "Tom Arden", Some("ex-president"), None);
}

#[test]
fn a_cut_source_is_made_whole() {
    let whole = |text: &str, source: &str, cue: &str| {
        let resolver = Resolver::new(text, &sentences(text, None), &[]);
        resolver.whole(find(text, source, 0), find(text, cue, 0)).of(text).to_owned()
    };
    assert_eq!(
        whole("Police heard of some fishermen who claimed to have seen it.", "some", "claimed"),
        "some fishermen"
    );
    assert_eq!(whole("He is accused by many of rigging the vote in May.", "many", "accused"), "many");
    assert_eq!(whole("Many now accuse the mayor of theft.", "Many", "accuse"), "Many");
    assert_eq!(whole("The mayor took bribes, according to some.", "some", "according"), "some");
}

#[test]
fn an_office_with_hyphens_counts_by_its_parts() {
    for office in [
        "UN Under-Secretary-General for Europe",
        "Vice-President of the Harbour Council",
        "the institute's director-general",
        "co-chair of the panel",
        "ex-minister for fisheries",
        "editor-in-chief of Kurier News",
    ] {
        let text = format!("Olga Brenner, {office}, said so on Monday. Brenner denied it.");
        let resolver = Resolver::new(&text, &sentences(&text, None), &[]);
        let beside =
            resolver.speaker(&attribution(&text, Some(find(&text, "Olga Brenner, ", 0)), "said", ""), Kind::Statement);
        assert_eq!(beside.unwrap().role.as_deref(), Some(office));
        let later = resolver.speaker(&attribution(&text, Some(find(&text, "Brenner", 1)), "denied", ""), Kind::Denial);
        assert_eq!(later.unwrap().role.as_deref(), Some(office));
        let whole = format!("Olga Brenner, {office}");
        let source = Some(find(&text, &whole, 0));
        let named = resolver.speaker(&attribution(&text, source, "said", ""), Kind::Statement).unwrap();
        assert_eq!((named.name.as_str(), named.role.as_deref()), ("Olga Brenner", Some(office)));
    }
    check(
        "Vice-President Tom Arden said so.",
        ("Vice-President Tom Arden", 0),
        "said",
        "Tom Arden",
        Some("Vice-President"),
        None,
    );
}

#[test]
fn a_clause_behind_a_name_is_no_office() {
    let text = "Tom Arden, saying the banker knew, left. Tom Arden, accused by a banker, left.";
    check(text, ("Tom Arden", 0), "left", "Tom Arden", None, None);
}

#[test]
fn a_running_quotation_keeps_its_speaker() {
    let text = "\"We saw nothing,\" Olga Brenner said. \"The claim is false.\"";
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let claim = attribution(text, None, "false", "");
    assert_eq!(resolver.speaker(&claim, Kind::Denial).unwrap().name, "Olga Brenner");
    let passive = "Olga Brenner was accused of theft.";
    let resolver = Resolver::new(passive, &sentences(passive, None), &[]);
    assert_eq!(resolver.speaker(&attribution(passive, None, "was accused", ""), Kind::Allegation), None);
}

#[test]
fn the_words_of_others_came_through_somebody() {
    let text = "Kurier News quoted Olga Brenner as saying the dam was safe.";
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let claim = attribution(text, Some(find(text, "Olga Brenner", 0)), "saying", "");
    assert_eq!(resolver.speaker(&claim, Kind::Statement).unwrap().via.as_deref(), Some("Kurier News"));
}

#[test]
fn targets() {
    check_target("Olga Brenner accused Tom Arden of theft.", Some("Olga Brenner"), "accused", "theft", "Tom Arden");
    check_target("Tom Arden was accused of theft.", None, "was accused of", "theft", "Tom Arden");
    check_target(
        "The inquiry says Tom Arden stole it.",
        Some("The inquiry"),
        "says",
        "Tom Arden stole it",
        "Tom Arden",
    );
}

/// Checks the speaker of an allegation whose source may be missing or wrong.
#[track_caller]
fn check_accuser(text: &str, source: Option<&str>, cue: &str, name: Option<&str>) {
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let attribution = attribution(text, source.map(|source| find(text, source, 0)), cue, "");
    let found = resolver.speaker(&attribution, Kind::Allegation).map(|speaker| speaker.name);
    assert_eq!(found.as_deref(), name, "{source:?} in {text}");
}

#[test]
fn the_subject_of_a_passive_is_no_speaker() {
    check_accuser("Tom Arden is accused of theft.", Some("Tom Arden"), "is accused of", None);
    check_accuser("Tom Arden faces claims of theft.", Some("Tom Arden"), "faces", None);
    let active = "Tom Arden sued three banks he had accused of theft.";
    check_accuser(active, Some("he"), "accused of", Some("Tom Arden"));
}

#[test]
fn a_charge_is_brought_by_the_prosecution_named() {
    let text = "Ostland prosecutors spoke on Monday. Tom Arden was charged with theft.";
    check_accuser(text, None, "was charged", Some("Ostland prosecutors"));
    check_accuser("Tom Arden was charged with theft.", None, "was charged", None);
}

#[test]
fn the_subject_beside_a_verb_speaks() {
    check_accuser("Tom Arden has repeatedly accused the bank of theft.", None, "accused", Some("Tom Arden"));
}

#[test]
fn several_people_are_the_last_list_or_group() {
    let text = "Olga Brenner and Tom Arden met in May. Both denied it. They said so again.";
    check(text, ("Both", 0), "denied", "Olga Brenner and Tom Arden", None, None);
    check(text, ("They", 0), "said", "Olga Brenner and Tom Arden", None, None);
    let text = "Prosecutors met Olga Brenner in May. They said so.";
    assert_eq!(speaker_name(text, "They", "said"), "Prosecutors");
}

#[track_caller]
fn speaker_name(text: &str, source: &str, cue: &str) -> String {
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    resolver.speaker(&attribution(text, Some(find(text, source, 0)), cue, ""), Kind::Statement).unwrap().name
}

#[test]
fn a_group_is_described_where_the_text_says_whose_it_is() {
    assert_eq!(
        speaker_name("Lawyers for Tom Arden came. The lawyers denied it.", "The lawyers", "denied"),
        "Lawyers for Tom Arden"
    );
    let text = "Ostland officials met Westmark officials. Westmark officials denied it.";
    assert_eq!(speaker_name(text, "Westmark officials", "denied"), "Westmark officials");
}

#[test]
fn the_first_of_a_pair_is_named() {
    let text = "Mr Tom Arden met reporters. He and his deputy denied it.";
    assert_eq!(speaker_name(text, "He and his deputy", "denied"), "Tom Arden and his deputy");
}

#[test]
fn names_lose_the_words_before_and_the_tags_behind() {
    let text = "Add Robert Brenner to the list. Brenner, R-Ohio, denied it.";
    assert_eq!(speaker_name(text, "Brenner, R-Ohio", "denied"), "Robert Brenner");
    let text = "Omar al-Hadid spoke. Hadid denied it.";
    assert_eq!(speaker_name(text, "Hadid", "denied"), "Omar al-Hadid");
}

#[test]
fn targets_of_objects_and_owners() {
    let text = "Olga Brenner accused grain market dealers of theft.";
    check_target(text, Some("Olga Brenner"), "accused", "theft", "grain market dealers");
    let text = "Olga Brenner wrote of Ostland's alleged raid on the dam.";
    check_target(text, None, "alleged", "raid on the dam", "Ostland");
    let text = "Tom Arden arrived in Westmark amid allegations of theft.";
    check_target(text, None, "allegations", "theft", "Tom Arden");
}

#[test]
fn several_parties_are_one_target() {
    let text = "Westmark's foreign minister accused Washington and London of \"disinformation\" on Monday.";
    check_target(text, Some("Westmark's foreign minister"), "accused", "disinformation", "Washington and London");
    let text = "Olga Brenner and Tom Arden were charged with theft on Monday.";
    check_target(text, None, "were charged", "theft", "Olga Brenner and Tom Arden");
    let text = "The inquiry says Olga Brenner, Tom Arden and Eva Lind hid the loss.";
    check_target(
        text,
        Some("The inquiry"),
        "says",
        "Olga Brenner, Tom Arden and Eva Lind hid the loss",
        "Olga Brenner, Tom Arden and Eva Lind",
    );
    let text = "The inquiry says Tom Arden stole the files from Eva Lind and Olga Brenner.";
    check_target(
        text,
        Some("The inquiry"),
        "says",
        "Tom Arden stole the files from Eva Lind and Olga Brenner",
        "Tom Arden",
    );
    let text = "Eva Lind told of collusion between Tom Arden and Harbour Bank.";
    check_target(
        text,
        Some("Eva Lind"),
        "told",
        "collusion between Tom Arden and Harbour Bank",
        "Tom Arden and Harbour Bank",
    );
}

#[test]
fn people_who_are_counted_are_those_listed() {
    let text = "Olga Brenner and Tom Arden ran the bank. Prosecutors say the two men hid the loss.";
    check_target(text, Some("Prosecutors"), "say", "the two men hid the loss", "Olga Brenner and Tom Arden");
    let text = "Two officers are accused of theft. Olga Brenner and Tom Arden left the force in May.";
    check_target(text, None, "are accused", "theft", "Olga Brenner and Tom Arden");
    let text = "Olga Brenner and Tom Arden ran the bank. Prosecutors say the three men hid the loss.";
    check_target(text, Some("Prosecutors"), "say", "the three men hid the loss", "the three men");
}

#[test]
fn who_is_blamed_or_charged_behind_the_cue() {
    let text = "The union blamed the fire on Harbour Bank.";
    check_target(text, Some("The union"), "blamed", "the fire", "Harbour Bank");
    let text = "Eva Lind made allegations of theft against the former mayor Tom Arden.";
    check_target(text, Some("Eva Lind"), "allegations", "theft", "Tom Arden");
    let text = "The strike hit the Harbour Bank, which the union blames for the fire.";
    check_target(text, Some("the union"), "blames", "the fire", "Harbour Bank");
    let text = "Both Harbour Bank and Kurier News were to blame for the fire, the union said.";
    check_target(text, Some("the union"), "were to blame for", "the fire", "Harbour Bank and Kurier News");
}

#[test]
fn the_subject_of_a_passive_stands_before_its_clauses() {
    let text = "Tom Arden, who ran Harbour Bank with Eva Lind, was charged with theft.";
    check_target(text, None, "was charged", "theft", "Tom Arden");
    let text = "The Arctic Rose, a Westmark-flagged trawler suspected of smuggling, left port.";
    check_target(text, None, "suspected of", "smuggling", "Arctic Rose");
    let text = "Tom Arden took the files, it is alleged, from the Harbour Ministry.";
    check_target(text, None, "it is alleged", "Tom Arden took the files", "Tom Arden");
}

#[test]
fn who_did_it_is_not_who_suffered_it() {
    let text = "Eva Lind said she was beaten by two guards at the Harbour Ministry.";
    check_target(text, Some("Eva Lind"), "said", "she was beaten by two guards", "two guards");
    let text = "Eva Lind said she was 18 when Tom Arden cheated her.";
    check_target(text, Some("Eva Lind"), "said", "she was 18 when Tom Arden cheated her", "Tom Arden");
    let text = "The union spoke of surveillance by Harbour Bank.";
    check_target(text, Some("The union"), "spoke", "surveillance by Harbour Bank", "Harbour Bank");
}

#[test]
fn a_people_is_its_country_and_its_people_are_not() {
    let text = "Eva Lind spoke of alleged Russian meddling in the vote.";
    check_target(text, Some("Eva Lind"), "alleged", "Russian meddling in the vote", "Russia");
    let text = "The court indicted 13 Russians for meddling.";
    check_target(text, Some("The court"), "indicted", "meddling", "13 Russians");
    let text = "Seoul said North Korean troops were present.";
    check_target(text, Some("Seoul"), "said", "North Korean troops were present", "North Korean troops");
}

#[test]
fn descriptions_of_parties() {
    let text = "Eva Lind said online spammers used the bank.";
    check_target(text, Some("Eva Lind"), "said", "online spammers used the bank", "online spammers");
    let text = "Tom Arden, the deputy mayor, left. Eva Lind said the deputy mayor took bribes.";
    check_target(text, Some("Eva Lind"), "said", "the deputy mayor took bribes", "Tom Arden");
    let text = "Tom Arden left. Eva Lind said his former lawyer took bribes.";
    check_target(text, Some("Eva Lind"), "said", "his former lawyer took bribes", "Tom Arden's former lawyer");
}

#[test]
fn a_description_is_who_was_called_so() {
    let said = "Eva Lind said the ferry operator hid the leak.";
    for first in ["Corvane Lines, a ferry operator, left port.", "The ferry operator Corvane Lines left port."] {
        let text = format!("{first} {said}");
        check_target(&text, Some("Eva Lind"), "said", "the ferry operator hid the leak", "Corvane Lines");
        assert_eq!(
            speaker_name(&format!("{first} The operator denied it."), "The operator", "denied"),
            "Corvane Lines"
        );
    }
    check_target(said, Some("Eva Lind"), "said", "the ferry operator hid the leak", "the ferry operator");
    let text = "Tom Arden, the shadow treasurer, left. Olga Brenner, the treasurer, stayed. The treasurer denied it.";
    assert_eq!(speaker_name(text, "The treasurer", "denied"), "Olga Brenner");
}

#[test]
fn a_suit_speaks_for_who_sues() {
    let text = "Ada Lind sued Norvik Shipping on Monday. The lawsuit says the yard hid a leak. A criminal complaint says so, too. \
                A separate suit says nothing.";
    check(text, ("The lawsuit", 0), "says", "Ada Lind", None, None);
    check(text, ("A criminal complaint", 0), "says", "A criminal complaint", None, None);
    check(text, ("A separate suit", 0), "says", "A separate suit", None, None);
    let text = "Tom Arden, a clerk, and Eva Brandt met. Brandt's complaint alleges fraud. The firm named in the suit denied it.";
    check(text, ("Brandt's complaint", 0), "alleges", "Eva Brandt", None, None);
    assert_ne!(speaker_name(text, "The firm named in the suit", "denied"), "Eva Brandt");
}

#[test]
fn a_source_that_was_cut_before_its_noun_is_whole() {
    let text =
        "A widely read harbour study, which found the leak, said so. The publisher of the study did not comment.";
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let whole = |source: &str, cue: &str| resolver.whole(find(text, source, 0), find(text, cue, 0)).of(text);
    assert_eq!(whole("A widely", "found"), "A widely read harbour study");
    assert_eq!(whole("The", "did not comment"), "The publisher");
    assert_eq!(whole("The publisher", "did not comment"), "The publisher", "a noun is there");
}

#[test]
fn pairs_are_joined_by_and() {
    let text = "Neither the harbour board nor its tenants commented.";
    check(
        text,
        ("Neither the harbour board nor its tenants", 0),
        "commented",
        "the harbour board and its tenants",
        None,
        None,
    );
}

#[test]
fn a_pronoun_far_from_every_name_is_the_one_named_most() {
    let text = "Mr Tom Arden left. Mr Arden was tired. It rained. It rained on. It rained more. The wind rose. The sea rose. \
                \"No,\" he said.";
    check(text, ("he", text.matches("he").count() - 1), "said", "Tom Arden", None, None);
}

#[test]
fn short_forms_are_written_out() {
    let text =
        "HRF hid the loss, Lind says\nThe Harbour Relief Fund (HRF) ran out of money. Eva Lind said HRF hid the loss.";
    check_target(text, Some("Eva Lind"), "said", "HRF hid the loss", "Harbour Relief Fund");
    let text = "The union sued US Airways in May. Eva Lind said US soldiers fired.";
    check_target(text, Some("Eva Lind"), "said", "US soldiers fired", "US soldiers");
    let text = "The union sued US Airways in May. US denied it.";
    assert_eq!(speaker_name(text, "US", "denied"), "US");
}

#[test]
fn a_paper_is_one_that_was_named() {
    let text = "Harbour Bank told Kurier Herald so. Harbour Bank left. The newspaper stood by its story.";
    assert_eq!(speaker_name(text, "The newspaper", "stood"), "Kurier Herald");
    let text = "Tom Arden left. The ex-judge's denial was brief. Tom Arden's denial was brief.";
    assert_eq!(speaker_name(text, "Tom Arden's", "denial"), "Tom Arden");
}

/// Checks what is left of an accusation's content.
#[track_caller]
fn check_act(text: &str, cue: &str, content: &str, act: &str) {
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let found = resolver.act(&attribution(text, None, cue, content));
    let found: Vec<&str> = found.iter().map(|span| span.of(text)).collect();
    assert_eq!(found.join(" | "), act, "{text}");
}

#[test]
fn the_accused_is_no_part_of_the_content() {
    let text = "The port accused Corvane Lines of concealing a leak, which it denied.";
    check_act(text, "accused", "Corvane Lines of concealing a leak", "concealing a leak");
    check_act(text, "accused", "concealing a leak", "concealing a leak");
    check_act(text, "accused", "", "concealing a leak");
    let text = "The union blamed Olga Brenner and Tom Arden for the fire.";
    check_act(text, "blamed", "Olga Brenner and Tom Arden for the fire", "the fire");
    let text = "Tom Arden was accused of speaking of theft.";
    check_act(text, "was accused of", "speaking of theft", "speaking of theft");
    check_act(text, "was accused of", "", "speaking of theft");
    check_act("Of what is he accused?", "accused", "", "");
    check_act(
        "The union said Tom Arden spoke of theft.",
        "said",
        "Tom Arden spoke of theft",
        "Tom Arden spoke of theft",
    );
}

#[test]
fn who_speaks_stands_beside_the_cue() {
    check_accuser("Mr Tom Arden accuses the bank of theft.", None, "accuses", Some("Tom Arden"));
    check_accuser("\"The bank took it,\" said Tom Arden.", None, "said", Some("Tom Arden"));
    check_accuser("The bank took it, according to Tom Arden.", None, "according to", Some("Tom Arden"));
    check_accuser("Tom Arden, who left in May, claims the bank took it.", None, "claims", Some("Tom Arden"));
    check_accuser("The bank rejected Tom Arden's accusations of theft.", None, "accusations", Some("Tom Arden"));
    check_accuser("Court documents say the bank took it.", None, "say", Some("Court documents"));
    check_accuser("Tom Arden allegedly took it.", None, "allegedly", None);
    check_accuser("Two men charged in Ostland with theft left.", None, "charged", None);
    check_accuser("Talk of allegations of theft went on.", None, "allegations", None);
}

#[test]
fn who_denies_stands_before_the_verb() {
    let text = "Westmark's envoy to the Lake Council on Monday dismissed as \"lies\" reports that Ostland soldiers had been seen.";
    let check = |given: Option<&str>, expected: Option<&str>| {
        let resolver = Resolver::new(text, &sentences(text, None), &[]);
        let claim = attribution(text, given.map(|words| find(text, words, 0)), "dismissed", "lies");
        assert_eq!(resolver.denier(&claim).map(|span| span.of(text)), expected, "{given:?}");
    };
    let envoy = "Westmark's envoy to the Lake Council";
    check(Some("Ostland soldiers"), Some(envoy));
    check(None, Some(envoy));
    check(Some(envoy), None);
    let passive = "The claim was denied by Tom Arden.";
    let resolver = Resolver::new(passive, &sentences(passive, None), &[]);
    let claim = attribution(passive, Some(find(passive, "Tom Arden", 0)), "denied", "");
    assert_eq!(resolver.denier(&claim), None);
}

#[test]
fn both_ends_of_a_deployment_are_accused() {
    let text = "The Isles alleged that up to 4,000 Oskan soldiers had been sent to Westmark.";
    let content = "up to 4,000 Oskan soldiers had been sent to Westmark";
    check_target(text, Some("The Isles"), "alleged", content, "Oskan soldiers");
    let text = "Oslo alleged that up to 4,000 North Korean soldiers had been sent to Russia.";
    let content = "up to 4,000 North Korean soldiers had been sent to Russia";
    check_target(text, Some("Oslo"), "alleged", content, "North Korean soldiers and Russia");
}

#[test]
fn hostile_text_takes_linear_time() {
    let pieces = [
        "Minister Arden saw the US envoy. ",
        "The lawsuit said so. ",
        "Arden, a clerk, filed suit, ",
        "B ",
        "Firm ",
        "prosecutors ",
        "Norvik's lawsuit -- ",
        "the official ",
        "A spokesman said so. He left. The company left. ",
        "Norvik Bank charged Arden, ",
        "Ports and Harbours of PHC ",
        "the singer who said, ",
    ];
    for piece in pieces {
        let text = piece.repeat(200_000 / piece.len());
        let spans = sentences(&text, None);
        let resolver = Resolver::new(&text, &spans, &[]);
        for &sentence in spans.iter().take(100) {
            let words = crate::text::token::tokens(&text, sentence);
            let source = words.iter().take(2).copied().reduce(Span::cover);
            let cue = words.last().copied().unwrap_or(sentence);
            let claim = Attribution { source, cue, content: Vec::new(), sentence };
            resolver.speaker(&claim, Kind::Denial);
        }
    }
}

proptest! {
    #[test]
    fn hostile_text_is_data(text in "(?:[A-Z][a-z]{0,4}|he|the|who|,|\\.|\"|'s|of|envoy|accused|lawsuit|lawyer|sued|filed|by|--|a|said|and|charged|company|\\PC|\n| ){0,60}", cut in 0usize..40) {
        let spans = sentences(&text, None);
        let resolver = Resolver::new(&text, &spans, &[]);
        for &sentence in &spans {
            let words = crate::text::token::tokens(&text, sentence);
            let word = words.get(cut % words.len().max(1)).copied().unwrap_or(sentence);
            for source in [None, Some(word), Some(sentence)] {
                let claim = Attribution { source, cue: word, content: vec![sentence], sentence };
                let speaker = resolver.speaker(&claim, Kind::Denial);
                prop_assert!(speaker.as_ref().is_none_or(|speaker| !speaker.name.is_empty()));
                resolver.target(&claim, speaker.as_ref());
                prop_assert!(resolver.denier(&claim).is_none_or(|span| !span.is_empty() && span.end <= text.len()));
                prop_assert!(resolver.act(&claim).iter().all(|span| !span.is_empty() && span.end <= text.len()));
            }
        }
    }
}
