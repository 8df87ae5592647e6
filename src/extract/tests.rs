//! The extractor with its real models on texts of all sorts, and model files of all sorts.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::parallel;
use crate::text::document::headline;
use crate::text::sentence::sentences;

static MODELS: LazyLock<Models> = LazyLock::new(|| Models::embedded().unwrap());

fn found(text: &str, models: &Models, scope: Scope) -> Vec<Claim> {
    let headline = headline(text);
    let sentences = sentences(text, headline);
    let mut found = claims(text, headline, &sentences, models, scope);
    crate::link::document::link(&mut found.claims, &found.answers, text, &sentences);
    found.claims
}

fn read(text: &str) -> Vec<Claim> {
    found(text, &MODELS, Scope::Claims)
}

/// Every span lies in the text, at the edges of characters.
fn assert_verbatim(text: &str, claims: &[Claim]) {
    for claim in claims {
        let attribution = &claim.attribution;
        for span in
            [attribution.cue, attribution.sentence].iter().chain(&attribution.source).chain(&attribution.content)
        {
            assert!(text.get(span.start..span.end).is_some_and(|words| !words.is_empty()), "{span:?}");
        }
    }
}

const STORY: &str = "Oil in the harbour\nThe campaign group Clean Coast accused Norvik Shipping of dumping \
                     oil in the harbour.\n\"That is simply not true,\" said Ada Lind, a spokeswoman for Norvik.";

#[test]
fn an_accusation_and_its_denial_are_found_with_their_words() {
    let claims = read(STORY);
    assert_verbatim(STORY, &claims);
    let accusation = claims.iter().position(|claim| claim.kind == Kind::Allegation).unwrap();
    assert_eq!(claims[accusation].speaker.as_ref().unwrap().name, "Clean Coast");
    assert_eq!(claims[accusation].target.as_deref(), Some("Norvik Shipping"));
    let denial = claims.iter().rfind(|claim| claim.kind == Kind::Denial).unwrap();
    assert_eq!(denial.speaker.as_ref().unwrap().name, "Ada Lind");
    assert_eq!(denial.answers, [accusation]);
}

#[test]
fn a_text_is_read_alike_every_time() {
    assert_eq!(read(STORY), read(STORY));
}

/// A text of so many sentences, or an update of it that adds one and drops one.
fn long_story(sentences: usize, is_update: bool) -> String {
    let mut sentences: Vec<String> = (0..sentences)
        .map(|at| match at % 4 {
            0 => format!("Inspector {at} accused Norvik Shipping of dumping oil near pier {at}."),
            1 => format!("\"We dumped nothing at pier {at},\" a spokeswoman said."),
            2 => format!("The yard denied that tank {at} had leaked in the last {at} months."),
            _ => format!("A union leader said the {at} men of the night shift knew about it."),
        })
        .collect();
    if is_update {
        sentences.insert(5, "The governor of the province refused to comment on Friday.".to_owned());
        sentences.remove(20);
    }
    let headline = if is_update { "Governor silent on oil" } else { "Oil in the harbour" };
    format!("{headline}\n{}", sentences.join(" "))
}

#[test]
fn texts_are_read_alike_with_the_cache_and_without_in_any_order_and_at_once() {
    let texts = [STORY.to_owned(), long_story(60, false), long_story(60, true)];
    let without = Models { judge: Models::embedded().unwrap().judge.with_cache(0), ..Models::embedded().unwrap() };
    // So small that most of it is forgotten again and again.
    let small = Models { judge: Models::embedded().unwrap().judge.with_cache(20_000), ..Models::embedded().unwrap() };
    let with = Models::embedded().unwrap();
    let scopes = [Scope::Claims, Scope::All];
    let asked: Vec<(usize, Scope)> = (0..24).map(|at| (at * 7 % 3, scopes[at / 3 % 2])).collect();
    let expected: Vec<Vec<Claim>> = (0..6).map(|at| found(&texts[at / 2], &without, scopes[at % 2])).collect();
    for models in [&with, &small] {
        parallel::in_order(parallel::cores(), asked.clone(), |(text, scope)| {
            let place = 2 * text + usize::from(scope == Scope::All);
            assert_eq!(found(&texts[text], models, scope), expected[place], "{text} {scope:?}");
        });
    }
    assert_eq!(without.window_counts().cache, 0);
    let before = with.window_counts();
    for (text, scope) in asked {
        found(&texts[text], &with, scope);
    }
    assert_eq!(with.window_counts().since(before).network, 0, "all of it is known by now");
}

#[test]
fn an_update_is_judged_where_it_is_new() {
    let models = Models::embedded().unwrap();
    found(&long_story(180, false), &models, Scope::Claims);
    let first = models.window_counts();
    found(&long_story(180, true), &models, Scope::Claims);
    let update = models.window_counts().since(first);
    assert!(first.cache == 0 && first.network >= 4, "{first:?}");
    assert!(update.cache >= 1 && update.network < first.network, "{update:?} after {first:?}");
}

#[test]
fn all_attributions_hold_the_claims() {
    let claims = read(STORY);
    let all = found(STORY, &MODELS, Scope::All);
    assert!(all.len() >= claims.len());
    assert_verbatim(STORY, &all);
}

