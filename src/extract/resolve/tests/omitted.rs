//! Speakers whom the words of a claim leave out.

use super::*;

#[test]
fn a_charge_is_brought_by_whom_another_sentence_tells() {
    let text = "Tom Arden was charged with fraud on Monday. The Harbour League charged Arden after a long inquiry.";
    check_accuser(text, None, "was charged", Some("Harbour League"));
    let text = "The club was charged by the Harbour League in May. Arden was also charged with theft.";
    check_accuser(text, None, "was also charged", Some("Harbour League"));
    // Without an object it is a participle, and people charge nobody.
    check_accuser("Norvik Bank officers indicted for theft. Arden was charged.", None, "was charged", None);
    check_accuser("Jane Rowe charged Norvik with theft. Arden was charged.", None, "was charged", None);
}

#[track_caller]
fn check_quoted(text: &str, source: Option<(&str, usize)>, cue: &str, name: Option<&str>) {
    let resolver = Resolver::new(text, &sentences(text, None), &[]);
    let attribution = attribution(text, source.map(|(source, nth)| find(text, source, nth)), cue, "");
    let found = resolver.speaker(&attribution, Kind::Denial).map(|speaker| speaker.name);
    assert_eq!(found.as_deref(), name, "{source:?} in {text}");
}

#[test]
fn a_quotation_without_a_verb_is_of_whom_the_sentence_before_tells() {
    let text = "Omar Velin said the port was open. Mayor Jane Rowe saw it otherwise. \"The claim is false.\"";
    check_quoted(text, None, "false", Some("Jane Rowe"));
    let text = "Mayor Jane Rowe said little. \"It is late. I'm no thief.\"";
    check_quoted(text, Some(("I", 1)), "no thief", Some("Jane Rowe"));
    // What nobody quotes is the text's own.
    check_quoted("Mayor Jane Rowe left in May. The claim is false.", None, "false", None);
}

#[test]
fn a_description_with_whom_a_suit_is_by_is_not_its_own_plaintiff() {
    let text = "A complaint lawyer by Rowe said that Norvik hid the cracks.";
    check_quoted(text, Some(("A complaint lawyer by Rowe", 0)), "said", Some("Rowe"));
    let text = "A complaint by Jane Rowe said that Norvik hid the cracks.";
    check_quoted(text, Some(("A complaint by Jane Rowe", 0)), "said", Some("Jane Rowe"));
}
