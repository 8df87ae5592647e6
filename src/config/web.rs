//! `[web]`: the API and the page on the address of `[http]`, the names they are reached by, and the tokens that open them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use toml::de::{DeTable, DeValue};

use super::access::{from_file, from_variable};
use super::load::{SecretPlace, Surroundings, read_text};
use super::reader::{Section, Wrong, boolean, string};

/// Tokens in all.
pub(super) const TOKENS_MAX: usize = 50;
/// Names of hosts in all.
const HOSTS_MAX: usize = 50;
/// Characters of a token: fewer can be guessed, and a header has no room for more.
pub(super) const TOKEN_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=200;
/// Characters of a token's name.
const NAME_CHARACTERS_MAX: usize = 100;
/// Keys that give a token: exactly one.
pub(super) const TOKEN_KEYS: [&str; 3] = ["env", "file", "value"];
/// What a token opens, the least first.
pub(super) const SCOPES: [&str; 2] = ["read", "operate"];

const TOKEN: &str = "16 to 200 characters without spaces, such as `openssl rand -hex 24` prints";
const NAME: &str = "a name of 1 to 100 characters, used once";
const HOST: &str = "the name of a host, without scheme and port, such as \"gainsay.example\"";

/// Who may see and do what over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebConfig {
    /// Whether the API and the page are served.
    pub api: bool,
    /// Names by which the daemon is reached, beside its address and localhost.
    pub hosts: Vec<String>,
    /// What opens it; where there is one, nothing is open without.
    pub tokens: Vec<WebToken>,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self { api: true, hosts: Vec::new(), tokens: Vec::new() }
    }
}

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Looking.
    Read,
    /// Looking and changing.
    Operate,
}

/// A token that opens the API. Of its text only a hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct WebToken {
    /// Whose it is.
    pub name: String,
    /// What it opens.
    pub scope: Scope,
    hash: [u8; 32],
}

impl WebToken {
    /// Whether `text` is the token. Takes as long whatever it is: hashes are compared, all bytes of them.
    pub fn is(&self, text: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        self.hash.iter().zip(hash).fold(0, |unlike, (ours, theirs)| unlike | (ours ^ theirs)) == 0
    }
}

impl fmt::Debug for WebToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebToken").field("name", &self.name).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Reads `[web]`.
pub(super) fn read_web(mut section: Section<'_>, surroundings: &Surroundings<'_>) -> WebConfig {
    let api = section.read("api", boolean).unwrap_or(true);
    let hosts = section.list("hosts", HOST, host).unwrap_or_default();
    if hosts.len() > HOSTS_MAX {
        section.entry_problem("hosts", Wrong::new("are too many names", format!("at most {HOSTS_MAX}")));
    }
    let tables = section.tables("tokens");
    if tables.len() > TOKENS_MAX {
        section.entry_problem("tokens", Wrong::new("are too many tokens", format!("at most {TOKENS_MAX}")));
    }
    let mut tokens: Vec<WebToken> = Vec::new();
    for mut table in tables.into_iter().take(TOKENS_MAX) {
        if let Some(token) = read_token(&mut table, surroundings) {
            if tokens.iter().any(|known| known.name == token.name) {
                table.entry_problem("name", Wrong::new("stands here twice", NAME));
            }
            tokens.push(token);
        }
        table.finish();
    }
    section.finish();
    WebConfig { api, hosts, tokens }
}

fn read_token(table: &mut Section<'_>, surroundings: &Surroundings<'_>) -> Option<WebToken> {
    if TOKEN_KEYS.into_iter().filter(|key| table.has(key)).count() != 1 {
        let accepted = format!("one of env, file or value, which holds {TOKEN}");
        table.problem(Wrong::new("has not exactly one token", accepted));
    }
    let name = table.require("name", NAME, name);
    let scope = table.require("scope", "\"read\" or \"operate\"", scope);
    let [in_variable, in_file, inline] = TOKEN_KEYS;
    let from_env = table.read(in_variable, |value| token(&from_variable(value, surroundings)?));
    let from_file = table.read(in_file, |value| token(&from_file(value, surroundings)?));
    let inline = table.read(inline, |value| token(string(value, TOKEN)?));
    Some(WebToken { name: name?, scope: scope?, hash: from_env.or(from_file).or(inline)? })
}

