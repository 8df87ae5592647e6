//! Whom pronouns, offices and descriptions mean.

use super::*;

#[test]
fn a_description_is_whoever_acted_last() {
    let text = "Jane Rowe left the stage in tears. The Norvik singer denied it.";
    assert_eq!(speaker_name(text, "The Norvik singer", "denied"), "Jane Rowe");
    // Another office is told of the mayor, and a judge is nobody who spoke before.
    let text = "Mayor Tom Arden spoke on Monday. The senator denied it. The judge denied it too.";
    assert_eq!(speaker_name(text, "The senator", "denied"), "The senator");
    assert_eq!(speaker_name(text, "The judge", "denied"), "The judge");
    let text = "Mr Tom Arden spoke on Monday. The actress denied it.";
    assert_eq!(speaker_name(text, "The actress", "denied"), "The actress");
}

#[test]
fn the_company_is_the_one_that_acted_last() {
    let text = "Norvik Lines Inc sued Halden Shipping Corp in May. The company denied owing it money.";
    assert_eq!(speaker_name(text, "The company", "denied"), "Norvik Lines Inc");
    let text = "Norvik Lines Inc met the Harbour Commission in May. The ferry company denied it.";
    assert_eq!(speaker_name(text, "The ferry company", "denied"), "Norvik Lines Inc");
}

#[test]
fn who_holds_an_office_goes_before_who_left_it() {
    let text = "Former mayor Tom Arden spoke. Arden and Tom Arden sat by Mayor Jane Rowe. The mayor denied it.";
    assert_eq!(speaker_name(text, "The mayor", "denied"), "Jane Rowe");
    let text = "Former mayor Tom Arden spoke. The mayor denied it.";
    assert_eq!(speaker_name(text, "The mayor", "denied"), "Tom Arden");
}

#[test]
fn a_pronoun_can_mean_somebody_without_a_name() {
    let text = "A spokesman for Halden told Reuters it was calm. He denied a leak.";
    assert_eq!(speaker_name(text, "He", "denied"), "A spokesman for Halden");
    let text = "The indictment said Jane Rowe lied to Norvik. It alleged theft.";
    assert_eq!(speaker_name(text, "It", "alleged"), "The indictment");
    let text = "Jane Rowe filed a lawsuit in May. The lawsuit says Norvik lied. It alleges theft.";
    assert_eq!(speaker_name(text, "It", "alleges"), "Jane Rowe");
    let text = "Jane Rowe, a Norvik lawyer, said little. She denied it.";
    assert_eq!(speaker_name(text, "She", "denied"), "Jane Rowe");
}

#[test]
fn a_pronoun_is_who_spoke_and_not_whose_letter_it_was() {
    let text = "Mayor Tom Arden sent a letter. Omar Velin, a spokesman for the port, said Arden's letter was wrong. He denied a leak.";
    assert_eq!(speaker_name(text, "He", "denied"), "Omar Velin");
    let text = "Kurier quoted Mayor Tom Arden in May. Norvik heard Kurier. He denied it.";
    assert_eq!(speaker_name(text, "He", "denied"), "Tom Arden");
}

#[test]
fn people_in_a_description_have_their_full_names() {
    let text = "Tom Arden was held in May. Lawyers for Mr Arden denied it.";
    assert_eq!(speaker_name(text, "Lawyers for Mr Arden", "denied"), "Lawyers for Tom Arden");
    let text = "Tom Arden was held in May. Arden's office denied it.";
    assert_eq!(speaker_name(text, "Arden's office", "denied"), "Tom Arden's office");
    let text = "Tom Arden was held in May. Arden supporters denied it.";
    assert_eq!(speaker_name(text, "Arden supporters", "denied"), "Arden supporters");
}

#[test]
fn a_short_form_is_written_out_around_an_and() {
    let text = "The Ports and Harbours Commission met. The PHC denied it.";
    assert_eq!(speaker_name(text, "The PHC", "denied"), "Ports and Harbours Commission");
    let text = "Norvik and Halden Commission met. The PHC denied it.";
    assert_eq!(speaker_name(text, "The PHC", "denied"), "The PHC");
}

#[test]
fn names_are_cut_from_what_their_sentence_begins_with() {
    let text = "Jane Rowe spoke. Despite Rowe, the port closed. Perhaps Rowe denied it.";
    assert_eq!(speaker_name(text, "Perhaps Rowe", "denied"), "Jane Rowe");
    let text = "Michael R. Lind was held. Mike Lind denied it.";
    assert_eq!(speaker_name(text, "Mike Lind", "denied"), "Michael R. Lind");
}

#[test]
fn claims_of_a_people_are_their_countrys() {
    let text = "The envoy dismissed Turkish claims of a raid.";
    check(text, ("Turkish", 0), "claims", "Turkey", None, Some("Turkey"));
}
