//! The words of the full-text index of claims: a beginning in, the words that begin so out. Read by `browse`.

use rusqlite::{Connection, OptionalExtension as _};

use super::StoreError;

/// More words than these are not listed: to look for each would take as long as to look for the beginning.
const WORDS_MAX: usize = 64;
/// Less than every character of a word: behind a word, a text that lies before all longer ones.
const LEAST: char = '\u{1}';

/// The words of the index that begin with a text, in order; nothing where they are too many, or where it cannot be told what the index
/// makes of the text, which is so of letters beyond ASCII.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn beginnings(connection: &Connection, text: &str) -> Result<Option<Vec<String>>, StoreError> {
    if !text.is_ascii() {
        return Ok(None);
    }
    let beginning = text.to_ascii_lowercase();
    // In the connection's own memory: it reads the words where they are.
    connection.execute_batch(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.claim_word USING fts5vocab(main, claim_text, instance)",
    )?;
    // The table has a row for each place of a word, so each word is looked up by itself and read but once.
    let mut next =
        connection.prepare_cached("SELECT term FROM temp.claim_word WHERE term >= ?1 ORDER BY term LIMIT 1")?;
    let mut words: Vec<String> = Vec::new();
    let mut from = beginning.clone();
    loop {
        let word: Option<String> = next.query_row([&from], |row| row.get(0)).optional()?;
        match word.filter(|word| word.starts_with(&beginning)) {
            None => return Ok(Some(words)),
            Some(word) if words.len() == WORDS_MAX || !word.is_ascii() => return Ok(None),
            Some(word) => {
                from = format!("{word}{LEAST}");
                words.push(word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::schema;

    #[test]
    fn words_are_listed_where_they_are_few() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let text = |row: i64, words: &str| {
            let insert = "INSERT INTO claim_text (rowid, speaker, outlets, words, facts) VALUES (?1, '', '', ?2, '')";
            connection.execute(insert, (row, words)).unwrap();
        };
        text(1, "Money, moneyed; the monk");
        text(2, "money money Moneybox straße strand");
        let of = |beginning: &str| beginnings(&connection, beginning).unwrap();
        assert_eq!(of("MONEY").unwrap(), ["money", "moneybox", "moneyed"]);
        assert_eq!(of("zebra").unwrap(), [""; 0]);
        assert_eq!((of("stra"), of("straß")), (None, None), "SQLite knows best what is one letter beyond ASCII");
        text(3, &(0..=WORDS_MAX).map(|number| format!("case{number}")).collect::<Vec<_>>().join(" "));
        assert_eq!((of("case"), of("case6").map(|words| words.len())), (None, Some(6)));
    }
}
