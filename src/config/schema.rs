//! The JSON Schema of the config, for editors: made from the table of keys, with the words and defaults of `config/default.toml`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::DEFAULT_TOML;
use super::access::{PASSWORD_KEYS, RESERVED, TOKEN_KEYS};
use super::keys::{Key, Kind, keys};
use super::limits::COLLECT_PATTERN;
use super::lines::FSYNC_PATTERN;
use super::mail::{MAILBOX_PATTERN, RECIPIENTS_MAX};
use super::narrow::{NAME_CHARACTERS_MAX, NAMES_MAX};
use super::signing::{MORE_SECRET_KEYS, MORE_SECRETS_MAX};
use super::traffic::RATE_PATTERN;
use super::units::{show_duration, show_size};
use super::web;
use crate::model::AlertType;
use crate::rule::{EXPRESSION_CHARACTERS_MAX, SPANS_MAX};

/// Of a span of the week; patterns know no capitals.
const SPAN_PATTERN: &str =
    "^\\s*([A-Za-z]{3}(-[A-Za-z]{3})?\\s*)?(\\s*[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]\\s*)?$";

/// The schema.
pub fn schema() -> Value {
    let manual = Manual::embedded();
    let keys = keys();
    let object = |section: &str| -> Value {
        let here: Vec<&Key> = keys.iter().filter(|key| key.section == section).collect();
        let properties: Map<String, Value> =
            here.iter().map(|key| (key.name.to_owned(), manual.describe(key, value_schema(&key.kind)))).collect();
        let required: Vec<&str> = here.iter().filter(|key| key.is_required).map(|key| key.name).collect();
        let mut object = json!({"type": "object", "additionalProperties": false, "properties": properties});
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        if section == "feed" {
            login(&mut object);
        }
        if section == "web" {
            links(&mut object);
        }
        if section == "feed_list" {
            object["oneOf"] = any(&["url", "path"]);
        }
        object
    };
    let mut root = object("");
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("gainsay config");
    let mut sections: Vec<&str> = keys.iter().map(|key| key.section).filter(|section| !section.is_empty()).collect();
    sections.dedup();
    for section in sections.into_iter().filter(|section| !section.contains('.')) {
        let table = object(section);
        let is_list = matches!(section, "feed" | "feed_list" | "domain" | "rule");
        root["properties"][section] = if is_list { json!({"type": "array", "items": table}) } else { table };
    }
    root["properties"]["sink"] = json!({"type": "array", "items": {"oneOf": sinks(&object)}});
    root
}

/// One schema for each type of sink.
fn sinks(object: &dyn Fn(&str) -> Value) -> Value {
    let mut jsonl = object("sink.jsonl");
    jsonl["properties"]["type"]["enum"] = json!(["jsonl"]);
    for key in ["rotate_bytes", "rotate_every", "fsync"] {
        jsonl["dependentRequired"][key] = json!(["path"]);
    }
    for key in ["keep_files", "compress"] {
        jsonl["dependentSchemas"][key] = json!({"anyOf": any(&["rotate_bytes", "rotate_every"])});
    }
    let mut webhook = object("sink.webhook");
    webhook["properties"]["type"]["enum"] = json!(["webhook"]);
    let any_of = |keys: &[&str]| keys.iter().map(|key| json!({"required": [key]})).collect::<Vec<_>>();
    let templates = any_of(&["template", "template_file"]);
    let mut secrets = any_of(&["secret_env", "secret_file", "secret"]);
    let unsigned = json!({"anyOf": templates.clone(), "not": {"anyOf": secrets}});
    secrets.push(unsigned);
    webhook["allOf"] = json!([
        {"oneOf": any_of(&["url_env", "url_file", "url"])},
        {"oneOf": secrets},
        {"not": {"required": ["template", "template_file"]}},
        {"not": {"required": ["format"], "anyOf": templates}},
    ]);
    login(&mut webhook);
    let together = [
        ("content_type", json!(["template_file"])),
        ("client_certificate_file", json!(["client_key_file"])),
        ("client_key_file", json!(["client_certificate_file"])),
    ];
    for (key, others) in together {
        webhook["dependentRequired"][key] = others;
    }
    let secret = json!({"properties": {"more_secrets": {"minItems": 1}}, "required": ["more_secrets"]});
    if let Some(rules) = webhook["allOf"].as_array_mut() {
        rules.push(json!({"if": secret, "then": {"anyOf": any_of(&["secret_env", "secret_file", "secret"])}}));
    }
    let mut mail = object("sink.email");
    mail["properties"]["type"]["enum"] = json!(["email"]);
    login(&mut mail);
    json!([jsonl, webhook, mail])
}

