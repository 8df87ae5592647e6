//! A list as a file: JSON Lines or CSV, page after page while the client reads, so that no more than a page is held.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;

use super::lists::{self, Page};
use super::problem::Problem;
use super::query::Query;
use super::routes::LIMITS;
use super::table::{self, Column};
use super::{Read, Shared, look};

/// Pieces that wait for the client.
const PIECES_MAX: usize = 4;
/// What a spreadsheet takes for the beginning of a formula, in wide letters too.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
/// Items of a piece.
const PIECE: u32 = 200;
/// Time that one piece is read.
const PIECE_TIME: Duration = Duration::from_secs(20);

/// What the parameter `format` takes; JSON is no file.
pub(super) const FORMATS: &[&str] = &["json", "jsonl", "csv"];

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    JsonLines,
    Csv,
}

impl Form {
    /// The form that a request asks for; nothing where it wants no file.
    pub(super) fn of(query: &Query) -> Result<Option<Self>, Problem> {
        Ok(match query.one_of("format", FORMATS)?.first().map(String::as_str) {
            Some("jsonl") => Some(Self::JsonLines),
            Some("csv") => Some(Self::Csv),
            _ => None,
        })
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What the answer says of the file of a path.
    fn headers(self, path: &str) -> [(header::HeaderName, String); 2] {
        let name = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let ending = if self == Self::Csv { "csv" } else { "jsonl" };
        [
            (header::CONTENT_TYPE, self.content_type().to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"gainsay-{name}.{ending}\"")),
        ]
    }

    /// What stands before the items.
    fn head(self, columns: &[Column]) -> String {
        match self {
            Self::JsonLines => String::new(),
            Self::Csv => row(columns.iter().map(|(name, _)| (*name).to_owned())),
        }
    }

    /// The items of a page.
    fn piece(self, items: &[String], columns: &[Column]) -> String {
        let mut text = String::new();
        for item in items {
            match self {
                Self::JsonLines => {
                    text.push_str(item);
                    text.push('\n');
                }
                Self::Csv => {
                    let item: Value = serde_json::from_str(item).unwrap_or_default();
                    text.push_str(&row(columns.iter().map(|(_, place)| cell(item.pointer(place)))));
                }
            }
        }
        text
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        Some(other) => other.to_string(),
    }
}

/// A line as RFC 4180 has it. What a spreadsheet would take for a formula begins with an apostrophe.
fn row(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|text| {
        let is_number = text.parse::<f64>().is_ok();
        // Some look behind blanks.
        let is_formula = (text.starts_with(FORMULA) || text.trim_start().starts_with(FORMULA)) && !is_number;
        let text: String = text.chars().map(|c| if crate::json::is_invisible(c) { ' ' } else { c }).collect();
        let guard = if is_formula { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

/// A list that is read piece after piece.
struct Reading {
    shared: Arc<Shared>,
    read: Read,
    query: Query,
    cursor: Option<String>,
    /// Items that may still come.
    left: u64,
}

impl Reading {
    /// The next items; nothing is left after the last.
    async fn next(&mut self) -> Result<Vec<String>, Problem> {
        let (read, cursor) = (self.read, self.cursor.take());
        let size = u32::try_from(self.left.min(u64::from(PIECE))).unwrap_or(PIECE);
        let found = look(&self.shared, PIECE_TIME, self.query.clone(), String::new(), move |looking| {
            read(looking, cursor.as_deref(), size)
        });
        let Page { items, next } = found.await?;
        let is_last = next.is_none();
        self.left = if is_last { 0 } else { self.left.saturating_sub(items.len() as u64) };
        self.cursor = next;
        Ok(items)
    }
}

/// A list as a file. The first piece is read before the answer begins: what is wrong with the request is a problem like any other.
pub(super) async fn file(
    shared: Arc<Shared>,
    path: &'static str,
    read: Read,
    query: Query,
    form: Form,
) -> Result<Response, Problem> {
    let left = query.number("limit", (1, LIMITS.1))?.unwrap_or(LIMITS.1);
    let columns = table::columns(path);
    let cursor = query.text("cursor")?.map(str::to_owned);
    let mut reading = Reading { shared, read, query, cursor, left };
    let first = form.head(columns) + &form.piece(&reading.next().await?, columns);
    let (pieces, out) = mpsc::channel(PIECES_MAX);
    let work = async move {
        let mut text = first;
        // Who has gone needs no more.
        while pieces.send(Bytes::from(text)).await.is_ok() && reading.left > 0 {
            // What breaks off in the middle breaks the connection off: half a file must not look like a whole one.
            text = form.piece(&reading.next().await?, columns);
        }
        Ok(())
    };
    Ok((form.headers(path), body(Box::pin(work), out)).into_response())
}

/// Rows that are there as a file.
pub(super) fn whole(path: &str, form: Form, rows: &[Value]) -> Result<Response, Problem> {
    let columns = table::columns(path);
    let lines: Vec<String> = rows.iter().map(lists::line).collect::<Result<_, _>>()?;
    Ok((form.headers(path), form.head(columns) + &form.piece(&lines, columns)).into_response())
}

/// The work that fills a body; what it ends with breaks the connection off, unless it is good.
type Work = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send>>;

/// A body that drives the work which fills it.
struct Pieces {
    work: Option<Work>,
    out: mpsc::Receiver<Bytes>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(work) = self.work.as_mut()
            && let Poll::Ready(ended) = work.as_mut().poll(context)
        {
            self.work = None;
            if let Err(problem) = ended {
                return Poll::Ready(Some(Err(std::io::Error::other(problem.detail))));
            }
        }
        self.out.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// The body that `work` fills by way of a channel.
fn body(work: Work, out: mpsc::Receiver<Bytes>) -> Body {
    Body::new(Pieces { work: Some(work), out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        let cells = ["plain", "=1+1", "-4.5", "@cmd", "say \"it\"", "a,b", "-x", "＝1", " \n=2"].map(str::to_owned);
        let expected =
            "\"plain\",\"'=1+1\",\"-4.5\",\"'@cmd\",\"say \"\"it\"\"\",\"a,b\",\"'-x\",\"'＝1\",\"' \n=2\"\r\n";
        assert_eq!(row(cells.into_iter()), expected);
    }

    #[test]
    fn values_of_items_are_found_by_their_place() {
        let columns = [("id", "/id"), ("name", "/claim/speaker/name"), ("outlets", "/outlets"), ("none", "/x")];
        let items = [r#"{"id":"1","claim":{"speaker":{"name":"N"}},"outlets":["a","b"]}"#.to_owned()];
        assert_eq!(Form::Csv.piece(&items, &columns), "\"1\",\"N\",\"a; b\",\"\"\r\n");
        assert_eq!(Form::JsonLines.piece(&items, &columns), format!("{}\n", items[0]));
        assert_eq!(Form::Csv.head(&columns), "\"id\",\"name\",\"outlets\",\"none\"\r\n");
    }
}
