//! `FeedAccess`: what a feed's own server, or a webhook's endpoint, is shown so that it lets us in, a user with a password, a token or
//! other headers; read from the keys of a `[[feed]]` or a `[[sink]]` and never printed.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use toml::de::{DeTable, DeValue};
use url::Url;

use super::load::{SecretPlace, Surroundings, file_path};
use super::reader::{Section, Wrong, boolean, string};

/// Longest password, token or value of a header; servers refuse requests with much more.
const VALUE_BYTES_MAX: usize = 4_096;

/// Headers that belong to the connection, or that the poller itself sends for what it keeps of a feed.
pub(super) const RESERVED: [&str; 20] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that a delivery itself sends, or that would say another thing than it does.
pub(super) const ENDPOINT_RESERVED: [&str; 5] =
    ["content-type", "user-agent", "webhook-id", "webhook-signature", "webhook-timestamp"];

/// Whose server is shown something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Feed,
    Endpoint,
}

/// Keys that give a password, and those that give a token: exactly one of either.
pub(super) const PASSWORD_KEYS: [&str; 3] = ["password_env", "password_file", "password"];
pub(super) const TOKEN_KEYS: [&str; 3] = ["token_env", "token_file", "token"];

const USERNAME: &str = "1 to 200 characters without ':' and controls";
const PASSWORD: &str = "1 to 4096 bytes on one line, without controls";
const TOKEN: &str = "1 to 4096 printable ASCII characters without spaces";
const HEADER: &str =
    "a string, { env = \"VARIABLE\" } or { file = \"PATH\" }; the value is 1 to 4096 printable ASCII characters";
const HEADER_NAME: &str = "a name of letters, digits and '-', such as \"X-Api-Key\"";

/// What is sent to the scheme, host and port of a feed or an endpoint, and to nobody else.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedAccess {
    username: Option<String>,
    /// Every value is marked as sensitive, so that nobody prints it.
    headers: HeaderMap,
    takes_cookies: bool,
}

impl FeedAccess {
    /// The user, where one is given with a password.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The headers to send, `Authorization` among them.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether cookies of its servers are kept and shown to them again.
    pub fn takes_cookies(&self) -> bool {
        self.takes_cookies
    }

    /// Whether nothing is sent.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    fn send(&mut self, name: HeaderName, mut value: HeaderValue) {
        value.set_sensitive(true);
        self.headers.insert(name, value);
    }
}

/// Reads what a feed says of its access; whatever is wrong is in the report.
pub(super) fn read_access(section: &mut Section<'_>, url: Option<&Url>, surroundings: &Surroundings<'_>) -> FeedAccess {
    let takes_cookies = section.read("cookies", boolean).unwrap_or_default();
    FeedAccess { takes_cookies, ..read(section, url, surroundings, Server::Feed) }
}

/// Reads what a sink says of the access to its endpoint, by the same keys; whatever is wrong is in the report.
pub(super) fn read_endpoint_access(
    section: &mut Section<'_>,
    url: Option<&Url>,
    surroundings: &Surroundings<'_>,
) -> FeedAccess {
    read(section, url, surroundings, Server::Endpoint)
}

