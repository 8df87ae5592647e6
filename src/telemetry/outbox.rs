//! An outbox that counts: every attempt that a dispatcher writes down passes here on its way to the store, and is counted once
//! it is durable.

use std::sync::Arc;

use jiff::Timestamp;

use super::Telemetry;
use crate::model::{Attempt, EndpointRecord, Outbox, OutboxEntry};

/// An outbox with a counter at its door.
pub struct CountedOutbox<O> {
    outbox: Arc<O>,
    telemetry: Arc<Telemetry>,
}

impl<O> CountedOutbox<O> {
    /// Counts what passes to `outbox`.
    pub fn new(outbox: Arc<O>, telemetry: Arc<Telemetry>) -> Self {
        Self { outbox, telemetry }
    }
}

impl<O: Outbox> Outbox for CountedOutbox<O> {
    type Error = O::Error;

    fn due(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, O::Error> {
        self.outbox.due(sink, now, limit)
    }

    fn next_due(&self, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, O::Error> {
        self.outbox.next_due(sink, now)
    }

    fn tried(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, O::Error> {
        self.outbox.tried(sink, now, limit)
    }

    fn hasten(&self, sink: &str, now: Timestamp) -> Result<(), O::Error> {
        self.outbox.hasten(sink, now)
    }

    fn endpoint(&self, sink: &str) -> Result<Option<EndpointRecord>, O::Error> {
        let record = self.outbox.endpoint(sink)?;
        self.telemetry.endpoint(sink, record.as_ref());
        Ok(record)
    }

    fn keep_endpoint(&self, record: EndpointRecord, is_back: bool) -> Result<(), O::Error> {
        self.outbox.keep_endpoint(record.clone(), is_back)?;
        self.telemetry.endpoint(&record.sink, Some(&record));
        Ok(())
    }

    fn record_attempt(&self, attempt: Attempt) -> Result<(), O::Error> {
        let recorded = self.outbox.record_attempt(attempt.clone());
        match &recorded {
            Ok(()) => self.telemetry.attempted(&attempt),
            Err(error) => self.telemetry.not_recorded(&attempt.sink, error),
        }
        recorded
    }
}
