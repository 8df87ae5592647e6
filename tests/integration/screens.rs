//! `gainsay watch` at a terminal of its own, with a real daemon: what its screen shows, what its keys do, and that the terminal is given
//! back as it was.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use serde_json::{Value, json};

use crate::support::{
    Daemon, Entry, Feeds, RawServer, answer, free_address, gainsay, get, hang, listen, wait_for, write_config,
};

const MINUTE: Duration = Duration::from_mins(1);
const TOKEN: &str = "operator-0123456789abcdef";

fn allegation() -> Entry {
    Entry::new(
        "ferry",
        "Failed inspections cloud the islands' ferries",
        "The Maritime Safety Authority on Tuesday accused ferry operator Corvane Lines of concealing failed inspections of three ferries.",
    )
}

fn denial() -> Entry {
    Entry::new(
        "answer",
        "Corvane answers over ferries",
        "Corvane Lines chief executive Marta Ilves on Wednesday denied that the company had concealed failed inspections of three ferries.",
    )
}

/// The program at a terminal.
struct Session {
    child: Child,
    master: File,
    /// Ours, so that the terminal outlives the program.
    slave: File,
    before: Termios,
    parser: Arc<Mutex<vt100::Parser>>,
    reader: Option<JoinHandle<()>>,
}

fn size(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

impl Session {
    fn start(args: &[&str], (columns, rows): (u16, u16), variables: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let master = File::from(master);
        tcsetwinsize(&slave, winsize(columns, rows)).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let mut command = gainsay(&[&["watch"], args].concat());
        command
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .env("TERM", "xterm-256color")
            .envs(variables.iter().copied());
        let end = || slave.try_clone().unwrap();
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let parser = Arc::new(Mutex::new(vt100::Parser::new(size(rows), size(columns), 0)));
        let (mut from, screen) = (master.try_clone().unwrap(), Arc::clone(&parser));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                screen.lock().unwrap().process(&buffer[..read]);
            }
        });
        Self { child, master, slave, before, parser, reader: Some(reader) }
    }

    fn contents(&self) -> String {
        self.parser.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows all of this, however its lines are broken.
    #[track_caller]
    fn shows(&self, wanted: &[&str]) {
        let mut seen = String::new();
        let holds = |seen: &str| {
            let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
            wanted.iter().all(|one| words.contains(one))
        };
        let start = std::time::Instant::now();
        while !holds(&seen) {
            assert!(start.elapsed() < MINUTE, "waited in vain for {wanted:?} on\n{seen}");
            std::thread::sleep(Duration::from_millis(20));
            seen = self.contents();
        }
    }

    #[track_caller]
    fn shows_no_more(&self, unwanted: &str) {
        wait_for(&format!("the end of {unwanted:?}"), MINUTE, || !self.contents().contains(unwanted));
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.parser.lock().unwrap().screen_mut().set_size(size(rows), size(columns));
        tcsetwinsize(&self.slave, winsize(columns, rows)).unwrap();
        self.signal("-WINCH");
    }

    fn signal(&self, name: &str) {
        Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
    }

    /// Waits for its end; the terminal must be as it was. Gives the exit code and what the terminal shows then.
    #[track_caller]
    fn ended(mut self) -> (Option<i32>, String) {
        wait_for("the end of watch", MINUTE, || self.child.try_wait().unwrap().is_some());
        let status = self.child.wait().unwrap();
        self.check_given_back();
        let shown = self.contents();
        (status.code(), shown)
    }

    /// The terminal is as it was.
    #[track_caller]
    fn check_given_back(&mut self) {
        let after = tcgetattr(&self.slave).unwrap();
        assert_eq!(after.local_modes, self.before.local_modes, "keys are echoed and lines edited again");
        assert_eq!((after.input_modes, after.output_modes), (self.before.input_modes, self.before.output_modes));
        // All that it wrote comes before this.
        self.slave.write_all(b"$ ").unwrap();
        wait_for("the prompt", MINUTE, || self.contents().contains("$ "));
        let parser = self.parser.lock().unwrap();
        assert!(!parser.screen().alternate_screen() && !parser.screen().hide_cursor());
    }

    fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    }

    fn has_colours(&self) -> bool {
        let parser = self.parser.lock().unwrap();
        let (rows, columns) = parser.screen().size();
        let mut cells = (0..rows.get()).flat_map(|y| (0..columns.get()).map(move |x| (y, x)));
        cells.any(|(y, x)| parser.screen().cell(y, x).is_some_and(|cell| cell.fgcolor() != vt100::Color::Default))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        // The reader ends with the terminal, which goes with the last of its ends.
        drop(self.reader.take());
    }
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A config with one feed, and where its daemon will listen.
fn config(folder: &Path, base: &str) -> (PathBuf, SocketAddr) {
    let config = write_config(folder, &[("a", format!("{base}/a"))], None);
    let mut text = std::fs::read_to_string(&config).unwrap();
    text += "[[sink]]\nname = \"desk\"\ntype = \"jsonl\"\npath = \"alerts.jsonl\"\n";
    std::fs::write(&config, text).unwrap();
    let address = listen(&config);
    (config, address)
}

