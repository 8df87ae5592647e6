//! Writing beside a daemon: what a command or the API changes in a database while a daemon may be at work on it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::embedded::BUSY_TIMEOUT;
use super::{EmbeddedStore, StoreError, View, schema};

/// Brings a database of an older gainsay up to the present layout.
///
/// # Errors
/// When the file is missing, none of ours, a newer gainsay's, in use by an older one, or cannot be read or written.
pub fn bring_up(path: &Path) -> Result<(), StoreError> {
    if View::open(path)?.version() < schema::present() {
        drop(EmbeddedStore::open(path)?);
    }
    Ok(())
}

/// A connection to the database at `path`, in the present layout, whose commits are durable: who asked for a change is told that it is made.
///
/// # Errors
/// As [`bring_up`].
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    bring_up(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| StoreError::Open { path: path.to_owned(), error: error.to_string() })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    schema::check_owner(&connection, path)?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}
