//! The log on standard error in three forms: for people, for programs (one JSON object a line) and for systemd's journal.
//!
//! Texts from feeds reach the log: in every form what could act on a terminal or begin a new line leaves escaped.

use std::fmt::{self, Write as _};
use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{Format, FormatEvent, FormatFields, Full, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::{Clock as _, SystemClock};
use crate::config::{LogConfig, LogFormat};

/// Every field that the log may hold besides `time`, `level`, `target` and `message`, and what it says. Names are kept: other
/// programs read them.
pub const FIELDS: [(&str, &str); 34] = [
    ("address", "where the daemon listens for HTTP"),
    ("ahead_seconds", "how far the desk's clock is ahead of the machine's"),
    ("alert", "id of an alert, as its sinks get it"),
    ("alerts", "number of alerts"),
    ("analysed", "documents of a batch that were read"),
    ("attempts", "attempts to deliver that an alert had before this one"),
    ("document", "id of a document"),
    ("documents", "number of documents"),
    ("due", "when the next attempt is due"),
    ("entry", "an entry's id in its feed"),
    ("error", "what went wrong, in words"),
    ("feed", "id of a feed"),
    ("feedback", "id of what a user said"),
    ("feeds", "number of feeds"),
    ("feeds_started", "feeds that a reload or a list started to poll"),
    ("feeds_stopped", "feeds that a reload or a list stopped polling"),
    ("file", "a closed file of JSON Lines, or the folder of such"),
    ("grace", "how long a stop may take"),
    ("hub", "address of a hub that pushes a feed"),
    ("items", "entries of a feed"),
    ("kind", "type of an alert"),
    ("known", "documents of a batch that were known"),
    ("language", "ISO 639-3 code"),
    ("list", "id of a list of feeds"),
    ("lost", "what is not read, and how much of it"),
    ("pause", "how long an endpoint is left alone"),
    ("problem", "what is wrong in a config, with its place"),
    ("repairs", "what had to be repaired in a feed, and how often"),
    ("rule", "a rule's name, as the config gives it"),
    ("sink", "name of a sink"),
    ("sinks", "number of sinks"),
    ("sinks_started", "sinks that a reload opened"),
    ("sinks_stopped", "sinks that a reload closed"),
    ("url", "address of a document, without user, password and the values of its query"),
];

/// Starts the log.
///
/// # Errors
/// If the filter cannot be read.
pub fn init(config: &LogConfig) -> Result<()> {
    let filter =
        EnvFilter::try_new(&config.filter).with_context(|| format!("--log {:?} is no filter", config.filter))?;
    let form = Form::choose(config.format, std::io::stderr().is_terminal(), is_journal());
    // Colour codes are for people at a terminal, who may not want them either (https://no-color.org); in a file they hide words
    // from a search.
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let has_colours = form == Form::Human && std::io::stderr().is_terminal() && !is_plain;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colours)
        // A line that cannot be written, to a full disk for one, would be told where it cannot be written either, and that panics.
        .log_internal_errors(false)
        .event_format(form)
        .init();
    Ok(())
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Time, level and words.
    Human,
    /// One JSON object a line.
    Json,
    /// A priority that the journal reads and takes away, and words; it knows the time itself.
    Journald,
}

impl Form {
    fn choose(format: LogFormat, is_terminal: bool, is_journal: bool) -> Self {
        match format {
            LogFormat::Human => Self::Human,
            LogFormat::Journald => Self::Journald,
            LogFormat::Auto if is_terminal => Self::Human,
            LogFormat::Auto if is_journal => Self::Journald,
            LogFormat::Auto | LogFormat::Json => Self::Json,
        }
    }
}

/// Whether standard error leads to systemd's journal: `JOURNAL_STREAM` names its device and inode. Children inherit the variable,
/// so the two are compared.
fn is_journal() -> bool {
    let Some(stream) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    rustix::fs::fstat(std::io::stderr()).is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// The journal's priority of a level (syslog's): what needs a person is an error.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

impl<S, N> FormatEvent<S, N> for Form
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if *self == Self::Json {
            return writeln!(writer, "{}", json_line(event)?);
        }
        let has_colours = writer.has_ansi_escapes();
        let mut line = String::new();
        let format: Format<Full, _> = Format::default().with_target(false).with_ansi(has_colours);
        let buffer = Writer::new(&mut line);
        if *self == Self::Journald {
            write!(writer, "<{}>", priority(*event.metadata().level()))?;
            format.without_time().with_level(false).format_event(context, buffer, event)?;
        } else {
            format.format_event(context, buffer, event)?;
        }
        // A line feed in a value would begin a line of its own, without time and priority.
        writeln!(writer, "{}", line.trim_end_matches('\n').replace('\n', "\\n").replace('\r', "\\r"))
    }
}

