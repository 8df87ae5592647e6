//! Answers and the allegations they answer, in short texts; who speaks and who is accused is given.

use super::*;
use crate::extract::proposition::proposition;
use crate::model::{Attribution, Confidence, Speaker};
use crate::text::sentence::sentences;

/// Claims as `kind | speaker | cue | content | target`, one a line, found in the text by their words; the text's first
/// sentence is its headline. Then the positions that each answer must answer, by the answer's position.
#[track_caller]
fn check(text: &str, claims: &str, expected: &[(usize, &[usize])]) {
    let mut claims: Vec<Claim> = claims.lines().map(|line| claim(text, line)).collect();
    link(&mut claims, &[], text, &lines_and_sentences(text));
    let found: Vec<(usize, &[usize])> = claims
        .iter()
        .enumerate()
        .filter(|(_, claim)| claim.kind.is_answer())
        .map(|(position, claim)| (position, claim.answers.as_slice()))
        .collect();
    assert_eq!(found, expected);
}

fn lines_and_sentences(text: &str) -> Vec<Span> {
    sentences(text, text.find('\n').map(|end| Span::new(0, end)))
}

#[track_caller]
fn claim(text: &str, line: &str) -> Claim {
    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
    let [kind, speaker, cue, content, target] = parts[..] else { panic!("not five parts: {line}") };
    let find = |words: &str| {
        let start = text.find(words).unwrap_or_else(|| panic!("{words:?} is not in the text"));
        Span::new(start, start + words.len())
    };
    let given = |words: &str| (!words.is_empty()).then(|| words.to_owned());
    let content: Vec<Span> = given(content).iter().map(|words| find(words)).collect();
    let cue = find(cue);
    Claim {
        attribution: Attribution {
            source: None,
            cue,
            content: content.clone(),
            sentence: lines_and_sentences(text).into_iter().find(|sentence| sentence.contains(cue)).unwrap(),
        },
        kind: Kind::ALL.into_iter().find(|known| known.as_str() == kind).unwrap(),
        speaker: given(speaker).map(|name| Speaker { name, role: None, via: None, affiliation: None }),
        proposition: proposition(text, &content),
        target: given(target),
        basis: None,
        answers: Vec::new(),
        is_background: false,
        is_negated_denial: false,
        confidence: Confidence::from_probability(0.9),
    }
}

#[test]
fn one_sentence_accuses_and_denies() {
    check(
        "Harbour chief in court\nOrsa Halden was accused of taking bribes from a dredging firm, claims he denied.",
        "allegation | | was accused | taking bribes from a dredging firm | Orsa Halden
         denial | Orsa Halden | denied | claims |",
        &[(1, &[0])],
    );
}

#[test]
fn an_answer_may_come_first() {
    check(
        "Envoy rejects talk of hidden camps\nThe envoy of Varland, Ilya Morat, on Monday brushed off reports that hidden \
         camps stood at its border.\nHe spoke after the Union of Lakes alleged that Varland had set up hidden camps at the \
         border for two thousand men.",
        "denial | Ilya Morat, envoy of Varland | brushed off | reports that hidden camps stood at its border |
         allegation | the Union of Lakes | alleged | Varland had set up hidden camps at the border for two thousand men | Varland",
        &[(0, &[1])],
    );
}

#[test]
fn one_answer_may_answer_several() {
    check(
        "Varland accused over camps\nThe Union of Lakes alleged that Varland had set up hidden camps at the border.\n\
         Its army said Varland had moved hidden camps to the river.\nIlya Morat of Varland called the hidden camps a fairy tale.",
        "allegation | the Union of Lakes | alleged | Varland had set up hidden camps at the border | Varland
         allegation | the army of the Union of Lakes | said | Varland had moved hidden camps to the river | Varland
         denial | Ilya Morat of Varland | called | the hidden camps |",
        &[(2, &[0, 1])],
    );
}

