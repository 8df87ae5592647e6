//! Problems and results as people read them: problems with their line on a terminal and one a line elsewhere, results as a table.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};
use terminal_size::{Width, terminal_size};

use crate::config::Problem;

use super::online::Tried;

/// Columns where the terminal does not say, and fewest and most that are used.
const WIDTH: (usize, usize, usize) = (96, 40, 120);

/// How problems are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// One a line, for programs and logs.
    Lines,
    /// With the line of the config, in these columns, in colours or without.
    Graphic {
        /// Columns.
        width: usize,
        /// Whether there are colours.
        has_colours: bool,
    },
}

impl Look {
    /// What suits standard error. Who wants no colours (<https://no-color.org>) still has a terminal.
    pub(super) fn of(is_terminal: bool) -> Self {
        if !is_terminal {
            return Self::Lines;
        }
        let width = terminal_size().map_or(WIDTH.0, |(Width(columns), _)| usize::from(columns));
        let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self::Graphic { width: width.clamp(WIDTH.1, WIDTH.2), has_colours }
    }
}

/// All problems, and on a terminal their number.
pub(super) fn problems(problems: &[Problem], look: Look) -> String {
    let Look::Graphic { width, has_colours } = look else {
        return problems.iter().map(|problem| [problem.to_string(), "\n".to_owned()].concat()).collect();
    };
    let theme = if has_colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
    let mut drawn = String::new();
    for problem in problems {
        // A string takes every write; what could not be drawn is said plainly.
        if handler.render_report(&mut drawn, &Drawn(problem)).is_err() {
            drawn.extend([problem.to_string().as_str(), "\n"]);
        }
    }
    let plural = if problems.len() == 1 { "" } else { "s" };
    format!("{drawn}\n{} problem{plural}\n", problems.len())
}

/// A problem as miette wants it; its one line stands for the whole file.
#[derive(Debug)]
struct Drawn<'a>(&'a Problem);

impl Drawn<'_> {
    /// Bytes of the line before the problem, and of the value there.
    fn span(&self) -> (usize, usize) {
        let line = &self.0.excerpt;
        let start = line.char_indices().nth(self.0.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        let value = line.get(start..).unwrap_or_default();
        let end = value.find(" #").unwrap_or(value.len());
        (start, value.get(..end).unwrap_or_default().trim_end().len())
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { file, line, key, what, .. } = self.0;
        if *line == 0 { write!(f, "{file}: {key}: {what}") } else { write!(f, "{key}: {what}") }
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let accepted = &self.0.accepted;
        (!accepted.is_empty()).then(|| Box::new(format!("accepted: {accepted}")) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (self.0.line > 0).then_some(self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = LabeledSpan::new_with_span(Some("here".to_owned()), self.span());
        (self.0.line > 0).then(|| Box::new(std::iter::once(span)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

impl SourceCode for Drawn<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Problem { file, line, column, excerpt, .. } = self.0;
        // Without lines around it the span alone is wanted, with them the whole line.
        let is_span = lines_before == 0 && lines_after == 0;
        let whole = SourceSpan::from((0, excerpt.len()));
        let (span, column) = if is_span { (*span, column.saturating_sub(1)) } else { (whole, 0) };
        let bytes =
            excerpt.as_bytes().get(span.offset()..span.offset() + span.len()).ok_or(MietteError::OutOfBounds)?;
        Ok(Box::new(MietteSpanContents::new_named(file.clone(), bytes, span, line - 1, column, 1)))
    }
}

/// Results as a table. What others wrote into them cannot act on the terminal.
pub(super) fn table(results: &[Tried]) -> String {
    let cells: Vec<[String; 3]> = results
        .iter()
        .map(|tried| {
            [tried.what.clone(), if tried.is_good { "good" } else { "FAILED" }.to_owned(), visible(&tried.answer)]
        })
        .collect();
    let widest = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (first, second) = (widest(0), widest(1));
    let row = |[what, verdict, answer]: &[String; 3]| format!("{what:first$}  {verdict:second$}  {answer}");
    cells.iter().map(row).flat_map(|row| [row, "\n".to_owned()]).collect()
}

/// The text with everything escaped that is not seen as it is.
fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\'' | '"' | '\\' => character.to_string(),
            other => other.escape_debug().to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize) -> Problem {
        Problem {
            file: if line == 0 { "environment" } else { "g.toml" }.to_owned(),
            line,
            column: if line == 0 { 0 } else { 17 },
            key: "intake.poll_interval".to_owned(),
            what: "has no unit".to_owned(),
            accepted: "\"5m\"".to_owned(),
            excerpt: if line == 0 { "" } else { "poll_interval = 300 # often" }.to_owned(),
        }
    }

    #[test]
    fn a_problem_is_drawn_with_its_line() {
        let look = Look::Graphic { width: 80, has_colours: false };
        let drawn = problems(&[problem(7), problem(0)], look);
        assert!(drawn.contains("[g.toml:7:17]") && drawn.contains("7 │ poll_interval = 300 # often"), "{drawn}");
        assert!(drawn.contains("intake.poll_interval: has no unit") && drawn.contains("accepted: \"5m\""), "{drawn}");
        assert!(drawn.contains("environment: intake.poll_interval") && drawn.ends_with("\n2 problems\n"), "{drawn}");
        assert!(!drawn.contains('\u{1b}'), "{drawn:?}");
        assert!(problems(&[problem(7)], Look::Graphic { width: 80, has_colours: true }).contains('\u{1b}'));
        assert_eq!(
            problems(&[problem(7)], Look::Lines),
            "g.toml:7:17: intake.poll_interval: has no unit (accepted: \"5m\")\n"
        );
    }

    #[test]
    fn results_cannot_act_on_the_terminal() {
        let tried =
            |what: &str, is_good, answer: &str| Tried { what: what.to_owned(), is_good, answer: answer.to_owned() };
        let drawn = table(&[tried("feed a", true, "2 entries"), tried("sink desk", false, "\u{1b}[2J\u{202e}\"x\"")]);
        assert_eq!(drawn, "feed a     good    2 entries\nsink desk  FAILED  \\u{1b}[2J\\u{202e}\"x\"\n");
    }
}
