//! The reader of TOML tables: decodes keys one by one, and reports every problem with its place instead of stopping at the first.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::excerpt::excerpt;
use super::layers::{Origin, Setting};
use super::problem::Problem;
use super::units::{parse_duration, parse_size, show_duration, show_size};

/// How alike two words must be for "did you mean", 0 to 1.
const LIKENESS_MIN: f64 = 0.8;

/// A value that cannot be used.
#[derive(Debug)]
pub(super) struct Wrong {
    what: String,
    accepted: String,
}

impl Wrong {
    /// What is wrong, and what would be right.
    pub(super) fn new(what: impl Into<String>, accepted: impl Into<String>) -> Self {
        Self { what: what.into(), accepted: accepted.into() }
    }

    /// The same where more would be right.
    pub(super) fn accepting(self, accepted: impl Into<String>) -> Self {
        Self { accepted: accepted.into(), ..self }
    }

    fn kind(value: &DeValue<'_>, accepted: impl Into<String>) -> Self {
        let what = match value {
            DeValue::String(_) => "is a string",
            DeValue::Integer(_) | DeValue::Float(_) => "is a number",
            DeValue::Boolean(_) => "is true or false",
            DeValue::Datetime(_) => "is a date",
            DeValue::Array(_) => "is a list",
            DeValue::Table(_) => "is a table",
        };
        Self::new(what, accepted)
    }
}

/// Collects problems of one file and of what is set over it, and where each value comes from.
pub(super) struct Report<'a> {
    file: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
    /// Values from outside the file by path of their key, lowest layer first.
    pub(super) settings: BTreeMap<String, Vec<Setting<'a>>>,
    origins: RefCell<BTreeMap<String, Origin>>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// At this byte of the file.
    File(usize),
    /// Outside the file.
    Outside(&'a Origin),
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            file,
            text,
            line_starts,
            problems: RefCell::default(),
            settings: BTreeMap::new(),
            origins: RefCell::default(),
        }
    }

    /// Notes a problem at this byte of the file.
    pub(super) fn add(&self, at: usize, key: impl Into<String>, wrong: Wrong) {
        let line = self.line(at);
        let line_start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(line_start..at).map_or(1, |before| before.chars().count() + 1);
        let key = key.into();
        let quoted = self.text.get(line_start..).and_then(|rest| rest.lines().next());
        // Headers have names of the user's, by which no secret can be told.
        let excerpt = quoted.map(|line| excerpt(line, key.contains(".headers"))).unwrap_or_default();
        let problem = Problem {
            file: self.file.to_owned(),
            line,
            column,
            key,
            what: wrong.what,
            accepted: wrong.accepted,
            excerpt,
        };
        self.problems.borrow_mut().push(problem);
    }

    /// Notes a problem with what stands in no file: `layer` is the environment or the command line.
    pub(super) fn add_outside(&self, layer: &str, key: &str, wrong: Wrong) {
        let Wrong { what, accepted } = wrong;
        let (file, key, excerpt) = (layer.to_owned(), key.escape_debug().to_string(), String::new());
        self.problems.borrow_mut().push(Problem { file, line: 0, column: 0, key, what, accepted, excerpt });
    }

    fn add_at(&self, place: Place<'_>, key: String, wrong: Wrong) {
        match place {
            Place::File(at) => self.add(at, key, wrong),
            Place::Outside(Origin::Environment { variable }) => self.add_outside("environment", variable, wrong),
            Place::Outside(_) => self.add_outside("command line", &format!("--set {key}"), wrong),
        }
    }

    fn note_origin(&self, place: Place<'_>, key: String) {
        let origin = match place {
            Place::File(at) => Origin::File { line: self.line(at) },
            Place::Outside(origin) => origin.clone(),
        };
        self.origins.borrow_mut().insert(key, origin);
    }

    /// Where the value of each key comes from that is set anywhere.
    pub(super) fn origins(&self) -> BTreeMap<String, Origin> {
        self.origins.borrow().clone()
    }

    /// The line of this byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at).max(1)
    }

    /// The problems, in the order of the file; those of what stands in no file come last.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line == 0, problem.line, problem.column));
        problems
    }
}

