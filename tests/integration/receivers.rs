//! The receivers of the book, with the official libraries of three languages: they take what gainsay signs, once, and nothing else.
//!
//! What their registries have is installed once, below `target`; where that cannot be done, these tests are skipped, loudly.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kills::story;
use crate::support::{
    Daemon, Feeds, RawServer, SECRET, Server, answer, converse, free_address, gainsay, wait_for, write_config,
};

#[path = "../../docs/receivers/rust/receiver.rs"]
#[allow(dead_code, reason = "it is a program of its own")]
mod rust_receiver;

const MINUTE: Duration = Duration::from_mins(1);
/// A key that comes after `SECRET`.
const NEXT: &str = "whsec_bmV4dC1uZXh0LW5leHQtbmV4dC1uZXh0LW5leHQtbmU=";
const PRIVATE: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

fn docs(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/receivers").join(path)
}

/// Runs a step of an installation to its end.
pub(crate) fn step(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = || format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.status.success().then_some(()).ok_or_else(said)
}

/// A folder below `target` in which something is installed once.
pub(crate) fn installed(name: &str, install: impl FnOnce(&Path) -> Result<(), String>) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mark = folder.join("installed");
    if !mark.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        if let Err(why) = install(&folder) {
            eprintln!("SKIPPED: {name} was not run, its libraries cannot be installed: {why}");
            return None;
        }
        std::fs::write(&mark, "").unwrap();
    }
    Some(folder)
}

/// The Python receiver, to be given its key.
fn python() -> Option<Command> {
    let folder = installed("receiver-python", |folder| {
        step(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
        let requirements = docs("python/requirements.txt");
        let pip = folder.join("venv/bin/pip");
        step(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements))
    })?;
    let mut command = Command::new(folder.join("venv/bin/python"));
    command.arg(docs("python/receiver.py"));
    Some(command)
}

/// The JavaScript receiver, to be given its key. Modules are found from where a script lies, so it is copied to them.
fn javascript() -> Option<Command> {
    let folder = installed("receiver-javascript", |folder| {
        std::fs::copy(docs("javascript/package.json"), folder.join("package.json"))
            .map_err(|error| error.to_string())?;
        step(Command::new("npm").args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(folder))
    })?;
    std::fs::copy(docs("javascript/receiver.mjs"), folder.join("receiver.mjs")).unwrap();
    let mut command = Command::new("node");
    command.arg("receiver.mjs").current_dir(folder);
    Some(command)
}

/// A receiver at work, with what it said it took: id and type.
struct Receiver {
    program: Child,
    address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start(mut command: Command, key: &str) -> Self {
        let address = free_address();
        command.env("WEBHOOK_KEY", key).env("PORT", address.port().to_string());
        let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (taken, lines) = (Arc::default(), BufReader::new(program.stdout.take().unwrap()).lines());
        let log: Arc<Mutex<Vec<String>>> = Arc::clone(&taken);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| log.lock().unwrap().push(line)));
        wait_for("the receiver", MINUTE, || TcpStream::connect(address).is_ok());
        Self { program, address, taken }
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// Sends a test alert to this address, signed with these keys; says whether it was taken.
fn send(url: &str, keys: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gainsay.toml");
    let feed = "[[feed]]\nid = \"a\"\nurl = \"https://a.example/rss\"\noutlet = \"A\"\n";
    let sink = format!("[[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"{url}\"\n{keys}\n");
    std::fs::write(&path, format!("{feed}{sink}")).unwrap();
    let output = gainsay(&["endpoint", "test", "desk", "-c", path.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let is_taken = output.status.success();
    assert!(said.contains(if is_taken { "was answered 204" } else { "answered 401" }), "{said}");
    is_taken
}

/// Every way of keys changing, seen by a receiver that knows `SECRET` alone.
fn check_rotation(url: &str) {
    let main = |key: &str| format!("secret = \"{key}\"");
    let beside = |key: &str, until: &str| format!("more_secrets = [{{ value = \"{key}\", until = {until} }}]");
    assert!(send(url, &main(SECRET)));
    assert!(!send(url, &main(NEXT)));
    // The old key beside the new one, while it lasts; and an ed25519 key, of which it knows nothing.
    assert!(send(url, &format!("{}\n{}", main(NEXT), beside(SECRET, "2099-01-01T00:00:00Z"))));
    assert!(send(url, &format!("{}\n{}", main(PRIVATE), beside(SECRET, "2099-01-01T00:00:00Z"))));
    assert!(!send(url, &format!("{}\n{}", main(NEXT), beside(SECRET, "2020-01-01T00:00:00Z"))));
    assert!(!send(url, &main(PRIVATE)));
}

/// The headers of the standard, as they stand in a request, and the body.
type Recorded = (String, Vec<u8>);

/// An alert of a real daemon, as it arrives, to be played to others.
fn recorded() -> Recorded {
    let seen: Arc<Mutex<Vec<Recorded>>> = Arc::default();
    let log = Arc::clone(&seen);
    let recorder = RawServer::start(move |request, stream| {
        let headers = request.headers.iter().filter(|(name, _)| name.as_str().starts_with("webhook-"));
        let lines: Vec<String> =
            headers.map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
        log.lock().unwrap().push((lines.concat(), request.body.clone()));
        answer(stream, "204 No Content", "", b"");
    });
    let (folder, feeds) = (tempfile::tempdir().unwrap(), Feeds::default());
    let wire = feeds.serve();
    feeds.add("/a", story(1));
    let config = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&recorder.base));
    let more = std::fs::read_to_string(&config).unwrap() + &format!("more_secrets = [{{ value = \"{PRIVATE}\" }}]\n");
    std::fs::write(&config, more).unwrap();
    let daemon = Daemon::start(&config);
    wait_for("an alert", MINUTE, || !seen.lock().unwrap().is_empty());
    assert_eq!(daemon.stop().0, Some(0));
    seen.lock().unwrap().remove(0)
}