fn read(section: &mut Section<'_>, url: Option<&Url>, surroundings: &Surroundings<'_>, server: Server) -> FeedAccess {
    let username = section.read("username", username);
    let password = one_of(section, PASSWORD_KEYS, surroundings, password);
    let token = one_of(section, TOKEN_KEYS, surroundings, token);
    let has_login = judge_login(section, url);
    let mut access = FeedAccess::default();
    read_headers(&section.table("headers"), has_login, surroundings, server, &mut access);
    let login = match (&username, password, token) {
        (Some(username), Some(password), None) => {
            Some(format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
        }
        (None, None, Some(token)) => Some(format!("Bearer {token}")),
        _ => None,
    };
    // Base64 and tokens are ASCII.
    if let Some(login) = login.and_then(|login| HeaderValue::from_str(&login).ok()) {
        access.send(AUTHORIZATION, login);
        access.username = username;
    }
    access
}

/// A user and the password, for a server that is no web server; whatever is wrong is in the report.
pub(super) fn read_login(section: &mut Section<'_>, surroundings: &Surroundings<'_>) -> Option<(String, String)> {
    let username = section.read("username", username);
    let password = one_of(section, PASSWORD_KEYS, surroundings, password);
    judge_login(section, None);
    username.zip(password)
}

/// Reports keys that do not go together; says whether there are any.
fn judge_login(section: &Section<'_>, url: Option<&Url>) -> bool {
    let count = |keys: [&str; 3]| keys.into_iter().filter(|key| section.has(key)).count();
    let (passwords, tokens, has_username) = (count(PASSWORD_KEYS), count(TOKEN_KEYS), section.has("username"));
    let problem = |what: &str, accepted: &str| section.problem(Wrong::new(what, accepted));
    if passwords > 1 {
        problem("has more than one password", "one of password_env, password_file or password");
    }
    if tokens > 1 {
        problem("has more than one token", "one of token_env, token_file or token");
    }
    match (has_username, passwords, tokens) {
        (true, 0, 0) => problem("has a username and no password", "password_env, password_file or password beside it"),
        (false, 1.., 0) => problem("has a password and no username", "username beside it"),
        (true, _, 1..) | (_, 1.., 1..) => problem("has a token and a user or password", "one or the other"),
        _ => {}
    }
    let has_login = has_username || passwords + tokens > 0;
    if has_login && url.is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        problem("has a user in its url, too", "username and password, or a token, or a user in the url");
    }
    has_login
}

/// The value that one of the three keys gives, for a variable, a file and the value itself.
fn one_of(
    section: &mut Section<'_>,
    [in_variable, in_file, inline]: [&'static str; 3],
    surroundings: &Surroundings<'_>,
    decode: fn(&str) -> Result<String, Wrong>,
) -> Option<String> {
    let from_variable = section.read(in_variable, |value| decode(&from_variable(value, surroundings)?));
    let from_file = section.read(in_file, |value| decode(&from_file(value, surroundings)?));
    let inline = section.read(inline, |value| decode(string(value, "a string")?));
    from_variable.or(from_file).or(inline)
}

/// What the environment variable holds.
pub(super) fn from_variable(value: &DeValue<'_>, surroundings: &Surroundings<'_>) -> Result<String, Wrong> {
    let variable = string(value, "the name of an environment variable")?;
    (surroundings.env)(variable)
        .ok_or_else(|| Wrong::new(format!("environment variable {variable:?} is not set"), ""))
        .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
}

/// What the file holds, without the end of its line.
pub(super) fn from_file(value: &DeValue<'_>, surroundings: &Surroundings<'_>) -> Result<String, Wrong> {
    let path = file_path(value, surroundings)?;
    (surroundings.read)(&path)
        .map_err(|error| Wrong::new(format!("cannot read {}: {error}", path.display()), ""))
        .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_headers(
    section: &Section<'_>,
    has_login: bool,
    surroundings: &Surroundings<'_>,
    server: Server,
    access: &mut FeedAccess,
) {
    for (key, value) in section.entries() {
        let header = header_name(key, server).and_then(|name| {
            if access.headers.contains_key(&name) {
                return Err(Wrong::new("stands here twice", "each header once, in capitals or not"));
            }
            if has_login && name == AUTHORIZATION {
                return Err(Wrong::new("is sent already, for the username or the token", "one or the other"));
            }
            Ok((name, header_value(value, surroundings)?))
        });
        match header {
            Ok((name, value)) => access.send(name, value),
            Err(wrong) => section.entry_problem(key, wrong),
        }
    }
}

fn header_name(key: &str, server: Server) -> Result<HeaderName, Wrong> {
    let name =
        HeaderName::from_bytes(key.as_bytes()).map_err(|_| Wrong::new("is not the name of a header", HEADER_NAME))?;
    let is_ours = server == Server::Endpoint && ENDPOINT_RESERVED.contains(&name.as_str());
    if !is_ours && !RESERVED.contains(&name.as_str()) {
        return Ok(name);
    }
    let (who, whose) = match server {
        Server::Feed => ("poller", "feed's server"),
        Server::Endpoint => ("delivery", "endpoint"),
    };
    Err(Wrong::new(
        format!("is a header that cannot be set: the connection or the {who} itself sends it"),
        format!("a header by which the {whose} knows us, such as \"X-Api-Key\""),
    ))
}

fn header_value(value: &DeValue<'_>, surroundings: &Surroundings<'_>) -> Result<HeaderValue, Wrong> {
    let wrong = |what: &str| Wrong::new(what, HEADER);
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Table(table) => match (table.len(), table.get("env"), table.get("file")) {
            (1, Some(variable), None) => from_variable(variable.get_ref(), surroundings)?,
            (1, None, Some(file)) => from_file(file.get_ref(), surroundings)?,
            _ => return Err(wrong("has not exactly one of env and file")),
        },
        _ => return Err(wrong("is neither a string nor a table")),
    };
    let text = text.trim();
    if text.is_empty() || text.len() > VALUE_BYTES_MAX {
        return Err(wrong("is empty or too long"));
    }
    HeaderValue::from_str(text).map_err(|_| wrong("cannot be sent in a header"))
}

fn username(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, USERNAME)?;
    // A colon would begin the password (RFC 7617).
    let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(|c| c == ':' || c.is_control());
    if fits { Ok(text.to_owned()) } else { Err(Wrong::new("is no name of a user", USERNAME)) }
}