/// One table of the file while it is read: every key that is asked for is known, all others are problems.
pub(super) struct Section<'a> {
    report: &'a Report<'a>,
    table: Option<&'a DeTable<'a>>,
    path: String,
    at: usize,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(report: &'a Report<'a>, table: &'a DeTable<'a>) -> Self {
        Self { report, table: Some(table), path: String::new(), at: 0, known: Vec::new() }
    }

    /// The table under `key`; empty where it is absent.
    pub(super) fn table(&mut self, key: &'static str) -> Section<'a> {
        let found = self.find(key);
        let path = self.path_of(key);
        let (table, at) = match found.map(|value| (value.get_ref(), value.span().start)) {
            Some((DeValue::Table(table), at)) => (Some(table), at),
            Some((other, at)) => {
                let header: String = path.split(['[', ']']).step_by(2).collect();
                self.report.add(at, path.clone(), Wrong::kind(other, format!("a table, written [{header}]")));
                (None, at)
            }
            None => (None, self.at),
        };
        Section { report: self.report, table, path, at, known: Vec::new() }
    }

    /// The tables written `[[key]]`, in order.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let path = self.path_of(key);
        let accepted = format!("tables, each written [[{path}]]");
        let DeValue::Array(list) = value.get_ref() else {
            self.report.add(value.span().start, path, Wrong::kind(value.get_ref(), accepted));
            return Vec::new();
        };
        if !self.path.is_empty() {
            // Of a list within a table it is shown where it comes from.
            self.report.note_origin(Place::File(value.span().start), path.clone());
        }
        let mut sections = Vec::new();
        for (number, entry) in list.iter().enumerate() {
            let path = format!("{path}[{}]", number + 1);
            let at = entry.span().start;
            if let DeValue::Table(table) = entry.get_ref() {
                sections.push(Section { report: self.report, table: Some(table), path, at, known: Vec::new() });
            } else {
                self.report.add(at, path, Wrong::kind(entry.get_ref(), accepted.clone()));
            }
        }
        sections
    }

    /// The value under `key`, or nothing where it is absent or wrong (which is reported). Of several layers the highest counts,
    /// but what is wrong in a lower one is reported too.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        mut decode: impl FnMut(&DeValue<'_>) -> Result<T, Wrong>,
    ) -> Option<T> {
        let mut decoded = None;
        for (place, value) in self.values(key) {
            match decode(value) {
                Ok(value) => {
                    self.report.note_origin(place, self.path_of(key));
                    decoded = Some(value);
                }
                Err(wrong) => self.report.add_at(place, self.path_of(key), wrong),
            }
        }
        decoded
    }

    /// As `read`, and an absent key is a problem.
    pub(super) fn require<T>(
        &mut self,
        key: &'static str,
        accepted: &str,
        decode: impl FnMut(&DeValue<'_>) -> Result<T, Wrong>,
    ) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            self.report.add(self.at, self.path_of(key), Wrong::new("is missing", accepted));
            return None;
        }
        self.read(key, decode)
    }

    /// The list under `key`; each wrong element is reported with its own place.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        accepted: &str,
        decode: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let path = self.path_of(key);
        let mut found = None;
        for (place, value) in self.values(key) {
            let DeValue::Array(list) = value else {
                let wrong = Wrong::kind(value, format!("a list of {accepted}"));
                self.report.add_at(place, path.clone(), wrong);
                continue;
            };
            let mut decoded = Vec::new();
            for (number, element) in list.iter().enumerate() {
                let place = match place {
                    Place::File(_) => Place::File(element.span().start),
                    Place::Outside(_) => place,
                };
                match decode(element.get_ref()) {
                    Ok(one) => decoded.push(one),
                    Err(wrong) => self.report.add_at(place, format!("{path}[{}]", number + 1), wrong),
                }
            }
            self.report.note_origin(place, path.clone());
            found = Some(decoded);
        }
        found
    }

    /// The values under `key`, lowest layer first.
    fn values(&mut self, key: &'static str) -> Vec<(Place<'a>, &'a DeValue<'a>)> {
        let in_file = self.find(key).map(|value| (Place::File(value.span().start), value.get_ref()));
        let outside = self.report.settings.get(&self.path_of(key)).into_iter().flatten();
        in_file.into_iter().chain(outside.map(|setting| (Place::Outside(&setting.origin), &setting.value))).collect()
    }

    /// Whether the file has this key here.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Whether the file has an empty list here.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        let value = self.table.and_then(|table| table.get(key));
        value.and_then(|value| value.get_ref().as_array()).is_some_and(|list| list.is_empty())
    }

    /// Notes a problem with the section itself, at its head.
    pub(super) fn problem(&self, wrong: Wrong) {
        self.report.add(self.at, self.path.clone(), wrong);
    }

    /// Notes a problem with a part of the text under `key`, at this byte of it.
    pub(super) fn problem_within(&self, key: &str, text: &str, at: usize, wrong: Wrong) {
        let span = self.table.and_then(|table| table.get(key)).map(Spanned::span).unwrap_or(self.at..self.at);
        // Where the file writes the text with escapes, only its beginning can be told.
        let written = self.report.text.get(span.clone()).unwrap_or_default();
        let place = written.find(text).map_or(span.start, |begin| span.start + begin + at);
        self.report.add(place, self.path_of(key), wrong);
    }

    /// Byte of the file at which the value under `key` stands, or the section where it is absent.
    pub(super) fn place(&self, key: &str) -> usize {
        self.table.and_then(|table| table.get(key)).map_or(self.at, |value| value.span().start)
    }

    /// All entries of a table whose keys are the user's.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>)> {
        let entries = self.table.into_iter().flatten();
        if self.table.is_some() {
            self.report.note_origin(Place::File(self.at), self.path.clone());
        }
        entries.map(|(key, value)| {
            self.report.note_origin(Place::File(value.span().start), self.path_of(key.get_ref()));
            (key.get_ref().as_ref(), value.get_ref())
        })
    }

    /// Notes a problem with one of [`Section::entries`].
    pub(super) fn entry_problem(&self, key: &str, wrong: Wrong) {
        self.report.add(self.place(key), self.path_of(key), wrong);
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let mut accepted = self.known.clone();
        accepted.sort_unstable();
        for key in
            self.table.into_iter().flat_map(DeTable::keys).filter(|key| !accepted.contains(&key.get_ref().as_ref()))
        {
            let what = format!("is not a key here{}", did_you_mean(key.get_ref(), accepted.iter().copied()));
            self.report.add(key.span().start, self.path_of(key.get_ref()), Wrong::new(what, accepted.join(", ")));
        }
    }

    fn find(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table?.get(key)
    }

    fn path_of(&self, key: &str) -> String {
        // A key of the file may hold anything when it is quoted; shown escaped it cannot act on a terminal.
        let key = key.escape_debug();
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }
}

