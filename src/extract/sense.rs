//! Senses that are decided by rule, because they mean the same in every text: reported silence ("has not denied"), acts in so many words, old
//! acts, and what an allegation rests on.

use super::lexicon::Classes;
use super::reading::{CAPITALISED, CAPITALS, Reading, Sentence, Token};
use crate::model::{Basis, Kind, Span};
use crate::text::lexicon::MONTHS;

/// Words between a negation and the verb it negates.
const NEGATION_REACH: usize = 3;
/// Words around a cue in which an adverb belongs to it.
const ADVERB_REACH: usize = 3;
/// Words between a "had" that opens a sentence and the verb it makes a condition.
const INVERSION_REACH: usize = 6;
/// Words before a cue among which a "short of" belongs to it.
const SHORT_REACH: usize = 4;
/// Stems of adverbs that make a report one of an old act. Of the training articles' claims with one of them beside the
/// cue, two thirds are annotated as background; without, one in twelve.
const OLD: [&str; 8] =
    ["alway", "initially", "previously", "repeatedly", "long", "consistently", "originally", "formerly"];

/// Words that make a "had" beside the cue an old act: two of three such claims are.
const EARLIER: [&str; 5] = ["earlier", "before", "ago", "week", "once"];

/// Where a sentence reports that somebody did not deny: first and last token, from the negation to the verb.
pub(super) fn negated_denials(sentence: &Sentence) -> Vec<(usize, usize)> {
    let is_verb = |token: &Token| token.stem == "deni" && token.word != "denial";
    let tokens = &sentence.tokens;
    (0..tokens.len())
        .filter(|&at| tokens.get(at).is_some_and(is_verb))
        .filter_map(|at| {
            let from = at.saturating_sub(NEGATION_REACH);
            let negation = (from..at).rev().find(|&place| is_negation(tokens, place))?;
            // "neither confirmed nor denied" is a cue of its own; "not ... but denied" negates something else.
            let is_broken =
                tokens.get(negation..at)?.iter().any(|token| matches!(token.word.as_str(), "," | "but" | "nor" | "or"));
            let is_hypothetical =
                tokens.get(..negation)?.iter().rev().take(4).any(|token| token.classes.any(Classes::CONDITION));
            (!is_broken && !is_hypothetical).then_some((negation, at))
        })
        .collect()
}

fn is_negation(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| {
        matches!(token.word.as_str(), "not" | "never")
            || token.word.ends_with("n't") && token.classes.any(Classes::NEGATION)
    })
}

/// Words that open an editor's note in brackets: "(Corrects the age in paragraph 3)", "(Reporting by …)".
const NOTES: [&str; 22] = [
    "corrects",
    "corrected",
    "correcting",
    "adds",
    "updates",
    "updated",
    "recasts",
    "fixes",
    "clarifies",
    "refiles",
    "removes",
    "deletes",
    "changes",
    "rewrites",
    "restores",
    "repeats",
    "drops",
    "editing",
    "reporting",
    "writing",
    "compiled",
    "additional",
];

/// Whether a sentence is an editor's note in brackets, which tells of the text and of nobody's words.
pub(super) fn is_editors_note(sentence: &Sentence) -> bool {
    let word = |at: usize| sentence.tokens.get(at).map_or("", |token| token.word.as_str());
    matches!(word(0), "(" | "[") && NOTES.contains(&word(1))
}

/// Whether the sentence tells of an old act: "has long denied", "was accused last year".
pub(super) fn is_background(sentence: &Sentence, first: usize, last: usize) -> bool {
    let from = first.saturating_sub(ADVERB_REACH);
    let near = sentence.tokens.get(from..(last + ADVERB_REACH).min(sentence.tokens.len())).unwrap_or_default();
    let outside = near.iter().filter(|token| !token.is_quoted);
    outside.clone().any(|token| OLD.contains(&token.stem.as_str()))
        || near.windows(2).any(|pair| pair[0].word == "last" && matches!(pair[1].word.as_str(), "year" | "month"))
        || near.windows(3).any(|run| run[0].word == "at" && run[1].word == "the" && run[2].word == "time")
        // "Was accused in April": of such claims in the training articles, seven of ten are background.
        || near.windows(2).any(|pair| pair[0].word == "in" && MONTHS.contains(&pair[1].word.as_str()))
        || near.iter().any(|token| token.word == "had")
            && near.iter().any(|token| EARLIER.contains(&token.word.as_str()))
}

