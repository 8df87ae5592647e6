//! Config files, good and bad, and what is said of them.

mod rules;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::{AlertType, Kind};
use crate::rule::Collect;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

fn variable(name: &str) -> Option<String> {
    let value = match name.trim_start_matches("GAINSAY_") {
        "DESK_SECRET" | "LINK_SECRET" => SECRET,
        "AGENCY_PASSWORD" => "hunter2: é\n",
        "AGENCY_TOKEN" => "token-8",
        "AGENCY_KEY" => "key-9",
        "PARTNER_SECRET" => "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=",
        "PARTNER_OLD_SECRET" => "whsec_cGFydG5lci1vbGQtc2VjcmV0LTAxMjM0NTY3ODk=",
        "PARTNER_PASSWORD" => "hunter3",
        "PARTNER_KEY" => "key-10",
        "MAIL_PASSWORD" => "hunter4",
        "TWO_LINES" => "a\nb",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Result<Config, ConfigError> {
    let surroundings = Surroundings {
        folder: Path::new(""),
        env: &variable,
        read: &|path| match path.to_str() {
            Some("desk.secret") => Ok(format!("{SECRET}\n")),
            Some("agency.token") => Ok("token-8\n".to_owned()),
            Some("short.secret") => Ok("whsec_c2hvcnQ=".to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        },
    };
    parse(text, "g.toml", &surroundings)
}

/// The problems of `text` are exactly these, one a line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = read(text).err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn nothing_means_defaults() {
    assert_eq!(read("").unwrap(), Config::default());
    assert!(matches!(Config::default().ensure_feeds(), Err(ConfigError::NoFeeds)));
}

#[test]
fn everything_reads() {
    let config = read(
        r#"
database = "state/g.db"
[intake]
poll_interval = "1m30s"
jitter = 0
allow_networks = ["127.0.0.0/8", "::1"]
[windows]
stories = "2d"
[[feed]]
id = "a"
url = "https://a.example/rss"
outlet = "A"
[[feed]]
id = "b"
url = "http://127.0.0.1:9/atom"
outlet = "B"
poll_interval = "2s"
backfill = "1d"
[[sink]]
name = "log"
type = "jsonl"
path = "alerts.jsonl"
[[sink]]
name = "desk"
type = "webhook"
url = "https://desk.example/hook"
secret_env = "DESK_SECRET"
retry_schedule = ["1s", "1m"]
[[rule]]
name = "all denials"
types = ["denial.new"]
confidence_min = 0.8
sinks = ["desk"]
"#,
    )
    .unwrap();
    assert_eq!(config.database, Path::new("state/g.db"));
    assert_eq!(config.intake.allow_networks.len(), 2);
    assert_eq!(config.windows.stories, Duration::from_hours(48));
    assert_eq!(config.feeds[0].poll_interval, Duration::from_secs(90));
    assert_eq!(config.feeds[1].poll_interval, Duration::from_secs(2));
    assert_eq!(config.feeds[1].backfill, Duration::from_hours(24));
    assert_eq!(config.rules[0].types, [AlertType::DenialNew]);
    let SinkTarget::Webhook(webhook) = &config.sinks[1].target else { panic!("not a webhook") };
    assert_eq!(webhook.secret, Some(Secret::new(b"012345678901234567890123".to_vec())));
    assert_eq!(webhook.retry_schedule, [Duration::from_secs(1), Duration::from_mins(1)]);
    assert_eq!(webhook.concurrency_max, 4);
    assert!(config.ensure_feeds().is_ok());
}

#[test]
fn all_problems_come_at_once_in_order() {
    check(
        "databse = \"x\"\n[intake]\npoll_interval = 300\njitter = 0.9\nbody_bytes_max = \"5MB\"\n[[feed]]\nid = \"BBC News\"\nurl = \"ftp://a.example\"\n",
        &[
            "g.toml:1:1: databse: is not a key here, did you mean \"database\"? (accepted: database, domain, extract, feed, feed_list, http, intake, log, rule, shutdown_grace, sink, web, websub, windows)",
            "g.toml:3:17: intake.poll_interval: has no unit; write \"300s\" if seconds are meant (accepted: a string such as \"90s\", \"5m\" or \"7d\", from 1s to 31d)",
            "g.toml:4:10: intake.jitter: 0.9 is out of range (accepted: a number from 0 to 0.5)",
            "g.toml:5:18: intake.body_bytes_max: \"5MB\" is not a size (accepted: a string such as \"512KiB\" or \"5MiB\", from 1KiB to 1GiB; units B, KiB, MiB, GiB)",
            "g.toml:6:1: feed[1].outlet: is missing (accepted: a string of 1 to 200 characters on one line)",
            "g.toml:7:6: feed[1].id: \"BBC News\" has not the form of a name (accepted: 1 to 64 lower-case letters, digits, '.', '_' or '-')",
            "g.toml:8:7: feed[1].url: the scheme \"ftp\" cannot be used (accepted: an absolute http or https address, or file:///path of a directory or file)",
        ],
    );
}

#[test]
fn an_interval_that_stands_alone_is_the_interval() {
    let minutes = |text: &str| {
        let feed = "id = \"a\"\nurl = \"https://a.example\"\noutlet = \"A\"\n";
        let feed = read(&text.replace("[[feed]]", &format!("[[feed]]\n{feed}"))).unwrap().feeds.remove(0);
        (feed.poll_interval.as_secs() / 60, feed.poll_interval_max.as_secs() / 60)
    };
    assert_eq!(minutes("[[feed]]"), (2, 60));
    assert_eq!(minutes("[intake]\npoll_interval = \"5m\"\n[[feed]]"), (5, 5));
    assert_eq!(minutes("[intake]\npoll_interval = \"5m\"\npoll_interval_max = \"3h\"\n[[feed]]"), (5, 180));
    assert_eq!(minutes("[intake]\npoll_interval_max = \"1m\"\n[[feed]]"), (1, 1));
    assert_eq!(minutes("[[feed]]\npoll_interval = \"9m\""), (9, 9));
    assert_eq!(minutes("[[feed]]\npoll_interval_max = \"1d\""), (2, 1440));
    check(
        "[intake]\npoll_interval = \"5m\"\npoll_interval_max = \"1m\"\n[[domain]]\nname = \"Example.com\"\nfetches_max = 0\n[[domain]]\nname = \"a.org\"\n[[domain]]\nname = \"a.org\"\n",
        &[
            "g.toml:1:1: intake: poll_interval_max is shorter than poll_interval (accepted: at least poll_interval)",
            "g.toml:5:8: domain[1].name: \"Example.com\" is neither a domain in lower case nor an IP address (accepted: a domain such as \"example.com\" or an IP address, used once)",
            "g.toml:6:15: domain[1].fetches_max: 0 is out of range (accepted: a whole number from 1 to 64)",
            "g.toml:10:8: domain[3].name: \"a.org\" is taken by line 8 (accepted: a name used once)",
        ],
    );
}

#[test]
fn wrong_types_and_ranges() {
    check(
        "[windows]\nclaims = \"1s\"\nthreads = true\n[intake]\nentries_max = 0\nredirects_max = \"5\"\nuser_agent = \"\"\nallow_networks = [\"10.0.0.0/8\", \"lan\", 7]\n",
        &[
            "g.toml:2:10: windows.claims: \"1s\" is out of range (accepted: a string such as \"90s\", \"5m\" or \"7d\", from 1h to 3660d)",
            "g.toml:3:11: windows.threads: is true or false (accepted: a string such as \"90s\", \"5m\" or \"7d\", from 1h to 3660d)",
            "g.toml:5:15: intake.entries_max: 0 is out of range (accepted: a whole number from 1 to 10000)",
            "g.toml:6:17: intake.redirects_max: is a string (accepted: a whole number from 0 to 20)",
            "g.toml:7:14: intake.user_agent: cannot be sent as User-Agent (accepted: 1 to 200 printable ASCII characters)",
            "g.toml:8:33: intake.allow_networks[2]: \"lan\" is not a network (accepted: a network such as \"127.0.0.0/8\" or \"fd00::/8\", or one address)",
            "g.toml:8:40: intake.allow_networks[3]: is a number (accepted: a network such as \"127.0.0.0/8\" or \"fd00::/8\", or one address)",
        ],
    );
    check(
        "intake = 5\nfeed = [1]\nrule = \"x\"\n",
        &[
            "g.toml:1:10: intake: is a number (accepted: a table, written [intake])",
            "g.toml:2:9: feed[1]: is a number (accepted: tables, each written [[feed]])",
            "g.toml:3:8: rule: is a string (accepted: tables, each written [[rule]])",
        ],
    );
}

#[test]
fn where_to_listen_and_what_to_log() {
    let config =
        read("[http]\nlisten = \"[::1]:80\"\n[log]\nfilter = \"gainsay::sink=debug,info\"\nformat = \"json\"\n");
    let config = config.unwrap();
    assert_eq!(config.http.listen, "[::1]:80".parse().ok());
    assert_eq!((config.log.filter.as_str(), config.log.format), ("gainsay::sink=debug,info", LogFormat::Json));
    assert_eq!(read("[http]\nlisten = \"\"\n").unwrap().http.listen, None);
    check(
        "[http]\nlisten = \"8420\"\n[log]\nfilter = \"gainsay=loud\"\nformat = \"jsn\"\n",
        &[
            "g.toml:2:10: http.listen: \"8420\" is no address to listen on (accepted: an address with its port, such as \"127.0.0.1:8420\" or \"[::1]:8420\", or \"\" for none)",
            "g.toml:4:10: log.filter: \"gainsay=loud\" is no filter (accepted: error, warn, info, debug, trace, or a list such as \"gainsay::intake=debug,warn\")",
            "g.toml:5:10: log.format: \"jsn\" is not a format, did you mean \"json\"? (accepted: \"auto\", \"human\", \"json\", \"journald\")",
        ],
    );
}

#[test]
fn names_are_unique_and_known() {
    let feed = |id: &str| format!("[[feed]]\nid = \"{id}\"\nurl = \"https://a.example\"\noutlet = \"A\"\n");
    check(&(feed("a") + &feed("b")), &[]);
    check(
        &(feed("a") + &feed("a")),
        &["g.toml:6:6: feed[2].id: \"a\" is taken by line 2 (accepted: a name used once)"],
    );
    check(
        "[[rule]]\nname = \"r\"\nsinks = [\"dask\"]\ntypes = [\"denial\"]\n[[sink]]\nname = \"desk\"\ntype = \"jsonl\"\n",
        &[
            "g.toml:3:10: rule[1].sinks[1]: there is no sink \"dask\", did you mean \"desk\"? (accepted: \"desk\")",
            "g.toml:4:10: rule[1].types[1]: \"denial\" is not an alert type, did you mean \"denial.new\"? (accepted: \"allegation.new\", \"denial.new\", \"claim.confirmed\", \"claim.no_comment\", \"claim.retracted\", \"claim.revised\", \"claim.withdrawn\", \"thread.linked\", \"thread.contradiction\", \"thread.closed\", \"feed.failing\", \"feed.recovered\", \"feed.stale\", \"feed.empty\", \"feed.moved\", \"feed.gone\", \"sink.failing\", \"sink.disabled\", \"sink.recovered\")",
        ],
    );
    check("[[rule]]\nname = \"r\"\nsinks = [\"stdout\"]\n", &[]);
}

#[test]
fn sinks_are_checked_by_type() {
    check(
        "[[sink]]\nname = \"a\"\ntype = \"webhok\"\n[[sink]]\nname = \"b\"\ntype = \"jsonl\"\nurl = \"https://b.example\"\n",
        &[
            "g.toml:3:8: sink[1].type: \"webhok\" is not a type of sink, did you mean \"webhook\"? (accepted: \"jsonl\", \"webhook\", \"email\")",
            "g.toml:7:1: sink[2].url: is not a key here (accepted: alerts_per_day, alerts_per_hour, compress, digest, fsync, group_wait, keep_files, name, path, quiet_hours, quiet_priority, quiet_zone, rotate_bytes, rotate_every, type)",
        ],
    );
}

#[test]
fn limits_of_sinks_are_checked() {
    let sink = |lines: &str| format!("[[sink]]\nname = \"a\"\ntype = \"jsonl\"\n{lines}\n");
    check(
        &sink("quiet_hours = [\"22:00-07:00\", \"Sat-Sun\"]\nquiet_zone = \"Europe/Berlin\"\ngroup_wait = \"2m\""),
        &[],
    );
    let span = "days, times or both, such as \"22:00-07:00\", \"Sat-Sun\" or \"Mon-Fri 18:00-08:00\"";
    check(
        &sink(
            "quiet_hours = [\"22-07\", \"Sat\"]\nquiet_zone = \"Europe/Berln\"\nquiet_priority = 101\ngroup_wait = \"2h\"",
        ),
        &[
            &format!(
                "g.toml:4:16: sink[1].quiet_hours[1]: \"22\" is no day: Mon, Tue, Wed, Thu, Fri, Sat, Sun (accepted: {span})"
            ),
            "g.toml:5:14: sink[1].quiet_zone: \"Europe/Berln\" is not a time zone, did you mean \"Europe/Berlin\"? (accepted: the name of a time zone such as \"Europe/Berlin\" or \"UTC\")",
            "g.toml:6:18: sink[1].quiet_priority: 101 is out of range (accepted: a whole number from 0 to 100)",
            "g.toml:7:14: sink[1].group_wait: \"2h\" is out of range (accepted: a string such as \"90s\", \"5m\" or \"7d\", from 0s to 1h)",
        ],
    );
    let endless = read(&sink("quiet_hours = [\"22:00-07:00\", \"07:00-22:00\"]")).unwrap_err().to_string();
    assert!(endless.contains("quiet_hours never end"), "{endless}");
    let limits = read(&sink("alerts_per_hour = 7")).unwrap().sinks.remove(0).limits;
    assert_eq!((limits.alerts_per_day, limits.alerts_per_hour, limits.quiet_priority), (100, 7, 90));
}

#[test]
fn a_sink_collects_by_a_duration_or_times_of_day() {
    let read = |lines: &str| read(&format!("[[sink]]\nname = \"a\"\ntype = \"jsonl\"\n{lines}\n"));
    let collect = |lines: &str| read(lines).unwrap().sinks.remove(0).limits.collect;
    assert_eq!(collect(""), None);
    assert_eq!(collect("digest = \"\""), None);
    assert_eq!(collect("digest = \"90m\""), Some(Collect::Every(jiff::SignedDuration::from_mins(90))));
    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let at = Collect::At("07:00 17:30".parse().unwrap(), berlin);
    assert_eq!(collect("digest = \"17:30, 07:00\"\nquiet_zone = \"Europe/Berlin\""), Some(at));
    for (wrong, words) in [
        ("\"30s\"", "\"30s\" is out of range"),
        ("\"2d\"", "\"2d\" is out of range"),
        ("\"daily\"", "\"daily\" is not a duration"),
        ("\"25:00\"", "\"25:00\" is no time of day"),
        ("7", "is a number"),
    ] {
        let error = read(&format!("digest = {wrong}")).unwrap_err().to_string();
        assert!(error.contains("sink[1].digest: ") && error.contains("\"07:00 17:30\""), "{error}");
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn links_of_messages_begin_with_a_public_address_and_are_signed_with_a_shared_key() {
    let web = |lines: &str| read(&format!("[web]\n{lines}\n"));
    assert_eq!(web("public_url = \"\"").unwrap().web.links, None);
    let bare = web("public_url = \"https://gainsay.example\"").unwrap().web;
    assert!(!bare.links.as_ref().unwrap().are_signed() && bare.is_host("gainsay.example"));
    let signed =
        web("public_url = \"https://news.example/g\"\nlink_secret_env = \"LINK_SECRET\"\nlink_lifetime = \"2d\"");
    let links = signed.unwrap().web.links.unwrap();
    assert_eq!((links.base().as_str(), links.are_signed()), ("https://news.example/g/", true));
    assert_eq!(links.lifetime(), jiff::SignedDuration::from_hours(48));
    let public = "public_url = \"https://gainsay.example/\"\n";
    for (lines, words) in [
        ("public_url = \"gainsay.example\"".to_owned(), "web.public_url: does not begin with http"),
        ("public_url = \"ftp://gainsay.example\"".to_owned(), "web.public_url: the scheme \"ftp\""),
        ("public_url = \"https://u@gainsay.example\"".to_owned(), "is no address that links can begin with"),
        ("public_url = \"https://gainsay.example/?a\"".to_owned(), "is no address that links can begin with"),
        ("public_url = \"https://gainsay.example/a(b)\"".to_owned(), "is no address that links can begin with"),
        ("public_url = \"https://[::1]:8420/\"".to_owned(), "is no address that links can begin with"),
        (format!("public_url = \"https://gainsay.example/{}\"", "x".repeat(80)), "at most 100 characters"),
        ("link_secret = \"x\"".to_owned(), "does not start with whsec_"),
        (format!("link_secret = \"{SECRET}\""), "web: has a secret of links and no public_url"),
        (format!("{public}link_secret_env = \"PARTNER_SECRET\""), "web.link_secret_env: is a private key"),
        (format!("{public}link_secret_env = \"NOT_SET\""), "environment variable \"NOT_SET\" is not set"),
        (format!("{public}link_secret_file = \"short.secret\""), "web.link_secret_file: holds a key of 5 bytes"),
        (
            format!("{public}link_secret_file = \"desk.secret\"\nlink_secret_env = \"LINK_SECRET\""),
            "has more than one secret of links",
        ),
        (format!("{public}api = false"), "nobody would answer there"),
        (format!("{public}link_lifetime = \"91d\""), "web.link_lifetime: \"91d\" is out of range"),
    ] {
        let error = web(&lines).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("MDEy"), "{lines}: {error}");
    }
}

#[test]
fn secrets_are_found_and_never_shown() {
    let sink = |lines: &str| {
        format!("[[sink]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example/token-7\"\n{lines}\n")
    };
    check(&sink("secret_file = \"desk.secret\""), &[]);
    check(&sink(&format!("secret = {SECRET:?}")), &[]);
    let accepted = "secret_env, secret_file or secret; the value is whsec_ and the base64 of 24 to 64 bytes, or whsk_ and that of an ed25519 key";
    check(&sink(""), &[&format!("g.toml:1:1: sink[1]: has no secret (accepted: one of {accepted})")]);
    check(
        &sink("secret = \"hunter2\"\nsecret_env = \"NOT_SET\""),
        &[
            &format!("g.toml:1:1: sink[1]: has more than one secret (accepted: one of {accepted})"),
            &format!("g.toml:5:10: sink[1].secret: does not start with whsec_ or whsk_ (accepted: {accepted})"),
            "g.toml:6:14: sink[1].secret_env: environment variable \"NOT_SET\" is not set",
        ],
    );
    check(
        &sink("secret_file = \"short.secret\""),
        &[&format!("g.toml:5:15: sink[1].secret_file: holds a key of 5 bytes (accepted: {accepted})")],
    );
    check(
        &sink("secret_file = \"nowhere\""),
        &["g.toml:5:15: sink[1].secret_file: cannot read nowhere: entity not found"],
    );
    let feed = "[[feed]]\nid = \"a\"\nurl = \"https://token-7@a.example/f?key=token-7\"\noutlet = \"A\"\n";
    let shown = format!("{:?}", read(&(sink("secret_env = \"DESK_SECRET\"") + feed)).unwrap());
    assert!(!shown.contains("whsec_") && !shown.contains("token-7"), "{shown}");
    assert!(shown.contains("\"https://a.example\"") && shown.contains("\"https://a.example/f?key=…\""), "{shown}");
}

#[test]
fn broken_syntax_has_places_too() {
    check(
        "database = \n[intake\njitter = 0.1\n",
        &[
            "g.toml:1:12: syntax: string values must be quoted, expected literal string",
            "g.toml:2:8: syntax: unclosed table, expected `]`",
        ],
    );
}

/// The default file, with its commented examples brought to life.
fn uncommented() -> String {
    let alive = |line: &str| match line.strip_prefix('#') {
        Some(example) if !example.is_empty() && !example.starts_with(' ') => format!("{example}\n"),
        _ => format!("{line}\n"),
    };
    DEFAULT_TOML.lines().map(alive).collect()
}

/// As [`uncommented`], a sound config: of several keys for one thing one.
fn sound() -> String {
    let others = [
        "secret_file",
        "secret",
        "password_file",
        "password",
        "token_env",
        "token_file",
        "token",
        "url_env",
        "url_file",
        "path",
        "template",
        "template_file",
        "content_type",
        "ca_file",
        "client_certificate_file",
        "client_key_file",
        "link_secret_file",
        "link_secret",
    ];
    // A file of lines needs its path.
    let is_other =
        |line: &&str| others.iter().any(|key| line.starts_with(&format!("{key} ="))) && !line.contains("alerts.jsonl");
    let lines = uncommented().lines().filter(|line| !is_other(line)).flat_map(|line| [line, "\n"]).collect::<String>();
    let names = ["DESK_SECRET", "AGENCY_PASSWORD", "AGENCY_KEY"];
    let of_partner = ["PARTNER_SECRET", "PARTNER_OLD_SECRET", "PARTNER_PASSWORD", "PARTNER_KEY", "MAIL_PASSWORD"];
    // Signed links need an address.
    let lines = lines.replace("public_url = \"\"", "public_url = \"https://gainsay.example/\"");
    names
        .iter()
        .chain(&of_partner)
        .chain(&["LINK_SECRET"])
        .fold(lines, |text, name| text.replace(&format!("GAINSAY_{name}"), name))
}

/// Keys by section; sinks are kept apart by type.
fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let table: toml::de::DeTable<'_> = toml::de::DeTable::parse(text).unwrap().into_inner();
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let names = |table: &toml::de::DeTable<'_>| table.keys().map(|key| key.get_ref().to_string()).collect();
    keys.insert(String::new(), names(&table));
    for (key, value) in &table {
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => {
                keys.insert(key.get_ref().to_string(), names(inner));
            }
            toml::de::DeValue::Array(list) => {
                for inner in list.iter().filter_map(|entry| entry.get_ref().as_table()) {
                    let kind = inner.get("type").and_then(|kind| kind.get_ref().as_str()).unwrap_or_default();
                    keys.entry(format!("{}{kind}", key.get_ref())).or_default().extend(names(inner));
                }
            }
            _ => {}
        }
    }
    keys
}

#[test]
fn the_default_file_is_the_defaults() {
    assert_eq!(read(DEFAULT_TOML).unwrap(), Config::default());
    // The examples show defaults as well; only the secret, the names and the expression are made up.
    let config = read(&sound()).unwrap();
    assert!(config.rules[0].when.is_some());
    assert_eq!([RuleConfig { when: None, ..config.rules[0].clone() }], Config::default().rules[..]);
    assert_eq!(config.feeds[0].poll_interval, config.intake.poll_interval);
    assert_eq!(config.feeds[0].backfill, config.intake.backfill);
    let SinkTarget::Webhook(webhook) = &config.sinks[1].target else { panic!("not a webhook") };
    assert_eq!(**webhook, WebhookConfig::new(webhook.url.clone(), webhook.secret.clone()));
}

#[test]
fn the_default_file_names_every_key() {
    // The reader tells its keys when it meets one that it does not know.
    let stranger = "zz = 1\n[http]\nzz = 1\n[web]\nzz = 1\n[websub]\nzz = 1\n[log]\nzz = 1\n[intake]\nzz = 1\n[extract]\nzz = 1\n[windows]\nzz = 1\n[[feed]]\nzz = 1\n[[feed_list]]\nzz = 1\n[[domain]]\nzz = 1\n[[rule]]\nzz = 1\n[[sink]]\ntype = \"jsonl\"\nzz = 1\n[[sink]]\ntype = \"webhook\"\nzz = 1\n[[sink]]\ntype = \"email\"\nzz = 1\n";
    let Err(ConfigError::Invalid { problems }) = read(stranger) else { panic!("accepted a stranger") };
    let sections = [
        ("zz", ""),
        ("http.zz", "http"),
        ("web.zz", "web"),
        ("websub.zz", "websub"),
        ("log.zz", "log"),
        ("intake.zz", "intake"),
        ("extract.zz", "extract"),
        ("windows.zz", "windows"),
        ("feed[1].zz", "feed"),
        ("feed_list[1].zz", "feed_list"),
        ("domain[1].zz", "domain"),
        ("rule[1].zz", "rule"),
    ];
    let sinks = [("sink[1].zz", "sinkjsonl"), ("sink[2].zz", "sinkwebhook"), ("sink[3].zz", "sinkemail")];
    let known: BTreeMap<String, BTreeSet<String>> = sections
        .into_iter()
        .chain(sinks)
        .map(|(key, section)| {
            let problem = problems.iter().find(|problem| problem.key == key).unwrap();
            (section.to_owned(), problem.accepted.split(", ").map(str::to_owned).collect())
        })
        .collect();
    assert_eq!(keys(&uncommented()), known);
}

/// As [`read`], with these variables and flags over the text.
fn read_layers(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let surroundings =
        Surroundings { folder: Path::new("conf"), env: &variable, read: &|_| Err(std::io::ErrorKind::NotFound.into()) };
    parse_layers(text, "g.toml", &surroundings, &Layers::new(owned(environment), &owned(flags)))
}

#[test]
fn flags_count_over_the_environment_and_that_over_the_file() {
    let text = "database = \"x.db\"\n[intake]\njitter = 0.2\npoll_interval = \"1m\"\nredirects_max = 1\n";
    let environment = [
        ("GAINSAY_INTAKE__POLL_INTERVAL", "2m"),
        ("GAINSAY_INTAKE__REDIRECTS_MAX", "2"),
        ("GAINSAY_INTAKE__ALLOW_NETWORKS", "127.0.0.0/8, ::1"),
        ("GAINSAY_DATABASE", "/data/'g'.db"),
        ("HOME", "/root"),
    ];
    let flags = [("intake.redirects_max", "3"), ("intake.redirects_max", "4"), ("shutdown_grace", "\"1s\"")];
    let Loaded { config, origins, .. } = read_layers(text, &environment, &flags).unwrap();
    assert_eq!(config.database, Path::new("/data/'g'.db"));
    assert_eq!((config.intake.jitter, config.intake.poll_interval), (0.2, Duration::from_mins(2)));
    assert_eq!((config.intake.redirects_max, config.shutdown_grace), (4, Duration::from_secs(1)));
    assert_eq!(config.intake.allow_networks.len(), 2);
    let variable = |name: &str| Origin::Environment { variable: name.to_owned() };
    let expected = [
        ("database", variable("GAINSAY_DATABASE")),
        ("intake.allow_networks", variable("GAINSAY_INTAKE__ALLOW_NETWORKS")),
        ("intake.jitter", Origin::File { line: 3 }),
        ("intake.poll_interval", variable("GAINSAY_INTAKE__POLL_INTERVAL")),
        ("intake.redirects_max", Origin::Flag),
        ("shutdown_grace", Origin::Flag),
    ];
    assert_eq!(origins, expected.map(|(key, origin)| (key.to_owned(), origin)).into());
}

#[test]
fn a_relative_path_starts_at_the_file_or_where_the_command_was_given() {
    let database = |environment: &[(&str, &str)]| read_layers("", environment, &[]).unwrap().config.database;
    assert_eq!(database(&[]), Path::new("conf/gainsay.db"));
    assert_eq!(database(&[("GAINSAY_DATABASE", "a.db")]), std::path::absolute("a.db").unwrap());
}

#[test]
fn problems_of_the_layers_come_behind_those_of_the_file() {
    let text = "shutdown_grace = 5\n[[sink]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example\"\nsecret_env = \"GAINSAY_DESK_SECRET\"\n";
    let environment = [
        ("GAINSAY_DESK_SECRET", SECRET),
        ("GAINSAY_SHUTDOWN_GRACE", "7"),
        ("GAINSAY_INTAKE__JITTER", "lots"),
        ("GAINSAY_INTAKE__ALLOW_NETWORKS", "lan"),
        ("GAINSAY_QQQ", "secret"),
    ];
    let error = read_layers(text, &environment, &[("feed.url", "x"), ("shutdown_grace", "2h")]).unwrap_err();
    let said = error.to_string();
    let accepted = "(accepted: a string such as \"90s\", \"5m\" or \"7d\", from 0s to 1h)";
    let expected = [
        format!("g.toml:1:18: shutdown_grace: has no unit; write \"5s\" if seconds are meant {accepted}"),
        "command line: --set feed.url: is not a key that can be set (accepted: database, ".to_owned(),
        format!("environment: GAINSAY_SHUTDOWN_GRACE: has no unit; write \"7s\" if seconds are meant {accepted}"),
        format!("command line: --set shutdown_grace: \"2h\" is out of range {accepted}"),
        "environment: GAINSAY_INTAKE__JITTER: is a string (accepted: a number from 0 to 0.5)".to_owned(),
        "environment: GAINSAY_INTAKE__ALLOW_NETWORKS: \"lan\" is not a network (accepted: a network".to_owned(),
    ];
    assert_eq!(said.lines().count(), expected.len(), "{said}");
    for (line, expected) in said.lines().zip(expected) {
        assert!(line.starts_with(&expected), "{line}\n{expected}");
    }
}

/// Kubernetes sets such names, and what held a secret may be left over.
#[test]
fn variables_that_are_no_key_are_told_and_put_up_with() {
    let text = "[[sink]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example\"\nsecret_env = \"GAINSAY_DESK_SECRET\"\n\
                [[feed]]\nid = \"a\"\nurl = \"https://a.example\"\noutlet = \"A\"\ntoken_env = \"GAINSAY_AGENCY_TOKEN\"\n\
                headers = { X-A = { env = \"GAINSAY_AGENCY_KEY\" } }\n";
    let environment = [
        ("GAINSAY_AGENCY_KEY", "key-9"),
        ("GAINSAY_AGENCY_TOKEN", "token-8"),
        ("GAINSAY_DATABSE", "hunter2"),
        ("GAINSAY_DESK_SECRET", SECRET),
        ("GAINSAY_INTAKE__JITTER", "0.3"),
        ("GAINSAY_PORT", "tcp://10.0.0.1:8420"),
    ];
    let loaded = read_layers(text, &environment, &[]).unwrap();
    assert_eq!((loaded.config.intake.jitter, loaded.config.database.as_path()), (0.3, Path::new("conf/gainsay.db")));
    assert_eq!(
        loaded.unknown_variables,
        [
            "the environment variable GAINSAY_DATABSE is no key of the config and counts for nothing, did you mean GAINSAY_DATABASE?",
            "the environment variable GAINSAY_PORT is no key of the config and counts for nothing",
        ]
    );
}

/// A feed with these lines.
fn feed_with(lines: &str) -> String {
    format!("[[feed]]\nid = \"a\"\nurl = \"https://a.example/\"\noutlet = \"A\"\n{lines}\n")
}

#[test]
fn what_a_feed_is_shown_is_read_and_never_printed() {
    let headers = |lines: &str| -> Vec<(String, String)> {
        let config = read(&feed_with(lines)).unwrap();
        let debugged = format!("{config:?}");
        for secret in ["hunter2", "token-8", "key-9", "ZGVzazpod"] {
            assert!(!debugged.contains(secret), "{debugged}");
        }
        let headers = config.feeds[0].access.headers().iter();
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
    };
    let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(headers(""), []);
    // The base64 of "desk:hunter2: é".
    let basic = one("authorization", "Basic ZGVzazpodW50ZXIyOiDDqQ==");
    assert_eq!(headers("username = \"desk\"\npassword_env = \"AGENCY_PASSWORD\""), basic);
    assert_eq!(headers("username = \"desk\"\npassword = \"hunter2: é\""), basic);
    let bearer = one("authorization", "Bearer token-8");
    for line in ["token_env = \"AGENCY_TOKEN\"", "token_file = \"agency.token\"", "token = \" token-8 \""] {
        assert_eq!(headers(line), bearer);
    }
    let key = one("x-api-key", "key-9");
    assert_eq!(headers("headers = { \"X-Api-Key\" = { env = \"AGENCY_KEY\" } }"), key);
    assert_eq!(headers("[feed.headers]\nX-Api-Key = \"key-9\""), key);
    assert_eq!(headers("headers = { Authorization = { file = \"agency.token\" } }"), one("authorization", "token-8"));
    let inline = feed_with(
        "username = \"desk\"\npassword = \"hunter2\"\nheaders = { X-Api-Key = \"key-9\", \"X.B\" = { env = \"AGENCY_KEY\" } }",
    );
    let shown = show(&read_layers(&inline, &[], &[]).unwrap());
    assert!(
        shown.contains("password = \"***\"")
            && shown.contains("headers = { \"X-Api-Key\" = \"***\", \"X.B\" = { env = \"AGENCY_KEY\" } } # g.toml:7"),
        "{shown}"
    );
    assert!(!shown.contains("hunter2") && !shown.contains("key-9"), "{shown}");
}

#[test]
fn what_does_not_go_together_is_told() {
    let check = |lines: &str, expected: &str| {
        let said = read(&feed_with(lines)).unwrap_err();
        let ConfigError::Invalid { problems } = &said else { panic!("{said}") };
        assert!(said.to_string().starts_with(expected) && problems.len() == 1, "{said}");
        let excerpts: String = problems.iter().map(|problem| problem.excerpt.as_str()).collect();
        assert!(!format!("{said}{excerpts}").contains("hunter2"), "{said}\n{excerpts}");
    };
    check("username = \"desk\"", "g.toml:1:1: feed[1]: has a username and no password");
    check("password = \"hunter2\"", "g.toml:1:1: feed[1]: has a password and no username");
    check(
        "username = \"desk\"\npassword = \"hunter2\"\npassword_env = \"AGENCY_PASSWORD\"",
        "g.toml:1:1: feed[1]: has more than one password (accepted: one of password_env, password_file or password)",
    );
    check("token = \"hunter2\"\ntoken_env = \"AGENCY_TOKEN\"", "g.toml:1:1: feed[1]: has more than one token");
    check(
        "username = \"desk\"\npassword = \"hunter2\"\ntoken = \"hunter2\"",
        "g.toml:1:1: feed[1]: has a token and a user or password",
    );
    check("token_env = \"NOT_SET\"", "g.toml:5:13: feed[1].token_env: environment variable \"NOT_SET\" is not set");
    check("token_file = \"nowhere\"", "g.toml:5:14: feed[1].token_file: cannot read nowhere");
    check("token = \"hunter2 hunter2\"", "g.toml:5:9: feed[1].token: is no token");
    check("username = \"a:b\"\npassword = \"hunter2\"", "g.toml:5:12: feed[1].username: is no name of a user");
    check(
        "username = \"a\"\npassword_env = \"TWO_LINES\"",
        "g.toml:6:16: feed[1].password_env: is no password (accepted: 1 to 4096 bytes on one line",
    );
    for name in ["Host", "content-length", "CONNECTION", "If-None-Match"] {
        check(
            &format!("headers = {{ {name} = \"hunter2\" }}"),
            &format!("g.toml:5:{}: feed[1].headers.{name}: is a header that cannot be set", 16 + name.len()),
        );
    }
    check("headers = { \"X Y\" = \"hunter2\" }", "g.toml:5:21: feed[1].headers.X Y: is not the name of a header");
    check("headers = { X = \"a\", x = \"b\" }", "g.toml:5:26: feed[1].headers.x: stands here twice");
    check("headers = { X = \"hunter2\\nx\" }", "g.toml:5:17: feed[1].headers.X: cannot be sent in a header");
    check("headers = { X = {} }", "g.toml:5:17: feed[1].headers.X: has not exactly one of env and file");
    check(
        "headers = { X = { env = \"NOT_SET\" } }",
        "g.toml:5:17: feed[1].headers.X: environment variable \"NOT_SET\"",
    );
    check("[feed.headers]\nX-Mine = 7 # hunter2", "g.toml:6:10: feed[1].headers.X-Mine: is neither a string");
    check(
        "headers = \"hunter2\"",
        "g.toml:5:11: feed[1].headers: is a string (accepted: a table, written [feed.headers])",
    );
    check(
        "token = \"hunter2\"\nheaders = { authorization = \"hunter2\" }",
        "g.toml:6:29: feed[1].headers.authorization: is sent already",
    );
    let with_user = feed_with("token = \"x\"").replace("https://", "https://u@");
    assert!(read(&with_user).unwrap_err().to_string().contains("feed[1]: has a user in its url, too"));
}

#[test]
fn what_is_shown_names_every_key_and_no_secret() {
    let text = sound().replace("https://desk.example/", "https://u:token-7@desk.example/token-7");
    let text = text.replace("rss.xml", "rss.xml?key=token-7");
    let loaded = read_layers(&text, &[], &[]).unwrap();
    let shown = show(&loaded);
    assert!(!shown.contains("whsec_") && !shown.contains("token-7"), "{shown}");
    assert!(shown.contains("secret_env = \"DESK_SECRET\"") && shown.contains("\"https://desk.example/…\""));
    assert_eq!(keys(&shown), keys(&sound()));
    let inline = "[[sink]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example\"\nsecret = \"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"\n";
    let shown = show(&read_layers(inline, &[], &[]).unwrap());
    let line = shown.lines().find(|line| line.starts_with("secret")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["secret", "=", "\"***\"", "#", "g.toml:5"]);
}

/// Without anything set, the lines are those of the default file.
#[test]
fn what_is_shown_of_nothing_is_the_default_file() {
    let shown = show(&read_layers("", &[], &[]).unwrap()).replace("conf/gainsay.db", "gainsay.db");
    let live = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
    };
    let shown = live(&shown);
    let sinks_from = shown.iter().position(|line| line.starts_with("[[")).unwrap();
    assert_eq!(shown[..sinks_from], live(DEFAULT_TOML));
}

