//! Expressions that are sound and what they say of claims, and expressions that are wrong and where.

use super::*;
use crate::rule::{VARIABLES, Variable};

const TOPICS: [&str; 2] = ["politics", "shipping"];

/// What an expression says of the sample claim, in which every name but "Nobody" is heard.
#[track_caller]
fn check(expression: &str, expected: bool) {
    let topics = TOPICS.map(str::to_owned);
    let filter = Filter::new(expression).unwrap_or_else(|faults| panic!("{expression}: {faults:?}"));
    let heard: Vec<bool> = filter.names().iter().map(|name| name != "Nobody").collect();
    assert_eq!(filter.holds(&Known::sample(&topics), &heard), Ok(expected), "{expression}");
}

/// What is wrong with an expression: where, and in words.
#[track_caller]
fn check_faults(expression: &str, expected: &[(usize, &str)]) {
    let faults = Filter::new(expression).expect_err(expression);
    let found: Vec<(usize, &str)> = faults.iter().map(|fault| (fault.at, fault.what.as_str())).collect();
    assert_eq!(found, expected, "{expression}");
}

#[test]
fn an_expression_asks_about_everything_that_is_known() {
    for (expression, expected) in [
        ("kind == 'denial' && type == 'denial.new'", true),
        ("kind in ['allegation', 'retraction']", false),
        ("speaker == 'Orsa Lind' && role.contains('minister') && affiliation == 'Varland' && via == 'Andes'", true),
        ("target.startsWith('Corvane') && basis == 'report'", true),
        ("content.contains('leak') && sentence.endsWith('leak.') && headline.startsWith('Minister')", true),
        ("outlet == 'Daily Tide' && agency == 'Andes' && language == 'eng'", true),
        ("url.startsWith('https://tide.example/')", true),
        ("confidence > 0.9 && confidence <= 1 && !background", true),
        ("outlets >= 2 && copies == 3 && score > 60", true),
        ("state == 'answered' && first_answer && cross_document && !contradiction", true),
        ("'politics' in topics && 'shipping' in watched", true),
        ("topics.exists(topic, topic.startsWith('ship'))", true),
        ("topics.all(topic, topic.size() > 8)", false),
        ("size(topics.filter(topic, topic != 'politics')) == 1", true),
        ("'politics!' in topics.map(topic, topic + '!')", true),
        ("topics.exists_one(topic, topic == 'politics')", true),
        ("heard('Corvane Lines') && !heard('Nobody')", true),
        ("headline.matches('(?i)\\\\bLEAK(s|ed)?\\\\b')", true),
        ("matches(headline, '^leak')", false),
        ("(first_answer ? score + 10 : score) >= 74", true),
        ("double(score) / 2.0 > 31.5 && int(confidence * 100.0) % 2 == 0 && string(copies) == '3'", true),
        ("true || 1 / (copies - 3) == 0", true),
    ] {
        check(expression, expected);
    }
}

#[test]
fn every_variable_has_a_value_of_its_form() {
    for (name, form) in VARIABLES {
        let comparison = match form {
            Variable::Text => format!("{name}.size() > 0"),
            Variable::Int | Variable::Double => format!("{name} >= 0"),
            Variable::Bool => format!("{name} || !{name}"),
            Variable::Texts => format!("size({name}) == 2"),
        };
        let expected = true;
        check(&comparison, expected);
    }
}

#[test]
fn names_and_patterns_are_prepared_once() {
    let filter = Filter::new("heard('B') || heard('A') || heard('B')").unwrap();
    assert_eq!(filter.names(), ["B", "A"]);
    assert_eq!(
        (filter.clone(), filter.text()),
        (Filter::new(filter.text()).unwrap(), "heard('B') || heard('A') || heard('B')")
    );
}

#[test]
fn what_is_unknown_is_told_with_what_there_is() {
    check_faults("speker == 'x' && zz('y')", &[(0, "\"speker\" is not a variable"), (17, "\"zz\" is not a function")]);
    let fault = Filter::new("speker == 'x'").unwrap_err().remove(0);
    let (word, known) = fault.unknown.unwrap();
    assert_eq!((word.as_str(), known.len(), fault.accepted.starts_with("type, kind, speaker, ")), ("speker", 26, true));
    check_faults("headline.lowerAscii() == 'x'", &[(9, "\"lowerAscii\" is not a function")]);
    // Bytes, not characters.
    check_faults("'é' == zz", &[(8, "\"zz\" is not a variable")]);
}