/// What an allegation rests on, by its cue, its source and the words around them.
pub(super) fn basis(reading: &Reading<'_>, sentence: &Sentence, cue: Span, source: Option<Span>) -> Basis {
    let words = |span: Span| {
        sentence.tokens.iter().filter(move |token| span.overlaps(token.span)).map(|token| token.stem.as_str())
    };
    let says =
        |span: Option<Span>, stems: &[&str]| span.is_some_and(|span| words(span).any(|stem| stems.contains(&stem)));
    let (cue, source) = (Some(cue), source);
    if says(cue, &["convict", "verdict", "sentenc"]) {
        Basis::Verdict
    } else if says(cue, &["indict", "indictment", "charg", "arraign", "count"]) && is_legal(sentence, reading) {
        Basis::Charge
    } else if says(cue, &["sue", "su", "lawsuit", "suit"])
        || says(source, &["lawsuit", "suit", "complaint", "plaintiff"])
    {
        Basis::Lawsuit
    } else if says(cue, &["find", "found", "conclud", "conclusion", "determin", "rul", "establish"]) {
        Basis::Finding
    } else if says(cue, &["reportedli", "reportedly", "report", "rumor", "rumour", "leak"])
        || says(source, &["report", "newspaper", "document", "memo", "email", "study"])
    {
        Basis::Report
    } else {
        Basis::Assertion
    }
}

/// Whether the sentence, or the whole document, is about a court.
fn is_legal(sentence: &Sentence, reading: &Reading<'_>) -> bool {
    let is_court = |sentence: &Sentence| sentence.classes.any(Classes::COURT.or(Classes::INNOCENCE));
    is_court(sentence) || reading.sentences.iter().take(10).any(is_court)
}

/// Words between a verb and what it governs ("denied on Tuesday that").
const OBJECT_REACH: usize = 5;

/// Words between "said" and the end of the grounds it names ("on Tuesday it had indications that").
const GROUNDS_REACH: usize = 8;

/// An act told in so many words: "denied that", "denied the allegation", "accused the firm of". Kind and place of its verb. Such wordings
/// mean the same in every text, so their claims are sure, whatever a model trained on a thousand articles makes of the names around them.
pub(super) fn plain_acts(sentence: &Sentence) -> Vec<(Kind, usize)> {
    let tokens = &sentence.tokens;
    let is_reported = |at: usize| {
        let before = tokens.get(at.saturating_sub(NEGATION_REACH)..at).unwrap_or_default();
        let doubt = Classes::NEGATION.or(Classes::CONDITION).or(Classes::FUTURE);
        let is_doubted =
            before.iter().any(|token| token.classes.any(doubt) || matches!(token.word.as_str(), "to" | "did" | "of"));
        let is_asked = sentence.tokens.last().is_some_and(|token| token.word == "?");
        !is_doubted && !is_asked && tokens.first().is_none_or(|token| token.word != "if")
    };
    let rejecting = rejection_of_wrongdoing(tokens);
    let acts = tokens.iter().enumerate().filter_map(|(at, token)| {
        let kind = match token.word.as_str() {
            _ if rejecting == Some(at) => Kind::Denial,
            "denied" | "denies" | "denying" if denies_something(tokens, at) => Kind::Denial,
            "accused" | "accuses" | "accusing" if accuses_of_something(tokens, at) => Kind::Allegation,
            "said" | "says" | "say" if indications(tokens, at).is_some() => Kind::Allegation,
            "meritless" | "merit" if lacks_merit(tokens, at) => Kind::Denial,
            "recanted" | "recants" => Kind::Retraction,
            _ if corrects(tokens, at) => Kind::Retraction,
            _ => return None,
        };
        // "Without merit" is no doubt of the merit.
        is_reported(at - usize::from(token.word == "merit")).then_some((kind, at))
    });
    acts.collect()
}

/// Whether a word says of a suit or claim that it has no merit: "is meritless", "was without merit", not "a meritless suit".
fn lacks_merit(tokens: &[Token], at: usize) -> bool {
    let word = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |token| token.word.as_str());
    let mut before = at.checked_sub(1);
    if word(Some(at)) == "merit" {
        if word(before) != "without" {
            return false;
        }
        before = before.and_then(|at| at.checked_sub(1));
    }
    if word(before).ends_with("ly") {
        before = before.and_then(|at| at.checked_sub(1));
    }
    let is_negated = tokens.iter().take(at.saturating_sub(1)).any(|token| {
        token.classes.any(Classes::NEGATION)
            || matches!(token.word.as_str(), "none" | "neither" | "refused" | "declined")
    });
    matches!(word(before), "is" | "was" | "are" | "were" | "as" | "be" | "being") && !is_negated
}