/// At most one secret of links, beside the address that they begin with.
fn links(web: &mut Value) {
    let secrets = web::LINK_SECRET_KEYS;
    let is_given = json!({"type": "string", "pattern": "\\S"});
    for key in secrets {
        let others: Vec<&str> = secrets.into_iter().filter(|other| *other != key).collect();
        web["dependentSchemas"][key] = json!({
            "required": ["public_url"],
            "properties": {"public_url": is_given.clone(), "api": {"const": true}},
            "not": {"anyOf": any(&others)},
        });
    }
}

/// A username with exactly one password, or exactly one token, or neither.
fn login(feed: &mut Value) {
    let only = |key: &str, others: &[&str]| json!({"required": [key], "not": {"anyOf": any(others)}});
    let others = |keys: &[&'static str], key: &str| -> Vec<&'static str> {
        keys.iter().filter(|other| **other != key).copied().collect()
    };
    let with_password = PASSWORD_KEYS.map(|key| only(key, &[&others(&PASSWORD_KEYS, key)[..], &TOKEN_KEYS].concat()));
    let with_token =
        TOKEN_KEYS.map(|key| only(key, &[&others(&TOKEN_KEYS, key)[..], &PASSWORD_KEYS, &["username"]].concat()));
    let neither = json!({"not": {"anyOf": any(&[&PASSWORD_KEYS[..], &TOKEN_KEYS, &["username"]].concat())}});
    feed["oneOf"] = with_password.into_iter().chain(with_token).chain([neither]).collect();
    let needs_username = PASSWORD_KEYS.map(|key| (key.to_owned(), json!(["username"])));
    feed["dependentRequired"] = Value::Object(needs_username.into_iter().collect());
}

fn any(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({"required": [key]})).collect()
}

/// Keys beside the main one, each from exactly one place.
fn more_secrets() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let one = |key: &str| {
        let properties = Map::from_iter([(key.to_owned(), text.clone()), ("until".to_owned(), text.clone())]);
        json!({"type": "object", "additionalProperties": false, "required": [key], "properties": properties})
    };
    json!({"type": "array", "maxItems": MORE_SECRETS_MAX, "items": {"oneOf": MORE_SECRET_KEYS.map(one)}})
}

/// Tokens of the API, each in one of three ways.
fn tokens() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let one = |key: &str| {
        let properties = Map::from_iter([
            ("name".to_owned(), text.clone()),
            ("scope".to_owned(), json!({"enum": web::SCOPES})),
            (key.to_owned(), text.clone()),
        ]);
        json!({"type": "object", "additionalProperties": false, "required": ["name", "scope", key], "properties": properties})
    };
    json!({"type": "array", "maxItems": web::TOKENS_MAX, "items": {"oneOf": web::TOKEN_KEYS.map(one)}})
}

/// Headers by name, of which those of every connection and `others` cannot be set. Patterns know no capitals.
fn headers(others: &[&str]) -> Value {
    let in_any_case = |name: &str| -> String {
        let letter = |c: char| {
            if c.is_ascii_lowercase() { format!("[{}{c}]", c.to_ascii_uppercase()) } else { c.to_string() }
        };
        name.chars().map(letter).collect()
    };
    let reserved: Vec<String> = RESERVED.iter().chain(others).map(|name| in_any_case(name)).collect();
    let text = json!({"type": "string", "minLength": 1});
    let one = |key: &str| {
        let properties = Map::from_iter([(key.to_owned(), text.clone())]);
        json!({"type": "object", "additionalProperties": false, "required": [key], "properties": properties})
    };
    json!({
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "not": {"pattern": format!("^({})$", reserved.join("|"))}},
        "additionalProperties": {"oneOf": [text, one("env"), one("file")]},
    })
}

