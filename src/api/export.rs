//! A list as a file: JSON Lines or CSV, page after page while the client reads, so that no more than a page is held.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;

use super::problem::Problem;

/// Pieces that wait for the client.
pub(super) const PIECES_MAX: usize = 4;
/// Items of a piece.
pub(super) const PIECE: u32 = 200;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    JsonLines,
    Csv,
}

impl Form {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What stands before the items.
    pub(super) fn head(self, columns: &[(&str, &str)]) -> String {
        match self {
            Self::JsonLines => String::new(),
            Self::Csv => row(columns.iter().map(|(name, _)| (*name).to_owned())),
        }
    }

    /// The items of a page.
    pub(super) fn piece(self, items: &[String], columns: &[(&str, &str)]) -> String {
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
        let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
        let text: String = text.chars().map(|c| if crate::json::is_invisible(c) { ' ' } else { c }).collect();
        let guard = if is_formula { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
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
pub(super) fn body(work: Work, out: mpsc::Receiver<Bytes>) -> Body {
    Body::new(Pieces { work: Some(work), out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        let cells = ["plain", "=1+1", "-4.5", "@cmd", "say \"it\"", "a,b", "-x"].map(str::to_owned);
        let expected = "\"plain\",\"'=1+1\",\"-4.5\",\"'@cmd\",\"say \"\"it\"\"\",\"a,b\",\"'-x\"\r\n";
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
