//! Filter expressions in CEL, the Common Expression Language: text in, a checked expression that says yes or no to a claim out.
//!
//! The parser knows no types, so `check` finds wrong ones, and names that mean nothing, when the config is read. What is left to fail
//! on a claim is arithmetic and the like; the rule then lets the claim through.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cel::extractors::This;
use cel::parser::{Expression, ParseError};
use cel::{Context, Env, Value};
use regex::Regex;

use super::check::check;
use super::known::Known;

/// Characters of an expression. With the depth it bounds what reading one may take.
pub const EXPRESSION_CHARACTERS_MAX: usize = 1_000;
/// Brackets within brackets.
const DEPTH_MAX: u16 = 24;
/// Characters that are shown of why an expression failed.
const FAILURE_CHARACTERS_MAX: usize = 200;

/// Something that is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte of the expression at which it is.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right; empty where `what` says it all.
    pub accepted: String,
    /// A name that means nothing, and the names that do.
    pub unknown: Option<(String, Vec<&'static str>)>,
}

impl Fault {
    /// A fault at this byte.
    pub(super) fn new(at: usize, what: impl Into<String>, accepted: impl Into<String>) -> Self {
        Self { at, what: what.into(), accepted: accepted.into(), unknown: None }
    }
}

/// An expression that is sound. Two are equal where their texts are.
#[derive(Clone)]
pub struct Filter(Arc<Compiled>);

struct Compiled {
    text: String,
    expression: Expression,
    env: Arc<Env>,
    /// What `heard` asks for, in the order of the text.
    names: Vec<String>,
    /// By their text, what `matches` looks for.
    patterns: Arc<BTreeMap<String, Regex>>,
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    /// Everything that is wrong with it; never empty.
    pub fn new(text: &str) -> Result<Self, Vec<Fault>> {
        let count = text.chars().count();
        if text.trim().is_empty() || count > EXPRESSION_CHARACTERS_MAX {
            let what = if count > 0 && !text.trim().is_empty() {
                format!("has {count} characters")
            } else {
                "is empty".to_owned()
            };
            return Err(vec![Fault::new(
                0,
                what,
                format!("an expression of 1 to {EXPRESSION_CHARACTERS_MAX} characters"),
            )]);
        }
        // Without the syntax and functions of optional values, which nothing here has.
        let env = Arc::new(Env::default().with_optional_support(false).with_stdlib());
        let parser = cel::parser::Parser::new().max_recursion_depth(DEPTH_MAX);
        let (expression, places) =
            parser.parse_with_source_info(text).map_err(|errors| syntax(text, errors.errors.first()))?;
        let found = check(&expression, &places)?;
        let (names, patterns) = (found.names, Arc::new(found.patterns));
        let filter = Self(Arc::new(Compiled { text: text.to_owned(), expression, env, names, patterns }));
        filter.try_out()?;
        Ok(filter)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The names that it asks `heard` for, in the order of the text.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Whether it is true of a claim; `heard` says for each of [`Filter::names`] whether that is in it.
    ///
    /// # Errors
    /// In words, why it is neither true nor false.
    pub fn holds(&self, known: &Known<'_>, heard: &[bool]) -> Result<bool, String> {
        let mut context = Context::with_env(Arc::clone(&self.0.env));
        context.set_variable_resolver(known);
        let heard: BTreeMap<String, bool> = self.0.names.iter().cloned().zip(heard.iter().copied()).collect();
        let patterns = Arc::clone(&self.0.patterns);
        let is_heard = move |name: Arc<String>| heard.get(name.as_str()).copied().unwrap_or_default();
        let matches = move |This(text): This<Arc<String>>, pattern: Arc<String>| {
            patterns.get(pattern.as_str()).is_some_and(|pattern| pattern.is_match(&text))
        };
        context.add_function("heard", is_heard).map_err(|error| failure(&error))?;
        context.add_function("matches", matches).map_err(|error| failure(&error))?;
        match Value::resolve(&self.0.expression, &context) {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(_) => Err("it is neither true nor false".to_owned()),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Fails where it fails on a claim of which all is known, or nothing.
    fn try_out(&self) -> Result<(), Vec<Fault>> {
        let topics = ["politics".to_owned(), "business".to_owned()];
        let heard = vec![false; self.0.names.len()];
        for (known, whose) in
            [(Known::sample(&topics), "a sample claim"), (Known::nothing(), "a claim of which little is known")]
        {
            if let Err(error) = self.holds(&known, &heard) {
                return Err(vec![Fault::new(0, format!("fails on {whose}: {error}"), "")]);
            }
        }
        Ok(())
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Filter {}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.0.text).finish()
    }
}

/// Why an expression failed, short.
fn failure(error: &dyn fmt::Display) -> String {
    error.to_string().chars().take(FAILURE_CHARACTERS_MAX).collect()
}

/// The first of the parser's errors: the others follow from it.
fn syntax(text: &str, error: Option<&ParseError>) -> Vec<Fault> {
    let message = error.map_or("", |error| error.msg.as_str());
    let (line, column) = error.map_or((1, 1), |error| error.pos);
    let at = offset(text, line, column);
    if message.contains("Recursion limit") {
        return vec![Fault::new(0, "is nested too deeply", format!("at most {DEPTH_MAX} brackets in one another"))];
    }
    let message =
        message.strip_prefix("Syntax error: ").unwrap_or(message).escape_debug().to_string().replace("\\'", "'");
    let (what, _) = message.split_once(" expecting ").unwrap_or((&message, ""));
    let accepted = "a CEL expression such as 'kind == \"denial\" && confidence > 0.8'";
    vec![Fault::new(at, what.replace("'<EOF>'", "end"), accepted)]
}

/// The byte at a line and column, both from 1.
fn offset(text: &str, line: isize, column: isize) -> usize {
    let (line, column) = (usize::try_from(line - 1).unwrap_or(0), usize::try_from(column - 1).unwrap_or(0));
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests;
