//! Ids as people type them: whole or a beginning that is unique.

use anyhow::{Result, bail, ensure};

use super::words::claim_line;
use crate::model::ThreadId;
use crate::store::{Named, View};
use crate::terminal::{cut, visible};

/// Digits that an id has and that a beginning needs.
pub(super) const DIGITS: (usize, usize) = (4, 32);
/// Columns of a match that is listed.
const MATCH_COLUMNS: usize = 100;

/// The one thing whose id begins with `text` and that is `wanted`; `what` says what that is.
pub(super) fn find(view: &View, text: &str, what: &str, wanted: impl Fn(&Named) -> bool) -> Result<Named> {
    let prefix = text.trim().to_ascii_lowercase();
    let is_hexadecimal = prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(
        is_hexadecimal && (DIGITS.0..=DIGITS.1).contains(&prefix.len()),
        "{:?} is no id: expected {} to {} hexadecimal digits",
        text,
        DIGITS.0,
        DIGITS.1
    );
    let mut found = view.named(&prefix)?;
    found.retain(wanted);
    match found.as_slice() {
        [] => bail!("no {what} has an id that begins with {prefix}: it may have left the window"),
        [only] => Ok(*only),
        several => {
            let lines: Vec<String> = several.iter().map(|one| described(view, *one)).collect::<Result<_>>()?;
            bail!("{} ids begin with {prefix}:\n{}", several.len(), lines.join("\n"))
        }
    }
}

/// The one thread whose id begins with `text`.
pub(super) fn thread(view: &View, text: &str) -> Result<ThreadId> {
    match find(view, text, "thread", |named| matches!(named, Named::Thread(_)))? {
        Named::Thread(id) => Ok(id),
        other => bail!("{other:?} is no thread"),
    }
}

/// A match in one line.
fn described(view: &View, named: Named) -> Result<String> {
    let (what, id, more) = match named {
        Named::Alert(id) => ("alert", id.to_string(), String::new()),
        Named::Claim(id) => {
            ("claim", id.to_string(), view.claim(id)?.map(|claim| claim_line(&claim)).unwrap_or_default())
        }
        Named::Thread(id) => {
            ("thread", id.to_string(), view.thread(id)?.map(|thread| thread.proposition).unwrap_or_default())
        }
        Named::Story(id) => {
            let outlets = view.story(id)?.map(|story| story.outlets.join(", "));
            ("story", id.to_string(), outlets.unwrap_or_default())
        }
        Named::Document(id) => {
            let headline = view.analyses(id)?.into_iter().next().map(|analysis| analysis.headline);
            ("document", id.to_string(), headline.unwrap_or_default())
        }
    };
    Ok(cut(&visible(&format!("  {what:<8} {id} {more}")), MATCH_COLUMNS).into_owned())
}