/// `, did you mean "x"?` for the most alike of the candidates, or nothing where none is alike.
pub(super) fn did_you_mean<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    most_alike(word, candidates).map_or_else(String::new, |candidate| format!(", did you mean {candidate:?}?"))
}

/// The most alike of the candidates, if one is alike.
pub(super) fn most_alike<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let lower = word.to_lowercase();
    candidates
        .map(|candidate| (strsim::jaro_winkler(&lower, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A string; `accepted` says which.
pub(super) fn string<'v>(value: &'v DeValue<'_>, accepted: &str) -> Result<&'v str, Wrong> {
    match value {
        DeValue::String(text) => Ok(text),
        other => Err(Wrong::kind(other, accepted)),
    }
}

/// True or false.
pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Wrong> {
    match value {
        DeValue::Boolean(truth) => Ok(*truth),
        other => Err(Wrong::kind(other, "true or false")),
    }
}

/// A duration with its unit, within the range.
pub(super) fn duration(value: &DeValue<'_>, range: RangeInclusive<Duration>) -> Result<Duration, Wrong> {
    let accepted = format!(
        "a string such as \"90s\", \"5m\" or \"7d\", from {} to {}",
        show_duration(*range.start()),
        show_duration(*range.end())
    );
    let text = match value {
        DeValue::Integer(number) => return Err(without_unit(&format!("{number}s"), "seconds", accepted)),
        other => string(other, &accepted)?,
    };
    match parse_duration(text) {
        Some(duration) if range.contains(&duration) => Ok(duration),
        Some(_) => Err(Wrong::new(format!("{text:?} is out of range"), accepted)),
        None => Err(Wrong::new(format!("{text:?} is not a duration"), format!("{accepted}; units ms, s, m, h, d"))),
    }
}

/// A size with its unit, within the range.
pub(super) fn size(value: &DeValue<'_>, range: RangeInclusive<u64>) -> Result<u64, Wrong> {
    let accepted = format!(
        "a string such as \"512KiB\" or \"5MiB\", from {} to {}",
        show_size(*range.start()),
        show_size(*range.end())
    );
    let text = match value {
        DeValue::Integer(number) => return Err(without_unit(&format!("{number}B"), "bytes", accepted)),
        other => string(other, &accepted)?,
    };
    match parse_size(text) {
        Some(size) if range.contains(&size) => Ok(size),
        Some(_) => Err(Wrong::new(format!("{text:?} is out of range"), accepted)),
        None => Err(Wrong::new(format!("{text:?} is not a size"), format!("{accepted}; units B, KiB, MiB, GiB"))),
    }
}

fn without_unit(written: &str, unit: &str, accepted: String) -> Wrong {
    Wrong::new(format!("has no unit; write \"{written}\" if {unit} are meant"), accepted)
}

/// A whole number within the range.
pub(super) fn count<N: TryFrom<i64>>(value: &DeValue<'_>, range: &RangeInclusive<i64>) -> Result<N, Wrong> {
    let accepted = format!("a whole number from {} to {}", range.start(), range.end());
    let DeValue::Integer(number) = value else { return Err(Wrong::kind(value, accepted)) };
    i64::from_str_radix(number.as_str(), number.radix())
        .ok()
        .filter(|number| range.contains(number))
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| Wrong::new(format!("{number} is out of range"), accepted))
}

/// A number within the range.
pub(super) fn fraction(value: &DeValue<'_>, range: &RangeInclusive<f64>) -> Result<f64, Wrong> {
    let accepted = format!("a number from {} to {}", range.start(), range.end());
    let written = match value {
        DeValue::Float(number) => number.as_str(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        other => return Err(Wrong::kind(other, accepted)),
    };
    match written.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Wrong::new(format!("{written} is out of range"), accepted)),
    }
}
