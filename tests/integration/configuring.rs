//! The config as an operator meets it: its layers, `config`, `check` and the schema.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Endpoint, Entry, Feeds, RawServer, SECRET, answer, gainsay, output, write_config};

/// What a command says: exit code, standard output, standard error.
fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn write(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("gainsay.toml");
    std::fs::write(&path, text).unwrap();
    path
}

const FEED: &str = "[[feed]]\nid = \"a\"\nurl = \"https://a.example/f?key=hush\"\noutlet = \"A\"\n";

#[test]
fn flags_count_over_the_environment_over_the_file_and_each_value_says_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let sink = format!(
        "[[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"https://d.example/hush\"\nsecret = \"{SECRET}\"\n"
    );
    let path = write(folder.path(), &format!("shutdown_grace = \"7s\"\n[intake]\njitter = 0.2\n{FEED}{sink}"));
    let mut command = gainsay(&["config", "show", "-c", path.to_str().unwrap(), "--set", "intake.redirects_max=2"]);
    command.args(["--set", "intake.redirects_max=3"]);
    command.env("GAINSAY_INTAKE__POLL_INTERVAL", "2m").env("GAINSAY_INTAKE__REDIRECTS_MAX", "9");
    let (code, shown, error) = said(&mut command);
    assert_eq!(code, Some(0), "{error}");
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("shutdown_grace"), format!("shutdown_grace = \"7s\" # {}:1", path.display()));
    assert_eq!(line("poll_interval"), "poll_interval = \"2m\" # environment variable GAINSAY_INTAKE__POLL_INTERVAL");
    assert_eq!(line("redirects_max"), "redirects_max = 3 # command line");
    assert_eq!(line("entries_max"), "entries_max = 500");
    assert_eq!(line("secret"), format!("secret = \"***\" # {}:12", path.display()));
    assert!(!shown.contains("hush") && !shown.contains("whsec"), "{shown}");
}

#[test]
fn variables_are_checked_like_keys_but_for_those_of_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let sink = "[[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"https://d.example/\"\nsecret_env = \"GAINSAY_DESK_SECRET\"\n";
    let path = write(folder.path(), &format!("{FEED}{sink}"));
    let check = |variables: &[(&str, &str)]| {
        let mut command = gainsay(&["check", "-c", path.to_str().unwrap()]);
        said(command.env("GAINSAY_DESK_SECRET", SECRET).envs(variables.iter().copied()))
    };
    assert_eq!(check(&[]).0, Some(0));
    let (code, _, error) = check(&[("GAINSAY_SHUTDOWN_GRACE", "soon")]);
    assert_eq!(code, Some(78));
    assert!(error.contains("environment: GAINSAY_SHUTDOWN_GRACE: \"soon\" is not a duration (accepted: "), "{error}");
}

/// A service of that name in Kubernetes sets them.
#[test]
fn variables_of_others_are_warned_of_once_and_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), FEED);
    let with_variables = |args: &[&str]| {
        let mut command = gainsay(args);
        command.arg("-c").arg(&path).env("GAINSAY_DATABSE", "x").env("GAINSAY_PORT", "tcp://10.0.0.1:8420");
        command.current_dir(folder.path());
        command
    };
    let words = "the environment variable GAINSAY_DATABSE is no key of the config and counts for nothing, did you mean GAINSAY_DATABASE?";
    let (code, _, error) = said(&mut with_variables(&["check"]));
    assert_eq!(code, Some(0), "{error}");
    assert!(error.contains(&format!("warning: {words}\n")) && error.contains("GAINSAY_PORT is no key"), "{error}");
    assert_eq!(said(&mut with_variables(&["feeds", "list"])).0, Some(0));
    let (code, _, error) = said(&mut with_variables(&["run", "--set", "database=nowhere/x.db"]));
    assert_eq!((code, error.matches(words).count()), (Some(1), 1), "{error}");
}

#[test]
fn the_database_can_be_named_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), FEED);
    let mut command = gainsay(&["run", "-c", path.to_str().unwrap(), "--database", "nowhere/x.db"]);
    let (code, _, error) = said(command.current_dir(folder.path()));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(&format!("{}", folder.path().join("nowhere/x.db").display())), "{error}");
}

