//! `[web]`: the API and the page on the address of `[http]`, the names they are reached by, the tokens that open them, and what the links
//! of messages are made of.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};
use toml::de::{DeTable, DeValue};
use url::{Host, Url};

use super::Secret;
use super::access::{from_file, from_variable};
use super::load::{SecretPlace, Surroundings, optional_address, read_text};
use super::reader::{Section, Wrong, boolean, duration, string};
use crate::template::Links;

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
/// Keys that give the secret of links: at most one.
pub(super) const LINK_SECRET_KEYS: [&str; 3] = ["link_secret_env", "link_secret_file", "link_secret"];
/// Bounds of how long signed links count.
pub(super) const LINK_LIFETIME: RangeInclusive<Duration> = Duration::from_hours(1)..=Duration::from_hours(24 * 90);
/// Characters of the address that links begin with: chat services take so many of a field, and three links stand in one.
const PUBLIC_CHARACTERS_MAX: usize = 100;
/// What a token opens, the least first.
pub(super) const SCOPES: [&str; 2] = ["read", "operate"];

const TOKEN: &str = "16 to 200 characters without spaces, such as `openssl rand -hex 24` prints";
const NAME: &str = "a name of 1 to 100 characters, used once";
const PUBLIC: &str = "an http or https address of at most 100 characters such as \"https://gainsay.example/\", of a host or an IPv4 address, without user, query and fragment, its path of letters, digits, '/', '.', '_', '~' and '-'";
const LINK_SECRET: &str = "whsec_ and the base64 of 24 to 64 bytes, as `gainsay endpoint keygen` makes it, in link_secret_env, link_secret_file or link_secret";
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
    /// What makes the links of messages; nothing where they have none.
    pub links: Option<Arc<Links>>,
    /// How long signed ones count.
    pub link_lifetime: Duration,
}

impl WebConfig {
    /// Whether requests may name this host, beside addresses and localhost.
    pub fn is_host(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| host == name) || self.links.as_ref().is_some_and(|links| links.host() == name)
    }
}

impl Default for WebConfig {
    fn default() -> Self {
        let link_lifetime = Duration::from_hours(24 * 7);
        Self { api: true, hosts: Vec::new(), tokens: Vec::new(), links: None, link_lifetime }
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
    let lifetime = section.read("link_lifetime", |value| duration(value, LINK_LIFETIME));
    let link_lifetime = lifetime.unwrap_or(WebConfig::default().link_lifetime);
    let links = read_links(&mut section, surroundings, (api, link_lifetime));
    section.finish();
    WebConfig { api, hosts, tokens, links, link_lifetime }
}

/// What makes the links of messages, from their address and secret.
fn read_links(
    section: &mut Section<'_>,
    surroundings: &Surroundings<'_>,
    (api, lifetime): (bool, Duration),
) -> Option<Arc<Links>> {
    let public = section.read("public_url", public);
    let given = LINK_SECRET_KEYS.into_iter().filter(|key| section.has(key)).count();
    let [in_variable, in_file, inline] = LINK_SECRET_KEYS;
    let from_env = section.read(in_variable, |value| link_secret(&from_variable(value, surroundings)?));
    let from_file = section.read(in_file, |value| link_secret(&from_file(value, surroundings)?));
    let inline = section.read(inline, |value| link_secret(string(value, LINK_SECRET)?));
    if given > 1 {
        section.problem(Wrong::new("has more than one secret of links", format!("one of {LINK_SECRET}")));
    }
    // What is wrong with the address itself is reported where it stands.
    let is_missing = public.as_ref().map_or(!section.has("public_url"), Option::is_none);
    if given > 0 && is_missing {
        section.problem(Wrong::new("has a secret of links and no public_url", format!("public_url: {PUBLIC}")));
    }
    let public = public.flatten()?;
    if !api {
        let what = "has a public_url and api = false: nobody would answer there";
        section.problem(Wrong::new(what, "api = true, or no public_url"));
    }
    let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX);
    let secret = from_env.or(from_file).or(inline);
    Some(Arc::new(Links::new(public, secret.as_deref(), lifetime)))
}

/// What stands in messages as it is: nothing in it may end a link in the markup of a chat.
fn public(value: &DeValue<'_>) -> Result<Option<Url>, Wrong> {
    let Some(url) = optional_address(value).map_err(|wrong| wrong.accepting(PUBLIC))? else { return Ok(None) };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._~-".contains(c);
    let is_public = url.as_str().len() <= PUBLIC_CHARACTERS_MAX
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.path().chars().all(is_plain)
        && matches!(url.host(), Some(Host::Domain(_) | Host::Ipv4(_)));
    if is_public { Ok(Some(url)) } else { Err(Wrong::new("is no address that links can begin with", PUBLIC)) }
}

fn link_secret(text: &str) -> Result<Vec<u8>, Wrong> {
    match text.parse::<Secret>() {
        Ok(Secret::Shared(key)) => Ok(key),
        Ok(Secret::Private(_)) => {
            Err(Wrong::new("is a private key, and links are signed with a shared one", LINK_SECRET))
        }
        Err(error) => Err(Wrong::new(error.to_string(), LINK_SECRET)),
    }
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
    let place = |table: &DeTable<'_>, [in_variable, in_file, inline]: [&str; 3]| {
        let text = |key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
        text(in_variable)
            .map(SecretPlace::Environment)
            .or_else(|| text(in_file).map(|file| SecretPlace::File(folder.join(file))))
            .or_else(|| text(inline).map(|_| SecretPlace::Inline))
    };
    let of_links = place(web, LINK_SECRET_KEYS).map(|place| ("web.link_secret".to_owned(), place));
    let tables = tables.into_iter().flat_map(|tables| tables.iter()).enumerate();
    tables
        .filter_map(|(number, table)| {
            Some((format!("web.tokens[{}]", number + 1), place(table.get_ref().as_table()?, TOKEN_KEYS)?))
        })
        .chain(of_links)
        .collect()
}

/// Variables that hold tokens, and the secret of links.
pub(super) fn variables<'t>(web: &'t DeTable<'_>) -> Vec<&'t str> {
    let tables = web.get("tokens").and_then(|tables| tables.get_ref().as_array());
    let tables = tables.into_iter().flat_map(|tables| tables.iter());
    let of_links = web.get("link_secret_env").and_then(|name| name.get_ref().as_str());
    tables.filter_map(|table| table.get_ref().as_table()?.get("env")?.get_ref().as_str()).chain(of_links).collect()
}
