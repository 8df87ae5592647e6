//! The table of bad input in the book: each test that is part of it records its row here, and the row must stand in
//! `docs/src/bad_input.md`. `GAINSAY_WRITE_DOCS=1 cargo test --test integration bad_` writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const HEAD: &str = "# Bad input

<!-- Made by the tests: GAINSAY_WRITE_DOCS=1 cargo test --test integration bad_ -->

What gainsay says and does when what it is given cannot be used. Each row was seen by a test on the real program; `…` stands for the folder
and for what differs from run to run. [Operating](operating.md) explains the exit codes.
";

/// Sections of the page, in order.
const SECTIONS: [&str; 7] =
    ["The command line", "The config", "The database", "Feeds", "Sinks", "Lists of feeds", "Archives and output"];

/// One row: what was wrong, what was run, how it ended, what was said, what becomes of the data.
pub(crate) struct Row<'a> {
    pub(crate) section: &'a str,
    pub(crate) case: &'a str,
    pub(crate) run: &'a str,
    pub(crate) end: &'a str,
    pub(crate) said: &'a str,
    pub(crate) data: &'a str,
}

/// Tests run at once; the file is one.
static PAGE: Mutex<()> = Mutex::new(());

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/bad_input.md")
}

type Rows = BTreeMap<(usize, String), String>;

/// The rows of a page, by section and case.
fn rows(text: &str) -> Rows {
    let (mut found, mut section) = (Rows::new(), 0);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            section = SECTIONS.iter().position(|section| *section == name).unwrap();
        } else if let Some(row) = line.strip_prefix("| ").filter(|row| !row.starts_with("case |")) {
            found.insert((section, row.split(" | ").next().unwrap().to_owned()), line.to_owned());
        }
    }
    found
}

fn write(rows: &Rows) {
    let mut text = HEAD.to_owned();
    for (number, section) in SECTIONS.iter().enumerate() {
        let here: Vec<&str> = rows.iter().filter(|((at, _), _)| *at == number).map(|(_, row)| row.as_str()).collect();
        if !here.is_empty() {
            write!(text, "\n## {section}\n\n| case | run | end | what it says | what becomes of the data |\n|---|---|---|---|---|\n")
                .unwrap();
            for row in here {
                writeln!(text, "{row}").unwrap();
            }
        }
    }
    std::fs::write(page(), text).unwrap();
}

/// What was said, the same on every machine: without the test's folder, ports and times.
pub(crate) fn neutral(said: &str, folder: &Path) -> String {
    let text = said.trim().replace(&format!("{}/", folder.display()), "").replace(&folder.display().to_string(), "…");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("127.0.0.1:") {
        let (before, after) = rest.split_at(at + "127.0.0.1:".len());
        out += before;
        out.push('…');
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

/// Records the row, or holds it against the book.
#[track_caller]
pub(crate) fn record(row: &Row<'_>) {
    let section = SECTIONS.iter().position(|section| *section == row.section).unwrap();
    let cell = |text: &str| text.replace('|', "\\|");
    let said: Vec<String> = row.said.lines().map(|line| format!("`{}`", cell(&line.replace('`', "'")))).collect();
    let line =
        format!("| {} | `{}` | {} | {} | {} |", row.case, cell(row.run), row.end, said.join("<br>"), cell(row.data));
    let _one = PAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut known = rows(&std::fs::read_to_string(page()).unwrap_or_default());
    let key = (section, row.case.to_owned());
    if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
        known.insert(key, line);
        write(&known);
    } else {
        let stands = known.get(&key).map_or("nothing", String::as_str);
        assert_eq!(stands, line, "see the comment at the head of docs/src/bad_input.md");
    }
}

/// A row that no test records would be a claim without proof.
#[test]
fn bad_input_every_row_of_the_book_has_its_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration");
    let tests: String = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "matrix.rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let _one = PAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut known = rows(&std::fs::read_to_string(page()).unwrap());
    let is_tested = |case: &str| tests.contains(&format!("\"{case}\""));
    if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
        known.retain(|(_, case), _| is_tested(case));
        write(&known);
    }
    let orphans: Vec<&String> = known.keys().map(|(_, case)| case).filter(|case| !is_tested(case)).collect();
    assert!(orphans.is_empty() && known.len() >= 30, "{} rows, without a test: {orphans:?}", known.len());
}
