//! Rules that watch names: what passes, what the alert says of it, and what `explain` says of the rest.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Daemon, Entry, Feeds, json_lines, output, query, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);

/// The allegation names the company, the answer does not.
fn serve(feeds: &Feeds) {
    feeds.add(
        "/a",
        Entry::new(
            "leak",
            "Bank governor accuses finance minister",
            "Central bank governor Henrik Solder on Tuesday accused Finance Minister Karla Witt of leaking an interest rate decision to a \
             hedge fund two hours before it was published.",
        ),
    );
    feeds.add(
        "/a",
        Entry::new(
            "ferry",
            "Regulator speaks of ferries",
            "The Maritime Safety Authority on Tuesday accused ferry operator Corvane Lines of concealing failed inspections of three \
             ferries. Its lawyer Marta Ilves denied the accusation on Wednesday.",
        ),
    );
}

fn alerts(folder: &Path) -> Vec<Value> {
    json_lines(&std::fs::read(folder.join("alerts.jsonl")).unwrap_or_default())
}

#[test]
fn a_watched_name_passes_with_what_answers_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    serve(&feeds);
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], None);
    let mut text = std::fs::read_to_string(&config).unwrap();
    text += "[[sink]]\nname = \"desk\"\ntype = \"jsonl\"\npath = \"alerts.jsonl\"\n";
    text += "[[rule]]\nname = \"ferries\"\nwatch = [\"corvane  LINES\", \"Nebenzia\"]\nconfidence_min = 0\n";
    write!(text, "[[rule]]\nname = \"elsewhere\"\noutlets = [\"Nowhere\"]\nspeakers = [\"Solder\"]\n").unwrap();
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("the claims", MINUTE, || {
        !alerts(folder.path()).is_empty()
            && query(folder.path(), "SELECT id FROM claim WHERE proposition LIKE '%interest rate%'").len() == 1
    });
    assert_eq!(daemon.stop().0, Some(0));
    let found = alerts(folder.path());
    for alert in &found {
        assert_eq!(alert["watched"], serde_json::json!(["corvane  LINES"]), "{alert}");
        assert_eq!(alert["rules"], serde_json::json!(["ferries"]));
        let reasons = alert["priority"]["reasons"].as_array().unwrap();
        assert!(reasons.contains(&"on a watch list: corvane  LINES".into()), "{alert}");
    }
    let types: Vec<&str> = found.iter().map(|alert| alert["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["denial.new"], "the denial, which names nobody, speaks for both");

    let leak = query(folder.path(), "SELECT id FROM claim WHERE proposition LIKE '%interest rate%'");
    let said = output(&["explain", &leak[0], "-c", config.to_str().unwrap(), "--json"]);
    let said = String::from_utf8(said.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "no rule lets it through",
        "ferries: no name on watch is in the claim, its headline, what it answers or its thread",
        "elsewhere: outlets does not name Outlet a",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let alert = found[0]["id"].as_str().unwrap();
    let said = output(&["explain", alert, "-c", config.to_str().unwrap(), "--json"]);
    assert!(String::from_utf8(said.stdout).unwrap().contains("corvane  LINES"));
}

#[test]
fn a_replay_tries_a_watch_list_out() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gainsay.toml");
    std::fs::write(&config, "[[rule]]\nname = \"r\"\nwatch = [\"Witt\"]\n").unwrap();
    let archive = folder.path().join("a.jsonl");
    let line = |id: &str, text: &str| {
        let line = serde_json::json!({"id": id, "outlet": "A", "published": "2024-11-02T09:00:00Z", "title": id, "text": text});
        format!("{line}\n")
    };
    let leak = "Central bank governor Henrik Solder on Tuesday accused Finance Minister Karla Witt of leaking an interest rate decision.";
    let quota =
        "Prosecutors on Friday accused banker Odile Wittmann of selling fishing quotas to smugglers from the north.";
    std::fs::write(&archive, line("one", leak) + &line("two", quota)).unwrap();
    let replay = |more: &[&str]| {
        let done = output(&[&["replay", archive.to_str().unwrap()], more].concat());
        json_lines(&done.stdout).iter().map(|alert| alert["watched"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(replay(&["-c", config.to_str().unwrap()]), ["[\"Witt\"]"]);
    assert_eq!(replay(&[]).len(), 2);
}

/// Who heard of an allegation and its denial hears of what comes of them, in whatever words.
#[test]
fn what_follows_in_a_thread_passes_where_its_beginning_did() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gainsay.toml");
    std::fs::write(&config, "[[rule]]\nname = \"r\"\nwatch = [\"Corvane\"]\nconfidence_min = 0\n").unwrap();
    let matter = "concealing failed inspections of three ferries";
    let documents = [
        (
            "Corvane under fire",
            format!(
                "HARWICK, March 4 - The Maritime Safety Authority on Tuesday accused a ferry operator of {matter}. Director Marta Ilves on \
                 Wednesday denied {matter} in the harbour of Harwick."
            ),
        ),
        (
            "Director speaks",
            format!(
                "HARWICK, March 6 - Director Marta Ilves on Friday admitted {matter} in the harbour of Harwick. The weather was fine and \
                 many people came to the shore."
            ),
        ),
        (
            "Another day at court",
            format!(
                "HARWICK, March 7 - Director Marta Ilves has not denied {matter} in the harbour of Harwick, a court clerk said."
            ),
        ),
    ];
    let mut lines = String::new();
    for (number, (title, text)) in documents.into_iter().enumerate() {
        let published = format!("2024-11-0{}T09:00:00Z", number + 2);
        let line =
            serde_json::json!({"id": title, "outlet": title, "title": title, "published": published, "text": text});
        writeln!(lines, "{line}").unwrap();
    }
    let archive = folder.path().join("a.jsonl");
    std::fs::write(&archive, lines).unwrap();
    let done = output(&["replay", "-c", config.to_str().unwrap(), archive.to_str().unwrap()]);
    let alerts = json_lines(&done.stdout);
    let types: Vec<&str> = alerts.iter().map(|alert| alert["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["denial.new", "claim.confirmed", "thread.contradiction"]);
    assert!(alerts.iter().all(|alert| alert["watched"] == serde_json::json!(["Corvane"])), "{alerts:?}");
}
