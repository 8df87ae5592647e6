//! Claims in which some of many words stand, those with the weightiest first: what may be of one matter. Read by the API.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, params};

use crate::model::{ClaimRecord, ThreadId};

use super::record::parse;
use super::{StoreError, View};

/// The newest claims that a phrase is in, but for those of a thread.
const FIND: &str = "SELECT rowid FROM claim_text WHERE claim_text MATCH ?1
     AND NOT EXISTS (SELECT 1 FROM thread_claim WHERE thread = ?3 AND claim = claim_text.rowid)
     ORDER BY rowid DESC LIMIT ?2";

impl View {
    /// The claims that have the weightiest of these words in common, in sentence, content, headline or speaker; words with their weights. Those of
    /// a thread are left out. Of each word the newest `each` claims are looked at, so that a common one costs no more than a rare one; `most` are
    /// given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn claims_alike(
        &self,
        words: &[(String, f64)],
        but: ThreadId,
        each: u32,
        most: usize,
    ) -> Result<Vec<ClaimRecord>, StoreError> {
        let mut find = self.connection.prepare_cached(FIND)?;
        let but = but.to_string();
        let mut weights: BTreeMap<i64, f64> = BTreeMap::new();
        for (word, weight) in words {
            for position in positions(&mut find, word, &but, each)? {
                *weights.entry(position).or_default() += weight;
            }
        }
        let mut best: Vec<(i64, f64)> = weights.into_iter().collect();
        best.sort_by(|one, other| other.1.total_cmp(&one.1).then(other.0.cmp(&one.0)));
        let mut read = self.connection.prepare_cached("SELECT id, record FROM claim WHERE position = ?1")?;
        let mut found = Vec::new();
        for (position, _) in best.into_iter().take(most) {
            let mut rows = read.query([position])?;
            if let Some(row) = rows.next()? {
                found.push(parse(row, "claim")?);
            }
        }
        Ok(found)
    }
}

fn positions(find: &mut CachedStatement<'_>, word: &str, but: &str, each: u32) -> Result<Vec<i64>, StoreError> {
    // As a phrase: nothing in it is an operator.
    let phrase: String = word.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    if phrase.trim().is_empty() {
        return Ok(Vec::new());
    }
    let rows = find.query_map(params![format!("{{speaker words}} : (\"{phrase}\")"), each, but], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::store::schema;

    #[test]
    fn a_thread_of_many_claims_hides_no_other() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let (own, other) = (ThreadId::of(&[b"own"]).to_string(), ThreadId::of(&[b"other"]).to_string());
        for claim in 1..=9 {
            let thread = if claim == 2 { &other } else { &own };
            connection
                .execute(
                    "INSERT INTO claim_text (rowid, speaker, words) VALUES (?1, '', 'the lifeboats leak')",
                    [claim],
                )
                .unwrap();
            connection
                .execute("INSERT INTO thread_claim (thread, claim) VALUES (?1, ?2)", params![thread, claim])
                .unwrap();
        }
        let mut find = connection.prepare_cached(FIND).unwrap();
        assert_eq!(positions(&mut find, "lifeboats", &own, 3).unwrap(), [2]);
        assert_eq!(positions(&mut find, "lifeboats", &other, 3).unwrap(), [9, 8, 7]);
        assert_eq!(positions(&mut find, "\" OR *", &own, 3).unwrap(), [0; 0]);
    }
}
