//! The matrix of bad input: config, database, lists, archives and arguments that cannot be used, each with a clear error, its exit
//! code and nothing lost. Each case is a row of `docs/src/bad_input.md`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::matrix::{Row, neutral, record};
use crate::support::{SECRET, gainsay, output, wait_for, write_config};

const FEED: &str = "[[feed]]\nid = \"a\"\nurl = \"https://a.example/\"\noutlet = \"A\"\n";
/// Somebody who is not root, for whom permissions count.
const NOBODY: u32 = 65_534;

/// A command in a folder of its own.
struct Trial {
    folder: tempfile::TempDir,
    section: &'static str,
}

impl Trial {
    fn new(section: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), section }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    /// Runs it, without waiting for ever; holds exit code, said words and the row.
    #[track_caller]
    fn check(&self, case: &str, run: &str, code: i32, says: &str, data: &str) {
        self.check_as(gainsay(&[]), case, run, code, says, data);
    }

    #[track_caller]
    fn check_as(&self, mut command: Command, case: &str, run: &str, code: i32, says: &str, data: &str) {
        command.args(run.split(' ').skip(1)).current_dir(self.path()).env_remove("HOME");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > Duration::from_secs(30) {
                child.kill().unwrap();
                panic!("{case}: {run} does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let printed = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&printed.stderr).into_owned();
        assert_eq!(printed.status.code(), Some(code), "{case}: {said}");
        assert!(said.contains(says) && !said.contains("panicked"), "{case}: {says:?} is not in {said}");
        let (said, printed) = (neutral(&said, self.path()), String::from_utf8_lossy(&printed.stdout).into_owned());
        // Of clap's page the words that matter; where all went well, what was done.
        let said = match code {
            2 => said.lines().find(|line| line.contains(says) || line.contains("error")).unwrap_or_default(),
            0 if said.is_empty() => printed.lines().next().unwrap_or_default(),
            _ => &said,
        };
        record(&Row { section: self.section, case, run, end: &format!("exit {code}"), said, data });
    }
}

/// The program as somebody whom permissions stop: a copy, as that user may not enter our folders.
fn unprivileged(program: &Path) -> Command {
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.join("gainsay");
    fs::copy(env!("CARGO_BIN_EXE_gainsay"), &copy).unwrap();
    let mut command = Command::new(copy);
    for variable in ["GAINSAY_SHARED", "GAINSAY_WRITE_DOCS", "GAINSAY_KILLS", "GAINSAY_SEED"] {
        command.env_remove(variable);
    }
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(tempfile::tempdir().unwrap().path()).unwrap().uid() == 0
}

const CHECK: &str = "gainsay check -c gainsay.toml";
const UNREAD: &str = "nothing was begun";

#[test]
fn bad_configs_are_told_with_code_78() {
    let trial = Trial::new("The config");
    trial.check("config is missing", CHECK, 78, "No such file", UNREAD);
    if !Path::new("/etc/gainsay/gainsay.toml").exists() {
        trial.check("no config is named and none is there", "gainsay check", 78, "name one with -c", UNREAD);
    }
    fs::create_dir(trial.path().join("gainsay.toml")).unwrap();
    trial.check("config is a folder", CHECK, 78, "Is a directory", UNREAD);
    fs::remove_dir(trial.path().join("gainsay.toml")).unwrap();
    assert!(Command::new("mkfifo").arg(trial.path().join("gainsay.toml")).status().unwrap().success());
    trial.check("config is a pipe that nobody writes to", CHECK, 78, "a pipe that nobody writes to", UNREAD);
    fs::remove_file(trial.path().join("gainsay.toml")).unwrap();
    fs::File::create(trial.path().join("gainsay.toml")).unwrap().set_len(1 << 30).unwrap();
    trial.check("config is a file of 1 GB", CHECK, 78, "larger than 16 MiB", UNREAD);
    let texts: [(&str, &[u8], &str); 7] = [
        ("config is not UTF-8", b"database = \"\xff\"", "UTF-8"),
        ("config is broken TOML", b"[intake\n", "gainsay.toml:1:8: syntax"),
        ("config has an unknown key", b"databse = \"x\"\n", "did you mean \"database\"?"),
        ("config has a value of a wrong type", b"[intake]\npoll_interval = 300\n", "write \"300s\""),
        ("config has no feed", b"database = \"x.db\"\n", "add at least one [[feed]]"),
        ("two feeds with one id", &[FEED.as_bytes(), FEED.as_bytes()].concat(), "is taken by line"),
        (
            "webhook without a secret",
            b"[[sink]]\nname = \"d\"\ntype = \"webhook\"\nurl = \"https://d.example/\"\n",
            "has no secret",
        ),
    ];
    for (case, text, says) in texts {
        trial.file("gainsay.toml", text);
        trial.check(case, CHECK, 78, says, UNREAD);
    }
    trial.file("gainsay.toml", [FEED, &FEED.replace("\"a\"", "\"b\"")].concat());
    trial.check("two feeds with one address", CHECK, 0, "the feeds a, b have one url", "both are polled");
    trial.file("gainsay.toml", FEED);
    trial.check(
        "a key of the command line is wrong",
        "gainsay check -c gainsay.toml --set intake.jitter=9",
        78,
        "intake.jitter",
        UNREAD,
    );
    let mut command = gainsay(&[]);
    command.env("GAINSAY_INTAKE__POL", "1m");
    trial.check_as(
        command,
        "an environment variable is no key",
        CHECK,
        0,
        "GAINSAY_INTAKE__POL",
        "the rest of the config counts",
    );
    let mut command = gainsay(&[]);
    command.env("GAINSAY_INTAKE__JITTER", "9");
    trial.check_as(command, "an environment variable is wrong", CHECK, 78, "GAINSAY_INTAKE__JITTER", UNREAD);
}

/// A config that comes from a shell's `<(...)` is a pipe too, one with a writer.
#[test]
fn bad_input_a_pipe_with_a_writer_is_a_config() {
    let trial = Trial::new("The config");
    trial.file("feeds.toml", FEED);
    let mut command = Command::new("bash");
    let program = env!("CARGO_BIN_EXE_gainsay");
    command.args(["-c", &format!("{program} check -c <(sleep 0.3; cat feeds.toml)")]).env_remove("GAINSAY_SHARED");
    let printed = command.env_remove("GAINSAY_WRITE_DOCS").current_dir(trial.path()).output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
}

#[test]
fn bad_secret_files_are_told() {
    let trial = Trial::new("The config");
    let sink = "[[sink]]\nname = \"d\"\ntype = \"webhook\"\nurl = \"https://d.example/\"\nsecret_file = \"key\"\n";
    trial.file("gainsay.toml", format!("{FEED}{sink}"));
    trial.check("secret file is missing", CHECK, 78, "cannot read", UNREAD);
    trial.file("key", "");
    trial.check("secret file is empty", CHECK, 78, "does not start with whsec_", UNREAD);
    trial.file("key", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    trial.check("secret file holds a public key", CHECK, 78, "is a public key (whpk_)", UNREAD);
    trial.file("key", SECRET);
    for (case, old, new, says) in [
        ("webhook over plain http", "https:", "http:", "plain_http = true where plain http is meant"),
        ("webhook at a cloud's metadata", "d.example", "169.254.169.254", "names a cloud metadata address"),
        ("authorities that are none", "secret_file", "ca_file = \"key\"\nsecret_file", "there is no certificate in"),
    ] {
        trial.file("gainsay.toml", format!("{FEED}{}", sink.replace(old, new)));
        trial.check(case, CHECK, 78, says, UNREAD);
    }
    trial.file("gainsay.toml", format!("{FEED}{sink}"));
    fs::set_permissions(trial.path().join("key"), fs::Permissions::from_mode(0o644)).unwrap();
    trial.check("secret file is open to everybody", CHECK, 0, "open to everybody", "it is used, and the warning stays");
}

#[test]
fn bad_permissions_are_told() {
    let (trial, program) = (Trial::new("The config"), tempfile::tempdir().unwrap());
    fs::set_permissions(trial.path(), fs::Permissions::from_mode(0o555)).unwrap();
    trial.file("gainsay.toml", format!("[http]\nlisten = \"\"\n{FEED}"));
    let path = trial.path().join("gainsay.toml");
    let before = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let add = "gainsay feeds add https://b.example/ -c gainsay.toml";
    let command = unprivileged(program.path());
    trial.check_as(
        command,
        "config stands in a folder that may not be written to",
        add,
        1,
        "cannot write",
        "the config stays as it was",
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    let command = unprivileged(program.path());
    let trial = Trial { section: "The database", ..trial };
    let run = "gainsay run -c gainsay.toml";
    trial.check_as(
        command,
        "folder of the database may not be written to",
        run,
        1,
        "ermission denied",
        "nothing was begun",
    );
    let trial = Trial { section: "The config", ..trial };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    trial.check_as(unprivileged(program.path()), "config may not be read", CHECK, 78, "ermission denied", UNREAD);
    fs::set_permissions(trial.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A pipe stands for every device: the rename that replaces a config would remove it for everybody. Never tried on a device.
#[test]
fn bad_targets_of_edits_are_left_alone() {
    use std::os::unix::fs::FileTypeExt as _;
    let trial = Trial::new("The config");
    let path = trial.path().join("gainsay.toml");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    std::os::unix::fs::symlink(&path, trial.path().join("link.toml")).unwrap();
    let kept = "it stays what it is";
    let add = "gainsay feeds add https://b.example/ -c gainsay.toml";
    trial.check("a pipe or device is to be edited", add, 1, "is no regular file", kept);
    trial.check(
        "a link to a pipe or device is to be edited",
        &add.replace("gainsay.toml", "link.toml"),
        1,
        "is no regular file",
        kept,
    );
    assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    fs::remove_file(&path).unwrap();
    for (case, text) in
        [("a broken config is to be edited", "[intake\n"), ("an edit would make no config", "[intake]\njitter = 9\n")]
    {
        trial.file("gainsay.toml", text);
        trial.check(case, add, 78, "gainsay.toml:", "the config stays as it was");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn bad_databases_are_told_and_left_alone() {
    let trial = Trial::new("The database");
    write_config(trial.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    let database = trial.path().join("gainsay.db");
    let run = "gainsay run -c gainsay.toml";
    let sql = |text: &str| rusqlite::Connection::open(&database).unwrap().execute_batch(text).unwrap();
    let ours = "PRAGMA application_id = 1734437230; CREATE TABLE desk (only_one);";
    let check = |case: &str, says: &str| {
        let before = fs::read(&database).unwrap_or_default();
        trial.check(case, run, 1, says, "the file stays as it was");
        assert_eq!(fs::read(&database).unwrap_or_default(), before, "{case}");
        fs::remove_file(&database).unwrap_or_default();
    };
    fs::create_dir(&database).unwrap();
    check("database is a folder", "is a folder");
    fs::remove_dir(&database).unwrap();
    fs::write(&database, "this is a letter, not a database, and long enough to be taken for one".repeat(99)).unwrap();
    check("database is another file", "is not a database");
    sql("CREATE TABLE account (id)");
    check("database of another program", "database of another program");
    sql(&format!("{ours} PRAGMA user_version = 999"));
    check("database of a newer gainsay", "use a newer gainsay");
    sql(ours);
    let mut bytes = fs::read(&database).unwrap();
    bytes.truncate(4096 + 100);
    bytes[100..4196].fill(0x5a);
    fs::write(&database, bytes).unwrap();
    check("database is corrupted", "malformed");
    let nowhere = "gainsay run -c gainsay.toml --database missing/gainsay.db";
    trial.check("folder of the database is missing", nowhere, 1, "No such file", UNREAD);
    trial.check("database to look at is missing", "gainsay claims --database x.db", 1, "x.db", UNREAD);
}

/// Root may write to every file, so root runs this as somebody else.
#[test]
fn bad_input_a_read_only_database_is_told() {
    let (trial, program) = (Trial::new("The database"), tempfile::tempdir().unwrap());
    write_config(trial.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    let database = trial.path().join("gainsay.db");
    rusqlite::Connection::open(&database).unwrap().execute_batch("PRAGMA application_id = 1734437230").unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(trial.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let before = fs::read(&database).unwrap();
    let run = "gainsay run -c gainsay.toml";
    let command = unprivileged(program.path());
    trial.check_as(command, "database may not be written to", run, 1, "readonly", "the file stays as it was");
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn bad_ports_and_second_daemons_are_told() {
    let trial = Trial::new("The database");
    let config = write_config(trial.path(), &[("a", "http://127.0.0.1:9/".into())], None);
    let first = crate::support::Daemon::start(&config);
    wait_for("the database", Duration::from_mins(1), || trial.path().join("gainsay.db").exists());
    let run = "gainsay run -c gainsay.toml";
    trial.check("a second daemon on one database", run, 1, "in use by another gainsay", "the first one goes on");
    assert_eq!(first.stop().0, Some(0));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = fs::read_to_string(&config)
        .unwrap()
        .replace("listen = \"\"", &format!("listen = \"{}\"", taken.local_addr().unwrap()));
    fs::write(&config, text).unwrap();
    let trial = Trial { section: "The config", ..trial };
    trial.check("the port of [http] is taken", run, 1, "listen", UNREAD);
}

#[test]
fn bad_sinks_are_told() {
    let (trial, program) = (Trial::new("Sinks"), tempfile::tempdir().unwrap());
    let sink = |path: &str| {
        format!("[http]\nlisten = \"\"\n{FEED}[[sink]]\nname = \"log\"\ntype = \"jsonl\"\npath = \"{path}\"\n")
    };
    let run = "gainsay run -c gainsay.toml";
    let (as_nobody, denied) = ("gainsay run -c gainsay.toml --database nobody.db", "alerts.jsonl: Permission denied");
    trial.file("gainsay.toml", sink("missing/alerts.jsonl"));
    trial.check("folder of a file sink is missing", run, 1, "alerts.jsonl", UNREAD);
    trial.file("gainsay.toml", sink("alerts.jsonl"));
    trial.file("alerts.jsonl", "{\"old\":1}\n");
    fs::set_permissions(trial.path().join("alerts.jsonl"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(trial.path(), fs::Permissions::from_mode(0o777)).unwrap();
    trial.check_as(
        unprivileged(program.path()),
        "file sink may not be written to",
        as_nobody,
        1,
        denied,
        "the file stays as it was",
    );
    assert_eq!(fs::read_to_string(trial.path().join("alerts.jsonl")).unwrap(), "{\"old\":1}\n");
}

#[test]
fn bad_lists_of_feeds_are_bounded() {
    let trial = Trial::new("Lists of feeds");
    let import = "gainsay feeds import list.opml -c gainsay.toml";
    let none = "no config was written";
    let check = |case: &str, list: &[u8], says: &str| {
        trial.file("list.opml", list);
        trial.check(case, import, 1, says, none);
        assert!(!trial.path().join("gainsay.toml").exists(), "{case}");
    };
    check("list is no OPML", b"<html><body>hello</body></html>", "is no OPML");
    check("list breaks off", b"<opml><body><outline xmlUrl=\"https://a.example/\"/><", "breaks off");
    check("list with a million outlines", "<outline text=\"x\"/>".repeat(1_000_000).as_bytes(), "larger than 5 MiB");
    let deep = format!("<opml>{}<outline xmlUrl=\"https://a.example/\"/>", "<outline text=\"x\">".repeat(100_000));
    check("list nested 100000 deep", deep.as_bytes(), "is no OPML");
    fs::File::create(trial.path().join("list.opml")).unwrap().set_len(100 << 20).unwrap();
    trial.check("list of 100 MB", import, 1, "larger than 5 MiB", none);
    trial.check("list is missing", "gainsay feeds import nowhere.opml -c gainsay.toml", 1, "nowhere.opml", none);
    let entity = |n: usize| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10));
    let entities: String = (1..20).map(entity).collect();
    let bomb = format!(
        "<!DOCTYPE opml [<!ENTITY e0 \"x\">{entities}]><opml><body><outline text=\"&e19;\" xmlUrl=\"https://a.example/\"/></body></opml>"
    );
    trial.file("list.opml", bomb);
    trial.check(
        "list whose entities expand without end",
        import,
        0,
        "",
        "the feed is added, its entities stay as they are written",
    );
    let text = fs::read_to_string(trial.path().join("gainsay.toml")).unwrap();
    assert!(text.len() < 1000 && text.contains("https://a.example/"), "{text}");
}

/// They are read, checked, listed and run, with few open files; of one title, too, which once took minutes.
#[test]
fn bad_input_ten_thousand_feeds_are_run_with_few_open_files() {
    let trial = Trial::new("Lists of feeds");
    let closed = crate::support::free_address();
    let outline = |n: usize| format!("<outline text=\"One title\" xmlUrl=\"http://{closed}/{n}\"/>");
    let outlines: String = (0..10_000).map(outline).collect();
    trial.file("list.opml", format!("<opml><body>{outlines}</body></opml>"));
    trial.file(
        "gainsay.toml",
        "[http]\nlisten = \"\"\n[intake]\nallow_networks = [\"127.0.0.0/8\"]\nfetches_per_host_max = 16\n",
    );
    let start = Instant::now();
    let data = "each is added once";
    trial.check("list of 10000 feeds of one title", "gainsay feeds import list.opml -c gainsay.toml", 0, "", data);
    trial.check("config of 10000 feeds", CHECK, 0, "", "all are polled, few at a time");
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let listed = gainsay(&["feeds", "list", "-c", "gainsay.toml"]).current_dir(trial.path()).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 10_000);
    let program = env!("CARGO_BIN_EXE_gainsay");
    let mut command = Command::new("bash");
    command.args(["-c", &format!("ulimit -n 128; exec {program} run -c gainsay.toml")]).current_dir(trial.path());
    command.env_remove("GAINSAY_SHARED").env_remove("GAINSAY_WRITE_DOCS");
    let said = fs::File::create(trial.path().join("said")).unwrap();
    let mut daemon = crate::support::Daemon(command.stdout(Stdio::null()).stderr(said).spawn().unwrap());
    let polled = "SELECT CAST(count(*) AS TEXT) FROM cursor";
    wait_for("all feeds", Duration::from_mins(2), || crate::support::query(trial.path(), polled) == ["10000"]);
    daemon.terminate();
    wait_for("its end", Duration::from_secs(30), || daemon.0.try_wait().unwrap().is_some());
    let said = fs::read_to_string(trial.path().join("said")).unwrap();
    assert!(!said.contains("oo many open files") && said.contains("refused"), "{said:.2000}");
}

#[test]
fn bad_archives_and_outputs_are_told() {
    let trial = Trial::new("Archives and output");
    let good =
        "{\"id\":\"1\",\"text\":\"Corvane Lines on Tuesday denied that it had concealed failed inspections.\"}\n";
    // Of two alike that are read at once either one or both are judged.
    let other = good.replace("\"1\"", "\"3\"").replace("inspections", "tests");
    trial.file("archive.jsonl", format!("{good}no document\n{{\"id\":2}}\n{other}"));
    let rest = "bad lines are named, the rest is done";
    trial.check("archive with bad lines", "gainsay extract archive.jsonl", 1, "archive.jsonl:2: not a document", rest);
    trial.check("archive with bad lines, replayed", "gainsay replay archive.jsonl", 1, "2 bad lines", rest);
    trial.check("archive is missing", "gainsay replay nowhere.jsonl", 1, "nowhere.jsonl", UNREAD);
    trial.file("broken.jsonl", b"\x1f\x8b\x08\x00broken");
    trial.check(
        "archive is broken gzip",
        "gainsay extract broken.jsonl",
        1,
        "broken.jsonl",
        "what came before is done",
    );
    trial.file("old.db", "kept");
    let replay = "gainsay replay --database old.db archive.jsonl";
    trial.check("database of a replay exists", replay, 1, "exists already", "it stays as it was");
    assert_eq!(fs::read_to_string(trial.path().join("old.db")).unwrap(), "kept");
    // The whole device: it takes nothing and is only written to.
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = gainsay(&["config", "default"]);
    let printed = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(printed.stderr).unwrap();
    assert!(printed.status.code() == Some(1) && said.contains("No space left"), "{said}");
    let row = |case, end, said, data| {
        record(&Row { section: "Archives and output", case, run: "gainsay config default", end, said, data });
    };
    row("standard output is a full disk", "exit 1", said.trim(), "what was not printed is to be printed again");
    let mut child = gainsay(&["config", "default"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let printed = child.wait_with_output().unwrap();
    assert!(printed.stderr.is_empty() && [Some(0)].contains(&printed.status.code()), "{printed:?}");
    row("reader of standard output is gone", "exit 0", "", "as with `head`: no failure");
}

#[test]
fn bad_arguments_are_told_with_code_2() {
    let trial = Trial::new("The command line");
    for (case, run, says) in [
        ("a command is missing", "gainsay", "Usage:"),
        ("an argument is missing", "gainsay explain", "required"),
        ("a flag is unknown", "gainsay run --databse x", "--database"),
        ("a time cannot be read", "gainsay claims --since yesterday", "an age"),
    ] {
        trial.check(case, run, 2, says, UNREAD);
    }
    trial.check("there is no home folder", "gainsay feeds lists", 0, "", "none is needed");
}

/// Each code that the book names is one that the program gives; 130 is tested with the shutdown.
#[test]
fn bad_input_the_help_names_the_exit_codes() {
    let printed = output(&["help"]);
    let said = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(printed.status.code(), Some(0));
    for code in ["0   done", "1   failed", "2   the command", "78  the config", "130 stopped"] {
        assert!(said.contains(code), "{code} is not in {said}");
    }
}
