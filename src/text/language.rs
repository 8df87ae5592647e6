//! Language of a text, and the gate that keeps texts in other languages from the English extractor.

use super::normalize::{fold, is_stop_word};

/// Bytes looked at: enough to decide, few enough to cost nothing.
const SAMPLE_BYTES_MAX: usize = 1_500;
/// Words below which a text says too little about its language to be turned away.
const WORDS_MIN: usize = 10;
/// Words of English market wires, whose tables hold no function words.
const WIRE_WORDS: [&str; 12] = ["avg", "cts", "dlr", "dlrs", "mln", "mths", "pct", "qtly", "qtr", "revs", "shr", "vs"];
/// Share of English function words above which a text is English whatever the detector says.
const FUNCTION_WORD_SHARE_MIN: f64 = 0.18;

/// ISO 639-3 code of the language the text is written in ("eng"); English where the text is too short to tell.
pub fn language(text: &str) -> String {
    let sample = sample(text);
    if is_plainly_english(&sample) {
        "eng".to_owned()
    } else {
        whichlang::detect_language(&sample).three_letter_code().to_owned()
    }
}

/// Whether the English extractor may read the text. Short texts pass: a lost English headline costs more than a foreign one
/// that yields nothing.
pub fn is_english(text: &str) -> bool {
    let sample = sample(text);
    is_plainly_english(&sample) || whichlang::detect_language(&sample) == whichlang::Lang::Eng
}

/// Lower-cased, because the detector was trained on running text and misjudges headlines in capitals; without figures, because tables
/// of results are no language.
fn sample(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(SAMPLE_BYTES_MAX)).unwrap_or(text);
    let words = text.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    words.flat_map(|word| [word, " "]).collect::<String>().to_lowercase()
}

fn is_plainly_english(sample: &str) -> bool {
    let folded = fold(sample);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    if words.len() < WORDS_MIN {
        return sample.chars().filter(|c| c.is_alphabetic()).all(is_latin);
    }
    let function_words = words.iter().filter(|word| is_stop_word(word) || WIRE_WORDS.contains(word)).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of words in a short sample")]
    let share = function_words as f64 / words.len() as f64;
    share >= FUNCTION_WORD_SHARE_MIN
}

fn is_latin(c: char) -> bool {
    c < '\u{250}' || ('\u{1e00}'..='\u{1eff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(language(text), expected, "{text}");
        assert_eq!(is_english(text), expected == "eng", "{text}");
    }

    #[test]
    fn english_passes_in_any_dress() {
        check("MINISTRY DENIES TROOPS CROSSED BORDER", "eng");
        check("Kremlin: no comment", "eng");
        check("", "eng");
        check(
            "The ministry said on Monday that it had no evidence of the shipments and would not comment further.",
            "eng",
        );
        check(
            "Shr 20 cts vs 27 cts Net 1,048,000 vs 1,368,000 Revs 9,457,000 vs 5,386,000 NOTE: full name of company is Halden Ltd",
            "eng",
        );
    }

    #[test]
    fn other_languages_do_not() {
        check(
            "Der Minister wies die Vorwürfe am Montag zurück und sagte, es gebe keine Beweise für die Lieferungen.",
            "deu",
        );
        check(
            "Le ministre a rejeté lundi les accusations et affirmé que rien ne prouvait ces livraisons d'armes.",
            "fra",
        );
        check("Министр отверг обвинения", "rus");
    }
}