fn token(text: &str) -> Result<[u8; 32], Wrong> {
    let text = text.trim();
    let is_token = TOKEN_CHARACTERS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token { Ok(Sha256::digest(text.as_bytes()).into()) } else { Err(Wrong::new("is no token", TOKEN)) }
}

fn name(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, NAME)?.trim();
    let is_name = (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_name { Ok(text.to_owned()) } else { Err(Wrong::new("is no name", NAME)) }
}

fn scope(value: &DeValue<'_>) -> Result<Scope, Wrong> {
    let accepted = "\"read\" or \"operate\"";
    match string(value, accepted)? {
        "read" => Ok(Scope::Read),
        "operate" => Ok(Scope::Operate),
        other => Err(Wrong::new(format!("{other:?} is no scope"), accepted)),
    }
}

fn host(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, HOST)?.trim().to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if text.len() <= 253 && text.split('.').all(is_label) {
        Ok(text)
    } else {
        Err(Wrong::new(format!("{text:?} is no host"), HOST))
    }
}

/// A token that opens the API of the daemon of this config, from where its keys say it is kept: of those that this process can read the
/// one that opens most, for a command that watches the daemon.
pub fn own_token(path: &Path) -> Option<String> {
    let text = read_text(path).ok()?;
    let config = DeTable::parse(&text).ok()?;
    let web = config.get_ref().get("web")?.get_ref().as_table()?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let surroundings = Surroundings { folder, env: &|name| std::env::var(name).ok(), read: &read_text };
    let held = |table: &DeTable<'_>| {
        let value = |key: &str| table.get(key).map(toml::Spanned::get_ref);
        let [in_variable, in_file, inline] = TOKEN_KEYS.map(value);
        let variable = in_variable.and_then(|value| from_variable(value, &surroundings).ok());
        let file = || in_file.and_then(|value| from_file(value, &surroundings).ok());
        let text = variable.or_else(file).or_else(|| inline?.as_str().map(str::to_owned))?;
        let scope = scope(value("scope")?).ok()?;
        token(&text).is_ok().then(|| (scope, text.trim().to_owned()))
    };
    let tables = web.get("tokens")?.get_ref().as_array()?;
    let known: Vec<(Scope, String)> =
        tables.iter().take(TOKENS_MAX).filter_map(|table| held(table.get_ref().as_table()?)).collect();
    let first = |wanted: Scope| known.iter().find(|(scope, _)| *scope == wanted).map(|(_, text)| text.clone());
    first(Scope::Operate).or_else(|| first(Scope::Read))
}

/// Where the tokens are kept, by the path of each: `web.tokens[1]`.
pub(super) fn places(web: &DeTable<'_>, folder: &Path) -> BTreeMap<String, SecretPlace> {
    let tables = web.get("tokens").and_then(|tables| tables.get_ref().as_array());
    let place = |table: &DeTable<'_>| {
        let text = |key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
        text("env")
            .map(SecretPlace::Environment)
            .or_else(|| text("file").map(|file| SecretPlace::File(folder.join(file))))
            .or_else(|| text("value").map(|_| SecretPlace::Inline))
    };
    let tables = tables.into_iter().flat_map(|tables| tables.iter()).enumerate();
    tables
        .filter_map(|(number, table)| {
            Some((format!("web.tokens[{}]", number + 1), place(table.get_ref().as_table()?)?))
        })
        .collect()
}

/// Variables that hold tokens.
pub(super) fn variables<'t>(web: &'t DeTable<'_>) -> Vec<&'t str> {
    let tables = web.get("tokens").and_then(|tables| tables.get_ref().as_array());
    let tables = tables.into_iter().flat_map(|tables| tables.iter());
    tables.filter_map(|table| table.get_ref().as_table()?.get("env")?.get_ref().as_str()).collect()
}