/// Posts to a receiver; gives the status.
fn post(address: SocketAddr, headers: &str, body: &[u8]) -> u16 {
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    let answer = converse(address, &[head.as_bytes(), body].concat()).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// An alert is taken once, however often it comes; what was changed, or is of nobody, never.
fn check_repeats(address: SocketAddr, headers: &str, body: &[u8]) {
    let changed = [&body[..body.len() - 1], b" }"].concat();
    let other_id = headers.replacen("webhook-id: ", "webhook-id: 0", 1);
    let broken = "webhook-id: a\r\nwebhook-timestamp: x\r\nwebhook-signature: v1\r\n";
    for (headers, body, expected) in [
        (headers, &changed[..], 401),
        (&other_id, body, 401),
        ("", body, 401),
        (broken, &b"\xff\xfe"[..], 401),
        (headers, body, 204),
        (headers, body, 204),
    ] {
        assert_eq!(post(address, headers, body), expected, "{headers}");
    }
}

#[test]
fn the_python_receiver_takes_what_is_signed_once() {
    let Some(command) = python() else { return };
    let receiver = Receiver::start(command, SECRET);
    check_rotation(&format!("http://{}/", receiver.address));
    let (headers, body) = recorded();
    check_repeats(receiver.address, &headers, &body);
    wait_for("what it took", MINUTE, || receiver.taken().len() >= 4);
    assert_eq!(receiver.taken().len(), 4, "{:?}", receiver.taken());
    // The same alert to one that knows the public key alone.
    let of_public = Receiver::start(python().unwrap(), PUBLIC);
    check_repeats(of_public.address, &headers, &body);
    assert!(!send(&format!("http://{}/", of_public.address), &format!("secret = \"{SECRET}\"")));
    wait_for("what it took", MINUTE, || !of_public.taken().is_empty());
    assert_eq!(of_public.taken(), receiver.taken()[3..]);
}

#[test]
fn the_javascript_receiver_takes_what_is_signed_once() {
    let Some(command) = javascript() else { return };
    let receiver = Receiver::start(command, SECRET);
    check_rotation(&format!("http://{}/", receiver.address));
    let (headers, body) = recorded();
    check_repeats(receiver.address, &headers, &body);
    wait_for("what it took", MINUTE, || receiver.taken().len() >= 4);
    assert_eq!(receiver.taken().len(), 4, "{:?}", receiver.taken());
}

#[test]
fn the_rust_receiver_takes_what_is_signed() {
    let server = Server::start(rust_receiver::router(SECRET).unwrap());
    check_rotation(&format!("{}/", server.base));
    let (headers, body) = recorded();
    check_repeats(server.base.trim_start_matches("http://").parse().unwrap(), &headers, &body);
}
