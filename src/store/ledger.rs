//! The ledger of the outbox: how many alerts of each sink were ever put in and what has become of them. Triggers keep it within the
//! transactions that change the outbox, so that what it says is exact over restarts and kills, and can be held against the rows.

use rusqlite::Connection;

use super::{StoreError, View, schema};

/// What became of the alerts of a sink, since the database was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The sink.
    pub sink: String,
    /// Alerts that were ever put in.
    pub created: u64,
    /// Those that wait.
    pub pending: u64,
    /// Those that the sink has.
    pub delivered: u64,
    /// Those that the sink has and whose text is no longer kept.
    pub expired: u64,
    /// Those that were given up.
    pub dead: u64,
    /// Those that are kept back for good.
    pub silenced: u64,
    /// How often one of them was replayed; that changes none of the sums.
    pub replayed: u64,
}

impl Ledger {
    /// The alerts by state.
    pub fn states(&self) -> [(&'static str, u64); 5] {
        [
            ("pending", self.pending),
            ("delivered", self.delivered),
            ("expired", self.expired),
            ("dead", self.dead),
            ("silenced", self.silenced),
        ]
    }

    /// Whether every alert that was put in is in one state.
    pub fn is_balanced(&self) -> bool {
        self.created == self.states().iter().map(|(_, alerts)| alerts).sum::<u64>()
    }

    fn add(&mut self, entry: &str, alerts: u64) {
        let field = match entry {
            "created" => &mut self.created,
            "pending" => &mut self.pending,
            "delivered" => &mut self.delivered,
            "expired" => &mut self.expired,
            "dead" => &mut self.dead,
            "silenced" => &mut self.silenced,
            "replayed" => &mut self.replayed,
            _ => return,
        };
        *field = field.saturating_add(alerts);
    }
}

/// The ledger, in order of the sinks' names.
pub(super) fn read(connection: &Connection) -> Result<Vec<Ledger>, StoreError> {
    collect(connection, "SELECT sink, entry, alerts FROM ledger ORDER BY sink")
}

fn collect(connection: &Connection, query: &str) -> Result<Vec<Ledger>, StoreError> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut found: Vec<Ledger> = Vec::new();
    while let Some(row) = rows.next()? {
        let (sink, entry, alerts): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if found.last().is_none_or(|last| last.sink != sink) {
            found.push(Ledger { sink, ..Ledger::default() });
        }
        if let Some(last) = found.last_mut() {
            last.add(&entry, u64::try_from(alerts).unwrap_or_default());
        }
    }
    Ok(found)
}

impl View {
    /// The ledger, in order of the sinks' names; nothing in a database of before there was one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ledger(&self) -> Result<Vec<Ledger>, StoreError> {
        if self.version() < schema::LEDGER_VERSION { Ok(Vec::new()) } else { read(&self.connection) }
    }

    /// The same counted anew from the rows of the outbox, which takes long with many; `replayed` is not counted. Whoever holds the two
    /// against each other sees what was lost.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counted_outbox(&self) -> Result<Vec<Ledger>, StoreError> {
        collect(
            &self.connection,
            "SELECT sink, state AS entry, count(*) AS alerts FROM outbox GROUP BY sink, state
             UNION ALL SELECT sink, 'created', count(*) FROM outbox GROUP BY sink ORDER BY sink",
        )
    }
}
