//! What the tests share: the program, a feed server and a recording webhook endpoint on loopback, config files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// Key of the endpoints in tests.
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// The program with these arguments. A variable of the tests is no key of the config, and is kept from it.
pub(crate) fn gainsay(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gainsay"));
    command.args(args);
    // What the tests themselves are told is no key of a config.
    for variable in ["GAINSAY_SHARED", "GAINSAY_KILLS", "GAINSAY_SEED", "GAINSAY_WRITE_DOCS"] {
        command.env_remove(variable);
    }
    command
}

/// Runs the program to its end.
pub(crate) fn output(args: &[&str]) -> Output {
    gainsay(args).stdin(Stdio::null()).output().unwrap()
}

/// Runs the program with this standard input.
pub(crate) fn output_with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child = gainsay(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// The lines of an output, each parsed as JSON.
pub(crate) fn json_lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Waits until `done` or panics with what was waited for.
#[track_caller]
pub(crate) fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Shared test corpora, where they are present; says so loudly where not.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GAINSAY_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("SKIPPED: {} is not there (set GAINSAY_SHARED to the folder of the corpora)", found.display());
    None
}

/// A server on loopback that lives as long as the value.
pub(crate) struct Server {
    runtime: Option<tokio::runtime::Runtime>,
    pub(crate) base: String,
}

impl Server {
    pub(crate) fn start(router: Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { runtime: Some(runtime), base }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A request as [`RawServer`] reads it.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A server for what no decent server does: the handler gets the bare connection after the request and does as it
/// pleases; the connection is cut when it returns. Its threads end with the test program.
pub(crate) struct RawServer {
    pub(crate) base: String,
}

impl RawServer {
    pub(crate) fn start(handler: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let handler = Arc::new(handler);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let handler = Arc::clone(&handler);
                std::thread::spawn(move || {
                    // A client that is killed in mid-request is nobody's fault.
                    if let Some(request) = read_request(&stream) {
                        handler(&request, &mut stream);
                    }
                });
            }
        });
        Self { base }
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value.parse().ok()?);
    }
    let length = headers.get(header::CONTENT_LENGTH).map_or(Some(0), |text| text.to_str().ok()?.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { path, headers, body })
}

/// Writes a whole answer; the client may be gone.
pub(crate) fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> bool {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).is_ok()
}

/// Keeps the connection open until the client closes it.
pub(crate) fn hang(stream: &mut TcpStream) {
    while stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
}

/// The first column of a query on the daemon's database as text, a row a value; nothing while there is no such database.
pub(crate) fn query(folder: &Path, query: &str) -> Vec<String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(database) = rusqlite::Connection::open_with_flags(folder.join("gainsay.db"), flags) else {
        return Vec::new();
    };
    let Ok(mut statement) = database.prepare(query) else { return Vec::new() };
    let rows = statement.query_map([], |row| row.get(0));
    rows.map(|rows| rows.flatten().collect()).unwrap_or_default()
}

/// One entry of a served feed.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) guid: String,
    pub(crate) title: String,
    pub(crate) body: String,
}

impl Entry {
    pub(crate) fn new(guid: &str, title: &str, body: &str) -> Self {
        Self { guid: guid.into(), title: title.into(), body: body.into() }
    }
}

/// Feeds by path, served as RSS with `ETag`s; entries can be added while it runs.
#[derive(Clone, Default)]
pub(crate) struct Feeds(Arc<Mutex<BTreeMap<String, Vec<Entry>>>>);

impl Feeds {
    pub(crate) fn add(&self, path: &str, entry: Entry) {
        self.0.lock().unwrap().entry(path.to_owned()).or_default().insert(0, entry);
    }

    pub(crate) fn serve(&self) -> Server {
        let router = Router::new().fallback(async |State(feeds): State<Feeds>, uri: Uri, headers: HeaderMap| {
            feeds.answer(uri.path(), &headers)
        });
        Server::start(router.with_state(self.clone()))
    }

    fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        let feeds = self.0.lock().unwrap();
        let Some(entries) = feeds.get(path) else { return StatusCode::NOT_FOUND.into_response() };
        let etag = format!("\"{}-{}\"", entries.len(), entries.first().map_or("", |entry| entry.guid.as_str()));
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str()) {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
        }
        let mut items = String::new();
        for entry in entries {
            write!(
                items,
                "<item><guid isPermaLink=\"false\">{}</guid><title>{}</title><description>{}</description>\
                 <pubDate>Thu, 31 Oct 2024 08:01:00 GMT</pubDate></item>",
                entry.guid, entry.title, entry.body
            )
            .unwrap();
        }
        let body = format!("<rss version=\"2.0\"><channel><title>Wire</title>{items}</channel></rss>");
        ([(header::ETAG, etag), (header::CONTENT_TYPE, "application/rss+xml".to_owned())], body).into_response()
    }
}

/// A delivery as the endpoint got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