fn password(text: &str) -> Result<String, Wrong> {
    let fits = (1..=VALUE_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(Wrong::new("is no password", PASSWORD)) }
}

fn token(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let fits = (1..=VALUE_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err(Wrong::new("is no token", TOKEN)) }
}

/// Where the secrets of a feed or a sink are kept, by the path of each: `feed[1].password`, `feed[1].token`, `feed[1].headers.X-Api-Key`.
pub(super) fn places(feed: &DeTable<'_>, path: &str, folder: &Path) -> BTreeMap<String, SecretPlace> {
    let text = |table: &DeTable<'_>, key: &str| Some(table.get(key)?.get_ref().as_str()?.to_owned());
    let mut found = BTreeMap::new();
    for (what, [in_variable, in_file, inline]) in [("password", PASSWORD_KEYS), ("token", TOKEN_KEYS)] {
        let place = text(feed, in_variable)
            .map(SecretPlace::Environment)
            .or_else(|| text(feed, in_file).map(|file| SecretPlace::File(folder.join(file))))
            .or_else(|| text(feed, inline).map(|_| SecretPlace::Inline));
        found.extend(place.map(|place| (format!("{path}.{what}"), place)));
    }
    let headers = feed.get("headers").and_then(|headers| headers.get_ref().as_table());
    for (name, value) in headers.into_iter().flatten() {
        let place = match value.get_ref().as_table() {
            None => Some(SecretPlace::Inline),
            Some(table) => text(table, "env")
                .map(SecretPlace::Environment)
                .or_else(|| text(table, "file").map(|file| SecretPlace::File(folder.join(file)))),
        };
        found.extend(place.map(|place| (format!("{path}.headers.{}", name.get_ref()), place)));
    }
    found
}

/// Variables that a feed or a sink names as holders of secrets.
pub(super) fn variables<'t>(feed: &'t DeTable<'_>) -> Vec<&'t str> {
    let text = |value: &'t toml::Spanned<DeValue<'_>>| value.get_ref().as_str();
    let headers = feed.get("headers").and_then(|headers| headers.get_ref().as_table()).into_iter().flatten();
    let of_headers = headers.filter_map(|(_, value)| text(value.get_ref().as_table()?.get("env")?));
    ["password_env", "token_env"].into_iter().filter_map(|key| text(feed.get(key)?)).chain(of_headers).collect()
}
