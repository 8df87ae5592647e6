//! `extract`, `stories`, `replay`, `schema`: output against the published schemas, bad input, determinism.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{json_lines, output, output_with_input};

const DENIAL: &str = "Mayor Odile Franck on Tuesday denied that she had taken bribes from a harbour contractor, \
                      a day after prosecutors accused her of fraud.";

/// Documents of `archive`.
const ARCHIVED: usize = 300;

fn schema(contract: &str) -> jsonschema::Validator {
    let printed = output(&["schema", contract]);
    assert!(printed.status.success());
    jsonschema::validator_for(&serde_json::from_slice(&printed.stdout).unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn check_schema(contract: &str, lines: &[Value]) {
    let validator = schema(contract);
    assert!(!lines.is_empty(), "no output to check");
    for line in lines {
        let errors: Vec<String> = validator.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {line}");
    }
}

/// Offsets are code points, and the words between them are those that are quoted. A quote that is not there is none.
#[track_caller]
fn check_quote(text: &[char], quote: &Value) {
    if quote.is_null() {
        return;
    }
    let offset = |key: &str| usize::try_from(quote[key].as_u64().unwrap()).unwrap();
    let words: String = text[offset("start")..offset("end")].iter().collect();
    assert_eq!(words, quote["text"].as_str().unwrap());
}

/// An archive of wire stories that this test writes: allegations and answers, more than a replay commits at once.
fn archive(folder: &Path) -> PathBuf {
    let mut lines = String::new();
    let accused = ["Halden Freight", "Arvo Bank", "Governor Pia Sund", "General Ruiz", "the Kestrel airline"];
    let acts = [
        "hiding derailments from inspectors",
        "laundering cartel money",
        "stealing pension savings",
        "shelling a clinic",
    ];
    for number in 0..ARCHIVED {
        let (who, act) = (accused[number % 5], acts[number % 4]);
        let day = 1 + number / 10;
        let text = match number % 4 {
            0 => format!("Prosecutors accused {who} of {act}, court papers showed. The case number is {number}."),
            1 => format!("A spokesman for {who} denied on Monday that it was {act}. He spoke in district {number}."),
            2 => format!("{who} declined to comment on reports of {act}. Shares fell {number} percent."),
            _ => format!("Rain is expected in district {number} on Friday, forecasters said."),
        };
        let line = serde_json::json!({
            "id": number, "outlet": format!("Outlet {}", number % 3), "title": format!("Story {number} about {who}"),
            "text": text, "published": format!("2024-10-{day:02}T08:00:00Z"),
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let path = folder.join("archive.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

/// Lines as the contract gives them, written by hand: they hold whatever becomes of the types that print.
#[track_caller]
fn check_golden<T: serde::Serialize + serde::de::DeserializeOwned>(contract: &str, golden: &str) {
    check_schema(contract, &json_lines(golden.as_bytes()));
    let validator = schema(contract);
    for line in golden.lines() {
        let read: T = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), line, "names, order or nulls of {contract} have changed");
        // A receiver may rely on each key: it is there, if only as null.
        for key in places(&serde_json::from_str(line).unwrap(), "") {
            let mut without: Value = serde_json::from_str(line).unwrap();
            let (object, name) = key.rsplit_once('/').unwrap();
            without.pointer_mut(object).unwrap().as_object_mut().unwrap().remove(name);
            assert!(!validator.is_valid(&without), "the schema of {contract} does not require {key}");
        }
    }
}

/// The place of each key in a value, as JSON pointers.
fn places(value: &Value, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (format!("{at}/{key}"), value)).collect(),
        Value::Array(list) => {
            return list
                .iter()
                .enumerate()
                .flat_map(|(place, value)| places(value, &format!("{at}/{place}")))
                .collect();
        }
        _ => return Vec::new(),
    };
    inner.into_iter().flat_map(|(place, value)| [vec![place.clone()], places(value, &place)].concat()).collect()
}

#[test]
fn the_contracts_hold_by_hand_written_lines() {
    check_golden::<gainsay::model::Alert>("alert", include_str!("../fixtures/contract/alerts.jsonl"));
    check_golden::<gainsay::model::ExtractedClaim>("claim", include_str!("../fixtures/contract/claims.jsonl"));
    check_golden::<gainsay::model::FeedbackLine>("feedback", include_str!("../fixtures/contract/feedback.jsonl"));
    check_golden::<gainsay::model::StoryLine>("story", include_str!("../fixtures/contract/stories.jsonl"));
}

#[test]
fn extract_prints_claims_by_its_schema() {
    // Letters of two bytes before it tell code points from bytes.
    let input = format!("Every café in Łódź was full on Tuesday. {DENIAL}");
    let printed = output_with_input(&["extract", "--all"], input.as_bytes());
    assert!(printed.status.success(), "{printed:?}");
    let claims = json_lines(&printed.stdout);
    check_schema("claim", &claims);
    let denial = claims.iter().find(|claim| claim["kind"] == "denial").expect("a denial");
    assert_eq!(denial["speaker"]["name"], "Odile Franck");
    let text: Vec<char> = input.chars().collect();
    for claim in &claims {
        check_quote(&text, &claim["cue"]);
        check_quote(&text, &claim["source"]);
        claim["content"].as_array().unwrap().iter().for_each(|quote| check_quote(&text, quote));
    }
    assert!(!denial["source"].is_null() && !denial["content"].as_array().unwrap().is_empty(), "{denial}");
    let [start, end] = ["start", "end"].map(|key| usize::try_from(denial["sentence"][key].as_u64().unwrap()).unwrap());
    assert_eq!(text[start..end].iter().collect::<String>(), DENIAL);
}

#[test]
fn extract_explains_every_sentence() {
    let input = format!("Every café in Łódź was full on Tuesday. {DENIAL}");
    let printed = output_with_input(&["extract", "--explain"], input.as_bytes());
    assert!(printed.status.success(), "{printed:?}");
    let sentences = json_lines(&printed.stdout);
    check_schema("sentence", &sentences);
    let [plain, denial] = sentences.as_slice() else { panic!("two sentences, not {sentences:?}") };
    let text: Vec<char> = input.chars().collect();
    check_quote(&text, &plain["sentence"]);
    assert!(plain["weighed"].as_array().unwrap().is_empty(), "{plain}");
    let act = &denial["weighed"][0];
    check_quote(&text, &act["cue"]);
    assert_eq!((&act["kind"], &act["verdict"], &denial["judged"]), (&"denial".into(), &"claim".into(), &true.into()));
    assert!(denial["screen"].as_f64() > plain["screen"].as_f64(), "{sentences:?}");
}

#[test]
fn nothing_invisible_is_printed_as_it_stands() {
    let input = DENIAL.replace("taken bribes", "taken\u{202e} \u{9b}31mbribes");
    let printed = output_with_input(&["extract", "--with-text"], input.as_bytes());
    let lines = json_lines(&printed.stdout);
    assert_eq!(lines[0]["text"], input);
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(text.contains("taken\\u202e \\u009b31mbribes") && !text.contains(['\u{202e}', '\u{9b}']), "{text}");
    let archive = serde_json::json!({"id": 1, "text": input}).to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.jsonl");
    std::fs::write(&path, archive).unwrap();
    let printed = output(&["replay", path.to_str().unwrap()]);
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(!text.is_empty() && !text.contains(['\u{202e}', '\u{9b}']), "{text}");
}

#[test]
fn html_offsets_refer_to_the_text_that_is_printed() {
    let page = "<html><head><title>x</title></head><body><p>Mayor Odile&nbsp;Franck <b>denied</b> taking bribes.</p></body></html>";
    let printed = output_with_input(&["extract", "--format", "html", "--with-text"], page.as_bytes());
    let lines = json_lines(&printed.stdout);
    let text: Vec<char> = lines[0]["text"].as_str().unwrap().chars().collect();
    let cue = &lines[1]["cue"];
    check_quote(&text, cue);
}

#[test]
fn a_bad_line_is_named_and_the_rest_goes_on() {
    let lines = format!("nonsense\n{}\n", serde_json::json!({"id": "d", "text": DENIAL}));
    let printed = output_with_input(&["extract", "--format", "jsonl"], lines.as_bytes());
    assert_eq!(printed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&printed.stderr).contains("standard input:1: not a document"));
    assert!(!json_lines(&printed.stdout).is_empty());
}

#[test]
fn missing_and_unreadable_input_is_a_clear_error() {
    for args in
        [&["extract", "/nonexistent/file"][..], &["stories", "/nonexistent/file"], &["replay", "/nonexistent/file"]]
    {
        let printed = output(args);
        assert_eq!(printed.status.code(), Some(1), "{args:?}");
        assert!(String::from_utf8_lossy(&printed.stderr).contains("/nonexistent/file"), "{args:?}: {printed:?}");
    }
    let printed = output_with_input(&["extract"], b"caf\xe9");
    assert!(String::from_utf8_lossy(&printed.stderr).contains("not UTF-8"));
}

/// The demo's wire, made an archive by dates: a story with its copies, an update, a correction, a kill.
fn dated_wire(folder: &Path) -> PathBuf {
    let mut lines = String::new();
    for (line, hour) in include_str!("../../config/demo/wire.jsonl").lines().zip(0..) {
        let mut document: Value = serde_json::from_str(line).unwrap();
        document["published"] = format!("2024-11-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24).into();
        lines.push_str(&document.to_string());
        lines.push('\n');
    }
    let path = folder.join("wire.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

/// Every row of every table as text, in order.
fn dump(database: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(database).unwrap();
    let mut names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for name in names {
        let mut statement = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
            Ok(format!("{name} {values:?}"))
        };
        rows.extend(statement.query_map([], text).unwrap().map(Result::unwrap));
    }
    rows.sort();
    rows
}

#[test]
fn replay_gives_the_same_bytes_every_time_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, wire) = (archive(folder.path()), dated_wire(folder.path()));
    let replay = |threads: &str, name: &str| {
        let database = folder.path().join(name);
        let (at, archive, wire) = (database.to_str().unwrap(), archive.to_str().unwrap(), wire.to_str().unwrap());
        let printed = output(&["replay", "--threads", threads, "--database", at, archive, wire]);
        assert!(printed.status.success(), "{printed:?}");
        (printed.stdout, dump(&database))
    };
    let (alerts, rows) = replay("1", "one.db");
    for (threads, name) in [("8", "eight.db"), ("1", "again.db")] {
        let (other_alerts, other_rows) = replay(threads, name);
        assert!(alerts == other_alerts, "other alerts on {threads} threads");
        assert!(rows == other_rows, "another database on {threads} threads");
    }
    let alerts = json_lines(&alerts);
    let has_row = |table: &str| rows.iter().any(|row| row.starts_with(table));
    assert!(["analysis ", "claim ", "fingerprint ", "outbox_body ", "story ", "thread "].into_iter().all(has_row));
    check_schema("alert", &alerts);
    let types: BTreeSet<&str> = alerts.iter().map(|alert| alert["type"].as_str().unwrap()).collect();
    for expected in ["allegation.new", "denial.new", "claim.no_comment", "claim.revised", "claim.withdrawn"] {
        assert!(types.contains(expected), "no {expected} among {types:?}");
    }
}

#[test]
fn a_replay_needs_no_secrets_of_its_config() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let config = folder.path().join("gainsay.toml");
    let sink = |name: &str, secret: &str| {
        format!("[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"https://a.example\"\n{secret}\n")
    };
    let text = sink("a", "secret_env = \"GAINSAY_NOT_SET\"") + &sink("b", "secret_file = \"nowhere\"");
    std::fs::write(&config, text).unwrap();
    let archive = archive.to_str().unwrap();
    let printed = output(&["replay", "-c", config.to_str().unwrap(), archive]);
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(printed.stdout, output(&["replay", archive]).stdout);
}

#[test]
fn replay_reads_gzip_and_refuses_an_old_database() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let plain = archive(folder.path());
    let packed = folder.path().join("archive.jsonl.gz");
    let mut encoder =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    encoder.write_all(&std::fs::read(&plain).unwrap()).unwrap();
    encoder.finish().unwrap();
    let database = folder.path().join("kept.db");
    let args = ["replay", "--database", database.to_str().unwrap(), packed.to_str().unwrap()];
    let first = output(&args);
    assert_eq!(first.stdout, output(&["replay", plain.to_str().unwrap()]).stdout);
    assert!(database.exists());
    assert_eq!(output(&args).status.code(), Some(1));
}

#[test]
fn an_archive_with_a_bad_line_or_a_cut_end_gives_what_is_whole() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read_to_string(archive(folder.path())).unwrap();
    let expected = output(&["stories", folder.path().join("archive.jsonl").to_str().unwrap()]);
    let bad = folder.path().join("bad.jsonl");
    std::fs::write(&bad, whole.replacen('\n', "\n{\"id\": 1}\n\u{0}\n", 1)).unwrap();
    for command in ["stories", "replay"] {
        let printed = output(&[command, bad.to_str().unwrap()]);
        assert_eq!(printed.status.code(), Some(1), "{printed:?}");
        let said = String::from_utf8_lossy(&printed.stderr);
        assert!(said.contains("bad.jsonl:2: not a document") && said.contains("bad.jsonl:3: not a document"), "{said}");
    }
    assert_eq!(output(&["stories", bad.to_str().unwrap()]).stdout, expected.stdout);

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(whole.as_bytes()).unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.truncate(bytes.len() / 2);
    let cut = folder.path().join("cut.jsonl.gz");
    std::fs::write(&cut, bytes).unwrap();
    let printed = output(&["stories", cut.to_str().unwrap()]);
    assert_eq!(printed.status.code(), Some(1), "{printed:?}");
    assert!(String::from_utf8_lossy(&printed.stderr).contains("cut.jsonl.gz: "), "{printed:?}");
    assert!(expected.stdout.starts_with(&printed.stdout) && !printed.stdout.is_empty());
}

#[test]
fn stories_prints_a_line_for_each_document() {
    let folder = tempfile::tempdir().unwrap();
    let printed = output(&["stories", archive(folder.path()).to_str().unwrap()]);
    let lines = json_lines(&printed.stdout);
    assert_eq!(lines.len(), ARCHIVED);
    check_schema("story", &lines);
}