#[test]
fn odd_texts_are_read_in_bounded_time_and_give_verbatim_spans() {
    let megabyte = format!("The minister denied {}.", "that the bank and ".repeat(60_000));
    let crowd = format!("{}\n", "He denied it. ".repeat(5_000));
    let marks = "\"'“”‘’".repeat(20_000);
    let joined = "denied\u{200b}it\u{200d}he\u{2060}said. ".repeat(2_000);
    let mirrored = "\u{202e}.ti deined retsinim ehT\u{202c} הוא הכחיש. نفى الوزير ذلك. The minister denied it.";
    let binary: String = (0..50_000_u32).filter_map(|at| char::from_u32(at * 37 % 0x3000)).collect();
    let texts = [
        "",
        "\n",
        " ",
        "\u{feff}",
        "denied",
        "\0\0\0",
        "He denied it",
        &megabyte,
        &crowd,
        &marks,
        &joined,
        mirrored,
        &binary,
        "Le ministre a nié. Der Minister bestritt es. 大臣は否定した。The minister denied it.",
    ];
    for text in texts {
        for scope in [Scope::Claims, Scope::All] {
            let claims = found(text, &MODELS, scope);
            assert!(claims.len() <= CLAIMS_MAX);
            assert_verbatim(text, &claims);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_gives_verbatim_spans(text in "(\\PC{0,12}|denied|he said|accused|\"| |\\. |\n){0,60}") {
        assert_verbatim(&text, &found(&text, &MODELS, Scope::All));
    }
}

#[test]
fn a_desks_own_words_count_without_training() {
    let words = OwnWords {
        cues: vec![(Kind::Denial, "gave short shrift to".into())],
        never: vec!["accused ~ of".into()],
        roles: Vec::new(),
        metonyms: vec![("Quayside".into(), "Norvik".into())],
    };
    let models = Models::embedded().unwrap().with_words(&words);
    assert_ne!(models.hash(), MODELS.hash(), "analyses by other words are told apart");
    let text = "Quayside gave short shrift to reports of a spill.\nThe campaign group Clean Coast accused Norvik Shipping of \
                dumping oil in the harbour.";
    let claims = found(text, &models, Scope::Claims);
    let [denial] = claims.as_slice() else { panic!("one claim, not {claims:#?}") };
    assert_eq!((denial.kind, denial.attribution.cue.of(text)), (Kind::Denial, "gave short shrift to"));
    assert_eq!(denial.speaker.as_ref().unwrap().affiliation.as_deref(), Some("Norvik"));
}

#[test]
fn a_wrong_model_file_is_refused() {
    let (screen, judge) = (include_bytes!("../../models/screen.bin"), include_bytes!("../../models/judge.bin"));
    let refused = |screen: &[u8], judge: &[u8]| Models::from_bytes(screen, judge).unwrap_err();
    assert_eq!(refused(b"", judge), ModelError::Truncated);
    assert_eq!(refused(screen, b""), ModelError::Truncated);
    assert_eq!(refused(screen, &judge[..judge.len() / 2]), ModelError::Truncated);
    assert_eq!(refused(judge, screen), ModelError::NotAModel);
    let mut damaged = judge.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    assert_eq!(refused(screen, &damaged), ModelError::Damaged);
}

#[test]
fn a_model_file_with_spoiled_networks_is_refused_or_reads_on() {
    use sha2::{Digest as _, Sha256};
    const HEAD: usize = 48;
    let (screen, judge) = (include_bytes!("../../models/screen.bin"), include_bytes!("../../models/judge.bin"));
    let mut refused = 0;
    // Both networks begin with what they are made of, not with weights; the checksum is put right each time.
    let len = |at: usize| u32::from_le_bytes(judge[at..at + 4].try_into().unwrap()) as usize;
    let encoder = (0..2).fold(HEAD, |at, _| at + 4 + len(at)) + 4;
    let heads = encoder + len(encoder - 4) + 4;
    for (number, start) in [encoder, heads].into_iter().cycle().take(24).enumerate() {
        let mut spoiled = judge.to_vec();
        for step in 0..4 {
            spoiled[start + number * 97 + step * 31] ^= 0x5a;
        }
        let digest = Sha256::digest(&spoiled[HEAD..]);
        spoiled[HEAD - 32..HEAD].copy_from_slice(&digest);
        match Models::from_bytes(screen, &spoiled) {
            Err(error) => {
                assert_eq!(error, ModelError::NotAModel);
                refused += 1;
            }
            Ok(models) => assert_verbatim(STORY, &found(STORY, &models, Scope::Claims)),
        }
    }
    assert!(refused > 0, "something of what was spoiled is told");
}

#[test]
fn what_was_weighed_says_why_a_sentence_gave_a_claim_or_none() {
    let text = "Inspectors accused Norvik Shipping of dumping oil.\nThe yard denied that it had. The sea was calm. Norvik \
                gave short shrift to the reports.";
    let words = OwnWords { never: vec!["denied that".into()], ..OwnWords::default() };
    let models = Models::embedded().unwrap().with_words(&words);
    let headline = headline(text);
    let weighed = weighed(text, headline, &sentences(text, headline), &models);
    let [accused, denied, calm, _] = weighed.as_slice() else { panic!("four sentences, not {weighed:#?}") };
    assert_eq!(accused.acts[0].verdict, Verdict::Claim);
    assert_eq!(accused.acts[0].cue.of(text), "accused");
    assert_eq!((denied.acts[0].verdict, denied.acts[0].cue.of(text)), (Verdict::Never, "denied"));
    assert!(!calm.is_judged && calm.acts.is_empty() && calm.screen < accused.screen);
}