#[test]
fn without_a_name_the_config_is_looked_for_where_the_error_says() {
    let folder = tempfile::tempdir().unwrap();
    let check = || said(gainsay(&["check"]).current_dir(folder.path()));
    if Path::new("/etc/gainsay/gainsay.toml").exists() {
        eprintln!("SKIPPED: there is a config in /etc/gainsay");
    } else {
        let (code, _, error) = check();
        assert_eq!(code, Some(78));
        assert!(error.contains("neither gainsay.toml nor /etc/gainsay/gainsay.toml"), "{error}");
    }
    write(folder.path(), FEED);
    let (code, shown, _) = check();
    assert_eq!((code, shown.as_str()), (Some(0), "1 feed, 1 sink, 1 rule: good\n"));
}

#[test]
fn the_default_config_is_printed_and_the_schema_fits_it() {
    let (code, shown, _) = said(&mut gainsay(&["config", "default"]));
    assert_eq!((code, shown.as_str()), (Some(0), include_str!("../../config/default.toml")));
    let printed = output(&["schema", "config"]);
    let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::json!({"intake": {"poll_interval": "5m"}})));
    assert!(!validator.is_valid(&serde_json::json!({"intake": {"poll_intervall": "5m"}})));
}

#[test]
fn check_tells_all_problems_with_their_lines_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        &format!(
            "[intake]\njitter = 2\n{FEED}[[sink]]\nname = \"x\"\ntype = \"webhook\"\nurl = \"ftp://hush\"\nsecret = \"hush\"\n"
        ),
    );
    let (code, shown, error) = said(&mut gainsay(&["check", "-c", path.to_str().unwrap()]));
    assert_eq!((code, shown.as_str()), (Some(78), ""));
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    for (line, place) in
        lines.iter().zip([":2:10: intake.jitter: ", ":10:7: sink[1].url: ", ":11:10: sink[1].secret: "])
    {
        assert!(line.contains(place) && line.contains("(accepted: "), "{line}");
    }
    assert!(!error.contains("hush"), "{error}");
}

/// On a terminal, which `script` makes: the line itself, in colours unless they are not wanted.
#[test]
fn on_a_terminal_problems_are_drawn_with_their_line() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no script(1) to make a terminal");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &format!("[intake]\njitter = 2 # much\n{FEED}"));
    let program = format!("{} check -c {}", env!("CARGO_BIN_EXE_gainsay"), path.display());
    let draw = |no_colour: &str| {
        let mut command = Command::new("script");
        command
            .args(["-qec", &program, "/dev/null"])
            .env_remove("GAINSAY_SHARED")
            .env("NO_COLOR", no_colour)
            .env("TERM", "xterm");
        said(&mut command)
    };
    let (code, plain, _) = draw("1");
    assert_eq!(code, Some(78));
    assert!(plain.contains("gainsay.toml:2:10") && plain.contains("jitter = 2 # much"), "{plain}");
    assert!(plain.contains("1 problem") && !plain.contains('\u{1b}'), "{plain:?}");
    assert!(draw("").1.contains('\u{1b}'));
}