/// The table of keys beside the file, which other tests hold against the reader.
#[test]
fn the_table_of_keys_is_the_default_file() {
    let mut table: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in super::keys::keys() {
        table.entry(key.section.replace('.', "")).or_default().insert(key.name.to_owned());
    }
    let tops =
        ["http", "web", "websub", "log", "intake", "extract", "windows", "feed", "feed_list", "domain", "rule", "sink"]
            .map(str::to_owned);
    table.get_mut("").unwrap().extend(tops);
    assert_eq!(table, keys(&uncommented()));
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        drop(read(&text));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(read(&String::from_utf8_lossy(&bytes)));
    }

    /// Lines that are nearly right reach deeper than noise does.
    #[test]
    fn no_shuffled_config_panics(lines in prop::collection::vec(line(), 0..40)) {
        if let Err(ConfigError::Invalid { problems }) = read(&lines.join("\n")) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.line >= 1 && problem.line <= lines.len().max(1)));
        }
    }

    /// Damage anywhere in a sound file is survived, and the secret in it never shows.
    #[test]
    fn damage_never_shows_the_secret(at in 0_usize..20_000, noise in ".{0,3}") {
        let mut text = uncommented().replace("whsec_…", SECRET).replace("\"…\"", "\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"");
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &noise);
        if let Err(error) = read(&text) {
            let excerpts = match &error {
                ConfigError::Invalid { problems } => problems.iter().map(|problem| problem.excerpt.as_str()).collect(),
                _ => Vec::new(),
            };
            let said = format!("{error}{}", excerpts.concat());
            prop_assert!(!said.contains("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"), "{said}");
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    let lines: Vec<String> = uncommented().lines().map(str::to_owned).collect();
    let values = [
        "1",
        "-1",
        "nan",
        "inf",
        "0x10",
        "\"\"",
        "\"5m\"",
        "\"\\u0000\"",
        "[]",
        "[[]]",
        "{}",
        "{a={}}",
        "1979-05-27",
        "true",
        "\"é\"",
    ];
    let keys = [
        "id",
        "url",
        "outlet",
        "name",
        "type",
        "sinks",
        "types",
        "jitter",
        "poll_interval",
        "secret",
        "retry_schedule",
        "[[feed]]",
        "\"\\u001b[2J\"",
    ];
    prop_oneof![
        prop::sample::select(lines),
        (prop::sample::select(keys.to_vec()), prop::sample::select(values.to_vec()))
            .prop_map(|(key, value)| format!("{key} = {value}")),
        ".{0,12}",
    ]
}

#[test]
fn a_feed_may_be_a_directory_of_this_machine() {
    let feed = |url: &str| format!("[[feed]]\nid = \"drop\"\noutlet = \"Agency\"\nurl = {url:?}\n");
    let accepted = "(accepted: an absolute http or https address, or file:///path of a directory or file)";
    check(&feed("file:///srv/wire/incoming/"), &[]);
    check(
        &feed("file://host.example/share"),
        &[&format!("g.toml:4:7: feed[1].url: is no path of this machine {accepted}")],
    );
    check(&feed("file:incoming"), &[&format!("g.toml:4:7: feed[1].url: is no path of this machine {accepted}")]);
}
