//! Alerts as CloudEvents 1.0 (<https://github.com/cloudevents/spec>), in both modes of its HTTP binding.
//!
//! | attribute | what it holds |
//! |---|---|
//! | `id` | the alert's id |
//! | `source` | `urn:gainsay:thread:ID`, `urn:gainsay:feed:ID`, or `urn:gainsay:desk` for what belongs to neither |
//! | `type` | `dev.gainsay.` and the alert's type: `dev.gainsay.denial.new` |
//! | `time` | the alert's time |
//! | `subject` | the claim's id, where there is one |
//! | `dataschema` | `urn:gainsay:schema:alert:` and its version; `gainsay schema alert` prints it |
//! | `sequence` | the place in the thread, in ten digits: the extension counts within a source, and so does this |
//! | `correlationid` | the thread's id |
//!
//! The data is the alert, as in JSON Lines.

use serde::Serialize;

use crate::json;
use crate::model::{Alert, Rendering};

const SPEC_VERSION: &str = "1.0";
const JSON: &str = "application/json";
const STRUCTURED: &str = "application/cloudevents+json";

/// The modes of the HTTP binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All of the event is the body.
    Structured,
    /// The attributes are headers, the data is the body.
    Binary,
}

/// The attributes, by their names.
#[derive(Debug, Serialize)]
struct Attributes {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    datacontenttype: &'static str,
    dataschema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<String>,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(flatten)]
    attributes: Attributes,
    data: &'a Alert,
}

impl Attributes {
    fn of(alert: &Alert) -> Self {
        let thread = alert.thread.as_ref();
        let source = match (thread, &alert.feed) {
            (Some(thread), _) => format!("urn:gainsay:thread:{}", thread.id),
            (None, Some(feed)) => format!("urn:gainsay:feed:{}", escaped(feed.id.as_str())),
            (None, None) => "urn:gainsay:desk".to_owned(),
        };
        Self {
            specversion: SPEC_VERSION,
            id: alert.id.to_string(),
            source,
            event_type: format!("dev.gainsay.{}", alert.alert_type.as_str()),
            time: alert.time.to_string(),
            subject: alert.claim.as_ref().map(|claim| claim.id.to_string()),
            datacontenttype: JSON,
            dataschema: format!("urn:gainsay:schema:alert:{}", alert.schema_version),
            sequence: thread.map(|thread| format!("{:010}", thread.sequence)),
            correlationid: thread.map(|thread| thread.id.to_string()),
        }
    }

    /// As headers; all of them are ASCII without what would have to be escaped.
    fn headers(self) -> Vec<(String, String)> {
        let whole = [
            ("specversion", self.specversion.to_owned()),
            ("id", self.id),
            ("source", self.source),
            ("type", self.event_type),
            ("time", self.time),
            ("dataschema", self.dataschema),
        ];
        let partial = [("subject", self.subject), ("sequence", self.sequence), ("correlationid", self.correlationid)];
        let partial = partial.into_iter().filter_map(|(name, value)| Some((name, value?)));
        whole.into_iter().chain(partial).map(|(name, value)| (format!("ce-{name}"), value)).collect()
    }
}

/// The event for an alert.
///
/// # Errors
/// None that is known: what an alert has can be JSON.
pub(super) fn render(alert: &Alert, mode: Mode) -> Result<Rendering, std::io::Error> {
    let attributes = Attributes::of(alert);
    let mut body = Vec::new();
    let (content_type, headers) = match mode {
        Mode::Structured => {
            json::write(&mut body, &Event { attributes, data: alert })?;
            (STRUCTURED, Vec::new())
        }
        Mode::Binary => {
            json::write(&mut body, alert)?;
            (JSON, attributes.headers())
        }
    };
    Ok(Rendering { content_type: content_type.to_owned(), headers, body })
}

/// For a part of a URN: all but letters, digits and a few marks in percent.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::FeedId;
    use crate::template::sample;

    /// What the specification says of the attributes in JSON, with those of the extensions.
    fn schema() -> Value {
        let text = json!({"type": "string", "minLength": 1, "pattern": "^[\\u0020-\\u007e]*$"});
        let urn = json!({"type": "string", "pattern": "^urn:gainsay:[A-Za-z0-9:._%-]+$"});
        json!({
            "type": "object",
            "required": ["id", "source", "specversion", "type"],
            "additionalProperties": false,
            "properties": {
                "id": text, "source": urn, "specversion": {"const": "1.0"}, "type": {"type": "string", "pattern": "^dev\\.gainsay\\.[a-z_.]+$"},
                "time": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?Z$"},
                "subject": text, "datacontenttype": {"const": "application/json"}, "dataschema": urn,
                "sequence": {"type": "string", "pattern": "^[0-9]{10}$"}, "correlationid": text, "data": {"type": "object"},
            },
            "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
        })
    }

    #[test]
    fn every_sample_is_an_event_and_both_modes_say_the_same() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for alert in sample::alerts() {
            let event = render(&alert, Mode::Structured).unwrap();
            assert_eq!((event.content_type.as_str(), event.headers.len()), (STRUCTURED, 0));
            let mut event: Value = serde_json::from_slice(&event.body).unwrap();
            let errors: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} {event}");
            assert_eq!(event["id"], alert.id.to_string());
            assert_eq!(event["type"], format!("dev.gainsay.{}", alert.alert_type.as_str()));
            let data = event.as_object_mut().unwrap().remove("data").unwrap();
            assert_eq!(serde_json::from_value::<Alert>(data).unwrap(), alert);
            let binary = render(&alert, Mode::Binary).unwrap();
            assert_eq!(serde_json::from_slice::<Alert>(&binary.body).unwrap(), alert);
            let mut attributes: serde_json::Map<String, Value> = binary
                .headers
                .into_iter()
                .map(|(name, value)| (name.strip_prefix("ce-").unwrap().to_owned(), value.into()))
                .collect();
            attributes.insert("datacontenttype".to_owned(), binary.content_type.into());
            assert_eq!(Value::Object(attributes), event);
        }
    }

    #[test]
    fn a_feed_is_a_source_whatever_it_is_called() {
        let mut alert = sample::alerts().into_iter().find(|alert| alert.feed.is_some()).unwrap();
        alert.thread = None;
        alert.feed.as_mut().unwrap().id = FeedId::new("team/a b\u{e9}%");
        assert_eq!(Attributes::of(&alert).source, "urn:gainsay:feed:team%2Fa%20b%C3%A9%25");
    }
}