/// Whether a word is the mark of an agency that corrects its wire: "CORRECTED-UPDATE", "KILL:" before the text, "(corrects name)" at its end.
fn corrects(tokens: &[Token], at: usize) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let is_capitals = tokens.get(at).is_some_and(|token| token.shape == CAPITALS);
    match word(at) {
        "corrected" | "correction" => at == 0 && is_capitals && matches!(word(1), ":" | "-" | "--" | "–" | "—"),
        "kill" => at == 0 && is_capitals && word(1) == ":",
        "corrects" if at >= 1 && word(at - 1) == "(" => tokens.last().is_some_and(|last| last.word == ")"),
        "corrects" => at >= 1 && word(at - 1) == "--" && (at == 1 || word(at - 2) == "."),
        word => at == 0 && is_capitals && (word.starts_with("corrected-") || word.starts_with("correction-")),
    }
}

/// Whether the words before a cue say that it was not said: "stopped short of accusing", "had he denied it, ...".
pub(super) fn is_unsaid(tokens: &[Token], first: usize) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let near = tokens.get(first.saturating_sub(SHORT_REACH)..first).unwrap_or_default();
    let is_short = near.windows(2).any(|pair| pair[0].word == "short" && pair[1].word == "of");
    let opening = usize::from(matches!(word(0), "\"" | "“"));
    let has_subject = tokens.get(opening + 1).is_some_and(|token| {
        token.shape == CAPITALISED
            || matches!(token.word.as_str(), "he" | "she" | "it" | "they" | "we" | "i" | "you" | "the")
    });
    let reach = opening + 2..=opening + 1 + INVERSION_REACH;
    let is_one_clause = !tokens.iter().take(first).any(|token| token.word == ",");
    let is_inverted = word(opening) == "had" && has_subject && reach.contains(&first) && is_one_clause;
    is_short || is_inverted
}

/// Whether a form of "deny" rejects a proposition rather than withholding a thing: "that", a claim, a deed follows.
fn denies_something(tokens: &[Token], at: usize) -> bool {
    let is_passive = tokens
        .get(at.saturating_sub(2)..at)
        .unwrap_or_default()
        .iter()
        .any(|token| matches!(token.word.as_str(), "was" | "were" | "been" | "being" | "be" | "is" | "are"));
    let behind = tokens.get(at + 1..(at + 1 + OBJECT_REACH).min(tokens.len())).unwrap_or_default();
    let is_object =
        |token: &Token| token.classes.any(Classes::NOUN.or(Classes::INNOCENCE)) && !token.classes.any(Classes::REFUSAL);
    let is_deed = |token: &Token| token.word.len() > 5 && token.word.ends_with("ing");
    !is_passive
        && (behind.iter().any(|token| token.word == "that")
            || behind.iter().take(3).any(is_object)
            || behind.first().is_some_and(is_deed))
}

/// Whether a form of "accuse" names a deed: "of" follows before the clause ends.
fn accuses_of_something(tokens: &[Token], at: usize) -> bool {
    let behind = tokens.get(at + 1..).unwrap_or_default();
    behind
        .iter()
        .take(12)
        .take_while(|token| !matches!(token.word.as_str(), ";" | "that" | "said"))
        .any(|token| token.word == "of")
}

/// The verb of a speaker who says that no wrong was done: "said it had done nothing wrong", "is not a violation of it, she said".
fn rejection_of_wrongdoing(tokens: &[Token]) -> Option<usize> {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let is_wrong = |at: usize| {
        let wrongs = ["violat", "breach", "wrongdo", "infring"];
        tokens.get(at).is_some_and(|token| wrongs.iter().any(|wrong| token.word.starts_with(wrong)))
    };
    let names_wrong = |at: usize| (at + 1..=at + NEGATION_REACH).any(is_wrong);
    let is_rejected = |at: usize| match word(at) {
        "nothing" => matches!(word(at + 1), "wrong" | "illegal" | "improper" | "unlawful" | "unethical"),
        "broke" | "broken" => word(at + 1) == "no" && matches!(word(at + 2), "law" | "laws" | "rule" | "rules"),
        "violated" | "breached" => word(at + 1) == "no",
        "no" => names_wrong(at),
        _ => is_negation(tokens, at) && names_wrong(at),
    };
    let is_doubted = |at: usize| {
        let before = tokens.get(at.saturating_sub(NEGATION_REACH + 1)..at).unwrap_or_default();
        let doubts = ["would", "could", "should", "might", "may", "must", "will", "if", "whether"];
        before.iter().any(|token| doubts.contains(&token.word.as_str()))
    };
    let rejection = (0..tokens.len()).find(|&at| is_rejected(at) && !is_doubted(at))?;
    let says = |&at: &usize| {
        let verbs = ["said", "says", "told", "added", "insisted", "insists", "maintained", "maintains", "stressed"];
        verbs.contains(&word(at)) && tokens.get(at).is_some_and(|token| !token.is_quoted)
    };
    (0..rejection).rev().find(says).or_else(|| (rejection..tokens.len()).find(says))
}

