//! Rules, good and bad, and what is said of them.

use super::*;

#[test]
fn names_to_watch_are_names_and_not_too_many() {
    let rules = |lists: &str| read(&format!("[[rule]]\nname = \"r\"\n{lists}\n")).map(|config| config.rules);
    let read =
        rules("watch = [\" Corvane Lines \", \"Łódź\"]\nspeakers = [\"Nebenzia\"]\noutlets = [\"BSS\"]").unwrap();
    assert_eq!(read[0].watch, ["Corvane Lines", "Łódź"]);
    assert_eq!((read[0].speakers.len(), read[0].outlets.len()), (1, 1));
    let name = "(accepted: a name of 1 to 200 characters on one line, with a letter or a digit in it)";
    check(
        "[[rule]]\nname = \"r\"\nwatch = [\"x\", \"\", \"…!\", 7]\nspeakers = \"x\"\n",
        &[
            &format!("g.toml:3:15: rule[1].watch[2]: is empty, too long or not on one line {name}"),
            &format!(
                "g.toml:3:19: rule[1].watch[3]: \"…!\" has neither a letter nor a digit: it would be found nowhere {name}"
            ),
            &format!("g.toml:3:25: rule[1].watch[4]: is a number {name}"),
            "g.toml:4:12: rule[1].speakers: is a string (accepted: a list of names)",
        ],
    );
    let many = |count: usize| format!("[{}]", vec!["\"x\""; count].join(", "));
    let text = |second| {
        format!("[[rule]]\nname = \"a\"\nwatch = {}\n[[rule]]\nname = \"b\"\nspeakers = {}\n", many(900), many(second))
    };
    check(&text(100), &[]);
    check(
        &text(101),
        &[
            "g.toml:4:1: rule[2]: with this rule there are 1001 names on watch, speakers, outlets and topics of the rules (accepted: at most 1000 names in all rules together)",
        ],
    );
    check(&format!("[[rule]]\nname = \"a\"\nwatch = [\"{}\"]\n", "x".repeat(200)), &[]);
}

#[test]
fn a_rule_is_narrowed_by_kinds_languages_topics_priority_and_an_expression() {
    let keys = "kinds = [\"denial\", \"no_comment\"]\nlanguages = [\"ENG\"]\ntopics = [\"World news\"]\npriority_min = 60\n\
                priority = -50\nwhen = 'kind == \"denial\" && heard(\"Corvane\")'";
    let rule = read(&format!("[[rule]]\nname = \"r\"\n{keys}\n")).unwrap().rules.remove(0);
    assert_eq!(
        (rule.kinds.as_slice(), rule.languages.as_slice()),
        ([Kind::Denial, Kind::NoComment].as_slice(), ["eng".to_owned()].as_slice())
    );
    assert_eq!(
        (rule.topics.as_slice(), rule.priority_min, rule.priority),
        (["World news".to_owned()].as_slice(), 60, -50)
    );
    assert_eq!(rule.when.unwrap().names(), ["Corvane"]);
}

#[test]
fn everything_that_is_wrong_with_a_rule_is_told_at_once() {
    let words = "(accepted: type, kind, speaker, role, affiliation, via, target, basis, content, sentence, headline, outlet, agency, \
                 language, url, confidence, background, outlets, copies, state, first_answer, cross_document, contradiction, score, \
                 watched, topics)";
    let functions = "(accepted: heard, matches, contains, startsWith, endsWith, size, string, int, double, all, exists, exists_one, \
                     filter, map)";
    check(
        "[[rule]]\nname = \"r\"\nkinds = [\"denail\"]\nlanguages = [\"en\"]\npriority = 51\npriority_min = \"high\"\n\
         when = \"\"\"\nspeker == 'x' &&\n  hears('y') && score == 'z'\"\"\"\n\
         [[rule]]\nname = \"s\"\nwhen = 'score + 1'\n[[rule]]\nname = \"t\"\nwhen = 'kind == '\n[[rule]]\nname = \"u\"\nwhen = 3\n\
         [[rule]]\nname = \"v\"\nwhen = \"kind == \\\"x\\\" && a\"\n[[rule]]\nname = \"w\"\nwhen = ''\n",
        &[
            "g.toml:3:10: rule[1].kinds[1]: \"denail\" is not a kind of claim, did you mean \"denial\"? (accepted: \"allegation\", \"denial\", \"confirmation\", \"no_comment\", \"retraction\")",
            "g.toml:4:14: rule[1].languages[1]: \"en\" is not a language by ISO 639-3, did you mean \"eng\"? (accepted: \"ara\", \"cmn\", \"deu\", \"eng\", \"fra\", \"hin\", \"ita\", \"jpn\", \"kor\", \"nld\", \"por\", \"rus\", \"spa\", \"swe\", \"tur\", \"vie\")",
            "g.toml:5:12: rule[1].priority: 51 is out of range (accepted: a whole number from -50 to 50)",
            "g.toml:6:16: rule[1].priority_min: is a string (accepted: a whole number from 0 to 100)",
            &format!("g.toml:8:1: rule[1].when: \"speker\" is not a variable, did you mean \"speaker\"? {words}"),
            &format!("g.toml:9:3: rule[1].when: \"hears\" is not a function, did you mean \"heard\"? {functions}"),
            "g.toml:9:23: rule[1].when: puts a whole number beside a text (accepted: values of one form)",
            "g.toml:12:15: rule[2].when: is a whole number, not true or false (accepted: a comparison, such as score >= 60)",
            "g.toml:15:17: rule[3].when: mismatched input end (accepted: a CEL expression such as 'kind == \"denial\" && confidence > 0.8')",
            "g.toml:18:8: rule[4].when: is a number (accepted: a CEL expression in quotes, such as 'kind == \"denial\" && confidence > 0.8')",
            &format!("g.toml:21:8: rule[5].when: \"a\" is not a variable {words}"),
            "g.toml:24:8: rule[6].when: is empty (accepted: an expression of 1 to 1000 characters)",
        ],
    );
}