#[test]
fn types_are_held_together_before_any_claim_comes() {
    for (expression, expected) in [
        ("kind", "is a text, not true or false"),
        ("score + 1", "is a whole number, not true or false"),
        ("background && (kind == 'denial' || confidence)", "has a number where true or false belongs"),
        ("!score", "has a whole number where true or false belongs"),
        ("kind == 3", "puts a text beside a whole number"),
        ("kind in ['a', 3]", "puts a text beside a whole number"),
        ("'a' in headline", "looks in a text"),
        ("score in topics", "puts a whole number beside a text"),
        ("score > '3'", "puts a whole number beside a text"),
        ("topics < watched", "puts a list in order"),
        ("score * 0.5 > 1.0", "reckons with a whole number and another number"),
        ("headline - 'a' == 'b'", "reckons with a text and a text"),
        ("headline.contains(3)", "has a whole number where a text belongs"),
        ("contains(headline, 'a')", "contains does not take this"),
        ("size(score) > 1", "size does not take this"),
        ("kind.exists(letter, letter == 'a')", "goes through a text"),
        ("topics.exists(topic, topic == 3)", "puts a text beside a whole number"),
        ("topics['a'] == 'b'", "has a text where a whole number belongs"),
        ("headline[0] == 'a'", "does not go with a text and a whole number"),
        ("headline.name == 'a'", "\"name\" is no part of anything here"),
        ("{'a': 1} == {'a': 1}", "a map has no use here"),
        ("kind == null", "has no use here"),
        ("heard(speaker)", "heard cannot listen for this"),
        ("heard('…')", "heard cannot listen for this"),
        ("headline.matches(speaker)", "the pattern of matches must be written there"),
        ("headline.matches('(')", "the pattern cannot be read: unclosed group"),
        ("headline.matches('(a{1000}){1000}')", "the pattern is too large"),
        ("topics.all(a, topics.all(b, topics.all(c, a == b)))", "goes through a list within lists"),
    ] {
        let faults = Filter::new(expression).expect_err(expression);
        assert_eq!(faults[0].what, expected, "{expression}");
    }
}

#[test]
fn what_fails_on_a_sample_is_no_expression() {
    check_faults("topics[7] == 'a'", &[(0, "fails on a sample claim: Index out of bounds: Int(7)")]);
    check_faults("topics[0] == 'a'", &[(0, "fails on a claim of which little is known: Index out of bounds: Int(0)")]);
    check("size(topics) > 0 && topics[0] == 'politics'", true);
}

#[test]
fn syntax_is_told_with_its_place() {
    check_faults("kind == 'denial' &&", &[(19, "mismatched input end")]);
    check_faults("true &&\n  score = 3", &[(16, "token recognition error at: '= '")]);
    for empty in ["", " \n"] {
        check_faults(empty, &[(0, "is empty")]);
    }
    check_faults(&"x".repeat(1_001), &[(0, "has 1001 characters")]);
}

#[test]
fn hostile_expressions_neither_crash_nor_take_long() {
    let nested = |open: &str, close: &str| format!("{}true{}", open.repeat(480), close.repeat(480));
    for expression in
        [nested("(", ")"), nested("[", "]"), nested("!", ""), nested("-", ""), nested("{", ""), "[".repeat(1_000)]
    {
        drop(Filter::new(&expression));
    }
    assert_eq!(Filter::new(&nested("(", ")")).unwrap_err()[0].what, "is nested too deeply");
    let chain = format!("true{}", " && true".repeat(120));
    check(&chain, true);
    check(&format!("{}true", "!".repeat(996)), true);
}

#[test]
fn what_cannot_be_reckoned_is_neither_true_nor_false() {
    let filter = Filter::new("10 / (copies - 4) > 0").unwrap();
    let claim = Known { copies: 4, ..Known::nothing() };
    assert_eq!(filter.holds(&claim, &[]), Err("Division by zero of Int(10)".to_owned()));
    assert_eq!(filter.holds(&Known { copies: 5, ..Known::nothing() }, &[]), Ok(true));
}