/// Where the report begins that a speaker claims to have grounds for, if it does: the "that" of "said it had indications that".
pub(super) fn indications(tokens: &[Token], verb: usize) -> Option<usize> {
    let behind = tokens.get(verb + 1..(verb + 1 + GROUNDS_REACH).min(tokens.len())).unwrap_or_default();
    let grounds = behind.windows(3).position(|run| {
        matches!(run[0].word.as_str(), "had" | "has" | "have")
            && matches!(
                run[1].stem.as_str(),
                "indication" | "evidence" | "evidenc" | "intelligence" | "intelligenc" | "proof"
            )
            && run[2].word == "that"
    });
    grounds.map(|at| verb + 1 + at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> Reading<'_> {
        Reading::new(text, None, &[Span::new(0, text.len())])
    }

    #[track_caller]
    fn check_plain(text: &str, expected: &[Kind]) {
        let found: Vec<Kind> = plain_acts(&reading(text).sentences[0]).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn acts_in_so_many_words() {
        check_plain("The mayor denied on Tuesday that she had taken money.", &[Kind::Denial]);
        check_plain("The dockyard denies any wrongdoing.", &[Kind::Denial]);
        check_plain("The union accused the dockyard of underpaying apprentices.", &[Kind::Allegation]);
        check_plain("The navy said it had indications that a ship was sunk.", &[Kind::Allegation]);
        check_plain(
            "The envoy said that the treaty \"is in line with the law and is not a violation of it.\"",
            &[Kind::Denial],
        );
        check_plain("\"We have done nothing wrong,\" she told reporters.", &[Kind::Denial]);
        check_plain("Hospitals said that they had broken no rules.", &[Kind::Denial]);
        check_plain("The minister said that a strike would not violate the law.", &[]);
        check_plain("The bank said the suit was without merit.", &[Kind::Denial]);
        check_plain("CORRECTED: Dockyard fined 4 mln", &[Kind::Retraction]);
        check_plain("Dockyard fined 4 mln (corrects currency)", &[Kind::Retraction]);
        check_plain("The corrected figures were late.", &[]);
        check_plain("Correction: stocks fell on Monday", &[]);
        check_plain("The drug (corrects a defect in the heart) was approved.", &[]);
        check_plain("The court threw out his meritless appeal.", &[]);
        check_plain("None of the claims was meritless, the judge said.", &[]);
        check_plain("The mayor said nothing about a breach.", &[]);
        check_plain("Two reporters were denied entry to the port.", &[]);
        check_plain("The court denied bail to the captain.", &[]);
        check_plain("The mayor would have denied that she took money.", &[]);
        check_plain("The mayor has not denied that she took money.", &[]);
        check_plain("Has the mayor denied that she took money?", &[]);
    }

    #[test]
    fn what_is_not_said() {
        let is_unsaid = |text: &str, cue: usize| is_unsaid(&reading(text).sentences[0].tokens, cue);
        assert!(is_unsaid("Had he denied it, they might have believed him.", 2));
        assert!(is_unsaid("The mayor stopped short of accusing the dockyard.", 5));
        assert!(is_unsaid("Had the mayor of Norvik only denied it, she would be in office.", 6));
        assert!(is_unsaid("\"Had he denied it I would have believed him,\" she said.", 3));
        assert!(!is_unsaid("Had long been accused of fraud: the banker who fell", 3));
        assert!(!is_unsaid("The mayor denied it.", 2));
        assert!(!is_unsaid("Had enough, said the mayor, and denied it.", 7));
        assert!(is_editors_note(&reading("(Corrects name of the charged man in paragraph 2)").sentences[0]));
        assert!(!is_editors_note(&reading("(The mayor denied it.)").sentences[0]));
    }

    #[track_caller]
    fn check_silence(text: &str, expected: &[(usize, usize)]) {
        assert_eq!(negated_denials(&reading(text).sentences[0]), expected, "{text}");
    }

    #[test]
    fn reported_silence() {
        check_silence("The mayor has not denied the report.", &[(3, 4)]);
        check_silence("She did not, but he denied it.", &[]);
        check_silence("If she did not deny it, he would.", &[]);
        check_silence("The mayor denied it.", &[]);
    }

    #[test]
    fn old_acts() {
        let is_old = |text: &str, cue: usize| is_background(&reading(text).sentences[0], cue, cue);
        assert!(is_old("The firm has long denied the claims.", 4));
        assert!(is_old("Renn was accused in April of theft.", 2));
        assert!(is_old("The mayor had earlier denied it.", 4));
        assert!(!is_old("The firm on Friday denied the claims.", 4));
    }
}