/// Lets the daemon of this config want a token.
fn close(config: &Path) {
    let text = std::fs::read_to_string(config).unwrap();
    let web = format!("[web]\ntokens = [{{ name = \"desk\", scope = \"operate\", value = \"{TOKEN}\" }}]\n");
    std::fs::write(config, text + &web).unwrap();
}

fn started(config: &Path, address: SocketAddr) -> Daemon {
    let daemon = Daemon::start(config);
    wait_for("readiness", MINUTE, || get(address, "/readyz").is_some_and(|(status, _)| status == 200));
    daemon
}

#[test]
fn watch_shows_what_comes_and_does_what_keys_say() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", allegation());
    let (config, address) = config(folder.path(), &wire.base);
    // Address and token come from the config.
    close(&config);
    let _daemon = started(&config, address);
    let mut watch = Session::start(&["-c", config.to_str().unwrap()], (110, 30), &[]);
    watch.shows(&["● live", "allegation Outlet a The Maritime Safety Authority: concealing", "headline"]);
    assert!(watch.has_colours());
    // One that comes while it runs.
    feeds.add("/a", denial());
    watch.shows(&[
        "denial Outlet a Marta Ilves: the company had concealed",
        "1 of 2",
        "evidence Corvane Lines chief executive",
    ]);
    watch.press("\r");
    watch.shows(&["alleged by The Maritime Safety Authority", "denied by Marta Ilves", "why:", "desk: delivered"]);
    watch.press("fn");
    watch.shows(&["nothing was said"]);
    watch.press("f");
    watch.shows(&["follow this thread? y/n"]);
    watch.press("y");
    watch.shows(&["follow: the daemon takes it up within a second"]);
    watch.shows(&["(followed)"]);
    watch.press("\u{7f}");
    watch.press("t");
    watch.shows(&["kind allegation", "1 of 1"]);
    watch.shows_no_more("denial  ");
    watch.press("t");
    watch.shows(&["kind denial", "1 of 1", "Marta Ilves: the company"]);
    watch.press("x/zebra\r");
    watch.shows(&["text zebra", "no alert is like that"]);
    watch.press("xsilves\r");
    watch.shows(&["speaker ilves", "1 of 1"]);
    watch.press("x2");
    watch.shows(&["FEED", "healthy", "address"]);
    watch.press("3");
    watch.shows(&["ENDPOINT", "desk ok", "newest deliveries", "desk delivered Marta Ilves"]);
    watch.press("1?");
    watch.shows(&["this help"]);
    watch.resize(60, 20);
    watch.press("?");
    watch.shows(&["2 Feeds", "denial Marta Ilves: the company", "? keys Enter thread"]);
    watch.press("q");
    let (code, shown) = watch.ended();
    assert_eq!(code, Some(0));
    assert!(!shown.contains("Marta"), "{shown}");
}

#[test]
fn watch_outlives_its_daemon_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let feeds = Feeds::default();
    let wire = feeds.serve();
    feeds.add("/a", allegation());
    let (config, address) = config(folder.path(), &wire.base);
    let mut daemon = started(&config, address);
    let at = format!("http://{address}");
    let mut watch = Session::start(&["--at", &at], (90, 24), &[("NO_COLOR", "1")]);
    watch.shows(&["● live", "allegation The Maritime Safety Authority", "1 of 1"]);
    daemon.kill();
    watch.shows(&["○ not connected", &format!("no gainsay answers at {address}"), "again in", "1 of 1"]);
    feeds.add("/a", denial());
    let _daemon = started(&config, address);
    watch.press("r");
    watch.shows(&["● live", "denial Marta Ilves", "1 of 2"]);
    watch.shows_no_more("not connected");
    assert!(!watch.has_colours());
    // To the shell and back.
    watch.press("\u{1a}");
    wait_for("the stop", MINUTE, || watch.is_stopped());
    watch.check_given_back();
    watch.signal("-CONT");
    watch.shows(&["● live", "denial Marta Ilves", "1 of 2"]);
    watch.signal("-TERM");
    assert_eq!(watch.ended().0, Some(0));
}