#[test]
fn check_warns_of_what_is_odd() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let sink = |name: &str, secret: &str| {
        format!("[[sink]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"https://d.example/\"\n{secret}\n")
    };
    let text = [
        "database = \"missing/g.db\"\n",
        "websub.callback_url = \"http://10.1.2.3/websub\"\nhttp.listen = \"\"\n",
        &format!("web.public_url = \"http://gainsay.example/\"\nweb.link_secret = \"{SECRET}\"\n"),
        "web.tokens = [{ name = \"desk\", scope = \"read\", value = \"a-token-of-the-desk-alone\" }]\n",
        FEED,
        &FEED.replace("\"a\"", "\"b\""),
        &sink("one", &format!("secret = \"{SECRET}\"")),
        &sink("two", "secret_file = \"key\""),
        "[[rule]]\nname = \"r\"\nsinks = [\"one\"]\ntypes = [\"denial.new\", \"claim.revised\"]\n",
        "[[feed_list]]\nid = \"team\"\npath = \"nowhere.opml\"\n",
        "[[feed_list]]\nid = \"desk\"\nurl = \"https://lists.example/a\"\n",
        "[[feed_list]]\nid = \"night\"\nurl = \"https://lists.example/a\"\n",
    ];
    let path = write(folder.path(), &text.concat());
    let key = folder.path().join("key");
    std::fs::write(&key, SECRET).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let check = || said(&mut gainsay(&["check", "-c", path.to_str().unwrap()]));
    let (code, shown, error) = check();
    assert_eq!((code, shown.as_str()), (Some(0), "2 feeds, 2 sinks, 1 rule: good\n"), "{error}");
    let expected = [
        "no rule lets the sink \"two\" get anything",
        "the sink \"one\" gets claims, and no rule lets it get claim.withdrawn",
        "the feeds a, b have one url",
        "web.public_url is set and http.listen is empty: the links of messages lead nowhere",
        "web.public_url is http: anybody on the way can read its signed links, and use them",
        "gainsay.toml:5: web.link_secret: copies of this file carry the secret along",
        "gainsay.toml:6: web.tokens[1]: copies of this file carry the secret along; { env = … } or { file = … } do not",
        "gainsay.toml:19: sink[1].secret: copies of this file carry the secret along",
        "key is open to everybody (mode 644)",
        "the sinks \"one\" and \"two\" have a signing key in common",
        "missing of the database does not exist",
        "websub.callback_url is at a private address: hubs of the internet cannot reach it",
        "the feed list team cannot read ",
        "the feed lists desk and night are one",
    ];
    assert_eq!(error.lines().count(), expected.len(), "{error}");
    for warning in expected {
        assert!(error.contains(warning), "{warning:?} is not in {error}");
    }
    assert!(!error.contains("hush") && !error.contains("whsec"), "{error}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!check().2.contains("open to everybody"));
    let open = "web.public_url is set and [web] has no tokens";
    for (tokens, is_open) in [
        ("", true),
        ("web.tokens = [{ name = \"o\", scope = \"operate\", value = \"operator-0123456789abcdef\" }]\n", false),
    ] {
        std::fs::write(&path, format!("web.public_url = \"https://gainsay.example/\"\n{tokens}{FEED}")).unwrap();
        let (_, _, error) = check();
        assert_eq!(error.contains(open), is_open, "{error}");
    }
}

#[test]
fn check_online_tries_feeds_and_endpoints_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (feeds, endpoint) = (Feeds::default(), Endpoint::default());
    let wire = feeds.serve();
    feeds.add("/a", Entry::new("1", "Weather", "Mild."));
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let requests = std::sync::Arc::clone(&heard);
    let receiver = RawServer::start(move |request, stream| {
        requests.lock().unwrap().push((request.path.clone(), request.headers.contains_key("webhook-signature")));
        answer(stream, "405 Method Not Allowed", "", b"");
    });
    let target = format!("location: {}/a\r\n", wire.base);
    let moved = RawServer::start(move |_, stream| {
        answer(stream, "301 Moved Permanently", &target, b"");
    });
    let good = [("a", format!("{}/a", wire.base)), ("moved", moved.base.clone())];
    let config = write_config(folder.path(), &good, Some(&format!("{}/hooks/hush", receiver.base)));
    let check = || said(&mut gainsay(&["check", "--online", "-c", config.to_str().unwrap()]));
    let (code, shown, error) = check();
    assert_eq!(code, Some(0), "{shown}{error}");
    let rows: Vec<&str> = shown.lines().collect();
    assert_eq!(rows.len(), 4, "{shown}");
    assert!(rows[1].starts_with("feed a      good  1 entry, newest ") && rows[1].ends_with(" days old"), "{shown}");
    assert!(
        rows[2].starts_with("feed moved  good  1 entry") && rows[2].contains(&format!("redirects to {}/a", wire.base))
    );
    assert!(rows[3].contains("can be reached (HEAD / answers 405); no alert was sent"), "{shown}");
    assert_eq!(*heard.lock().unwrap(), [("/".to_owned(), false)]);
    assert!(!shown.contains("hush") && !folder.path().join("gainsay.db").exists());

    let closed = RawServer::start(|_, _| ());
    write_config(
        folder.path(),
        &[("gone", format!("{}/none", wire.base)), ("inside", "http://10.0.0.1/".into())],
        Some(&closed.base),
    );
    let (code, shown, _) = check();
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("feed gone    FAILED") && shown.contains("404"), "{shown}");
    assert!(shown.contains("feed inside  FAILED") && shown.contains("a private address"), "{shown}");
    assert!(shown.contains("sink desk    FAILED") && endpoint.received().is_empty(), "{shown}");
}
