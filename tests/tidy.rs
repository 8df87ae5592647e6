//! Keeps the house in order: the arrows between modules, the purity of the core, sizes and headers of files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that fails should say where"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gainsay::config::DEFAULT_TOML;
use gainsay::model::{AlertType, Kind};

/// Modules of the pure core: what can be replayed, fuzzed and simulated.
const CORE: [&str; 8] = ["model", "text", "dedup", "extract", "link", "pipeline", "rule", "route"];
/// Modules that talk to the world; they meet the core only in the modules that are in neither list.
const EDGES: [&str; 4] = ["config", "intake", "store", "sink"];
/// Which modules of the crate each module may import, besides itself.
const ARROWS: [(&str, &[&str]); 16] = [
    ("model", &[]),
    ("guard", &[]),
    ("failpoint", &[]),
    ("text", &["model"]),
    ("dedup", &["model", "text"]),
    ("extract", &["model", "text"]),
    ("link", &["model", "text"]),
    ("pipeline", &["model", "text", "dedup", "extract", "link", "contract"]),
    ("rule", &["model", "text"]),
    ("route", &["model", "text", "rule"]),
    ("config", &["model", "rule", "template", "guard"]),
    ("intake", &["model", "config", "clock", "guard", "http", "json"]),
    ("store", &["model", "text", "failpoint"]),
    ("sink", &["model", "config", "clock", "guard", "http", "json", "failpoint"]),
    ("template", &["model", "json"]),
    ("web", &["telemetry", "intake"]),
];
/// What the core may not name: I/O, time, environment, randomness, tasks.
const IMPURE: [&str; 16] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "axum",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "Timestamp::now",
    "fastrand",
    "std::io",
    "println!",
    "RandomState",
];
/// Lines of code in a file that need no question, tests left out.
const LINES_MAX: usize = 800;

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "found only {} files", paths.len());
    paths
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The top-level module a file belongs to.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file without its unit tests and comments.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test_file(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_string_lossy().trim_end_matches(".rs") == "tests")
}

#[track_caller]
fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn arrows_between_modules_run_one_way() {
    let mut problems = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test_file(path)) {
        let from = module(path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == from) else { continue };
        for part in code(text).split("crate::").skip(1) {
            let to: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if to != from && !to.is_empty() && !allowed.contains(&to.as_str()) {
                problems.push(format!("{}: {from} may not import {to}", path.display()));
            }
        }
    }
    report(&problems);
}

#[test]
fn every_arrow_is_for_a_module_that_exists() {
    let modules: Vec<String> = sources().iter().map(|(path, _)| module(path)).collect();
    for name in CORE.iter().chain(&EDGES) {
        assert!(modules.iter().any(|module| module == name), "no module {name}");
        assert!(ARROWS.iter().any(|(from, _)| from == name), "no arrows for {name}");
    }
}

#[test]
fn the_core_is_pure() {
    let mut problems = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| CORE.contains(&module(path).as_str())) {
        let code = code(text);
        for word in IMPURE.iter().filter(|word| code.contains(**word)) {
            problems.push(format!("{}: the core may not use {word}", path.display()));
        }
    }
    report(&problems);
}

#[test]
fn files_open_with_a_sentence_and_stay_small() {
    let mut problems = Vec::new();
    for (path, text) in &sources() {
        if !text.starts_with("//! ") {
            problems.push(format!("{}: does not open with a `//!` sentence", path.display()));
        }
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        if lines > LINES_MAX && !is_test_file(path) {
            problems.push(format!("{}: {lines} lines", path.display()));
        }
        let stem = path.file_stem().unwrap().to_string_lossy();
        if ["utils", "util", "helpers", "common", "misc"].contains(&stem.as_ref()) {
            problems.push(format!("{}: say what is in it", path.display()));
        }
    }
    report(&problems);
}

#[test]
fn tables_are_cited_where_they_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/lexicon");
    let all: String = sources().into_iter().map(|(_, text)| text).collect();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(all.contains(&name), "config/lexicon/{name} is read nowhere");
    }
}

