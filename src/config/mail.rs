//! The settings of a sink of e-mail: the server, how it is spoken to, who writes to whom.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use toml::de::DeValue;
use url::Host;

use super::PemFile;
use super::access::read_login;
use super::load::{RETRIES_MAX, Surroundings, TIMEOUT, WAITS, quoted};
use super::reader::{Section, Wrong, boolean, count, did_you_mean, duration, string};
use super::transport::read_authorities;
use crate::template::MailForm;

/// The names of the ways to encrypt, those of [`MailTls`].
pub(super) const TLS: [&str; 3] = ["starttls", "tls", "none"];
/// Most recipients: more are a list, which the mail server keeps.
pub(super) const RECIPIENTS_MAX: usize = 50;
/// What an address looks like, for editors.
pub(super) const MAILBOX_PATTERN: &str = "^[^@]*[^@\\s]@[^@\\s]+\\s*$";

const SERVER: &str = "a host name or an IP address, such as \"smtp.example.com\"";
const MAILBOX: &str =
    "an address such as \"desk@news.example\" or \"News Desk <desk@news.example>\", in ASCII but for the name";
/// Characters of an address with its name.
const MAILBOX_CHARACTERS_MAX: usize = 320;

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MailTls {
    /// From the beginning.
    Tls,
    /// Before anything is said that counts, or nothing is said.
    #[default]
    StartTls,
    /// Not at all.
    None,
}

