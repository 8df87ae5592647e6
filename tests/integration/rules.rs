//! `rules list` and `rules test`: rules in words, what they would have alerted in an archive, and what they held back.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{json_lines, output};

const CONFIG: &str = r#"
[[sink]]
name = "desk"
type = "webhook"
url = "https://desk.example/hook"
secret_env = "GAINSAY_NOT_SET"

[[rule]]
name = "arvo"
watch = ["Arvo Bank"]
priority = 15
sinks = ["desk"]

[[rule]]
name = "denials"
kinds = ["denial"]
when = '''
confidence >= 0.5
  && !heard("Arvo Bank")'''

[[rule]]
name = "politics"
topics = ["Politics"]
priority_min = 30

[[rule]]
name = "odd"
when = "1 / (size(headline) - 19) == 1"
"#;

/// Two days of four stories, written for this test.
const ARCHIVE: [(&str, &str, &str, &str, &str); 5] = [
    (
        "1",
        "2024-10-01T08:00:00Z",
        "Andes",
        "Lima court papers",
        "Prosecutors on Tuesday accused Arvo Bank of laundering cartel money through its Panama branch, court papers showed.",
    ),
    (
        "2",
        "2024-10-01T12:00:00Z",
        "Daily Tide",
        "Arvo Bank answers prosecutors",
        "Arvo Bank on Tuesday denied laundering cartel money through its Panama branch. Its shares fell nine percent in Lima.",
    ),
    (
        "3",
        "2024-10-03T08:00:00Z",
        "Andes",
        "Mayor denies bribes",
        "Mayor Odile Franck on Thursday denied that she had taken bribes from a harbour contractor in Port Elsmere.",
    ),
    (
        "4",
        "2024-10-03T09:00:00Z",
        "Daily Tide",
        "Governor under pressure",
        "Union leaders accused Governor Pia Sund of stealing pension savings from railway workers in the northern province.",
    ),
    (
        "5",
        "2024-10-03T10:00:00Z",
        "Daily Tide",
        "Rain in the north",
        "Rain is expected in the north on Friday, forecasters said.",
    ),
];

fn written(folder: &Path) -> (PathBuf, PathBuf) {
    let (config, archive) = (folder.join("gainsay.toml"), folder.join("archive.jsonl"));
    std::fs::write(&config, CONFIG).unwrap();
    let line = |(id, published, outlet, title, text): &(&str, &str, &str, &str, &str)| {
        let topics: &[&str] = if *id == "3" { &["politics", "Europe"] } else { &[] };
        let line = serde_json::json!({
            "id": id, "published": published, "outlet": outlet, "title": title, "text": text, "topics": topics,
        });
        format!("{line}\n")
    };
    std::fs::write(&archive, ARCHIVE.iter().map(line).collect::<String>()).unwrap();
    (config, archive)
}

fn run(arguments: &[&str], config: &Path, archive: Option<&Path>) -> (String, String) {
    let mut all = vec!["rules", arguments[0], "-c", config.to_str().unwrap()];
    all.extend(&arguments[1..]);
    all.extend(archive.map(|archive| archive.to_str().unwrap()));
    let output = output(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn of_rule<'a>(rules: &'a [Value], name: &str) -> &'a Value {
    rules.iter().find(|rule| rule["rule"] == name).unwrap()
}

#[test]
fn a_trial_counts_alerts_by_day_and_rule_and_what_was_held_back() {
    let folder = tempfile::tempdir().unwrap();
    let (config, archive) = written(folder.path());
    let (printed, told) = run(&["test", "--json"], &config, Some(&archive));
    assert!(told.contains("\n5 documents, "), "{told}");
    let rules = json_lines(printed.as_bytes());
    let names: Vec<&str> = rules.iter().map(|rule| rule["rule"].as_str().unwrap()).collect();
    assert_eq!(names, ["arvo", "denials", "politics", "odd"]);
    let arvo = of_rule(&rules, "arvo");
    assert_eq!((&arvo["alerts"], &arvo["days"]), (&2.into(), &serde_json::json!({"2024-10-01": 2})));
    assert!(arvo["held_back"]["watch"].as_u64().unwrap() >= 2, "{arvo}");
    let denials = of_rule(&rules, "denials");
    assert_eq!(denials["days"], serde_json::json!({"2024-10-03": 1}));
    assert!(denials["held_back"]["kinds"].as_u64().unwrap() >= 2, "{denials}");
    assert_eq!(denials["held_back"]["when"], 2, "{denials}");
    let sample = &denials["samples"][0];
    assert_eq!((&sample["headline"], &sample["cue"]), (&"Mayor denies bribes".into(), &"denied".into()));
    let politics = of_rule(&rules, "politics");
    assert_eq!((&politics["alerts"], &politics["days"]["2024-10-03"]), (&1.into(), &1.into()));
    let odd = of_rule(&rules, "odd");
    assert!(odd["failures"].as_u64().unwrap() > 0, "{odd}");
    assert!(arvo["samples"][0]["reasons"].as_array().unwrap().contains(&"rule arvo".into()), "{arvo}");
}

#[test]
fn a_trial_prints_a_table_and_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (config, archive) = written(folder.path());
    let arguments = ["test", "--rule", "arvo", "--rule", "denials", "--samples", "1"];
    let (printed, _) = run(&arguments, &config, Some(&archive));
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "day         documents  arvo  denials  all",
            "2024-10-01          2     2        0    2",
            "2024-10-03          3     0        1    1",
            "total               5     2        1    3",
        ]
    );
    assert_eq!(printed.matches("  sample ").count(), 2, "{printed}");
    assert!(printed.contains("denials: 1 alert\n") && printed.contains("Mayor denies bribes (Andes)"), "{printed}");
    let threads = [&arguments[..], &["--threads", "1"]].concat();
    assert_eq!(run(&threads, &config, Some(&archive)).0, printed);
}

#[test]
fn rules_are_listed_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (config, _) = written(folder.path());
    let (printed, _) = run(&["list"], &config, None);
    let arvo = "arvo\n  types       all types of alerts\n  watch       only what names Arvo Bank\n  \
                confidence  0.50 or more\n  priority    raised by 15\n  sinks       to desk\n";
    assert!(printed.starts_with(arvo), "{printed}");
    assert!(printed.contains("  when        confidence >= 0.5 && !heard(\"Arvo Bank\")\n"), "{printed}");
    let listed = json_lines(run(&["list", "--json"], &config, None).0.as_bytes());
    assert_eq!((listed.len(), &listed[2]["says"][1]["key"]), (4, &"topics".into()));
}

#[test]
fn a_rule_that_is_not_there_and_a_bad_expression_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (config, archive) = written(folder.path());
    let (config, archive) = (config.to_str().unwrap(), archive.to_str().unwrap());
    let unknown = output(&["rules", "test", "-c", config, "--rule", "avro", archive]);
    let told = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(told.contains("there is no rule \"avro\"; there are arvo, denials, politics, odd"), "{told}");
    std::fs::write(config, CONFIG.replace("confidence >= 0.5", "confidense >= 0.5")).unwrap();
    let bad = output(&["rules", "test", "-c", config, archive]);
    let told = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert_eq!(bad.status.code(), Some(78));
    let place = "gainsay.toml:18:1: rule[2].when: \"confidense\" is not a variable, did you mean \"confidence\"? (accepted: type, kind,";
    assert!(told.contains(place), "{told}");
}