/// An alert of a feed, as the API shows it.
fn placed(position: u32, outlet: &str, detail: &str) -> Value {
    json!({"position": position, "alert": {
        "schema_version": 1, "id": format!("{position:032x}"), "type": "feed.failing", "time": "2026-03-04T12:00:00Z",
        "priority": {"score": 60, "reasons": []}, "claim": null, "evidence": null, "document": null, "story": null, "thread": null,
        "answers": [], "also": [], "digest": null, "rules": [], "why": "a feed fails",
        "feed": {"id": outlet, "outlet": outlet, "url": "https://a.example/", "incident": 1, "detail": detail}
    }})
}

/// A server that plays a daemon which is away for too long, with a hostile feed.
#[test]
fn watch_reads_the_list_anew_when_what_it_missed_is_gone() {
    let streams = Arc::new(Mutex::new(Vec::<Option<String>>::new()));
    let seen = Arc::clone(&streams);
    let server = RawServer::start(move |request, stream| {
        let mut seen = seen.lock().unwrap();
        let json = "content-type: application/json\r\n";
        let path = request.path.split('?').next().unwrap();
        if path != "/api/v1/alerts/stream" {
            let alerts = match seen.len() {
                ..=1 => vec![
                    placed(5, "Harbour Post", "status 503"),
                    json!({"position": 6, "alert": {"type": "vote.lost"}}),
                ],
                _ => {
                    vec![placed(99, "Vesper", "status 500"), placed(98, "Agora", "\u{1b}[2J\u{1b}]0;mine\u{7}\u{9b}1m")]
                }
            };
            let body = if path.ends_with("/alerts") {
                json!({"items": alerts, "next": null})
            } else {
                json!({"version": "0.0.1"})
            };
            answer(stream, "200 OK", json, body.to_string().as_bytes());
            return;
        }
        seen.push(request.headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned()));
        let (number, last) = (seen.len(), placed(7, "Courier", "status 404"));
        drop(seen);
        let events = match number {
            1 => format!("retry: 2000\n\n: here\n\nid: 7\nevent: alert\ndata: {last}\n\n"),
            2 => "event: reset\ndata: {}\n\n".to_owned(),
            _ => ": here\n\n".to_owned(),
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        stream.write_all((head.to_owned() + &events).as_bytes()).unwrap();
        if number > 2 {
            hang(stream);
        }
    });
    let watch = Session::start(&["--at", &server.base], (100, 24), &[]);
    watch.shows(&[
        "feed failing Vesper: status 500",
        "● live",
        "feed failing Agora: \\u{1b}[2J\\u{1b}]0;mine\\u{7}\\u{9b}1m",
    ]);
    watch.shows(&["the daemon is version 0.0.1"]);
    watch.shows_no_more("Harbour");
    assert_eq!(*streams.lock().unwrap(), [None, Some("7".to_owned()), None]);
    // As a terminal does that is closed.
    watch.signal("-HUP");
    assert_eq!(watch.ended().0, Some(0));
}

#[test]
fn watch_says_why_it_cannot() {
    let ended = |args: &[&str]| {
        let (code, shown) = Session::start(args, (100, 24), &[]).ended();
        assert_eq!(code, Some(1), "{shown}");
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let nobody = free_address();
    let said = ended(&["--at", &format!("http://{nobody}")]);
    assert!(
        said.contains(&format!("no gainsay answers at {nobody}")) && said.contains("does `gainsay run` run?"),
        "{said}"
    );
    let other = Feeds::default().serve();
    let said = ended(&["--at", &other.base]);
    assert!(said.contains("no API of a gainsay") && said.contains("an older gainsay"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let wire = Feeds::default().serve();
    let (config, address) = config(folder.path(), &wire.base);
    close(&config);
    let _daemon = started(&config, address);
    let at = format!("http://{address}");
    let said = ended(&["--at", &at]);
    assert!(said.contains("a token is needed") && said.contains("--token-file"), "{said}");
    let wrong = folder.path().join("wrong.token");
    std::fs::write(&wrong, "nobody-0123456789abcdef\n").unwrap();
    let said = ended(&["--at", &at, "--token-file", wrong.to_str().unwrap()]);
    assert!(said.contains("this token is not known"), "{said}");

    let piped = gainsay(&["watch", "--at", &at]).stdin(std::process::Stdio::null()).output().unwrap();
    let said = String::from_utf8(piped.stderr).unwrap();
    assert_eq!((piped.status.code(), said.contains("draws on a terminal")), (Some(1), true), "{said}");
}
