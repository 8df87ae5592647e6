//! What a webhook is signed with: its key, and more keys beside it while they change, some only until a moment.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use toml::de::{DeTable, DeValue};

use super::Secret;
use super::access::{from_file, from_variable};
use super::load::{STAND_IN, SecretPlace, Surroundings};
use super::reader::{Section, Wrong, string};

/// Keys beside the main one: a change of keys needs one, a mistake makes many.
pub(super) const MORE_SECRETS_MAX: usize = 10;

/// Keys that give the main secret: exactly one.
const SECRET_KEYS: [&str; 3] = ["secret_env", "secret_file", "secret"];
/// Keys that give one of the others: exactly one.
pub(super) const MORE_SECRET_KEYS: [&str; 3] = ["env", "file", "value"];

const SECRET: &str = "secret_env, secret_file or secret; the value is whsec_ and the base64 of 24 to 64 bytes, or whsk_ and that of an ed25519 key";
const VALUE: &str = "whsec_ and the base64 of 24 to 64 bytes, or whsk_ and that of an ed25519 key";
const UNTIL: &str = "a moment such as \"2026-12-31T00:00:00Z\"";

/// A key that signs beside the main one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoreSecret {
    /// The key.
    pub secret: Secret,
    /// From then on it signs no longer.
    pub until: Option<Timestamp>,
}

/// Exactly one of the three keys, or none beside a template: chat services ask for no signature. Problems name keys, variables and
/// files, never what they hold.
pub(super) fn read_secret(section: &mut Section<'_>, surroundings: &Surroundings<'_>) -> Option<Secret> {
    let given = SECRET_KEYS.into_iter().filter(|key| section.has(key)).count();
    let is_optional = section.has("template") || section.has("template_file");
    if given > 1 || (given == 0 && !is_optional) {
        let what = if given == 0 { "has no secret" } else { "has more than one secret" };
        section.problem(Wrong::new(what, format!("one of {SECRET}")));
    }
    let [in_variable, in_file, inline] = SECRET_KEYS;
    let from_env = section.read(in_variable, |value| decode(&from_variable(value, surroundings)?, SECRET));
    let from_file = section.read(in_file, |value| decode(&from_file(value, surroundings)?, SECRET));
    let inline = section.read(inline, |value| decode(string(value, SECRET)?, SECRET));
    from_env.or(from_file).or(inline)
}

fn decode(text: &str, accepted: &str) -> Result<Secret, Wrong> {
    text.parse::<Secret>().map_err(|error| Wrong::new(error.to_string(), accepted))
}

/// The keys beside `main`, each another one.
pub(super) fn read_more_secrets(
    section: &mut Section<'_>,
    main: Option<&Secret>,
    surroundings: &Surroundings<'_>,
) -> Vec<MoreSecret> {
    let tables = section.tables("more_secrets");
    if tables.len() > MORE_SECRETS_MAX {
        let accepted = format!("at most {MORE_SECRETS_MAX} keys beside the main one");
        section.entry_problem("more_secrets", Wrong::new("are too many keys", accepted));
    }
    if !tables.is_empty() && !SECRET_KEYS.into_iter().any(|key| section.has(key)) {
        section.entry_problem("more_secrets", Wrong::new("stands beside no secret", format!("one of {SECRET}")));
    }
    let mut keys: Vec<MoreSecret> = Vec::new();
    for mut table in tables.into_iter().take(MORE_SECRETS_MAX) {
        let Some(key) = read_one(&mut table, surroundings) else {
            table.finish();
            continue;
        };
        let is_known = main == Some(&key.secret) || keys.iter().any(|known| known.secret == key.secret);
        // Where keys are not looked up, all are the same.
        if is_known && key.secret.reveal() != STAND_IN {
            table.problem(Wrong::new("holds a key that stands here twice", "each key once"));
        }
        keys.push(key);
        table.finish();
    }
    keys
}

fn read_one(table: &mut Section<'_>, surroundings: &Surroundings<'_>) -> Option<MoreSecret> {
    if MORE_SECRET_KEYS.into_iter().filter(|key| table.has(key)).count() != 1 {
        let accepted = format!("one of env, file or value, which holds {VALUE}");
        table.problem(Wrong::new("has not exactly one key", accepted));
    }
    let [in_variable, in_file, inline] = MORE_SECRET_KEYS;
    let from_env = table.read(in_variable, |value| decode(&from_variable(value, surroundings)?, VALUE));
    let from_file = table.read(in_file, |value| decode(&from_file(value, surroundings)?, VALUE));
    let inline = table.read(inline, |value| decode(string(value, VALUE)?, VALUE));
    let until = table.read("until", moment);
    Some(MoreSecret { secret: from_env.or(from_file).or(inline)?, until })
}

/// A moment with its offset from UTC, as a string or as TOML has it.
fn moment(value: &DeValue<'_>) -> Result<Timestamp, Wrong> {
    let text = match value {
        DeValue::Datetime(moment) => moment.to_string(),
        other => string(other, UNTIL)?.to_owned(),
    };
    text.parse().map_err(|_| Wrong::new(format!("{text:?} is no moment"), UNTIL))
}

/// Where the keys of a sink are kept, by the path of each: `sink[1].secret`, `sink[1].more_secrets[2]`.
pub(super) fn places(sink: &DeTable<'_>, path: &str, folder: &Path) -> BTreeMap<String, SecretPlace> {
    let place = |table: &DeTable<'_>, [in_variable, in_file, inline]: [&str; 3]| {
        let text = |key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
        text(in_variable)
            .map(SecretPlace::Environment)
            .or_else(|| text(in_file).map(|file| SecretPlace::File(folder.join(file))))
            .or_else(|| text(inline).map(|_| SecretPlace::Inline))
    };
    let main = place(sink, SECRET_KEYS).map(|place| (format!("{path}.secret"), place));
    let more = more(sink).enumerate().filter_map(|(number, table)| {
        Some((format!("{path}.more_secrets[{}]", number + 1), place(table?, MORE_SECRET_KEYS)?))
    });
    main.into_iter().chain(more).collect()
}

/// Variables that a sink names as holders of keys.
pub(super) fn variables<'t>(sink: &'t DeTable<'_>) -> Vec<&'t str> {
    let main = sink.get("secret_env").into_iter();
    main.chain(more(sink).flatten().filter_map(|table| table.get("env")))
        .filter_map(|value| value.get_ref().as_str())
        .collect()
}

fn more<'t, 'v>(sink: &'t DeTable<'v>) -> impl Iterator<Item = Option<&'t DeTable<'v>>> {
    let tables = sink.get("more_secrets").and_then(|tables| tables.get_ref().as_array());
    tables.into_iter().flat_map(|tables| tables.iter()).map(|table| table.get_ref().as_table())
}