#[test]
fn a_counter_charge_is_not_what_its_speaker_denies() {
    check(
        "Mill owner hits back\nThe town of Esk said Brandt Mills had poisoned the lower river.\nBrandt Mills denied it had \
         poisoned the river and accused the town of forging its samples.",
        "allegation | the town of Esk | said | Brandt Mills had poisoned the lower river | Brandt Mills
         denial | Brandt Mills | denied | it had poisoned the river |
         allegation | Brandt Mills | accused | forging its samples | the town of Esk",
        &[(1, &[0])],
    );
}

#[test]
fn people_take_back_what_they_said_themselves() {
    check(
        "Tabloid says sorry\nThe Daily Gull had claimed that skipper Jon Aske drank before the wreck.\nA sailor said Aske \
         had slept.\nThe Daily Gull on Friday apologised for the claim.",
        "allegation | The Daily Gull | had claimed | skipper Jon Aske drank before the wreck | Jon Aske
         allegation | A sailor | said Aske | had slept | Jon Aske
         retraction | The Daily Gull | apologised | the claim |",
        &[(2, &[0])],
    );
}

#[test]
fn who_cannot_verify_the_claims_means_those_that_were_answered() {
    check(
        "Envoy denies raid\nThe Isles said Varland had raided a lighthouse. Later the navy said that Varland had sunk a barge.\n\
         Envoy Ilya Moravin denied that Varland had raided a lighthouse or sunk a barge.\nGrain was dear.\nFishermen stayed at home.\nA choir sang.\n\
         The lake council, said Mila Torv, cannot verify any claims made.",
        "allegation | The Isles | said | Varland had raided a lighthouse | Varland
         allegation | the navy | the navy said | Varland had sunk a barge | Varland
         denial | Ilya Moravin | denied | Varland had raided a lighthouse or sunk a barge |
         no_comment | Mila Torv | cannot verify | any claims made |",
        &[(2, &[0, 1]), (3, &[0, 1])],
    );
}

#[test]
fn what_answers_nothing_stays_alone() {
    check(
        "Two trials open\nProsecutors accused Lena Brook of selling forged stamps.\nThe court then rose.\nA band played.\n\
         Judges were tired.\nIn the north, Per Quist admitted that he had once met the mayor of Olm.",
        "allegation | Prosecutors | accused | selling forged stamps | Lena Brook
         confirmation | Per Quist | admitted | he had once met the mayor of Olm |",
        &[(1, &[])],
    );
    check("Nothing here\nThe mill denied it.", "denial | The mill | denied | it |", &[(0, &[])]);
}

#[test]
fn what_may_be_no_allegation_is_answered_less() {
    let text =
        "Council meets\nLind said Brandt had sold the hall.\nIt rained.\nA band played.\nSorel, its clerk, denied it.";
    let with = |confidence: f64| {
        let lines =
            ["allegation | Lind | said | had sold the hall | Brandt", "denial | Sorel, its clerk | denied | it |"];
        let mut claims: Vec<Claim> = lines.iter().map(|line| claim(text, line)).collect();
        claims[0].confidence = Confidence::from_probability(confidence);
        link(&mut claims, &[], text, &lines_and_sentences(text));
        claims[1].answers.clone()
    };
    assert_eq!((with(0.95), with(0.36)), (vec![0], vec![]));
}

#[test]
fn hundreds_of_claims_take_little_time() {
    let text = "Lind accused Brandt of theft. Brandt denied the theft.";
    let pair = ["allegation | Lind | accused | theft | Brandt", "denial | Brandt | denied | the theft |"];
    let mut claims: Vec<Claim> = pair.iter().map(|line| claim(text, line)).collect();
    for _ in 0..12 {
        claims.extend_from_within(..);
    }
    link(&mut claims, &[], text, &lines_and_sentences(text));
    let mut answers = claims.iter().filter(|claim| claim.kind.is_answer());
    assert!(answers.all(|answer| answer.answers.len() <= BEFORE_MAX + AFTER_MAX));
}