fn json_line(event: &Event<'_>) -> Result<String, fmt::Error> {
    let mut line = JsonLine(Vec::new());
    let metadata = event.metadata();
    line.put("time", SystemClock.now().to_string().into());
    line.put("level", metadata.level().as_str().to_lowercase().into());
    line.put("target", metadata.target().into());
    event.record(&mut line);
    let mut json = Vec::new();
    crate::json::write(&mut json, &line).map_err(|_| fmt::Error)?;
    String::from_utf8(json).map_err(|_| fmt::Error)
}

/// The fields of an event, in their order.
struct JsonLine(Vec<(&'static str, Value)>);

impl Serialize for JsonLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl JsonLine {
    fn put(&mut self, name: &'static str, value: Value) {
        self.0.push((name, value));
    }
}

impl Visit for JsonLine {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Writing to a string cannot fail, unless the value's own words do.
        write!(text, "{value:?}").ok();
        self.put(field.name(), text.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// The table as `docs/src/log.md`.
    fn markdown() -> String {
        let mut out = String::from(
            "# The log\n\n\
             <!-- Made from the table in src/telemetry/log.rs: GAINSAY_WRITE_DOCS=1 cargo test --lib documented -->\n\n\
             What happens is told on standard error, in one of three formats (`--log-format`, or `format` in `[log]`):\n\n\
             - `human`: time, level, words and fields; in colour on a terminal, unless `NO_COLOR` is set.\n\
             - `json`: one JSON object a line, with `time` (RFC 3339, UTC), `level` (error, warn, info, debug, trace), `target` (the part\n  \
               of the program), `message`, and the fields below.\n\
             - `journald`: `<3>` and its like before the words, which the journal takes for the priority; it knows the time itself.\n\n\
             `auto`, the default, is `human` on a terminal, `journald` where standard error leads to the journal (`JOURNAL_STREAM`), else\n\
             `json`. What is logged is chosen by `--log`, or `filter` in `[log]`: `warn`, or `gainsay::intake=debug,warn`. An error wants a\n\
             person, a warning was coped with. Texts from feeds are written so that they can neither act on a terminal nor begin a line.\n\n\
             | field | meaning |\n|---|---|\n",
        );
        for (name, meaning) in FIELDS {
            // Writing to a string cannot fail.
            writeln!(out, "| `{name}` | {meaning} |").ok();
        }
        out
    }

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written in this form of a warning with hostile fields.
    fn written(form: Form) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).event_format(form).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(feed = %"a\nERROR all is lost", items = 7, error = "\u{1b}[2J\u{202e}", "poll failed");
        });
        String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_is_one_object_a_line_and_shows_everything() {
        let line = written(Form::Json);
        assert!(line.starts_with("{\"time\":\"") && line.lines().count() == 1, "{line}");
        assert!(!line.contains('\u{1b}') && !line.contains('\u{202e}'), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&value["level"], &value["message"], &value["items"]),
            (&"warn".into(), &"poll failed".into(), &7.into())
        );
        assert_eq!(value["feed"], "a\nERROR all is lost");
        assert_eq!(value["error"], "\u{1b}[2J\u{202e}");
    }

    #[test]
    fn the_journal_gets_a_priority_and_one_line() {
        let line = written(Form::Journald);
        assert!(line.starts_with("<4>poll failed ") && line.lines().count() == 1, "{line}");
        assert!(line.contains("a\\nERROR all is lost") && !line.contains('\u{1b}'), "{line}");
        assert_eq!([Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE].map(priority), [3, 4, 6, 7, 7]);
    }

    #[test]
    fn people_get_time_level_and_one_line() {
        let line = written(Form::Human);
        assert!(line.contains(" WARN poll failed ") && line.lines().count() == 1 && !line.contains('\u{1b}'), "{line}");
    }

    #[test]
    fn the_form_follows_from_where_the_log_goes() {
        let auto = |is_terminal, is_journal| Form::choose(LogFormat::Auto, is_terminal, is_journal);
        assert_eq!(
            [auto(true, true), auto(false, true), auto(false, false)],
            [Form::Human, Form::Journald, Form::Json]
        );
        assert_eq!(Form::choose(LogFormat::Human, false, true), Form::Human);
    }

    #[test]
    fn the_fields_are_documented() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/src/log.md");
        if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            markdown(),
            "see the comment at the head of docs/src/log.md"
        );
    }
}