impl MailTls {
    /// The name in the config.
    pub fn as_str(self) -> &'static str {
        let [start_tls, tls, none] = TLS;
        match self {
            Self::StartTls => start_tls,
            Self::Tls => tls,
            Self::None => none,
        }
    }

    /// The port at which servers listen for it.
    fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Who we are to the mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct MailLogin {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for MailLogin {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailLogin").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A sink of e-mail.
#[derive(Debug, Clone, PartialEq)]
pub struct MailConfig {
    /// The host of the mail server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// An unencrypted connection is meant, also where it leaves this machine.
    pub unencrypted: bool,
    /// Who we are, where the server asks.
    pub login: Option<MailLogin>,
    /// Who writes to whom.
    pub form: Arc<MailForm>,
    /// Authorities that are trusted beside those of the system.
    pub authorities: Option<PemFile>,
    /// Whole time for one attempt.
    pub timeout: Duration,
    /// Waits between attempts; when they are used up the delivery is dead, kept and visible.
    pub retry_schedule: Vec<Duration>,
}

/// Reads the keys of a sink; nothing only together with a problem in the report.
pub(super) fn read_mail(
    section: &mut Section<'_>,
    surroundings: &Surroundings<'_>,
    default_schedule: Vec<Duration>,
) -> Option<MailConfig> {
    let server = section.require("server", SERVER, server);
    let port = section.read("port", |value| count(value, &(1..=65_535)));
    let tls = section.read("tls", tls).unwrap_or_default();
    let unencrypted = section.read("unencrypted", boolean).unwrap_or_default();
    let login = read_login(section, surroundings).map(|(username, password)| MailLogin { username, password });
    let from = section.require("from", MAILBOX, mailbox);
    let to = section.list("to", MAILBOX, mailbox).unwrap_or_default();
    // What is in a list and wrong is reported where it stands.
    if !section.has("to") || section.is_empty_list("to") {
        section.problem(Wrong::new("writes to nobody", "to = [\"desk@news.example\"]"));
    }
    if to.len() > RECIPIENTS_MAX {
        section.problem(Wrong::new("writes to too many", format!("at most {RECIPIENTS_MAX} addresses in to")));
    }
    let authorities = read_authorities(section, surroundings);
    let timeout = section.read("timeout", |value| duration(value, TIMEOUT));
    let schedule = section.list("retry_schedule", "durations", |value| duration(value, WAITS));
    if schedule.as_ref().is_some_and(|schedule| schedule.len() > RETRIES_MAX) {
        section.problem(Wrong::new("retry_schedule is too long", format!("at most {RETRIES_MAX} waits")));
    }
    let server = server?;
    if tls == MailTls::None && !unencrypted && !is_here(&server) {
        let what = "speaks to another machine in the clear, which anybody on the way can read and change";
        section.problem(Wrong::new(what, "tls = \"starttls\" or \"tls\", or unencrypted = true where that is meant"));
    }
    Some(MailConfig {
        server,
        port: port.unwrap_or_else(|| tls.port()),
        tls,
        unencrypted,
        login,
        form: Arc::new(MailForm { from: from?, to }),
        authorities,
        timeout: timeout.unwrap_or(Duration::from_secs(30)),
        retry_schedule: schedule.unwrap_or(default_schedule),
    })
}

fn server(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, SERVER)?.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    match Host::parse(text) {
        Ok(Host::Domain(name)) if name.len() <= 253 => Ok(name),
        Ok(Host::Ipv4(address)) => Ok(address.to_string()),
        _ => Err(Wrong::new("is no host", SERVER)),
    }
}

fn is_here(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn tls(value: &DeValue<'_>) -> Result<MailTls, Wrong> {
    let accepted = quoted(&TLS);
    let text = string(value, &accepted)?;
    [MailTls::StartTls, MailTls::Tls, MailTls::None].into_iter().find(|tls| tls.as_str() == text).ok_or_else(|| {
        let what = format!("{text:?} is no way to encrypt{}", did_you_mean(text, TLS.into_iter()));
        Wrong::new(what, accepted)
    })
}

fn mailbox(value: &DeValue<'_>) -> Result<Mailbox, Wrong> {
    let text = string(value, MAILBOX)?.trim();
    let wrong = |what: &str| Wrong::new(format!("{text:?} {what}"), MAILBOX);
    if text.chars().count() > MAILBOX_CHARACTERS_MAX || text.chars().any(char::is_control) {
        return Err(wrong("is too long or not on one line"));
    }
    let mailbox: Mailbox = text.parse().map_err(|_| wrong("is no address"))?;
    // Others need servers that know more than most do.
    let address: &str = mailbox.email.as_ref();
    if !address.is_ascii() {
        return Err(wrong("has an address that is not ASCII"));
    }
    Ok(mailbox)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Option<&str>, &str)>) {
        let read = mailbox(&DeValue::String(text.into())).ok();
        let parts = read.as_ref().map(|mailbox| (mailbox.name.as_deref(), mailbox.email.as_ref()));
        assert_eq!(parts, expected, "{text:?}");
        let schema = serde_json::json!({"type": "string", "pattern": MAILBOX_PATTERN});
        assert!(read.is_none() || jsonschema::is_valid(&schema, &text.into()), "{text:?}: the schema says otherwise");
    }

    #[test]
    fn addresses_are_those_of_mail() {
        check("desk@news.example", Some((None, "desk@news.example")));
        check(" News Desk <desk@news.example> ", Some((Some("News Desk"), "desk@news.example")));
        check("Нова <desk@news.example>", Some((Some("Нова"), "desk@news.example")));
        for wrong in [
            "",
            "desk",
            "@news.example",
            "desk@",
            "a@b.example, c@d.example",
            "desk@news.example\nBcc: x@y.example",
            "<desk@news.example",
            "dесk@news.example",
            "a\r\n@b.example",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn servers_are_hosts() {
        let read = |text: &str| server(&DeValue::String(text.into())).ok();
        assert_eq!(read("SMTP.example.com").as_deref(), Some("smtp.example.com"));
        assert_eq!(read("127.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(read("::1").as_deref(), Some("::1"));
        for wrong in ["", "smtp.example.com:25", "smtp://a.example", "a b", "a/b", "user@host"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(is_here("::1") && is_here("127.0.0.9") && is_here("localhost") && !is_here("localhost.example"));
    }
}
