//! Claims in which some of many words stand, those with the weightiest first: what may be of one matter. Read by the API.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, params};

use crate::model::ClaimRecord;

use super::record::parse;
use super::{StoreError, View};

impl View {
    /// The claims that have the weightiest of these words in common, in sentence, content, headline or speaker; words with their weights. Of each
    /// word the newest `each` claims are looked at, so that a common one costs no more than a rare one; `most` are given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn claims_alike(
        &self,
        words: &[(String, f64)],
        each: u32,
        most: usize,
    ) -> Result<Vec<ClaimRecord>, StoreError> {
        let mut find = self
            .connection
            .prepare_cached("SELECT rowid FROM claim_text WHERE claim_text MATCH ?1 ORDER BY rowid DESC LIMIT ?2")?;
        let mut weights: BTreeMap<i64, f64> = BTreeMap::new();
        for (word, weight) in words {
            for position in positions(&mut find, word, each)? {
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

fn positions(find: &mut CachedStatement<'_>, word: &str, each: u32) -> Result<Vec<i64>, StoreError> {
    // As a phrase: nothing in it is an operator.
    let phrase: String = word.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    if phrase.trim().is_empty() {
        return Ok(Vec::new());
    }
    let rows = find.query_map(params![format!("{{speaker words}} : (\"{phrase}\")"), each], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
