//! The book's configuration reference, made from the table of keys and the prose of `config/default.toml`; tests alone build it.

use std::fmt::Write as _;

use super::keys::{Key, Kind, keys};
use super::load::FEED_ADDRESS;
use super::mail::RECIPIENTS_MAX;
use super::narrow::{NAME_CHARACTERS_MAX, NAMES_MAX};
use super::schema::Manual;
use super::signing::MORE_SECRETS_MAX;
use super::units::{show_duration, show_size};
use super::web::TOKENS_MAX;
use crate::model::AlertType;
use crate::rule::{COLLECT, EXPRESSION_CHARACTERS_MAX};

const HEAD: &str = "# Configuration reference

<!-- Made from src/config/keys.rs and config/default.toml: GAINSAY_WRITE_DOCS=1 cargo test --lib documented -->

Every key of the config file. A file needs only what it changes, and at least one `[[feed]]`; `gainsay check` reports everything that is
wrong with it at once. Durations and sizes are strings with units: `\"250ms\"`, `\"90s\"`, `\"5m\"`, `\"6h\"`, `\"7d\"`; `\"64KiB\"`, `\"5MiB\"`.
Relative paths start at the folder of the file.

Over the file count environment variables, named below for each key that has one, and over these flags:
`--set intake.poll_interval=2m`. Feeds, sinks and rules stand in the file alone. `gainsay config show` says which value counts and where it
comes from.
";

/// The heading of a section and what the section is.
const SECTIONS: [(&str, &str, &str); 15] = [
    ("", "At the head of the file", "Keys before the first table."),
    ("http", "`[http]`", "The daemon's own HTTP: `/healthz`, `/readyz` and [`/metrics`](metrics.md)."),
    ("web", "`[web]`", "[The page](page.md) and [the API](api.md), on the address of `[http]`."),
    (
        "websub",
        "`[websub]`",
        "Hubs that push feeds, in place of waiting for the next poll ([WebSub](https://www.w3.org/TR/websub/)); off until it has a `callback_url`.",
    ),
    ("log", "`[log]`", "[The log](log.md) on standard error."),
    ("intake", "`[intake]`", "How feeds are polled."),
    (
        "extract",
        "`[extract]`",
        "A desk's own words for the extractor, without training anything: 1,000 entries in all.",
    ),
    ("windows", "`[windows]`", "How long things are remembered."),
    ("feed", "`[[feed]]`", "One for each feed to watch."),
    (
        "feed_list",
        "`[[feed_list]]`",
        "A list of feeds that is read anew from time to time: what it gains is polled, what it loses is not, without a restart. Exactly one of `url` and `path`.",
    ),
    (
        "domain",
        "`[[domain]]`",
        "One for each domain that is to be treated otherwise than `[intake]` says; it and all names below it are one site.",
    ),
    ("sink.jsonl", "`[[sink]]` of type `jsonl`", "Alerts as JSON Lines. Without any sink they go to standard output."),
    (
        "sink.webhook",
        "`[[sink]]` of type `webhook`",
        "Alerts as signed HTTP requests. Exactly one of the three secrets is needed; beside a template none has to be.",
    ),
    (
        "sink.email",
        "`[[sink]]` of type `email`",
        "Alerts as mail, one for each or one for all of a while (`digest`), over a mail server (SMTP). With a `username` exactly one of the three passwords is needed.",
    ),
    (
        "rule",
        "`[[rule]]`",
        "Which alerts go to which sinks. Without any there is one that lets nearly everything through.",
    ),
];