fn mailbox() -> Value {
    json!({"type": "string", "maxLength": 1_000, "pattern": MAILBOX_PATTERN})
}

fn value_schema(kind: &Kind) -> Value {
    match kind {
        Kind::Path | Kind::Text | Kind::Secret => json!({"type": "string", "minLength": 1}),
        Kind::Listen => json!({"type": "string", "pattern": "^(\\S+:[0-9]{1,5})?$"}),
        Kind::Name => json!({"type": "string", "pattern": "^[a-z0-9._-]{1,64}$"}),
        Kind::Domain => {
            json!({"type": "string", "maxLength": 253, "pattern": "^([a-z0-9_-]+(\\.[a-z0-9_-]+)*|\\[[0-9A-Fa-f:.]+\\])$"})
        }
        Kind::FeedAddress => json!({"type": "string", "pattern": "^\\s*([Hh][Tt][Tt][Pp][Ss]?|[Ff][Ii][Ll][Ee]):"}),
        Kind::Address => json!({"type": "string", "pattern": "^\\s*[Hh][Tt][Tt][Pp][Ss]?:"}),
        Kind::OptionalAddress => json!({"type": "string", "pattern": "^\\s*([Hh][Tt][Tt][Pp][Ss]?:|$)"}),
        Kind::Contact => {
            json!({"type": "string", "maxLength": 200, "pattern": "^\\s*((mailto:|https?://)[!-'*-~]*)?\\s*$"})
        }
        Kind::Proxy => json!({"type": "string", "pattern": "^\\s*((https?|socks5h?):\\S+)?\\s*$"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Prefix => json!({"type": "string", "pattern": "^[a-z0-9._-]{1,32}$"}),
        Kind::Duration(range) => duration(range),
        Kind::Size(range) => {
            let bounds = format!("{} to {}", show_size(*range.start()), show_size(*range.end()));
            json!({"type": "string", "pattern": "^\\s*([0-9]+\\s*(B|KiB|MiB|GiB)\\s*)+$", "$comment": bounds})
        }
        Kind::Count(range) => json!({"type": "integer", "minimum": range.start(), "maximum": range.end()}),
        Kind::Fraction(range) => json!({"type": "number", "minimum": range.start(), "maximum": range.end()}),
        Kind::OneOf(words) => json!({"type": "string", "enum": words}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::MediaType => {
            json!({"type": "string", "maxLength": 100, "pattern": "^ *[A-Za-z0-9+._-]+/[A-Za-z0-9+._-]+ *(;[ -~]*)?$"})
        }
        Kind::Names => {
            let name = json!({"type": "string", "maxLength": NAME_CHARACTERS_MAX, "pattern": "[\\p{L}\\p{N}]"});
            json!({"type": "array", "maxItems": NAMES_MAX, "items": name})
        }
        Kind::AlertTypes => {
            json!({"type": "array", "items": {"type": "string", "enum": AlertType::ruled().map(AlertType::as_str).collect::<Vec<_>>()}})
        }
        Kind::ListOf(words) => json!({"type": "array", "items": {"type": "string", "enum": words}}),
        Kind::Expression => {
            json!({"type": "string", "minLength": 1, "maxLength": EXPRESSION_CHARACTERS_MAX, "pattern": "\\S"})
        }
        Kind::Headers(others) => headers(others),
        Kind::MoreSecrets => more_secrets(),
        Kind::Tokens => tokens(),
        Kind::Spans => {
            json!({"type": "array", "maxItems": SPANS_MAX, "items": {"type": "string", "pattern": SPAN_PATTERN}})
        }
        Kind::Collect => json!({"type": "string", "pattern": COLLECT_PATTERN}),
        Kind::Rate => json!({"type": "string", "pattern": RATE_PATTERN}),
        Kind::Host => json!({"type": "string", "maxLength": 253, "pattern": "^\\s*[^\\s/:@]+(:[^\\s/@]*)?\\s*$"}),
        Kind::Mailbox => mailbox(),
        Kind::Mailboxes => json!({"type": "array", "minItems": 1, "maxItems": RECIPIENTS_MAX, "items": mailbox()}),
        Kind::Fsync => json!({"type": "string", "pattern": FSYNC_PATTERN}),
        Kind::Durations(range) => json!({"type": "array", "items": duration(range)}),
    }
}

/// The bounds are for people: a pattern cannot add hours and minutes.
fn duration(range: &RangeInclusive<Duration>) -> Value {
    let bounds = format!("{} to {}", show_duration(*range.start()), show_duration(*range.end()));
    json!({"type": "string", "pattern": "^\\s*([0-9]+\\s*(ms|s|m|h|d)\\s*)+$", "$comment": bounds})
}

/// What the default file says of each key.
pub(super) struct Manual {
    /// The prose above a key, by its path.
    pub(super) words: BTreeMap<String, String>,
    /// Defaults that stand in the file uncommented, by path.
    pub(super) defaults: BTreeMap<String, Value>,
}

impl Manual {
    /// That of the embedded file.
    pub(super) fn embedded() -> Self {
        let mut defaults = BTreeMap::new();
        if let Ok(table) = DeTable::parse(DEFAULT_TOML) {
            note_defaults(table.get_ref(), "", &mut defaults);
        }
        Self { words: words(DEFAULT_TOML), defaults }
    }

    fn describe(&self, key: &Key, mut schema: Value) -> Value {
        if let Some(words) = self.words.get(&key.path()) {
            schema["description"] = json!(words);
        }
        if let Some(default) = self.defaults.get(&key.path()) {
            schema["default"] = default.clone();
        }
        schema
    }
}

/// The prose above each key; keys that share a paragraph share its words.
fn words(file: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let (mut section, mut prose, mut is_told) = (String::new(), Vec::new(), false);
    // The type of a sink stands below its name, whose words are those of the first sink.
    let mut sink_name = String::new();
    for line in file.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line);
        if let Some(words) = line.strip_prefix("# ") {
            if std::mem::take(&mut is_told) {
                prose.clear();
            }
            prose.push(words);
        } else if let Some(header) = bare.strip_prefix('[') {
            header.trim_matches(['[', ']']).clone_into(&mut section);
            prose.clear();
        } else if let Some((key, value)) = bare.split_once(" = ") {
            if section.starts_with("sink") && key == "name" {
                if !prose.is_empty() {
                    sink_name = prose.join(" ");
                }
            } else if section.starts_with("sink") && key == "type" {
                section = format!("sink.{}", value.trim_matches('"'));
                found.insert(format!("{section}.name"), sink_name.clone());
            }
            let path = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
            // A second example says nothing anew of the keys that it shares with the first.
            if !prose.is_empty() || !found.contains_key(&path) {
                found.insert(path, prose.join(" "));
            }
            is_told = true;
        } else {
            prose.clear();
        }
    }
    found.retain(|path, words| !words.is_empty() && path != "sink.name");
    found
}

fn note_defaults(table: &DeTable<'_>, section: &str, defaults: &mut BTreeMap<String, Value>) {
    for (key, value) in table {
        let path = format!("{section}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(table) => note_defaults(table, &format!("{path}."), defaults),
            other => defaults.extend(json_value(other).map(|value| (path, value))),
        }
    }
}

/// A plain value of TOML as JSON.
fn json_value(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(json!(text)),
        DeValue::Integer(number) => number.as_str().parse::<i64>().ok().map(|number| json!(number)),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok().map(|number| json!(number)),
        DeValue::Boolean(truth) => Some(json!(truth)),
        DeValue::Array(list) => list.iter().map(|element| json_value(element.get_ref())).collect(),
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
