//! What can go wrong with the store, in words for the operator.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

/// `SQLITE_READONLY_DBMOVED`.
const DBMOVED: i32 = 8 | (4 << 8);

/// What can go wrong with the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The file is something else than a database.
    #[error("{} is not a database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file was a database once.
    #[error("{} is damaged ({error}): put a backup in its place, or move it away to begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        error: Arc<rusqlite::Error>,
    },
    /// The file is another program's database.
    #[error("{} is the database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer gainsay.
    #[error("{} has layout version {found}, this gainsay knows versions up to {known}: use a newer gainsay", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that we know.
        known: u32,
    },
    /// Another daemon works on the file.
    #[error("{} is in use by another gainsay", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file or its lock cannot be opened.
    #[error("cannot open {}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// SQLite refused: disk full, I/O error, locked by somebody for too long.
    #[error("database failed: {error}{more}", error = .0, more = remedy(.0))]
    Database(Arc<rusqlite::Error>),
    /// A row does not say what it should.
    #[error("row {id} of table {table} cannot be read: {detail}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        id: String,
        /// What is wrong.
        detail: String,
    },
    /// A value that the layout cannot hold.
    #[error("cannot be stored: {detail}")]
    Unstorable {
        /// What and why.
        detail: String,
    },
    /// The writer has ended; only a restart helps.
    #[error("the store's writer has ended")]
    WriterEnded,
}

impl StoreError {
    /// Whether the same call may succeed later without anybody repairing the database.
    pub fn is_retryable(&self) -> bool {
        match self {
            // The file was moved away under the daemon: what is written would be lost with it.
            Self::Database(error) if error.sqlite_error().is_some_and(|error| error.extended_code == DBMOVED) => false,
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::OutOfMemory
                        | ErrorCode::CannotOpen
                        | ErrorCode::ReadOnly
                )
            ),
            _ => false,
        }
    }
}

/// What helps, where that is not plain.
fn remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => {
            ": stop gainsay and put a backup in its place, or move it away to begin anew"
        }
        _ => "",
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that was mounted read-only can be written to again; a file that was moved away does not come back.
    #[test]
    fn what_a_person_can_mend_is_tried_again() {
        let refused = |code| {
            StoreError::from(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)).is_retryable()
        };
        let [full, read_only, moved, corrupt] = [13, 8, DBMOVED, 11];
        assert!(refused(full) && refused(read_only));
        assert!(!refused(moved) && !refused(corrupt));
    }

    #[test]
    fn of_a_damaged_file_it_is_said_what_helps() {
        let said =
            |code| StoreError::from(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)).to_string();
        assert!(said(11).ends_with("put a backup in its place, or move it away to begin anew"), "{}", said(11));
        assert!(!said(13).contains("backup"), "{}", said(13));
    }
}