/// Who waits for an alert that never comes must be told so.
#[test]
fn alert_types_that_are_never_sent_are_named_in_the_default_config() {
    let makers: String = sources()
        .iter()
        .filter(|(path, _)| ["intake", "pipeline"].contains(&module(path).as_str()) && !is_test_file(path))
        .map(|(_, text)| code(text))
        .collect();
    // New claims give theirs by their kind; a digest is made of alerts by `route::budget`, and no rule names it.
    let is_of_claim = |alert_type: &AlertType| Kind::ALL.iter().any(|kind| AlertType::of_new(*kind) == *alert_type);
    let is_sent = |alert_type: &AlertType| {
        *alert_type == AlertType::Digest
            || is_of_claim(alert_type)
            || makers.contains(&format!("AlertType::{alert_type:?}"))
    };
    let unsent: Vec<&str> =
        AlertType::ALL.iter().filter(|alert_type| !is_sent(alert_type)).map(|alert_type| alert_type.as_str()).collect();
    let told = DEFAULT_TOML.split_once("Not yet sent: ").and_then(|(_, rest)| rest.split_once(".\n"));
    let told = told.map(|(told, _)| told.replace("\n#", "")).unwrap_or_default();
    assert_eq!(told.split(", ").filter(|name| !name.is_empty()).collect::<Vec<_>>(), unsent);
}

/// What the README tells a newcomer to write into `gainsay.toml` must be a config.
#[test]
fn the_readmes_config_is_one() {
    let readme = include_str!("../README.md");
    let example = readme.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let surroundings = gainsay::config::Surroundings {
        folder: Path::new(""),
        env: &|_| Some("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz".to_owned()),
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let config = gainsay::config::parse(example, "README.md", &surroundings).unwrap();
    assert!(config.ensure_feeds().is_ok());
}

/// Every example of a config in the README and the book is one that `gainsay` takes, and names no key that is gone.
#[test]
fn the_books_configs_are_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> =
        fs::read_dir(root.join("docs/src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(root.join("README.md"));
    pages.sort();
    let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    // The key that another one takes the place of.
    let old = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZA==";
    let held = |name: &str| match name.to_lowercase() {
        name if name.contains("old") => old,
        name if name.contains("secret") => secret,
        _ => "https://chat.example/topic",
    };
    let surroundings = gainsay::config::Surroundings {
        folder: Path::new(""),
        env: &|name| Some(held(name).to_owned()),
        read: &|path| match path.extension().and_then(|ending| ending.to_str()) {
            Some("jinja") => {
                let page = fs::read_to_string(root.join("docs/src/recipes.md")).unwrap();
                Ok(page.split_once("```jinja\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0.to_owned())
            }
            _ => Ok(held(&path.to_string_lossy()).to_owned()),
        },
    };
    let mut found = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|ending| ending == "md")) {
        let text = fs::read_to_string(page).unwrap();
        for example in text.split("```toml\n").skip(1) {
            let example = example.split_once("```").unwrap().0;
            let read = gainsay::config::parse(example, &page.display().to_string(), &surroundings);
            assert!(read.is_ok(), "{}\n{example}", read.unwrap_err());
            found += 1;
        }
    }
    assert!(found >= 8, "only {found} examples");
}

/// The arguments of a macro call, split where commas stand outside of brackets and strings; `rest` begins behind `(`.
fn arguments(rest: &str) -> Vec<String> {
    let (mut depth, mut is_string, mut is_escaped) = (0, false, false);
    let mut found = vec![String::new()];
    for character in rest.chars() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_string = !is_string,
            _ if is_string => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(character);
    }
    found.into_iter().map(|argument| argument.trim().to_owned()).collect()
}

/// Programs read the log by its fields: each one is in the documented table, and each of the table is still used.
#[test]
fn the_fields_of_the_log_are_those_that_are_documented() {
    let documented: BTreeSet<&str> = gainsay::telemetry::FIELDS.iter().map(|(name, _)| *name).collect();
    let mut used = BTreeSet::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test_file(path)) {
        let code = code(text);
        for level in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
            for rest in code.split(level).skip(1) {
                for argument in arguments(rest).iter().filter(|argument| !argument.starts_with('"')) {
                    let name = argument.split(" = ").next().unwrap().trim_start_matches(['%', '?']);
                    if !name.is_empty() {
                        used.insert(name.to_owned());
                        assert!(documented.contains(name), "{}: the field {name:?} is in no table", path.display());
                    }
                }
            }
        }
    }
    let unused: Vec<&&str> = documented.iter().filter(|name| !used.contains(**name)).collect();
    assert!(unused.is_empty(), "fields that are never logged: {unused:?}");
}
