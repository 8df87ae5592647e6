//! An alert as the bytes that go out: rendered once, when it enters the outbox, and never again.

use jiff::Timestamp;
use serde::Serialize;

use crate::config::SinkTarget;
use crate::json;
use crate::model::{Alert, AlertType};

/// What a sink expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// The alert alone, without a line feed.
    JsonLines,
    /// The alert as `data` beside `type` and `timestamp`, as Standard Webhooks advises.
    Webhook,
}

impl BodyFormat {
    /// What sinks of this kind expect.
    pub fn of(target: &SinkTarget) -> Self {
        match target {
            // The mail itself is a rendering.
            SinkTarget::JsonLines(_) | SinkTarget::Mail(_) => Self::JsonLines,
            SinkTarget::Webhook(_) => Self::Webhook,
        }
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    alert_type: AlertType,
    timestamp: Timestamp,
    data: &'a Alert,
}

/// The bytes of `alert`: compact JSON on one line.
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "an alert has only fields that JSON can hold, and memory takes every write"
)]
pub fn body(alert: &Alert, format: BodyFormat) -> Vec<u8> {
    let mut json = Vec::new();
    let written = match format {
        BodyFormat::JsonLines => json::write(&mut json, alert),
        BodyFormat::Webhook => {
            json::write(&mut json, &Envelope { alert_type: alert.alert_type, timestamp: alert.time, data: alert })
        }
    };
    written.expect("an alert is always JSON");
    json
}