fn kind(key: &Key) -> (&'static str, String) {
    let span = |from: String, to: String| format!("{from} to {to}");
    let quoted = |words: &[&str]| words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ");
    match &key.kind {
        Kind::Path => ("path", "a path".to_owned()),
        Kind::Text => ("string", "a text; `gainsay check` says more".to_owned()),
        Kind::Listen => ("string", "an address with its port, or `\"\"` for none".to_owned()),
        Kind::Name => ("string", "1 to 64 lower-case letters, digits, `.`, `_` or `-`, used once".to_owned()),
        Kind::Domain => ("string", "a domain or an IP address, used once".to_owned()),
        Kind::FeedAddress => ("string", FEED_ADDRESS.to_owned()),
        Kind::Address => ("string", "an absolute http or https address".to_owned()),
        Kind::OptionalAddress => ("string", "an absolute http or https address, or `\"\"` for none".to_owned()),
        Kind::Contact => {
            ("string", "`mailto:` with an address, an http or https address, or `\"\"` for none".to_owned())
        }
        Kind::Proxy => {
            ("string", "an address with scheme http, https, socks5 or socks5h, or `\"\"` for none".to_owned())
        }
        Kind::Boolean => ("boolean", "`true` or `false`".to_owned()),
        Kind::Prefix => ("string", "1 to 32 lower-case letters, digits, `.`, `_` or `-`, used once".to_owned()),
        Kind::Duration(range) => ("duration", span(show_duration(*range.start()), show_duration(*range.end()))),
        Kind::Size(range) => ("size", span(show_size(*range.start()), show_size(*range.end()))),
        Kind::Count(range) => ("whole number", span(range.start().to_string(), range.end().to_string())),
        Kind::Fraction(range) => ("number", span(range.start().to_string(), range.end().to_string())),
        Kind::OneOf(words) => {
            // A section of sinks is that of one type.
            let own = key.section.strip_prefix("sink.").filter(|_| key.name == "type");
            ("string", own.map_or_else(|| quoted(words), |own| quoted(&[own])))
        }
        Kind::MediaType => ("string", "a media type".to_owned()),
        Kind::Texts => ("list of strings", "texts".to_owned()),
        Kind::Names => {
            let each = format!("names of 1 to {NAME_CHARACTERS_MAX} characters, {NAMES_MAX} in all rules together");
            ("list of strings", each)
        }
        Kind::AlertTypes => ("list of strings", quoted(&AlertType::ruled().map(AlertType::as_str).collect::<Vec<_>>())),
        Kind::ListOf(words) => ("list of strings", quoted(words)),
        Kind::Expression => {
            ("string", format!("a [CEL expression](rules.md) of 1 to {EXPRESSION_CHARACTERS_MAX} characters"))
        }
        Kind::Collect => ("string", format!("{COLLECT}, or `\"\"` for none")),
        Kind::Secret => ("string", "a secret; `gainsay check` says more".to_owned()),
        Kind::Rate => ("rate", "such as `\"5/s\"`, `\"30/m\"`, `\"1000/h\"`, or `\"\"` for no limit".to_owned()),
        Kind::Durations(range) => {
            ("list of durations", span(show_duration(*range.start()), show_duration(*range.end())) + " each")
        }
        Kind::MoreSecrets => {
            ("list of tables", format!("at most {MORE_SECRETS_MAX} of {{ env, file or value, and perhaps until }}"))
        }
        Kind::Tokens => (
            "list of tables",
            format!(
                "at most {TOKENS_MAX} of {{ name, scope = \"read\" or \"operate\", and one of env, file or value }}"
            ),
        ),
        Kind::Spans => (
            "list of strings",
            "days, times or both: `\"22:00-07:00\"`, `\"Sat-Sun\"`, `\"Mon-Fri 18:00-08:00\"`".to_owned(),
        ),
        Kind::Host => ("string", "a host name or an IP address".to_owned()),
        Kind::Mailbox => ("string", "an address of mail, perhaps with a name".to_owned()),
        Kind::Mailboxes => ("list of strings", format!("1 to {RECIPIENTS_MAX} addresses of mail, perhaps with names")),
        Kind::Fsync => {
            ("string", "`\"always\"`, `\"never\"` or `\"interval\"` with 10ms to 1h: `\"interval 1s\"`".to_owned())
        }
        Kind::Headers(_) => {
            ("table", "names of headers with `{ env = \"VARIABLE\" }`, `{ file = \"PATH\" }` or a string".to_owned())
        }
    }
}

fn markdown() -> String {
    let manual = Manual::embedded();
    let mut out = HEAD.to_owned();
    for (section, heading, what) in SECTIONS {
        write!(out, "\n## {heading}\n\n{what}\n").unwrap();
        for key in keys().iter().filter(|key| key.section == section) {
            let (name, accepted) = kind(key);
            write!(out, "\n### `{}`\n\n", key.name).unwrap();
            if let Some(words) = manual.words.get(&key.path()) {
                write!(out, "{words}\n\n").unwrap();
            }
            let need = if key.is_required { "; required" } else { "" };
            writeln!(out, "- type: {name}{need}\n- accepted: {accepted}").unwrap();
            if let Some(default) = manual.defaults.get(&key.path()) {
                writeln!(out, "- default: `{default}`").unwrap();
            }
            if key.is_single() {
                writeln!(out, "- environment: `{}`", key.variable()).unwrap();
            }
        }
    }
    out
}

#[test]
fn the_keys_are_documented() {
    assert!(keys().iter().all(|key| SECTIONS.iter().any(|(section, ..)| *section == key.section)), "a new section");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/src/configuration.md");
    if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    assert!(known == markdown(), "see the comment at the head of docs/src/configuration.md");
}