/// A webhook endpoint that verifies with an independent library and records everything.
#[derive(Clone, Default)]
pub(crate) struct Endpoint(Arc<Mutex<Vec<Received>>>);

impl Endpoint {
    pub(crate) fn received(&self) -> Vec<Received> {
        self.0.lock().unwrap().clone()
    }

    /// Verifies and records a delivery; false where it is not signed rightly.
    pub(crate) fn take(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let webhook = standardwebhooks::Webhook::new(SECRET).unwrap();
        if webhook.verify(body, headers).is_err() {
            return false;
        }
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        self.0.lock().unwrap().push(Received { id, body: body.to_vec() });
        true
    }

    pub(crate) fn serve(&self) -> Server {
        let router =
            Router::new().fallback(async |State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes| {
                if endpoint.take(&headers, &body) { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
            });
        Server::start(router.with_state(self.clone()))
    }
}

/// A port of loopback that nobody had a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Lets the daemon of this config answer to HTTP.
pub(crate) fn listen(config: &Path) -> SocketAddr {
    let address = free_address();
    let text = std::fs::read_to_string(config).unwrap().replace("listen = \"\"", &format!("listen = \"{address}\""));
    std::fs::write(config, text).unwrap();
    address
}

/// Sends these bytes and reads to the end of the answer; nothing where nobody listens.
pub(crate) fn converse(address: SocketAddr, request: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8(answer).unwrap())
}

/// Status and body of a GET.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let answer = converse(address, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Writes a config that polls these feeds every second and posts to the endpoint.
pub(crate) fn write_config(folder: &Path, feeds: &[(&str, String)], endpoint: Option<&str>) -> PathBuf {
    let mut text = String::from(
        "database = \"gainsay.db\"\nshutdown_grace = \"5s\"\n[http]\nlisten = \"\"\n[intake]\npoll_interval = \"1s\"\n\
         backfill = \"3650d\"\nallow_networks = [\"127.0.0.0/8\"]\nfetches_per_host_max = 8\n",
    );
    for (id, url) in feeds {
        write!(text, "[[feed]]\nid = \"{id}\"\nurl = \"{url}\"\noutlet = \"Outlet {id}\"\n").unwrap();
    }
    if let Some(url) = endpoint {
        write!(
            text,
            "[[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n\
             alerts_per_day = 0\nretry_schedule = [\"1s\", \"1s\", \"2s\", \"5s\", \"5s\", \"5s\"]\n"
        )
        .unwrap();
    }
    let path = folder.join("gainsay.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// Every alert that was ever put into the outbox is there in one state, and the ledger says so: created = pending + delivered + expired +
/// dead + silenced, by sink. Holds after every end of a daemon, also by SIGKILL.
#[track_caller]
pub(crate) fn check_conservation(folder: &Path) {
    let rows = |text: &str| query(folder, text);
    let ledger = rows(
        "SELECT sink || ' ' || entry || ' ' || alerts FROM ledger WHERE entry <> 'replayed' AND alerts > 0 ORDER BY sink, entry",
    );
    let counted = rows(
        "SELECT sink || ' ' || entry || ' ' || alerts FROM
            (SELECT sink, state AS entry, count(*) AS alerts FROM outbox GROUP BY sink, state
             UNION ALL SELECT sink, 'created', count(*) FROM outbox GROUP BY sink) ORDER BY sink, entry",
    );
    assert_eq!(ledger, counted, "the ledger is not what the outbox holds");
    let unbalanced = rows(
        "SELECT sink FROM ledger WHERE entry <> 'replayed'
         GROUP BY sink HAVING sum(CASE entry WHEN 'created' THEN alerts ELSE -alerts END) <> 0",
    );
    assert_eq!(unbalanced, Vec::<String>::new(), "sinks of which an alert is in no state");
}

/// The daemon, killed when the value goes; however it is stopped or killed, its outbox must add up.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    pub(crate) fn start(config: &Path) -> Self {
        Self::start_with(config, &[])
    }

    pub(crate) fn start_with(config: &Path, flags: &[&str]) -> Self {
        let mut command = gainsay(&["run", "--config", config.to_str().unwrap()]);
        command.args(flags);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The folder of its config, while it runs.
    fn folder(&self) -> Option<PathBuf> {
        let line = std::fs::read(format!("/proc/{}/cmdline", self.0.id())).ok()?;
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        let flag = words.iter().position(|word| [&b"--config"[..], b"-c"].contains(word))?;
        Some(Path::new(std::str::from_utf8(words.get(flag + 1)?).ok()?).parent()?.to_owned())
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let folder = self.folder();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        if let Some(folder) = folder {
            check_conservation(&folder);
        }
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
    }

    /// SIGTERM; gives the exit status and what was said on standard error.
    pub(crate) fn stop(self) -> (Option<i32>, String) {
        let folder = self.folder();
        self.terminate();
        let ended = self.ended();
        if let Some(folder) = folder {
            check_conservation(&folder);
        }
        ended
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let status = self.0.wait().unwrap();
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
