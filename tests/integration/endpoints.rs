//! Webhook endpoints: what they are shown, over which TLS, where they may be, and the commands that list and try them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, ToSocketAddrs as _};
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::kills::story;
use crate::reload::Logged;
use crate::support::{Endpoint, Feeds, RawServer, SECRET, answer, gainsay, json_lines, wait_for, write_config};

const MINUTE: Duration = Duration::from_mins(1);
/// The private key with which svix's server signs in its tests.
const PRIVATE: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

/// A config with this sink alone, named `desk`.
fn config(folder: &Path, lines: &str) -> String {
    let path = folder.join("gainsay.toml");
    let text = format!(
        "[[feed]]\nid = \"a\"\nurl = \"https://a.example/rss\"\noutlet = \"A\"\n[[sink]]\nname = \"desk\"\ntype = \"webhook\"\n{lines}\n"
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `gainsay endpoint COMMAND desk`: code, standard output and standard error.
fn endpoint(command: &str, config: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut program = gainsay(&["endpoint", command, "desk", "-c", config]);
    let Output { status, stdout, stderr } = program.envs(variables.iter().copied()).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[track_caller]
fn taken(config: &str) {
    let (code, said, errors) = endpoint("test", config, &[]);
    assert!(code == Some(0) && said.contains("was answered 204"), "{said}{errors}");
}

/// The test alert is not taken, and this is said.
#[track_caller]
fn untaken(config: &str, expected: &str) {
    let (code, said, errors) = endpoint("test", config, &[]);
    assert!(code == Some(1) && said.is_empty() && errors.contains(expected), "{code:?} {said}{errors}");
}

/// The config is refused, and this is said.
#[track_caller]
fn refused(lines: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = gainsay(&["check", "-c", &config(folder.path(), lines)]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(78) && said.contains(expected), "{said}");
}

#[test]
fn a_test_alert_is_signed_by_every_key_and_says_that_it_is_one() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let server = RawServer::start(move |request, stream| {
        log.lock().unwrap().push((request.path.clone(), request.headers.clone(), request.body.clone()));
        answer(stream, "200 OK", "", b"");
    });
    let folder = tempfile::tempdir().unwrap();
    let old = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZA==";
    let gone = "whsec_Z29uZS1nb25lLWdvbmUtZ29uZS1nb25lLWdvbmUtZ28=";
    let lines = format!(
        "url = \"{}/hook/token-7\"\nsecret = \"{SECRET}\"\nheaders = {{ X-Desk = {{ env = \"GAINSAY_DESK_KEY\" }} }}\ntoken = \"token-8\"\n\
         more_secrets = [{{ value = \"{old}\", until = 2099-01-01T00:00:00Z }}, {{ value = \"{gone}\", until = \"2020-01-01T00:00:00Z\" }}, \
         {{ env = \"GAINSAY_NEXT\" }}]",
        server.base
    );
    let config = config(folder.path(), &lines);
    let variables = [("GAINSAY_DESK_KEY", "key-9"), ("GAINSAY_NEXT", PRIVATE)];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (code, said, errors) = endpoint("test", &config, &variables);
        assert!(code == Some(0) && said.contains("was answered 200 in "), "{said}{errors}");
        assert!(!format!("{said}{errors}").contains("token-7"), "{said}{errors}");
        let (path, headers, body) = heard.lock().unwrap().pop().unwrap();
        assert_eq!(path, "/hook/token-7");
        assert_eq!(
            (&headers["authorization"], &headers["x-desk"]),
            (&"Bearer token-8".parse().unwrap(), &"key-9".parse().unwrap())
        );
        let header = |name: &str| headers[name].to_str().unwrap();
        let versions: Vec<&str> =
            header("webhook-signature").split(' ').map(|one| one.split_once(',').unwrap().0).collect();
        assert_eq!(versions, ["v1", "v1", "v1a"]);
        for key in [SECRET, old] {
            standardwebhooks::Webhook::new(key).unwrap().verify(&body, &headers).unwrap();
        }
        assert!(standardwebhooks::Webhook::new(gone).unwrap().verify(&body, &headers).is_err());
        let now = jiff::Timestamp::now();
        let (id, timestamp, signatures) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        gainsay::sink::verify(&PRIVATE.parse().unwrap(), id, timestamp, signatures, &body, now).unwrap();
        let alert: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(alert["data"]["id"], id);
        assert!(said.contains(id) && alert["data"]["document"]["headline"].as_str().unwrap().contains("TEST"));
        ids.push(id.to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    let listed = gainsay(&["endpoint", "ls", "--json", "-c", &config]).envs(variables).output().unwrap();
    let line = json_lines(&listed.stdout).remove(0);
    let of_keys = |what: &str| line["keys"].as_array().unwrap().iter().map(|key| key[what].clone()).collect::<Vec<_>>();
    assert_eq!(of_keys("version"), ["v1", "v1", "v1", "v1a"]);
    assert_eq!(of_keys("is_expired"), [false, false, true, false]);
    assert_eq!(line["keys"][3]["public_key"], PUBLIC);
    assert_eq!(line["access"], serde_json::json!(["token", "headers"]));
    let table = gainsay(&["endpoint", "ls", "--table", "-c", &config]).envs(variables).output().unwrap();
    let shown = gainsay(&["config", "show", "-c", &config]).envs(variables).output().unwrap();
    let checked = gainsay(&["check", "-c", &config]).envs(variables).output().unwrap();
    let mut said = String::new();
    for output in [listed, table, shown, checked] {
        assert!(output.status.success());
        said.push_str(&String::from_utf8([output.stdout, output.stderr].concat()).unwrap());
    }
    assert!(said.contains("more_secrets[2] has expired") && said.contains("{ env = \"GAINSAY_NEXT\" }"), "{said}");
    for secret in ["token-7", "token-8", "key-9", "whsec_", "whsk_"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[test]
fn a_new_key_is_one() {
    for (flags, prefix) in [(&["endpoint", "keygen"][..], "whsec_"), (&["endpoint", "keygen", "--ed25519"], "whsk_")] {
        let made = || gainsay(flags).output().unwrap();
        let (one, other) = (made(), made());
        let key: gainsay::config::Secret = String::from_utf8(one.stdout.clone()).unwrap().parse().unwrap();
        assert!(one.stdout.starts_with(prefix.as_bytes()) && one.stdout != other.stdout);
        let told = String::from_utf8(one.stderr).unwrap();
        assert_eq!(key.public_key().is_some_and(|public| told.contains(&public)), prefix == "whsk_", "{told}");
    }
}

#[test]
fn who_is_asked_answers_or_the_exit_code_says_so() {
    let server = RawServer::start(|request, stream| {
        assert!(request.path == "/" && !request.headers.contains_key("authorization"));
        answer(stream, "404 Not Found", "", b"");
    });
    let folder = tempfile::tempdir().unwrap();
    let lines = |base: &str| format!("url = \"{base}/hook\"\nsecret = \"{SECRET}\"\ntoken = \"token-8\"");
    let (code, said, _) = endpoint("ping", &config(folder.path(), &lines(&server.base)), &[]);
    assert!(code == Some(0) && said.contains("HEAD / answers 404 in "), "{said}");
    let (code, _, errors) = endpoint("ping", &config(folder.path(), &lines("http://127.0.0.1:1")), &[]);
    assert!(code == Some(1) && errors.contains("no answer: "), "{errors}");
    let path = config(folder.path(), &lines(&server.base));
    let output = gainsay(&["endpoint", "ping", "dask", "-c", &path]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("there is no sink \"dask\"; endpoints of this config: desk"),
        "{said}"
    );
}

/// The test's TLS: an authority, and what it vouches for.
pub(crate) fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// TLS of an endpoint with this certificate; it may want one of the client's.
pub(crate) fn tls(certificate: &str, wants_certificate: bool) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pem = |name: &str| CertificateDer::from_pem_file(fixture(name)).unwrap();
    let builder =
        rustls::ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.unwrap();
    let builder = if wants_certificate {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(pem("ca.pem")).unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(fixture("endpoint.key")).unwrap();
    Arc::new(builder.with_single_cert(vec![pem(certificate)], key).unwrap())
}

/// An endpoint behind TLS with this certificate; it may want one of the client's.
fn serve_tls(certificate: &str, wants_certificate: bool) -> u16 {
    let tls = tls(certificate, wants_certificate);
    serve_tls_by(move || Arc::clone(&tls))
}

/// An endpoint behind the TLS that `tls` gives for each connection.
pub(crate) fn serve_tls_by(tls: impl Fn() -> Arc<rustls::ServerConfig> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(tls()).unwrap();
            let mut tls = rustls::StreamOwned::new(connection, stream);
            let mut head = Vec::new();
            let mut buffer = [0; 4096];
            // The body comes with the head or behind it; it is not looked at.
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                match tls.read(&mut buffer) {
                    Ok(read @ 1..) => head.extend_from_slice(&buffer[..read]),
                    _ => break,
                }
            }
            if !head.is_empty() {
                drop(tls.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"));
            }
            tls.conn.send_close_notify();
            drop(tls.flush());
        }
    });
    port
}

#[test]
fn tls_is_trusted_as_far_as_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let with = |host: &str, port: u16, lines: &str| {
        config(folder.path(), &format!("url = \"https://{host}:{port}/\"\nsecret = \"{SECRET}\"\n{lines}"))
    };
    let trusting = format!("ca_file = {:?}\n", fixture("ca.pem"));
    let port = serve_tls("endpoint.pem", false);
    untaken(&with("127.0.0.1", port, ""), "of an authority that is not trusted here; ca_file can name it");
    taken(&with("127.0.0.1", port, &trusting));
    taken(&with("localhost", port, &trusting));
    untaken(&with("127.0.0.2", port, &trusting), "no answer");
    let port = serve_tls("expired.pem", false);
    untaken(&with("127.0.0.1", port, &trusting), "its certificate expired on 2020-02-01T00:00:00Z");
}

#[test]
fn who_wants_our_certificate_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let port = serve_tls("endpoint.pem", true);
    let with = |lines: &str| {
        let trusting = format!("ca_file = {:?}", fixture("ca.pem"));
        config(
            folder.path(),
            &format!("url = \"https://127.0.0.1:{port}/\"\nsecret = \"{SECRET}\"\n{trusting}\n{lines}"),
        )
    };
    let ours = |certificate: &str, key: &str| {
        format!("client_certificate_file = {:?}\nclient_key_file = {:?}", fixture(certificate), fixture(key))
    };
    taken(&with(&ours("client.pem", "client.key")));
    untaken(&with(""), "it wants a certificate of ours; client_certificate_file can name it");
    let sink = |lines: &str| format!("url = \"https://a.example/\"\nsecret = \"{SECRET}\"\n{lines}");
    refused(&sink(&ours("client.pem", "endpoint.key")), "is not the key of the certificate in client_certificate_file");
    refused(&sink(&ours("client.key", "client.key")), "there is no certificate in ");
    refused(&sink(&ours("client.pem", "client.pem")), "there is no private key in ");
    refused(
        &sink(&format!("client_key_file = {:?}", fixture("client.key"))),
        "has a client_key_file without a certificate",
    );
    refused(&sink(&format!("client_certificate_file = {:?}", fixture("client.pem"))), "without a key");
    refused(&sink("ca_file = \"nowhere.pem\""), "cannot read ");
    refused(&sink(&format!("ca_file = {:?}", fixture("client.key"))), "there is no certificate in ");
}

#[test]
fn plain_http_and_odd_addresses_are_refused_where_they_are_written() {
    let sink = |url: &str, lines: &str| format!("url = \"{url}\"\nsecret = \"{SECRET}\"\n{lines}");
    for far in ["http://a.example/", "http://8.8.8.8/", "http://100.64.0.1/"] {
        refused(&sink(far, ""), "is plain http, which anybody on the way can read and change");
    }
    for never in
        ["https://169.254.169.254/", "https://[fe80::1]/", "https://[64:ff9b::a9fe:a9fe]/", "https://0xa9fea9fe/"]
    {
        refused(&sink(never, "plain_http = true"), "sink[1].url: names a ");
    }
    for (url, lines) in [
        ("http://127.0.0.1/", ""),
        ("http://localhost/", ""),
        ("http://10.1.2.3:8080/", ""),
        ("http://[fd12::1]/", ""),
        ("https://a.example/", ""),
        ("http://a.example/", "plain_http = true"),
        ("https://169.254.169.254/", "allow_networks = [\"169.254.0.0/16\"]"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = gainsay(&["check", "-c", &config(folder.path(), &sink(url, lines))]).output().unwrap();
        assert!(output.status.success(), "{url}: {}", String::from_utf8(output.stderr).unwrap());
    }
}

/// A name of this machine, other than `localhost`, that leads to loopback or a private network.
fn inner_name() -> Option<String> {
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let is_inner = |name: &String| {
        let found = (name.as_str(), 0).to_socket_addrs().map(|found| found.map(|one| one.ip()).collect::<Vec<_>>());
        found.is_ok_and(|found| {
            !found.is_empty() && found.iter().all(|one| gainsay::guard::refusal(*one, &[]).is_some())
        })
    };
    [own, "ip6-localhost".to_owned(), "localhost.localdomain".to_owned()].into_iter().find(is_inner)
}

#[test]
fn a_name_that_leads_inside_is_refused_at_each_connection() {
    let Some(name) = inner_name() else {
        eprintln!("SKIPPED: no name of this machine leads inside");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = format!("url = \"http://{name}:{port}/hook/token-7\"\nsecret = \"{SECRET}\"\nplain_http = true");
    untaken(&config(folder.path(), &lines), "allow_networks of its sink can permit it");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "a connection was made");
    // Nobody answers: what matters is that somebody was asked.
    let allowed = format!("{lines}\nallow_networks = [\"0.0.0.0/0\", \"::/0\"]\ntimeout = \"1s\"");
    let (code, _, errors) = endpoint("test", &config(folder.path(), &allowed), &[]);
    assert!(code == Some(1) && !errors.contains("nothing was sent"), "{errors}");
}

/// A refused name is a failure like another: the alert waits, and arrives once the config permits it.
#[test]
fn what_a_refused_name_kept_waiting_arrives() {
    let Some(name) = inner_name() else {
        eprintln!("SKIPPED: no name of this machine leads inside");
        return;
    };
    let (folder, feeds, endpoint) = (tempfile::tempdir().unwrap(), Feeds::default(), Endpoint::default());
    let (wire, receiver) = (feeds.serve(), endpoint.serve());
    feeds.add("/a", story(1));
    let named = receiver.base.replace("127.0.0.1", &name);
    let path = write_config(folder.path(), &[("a", format!("{}/a", wire.base))], Some(&named));
    let text = std::fs::read_to_string(&path).unwrap() + "plain_http = true\n";
    let text = text.replace("retry_schedule = [", "retry_schedule = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", ");
    std::fs::write(&path, &text).unwrap();
    let daemon = Logged::start(&path, &[]);
    daemon.wait_for_log("nothing was sent: ", 1);
    assert!(endpoint.received().is_empty());
    // Its first name again, which needs no permission.
    std::fs::write(&path, text.replace(&named, &receiver.base)).unwrap();
    daemon.reload();
    wait_for("the alert", MINUTE, || endpoint.received().len() == 1);
    daemon.stop();
}

#[test]
fn what_a_delivery_itself_sends_cannot_be_set() {
    let sink = |lines: &str| format!("url = \"https://a.example/\"\nsecret = \"{SECRET}\"\n{lines}");
    for name in ["Webhook-Id", "webhook-signature", "webhook-timestamp", "Content-Type", "Host", "Content-Length"] {
        refused(&sink(&format!("headers = {{ {name} = \"x\" }}")), "the connection or the delivery itself sends it");
    }
    refused(&sink("token = \"a\"\nusername = \"b\"\npassword = \"c\""), "has a token and a user or password");
    refused(&sink("cookies = true"), "is not a key here");
    let more = |one: &str| sink(&format!("more_secrets = [{one}]"));
    refused(&more(&format!("{{ value = \"{SECRET}\" }}")), "holds a key that stands here twice");
    refused(&more("{ until = \"2030-01-01T00:00:00Z\" }"), "has not exactly one key");
    refused(&more("{ value = \"whsec_c2hvcnQ=\" }"), "holds a key of 5 bytes");
    refused(&more(&format!("{{ value = \"{PUBLIC}\" }}")), "is a public key");
    refused(&more(&format!("{{ value = \"{PRIVATE}\", until = \"soon\" }}")), "is no moment");
    refused(&more(&format!("{{ value = \"{PRIVATE}\", untill = \"soon\" }}")), "did you mean \"until\"?");
    refused(&more(&[r#"{ env = "NOT_SET" }"#; 11].join(", ")), "are too many keys");
    refused(
        "url = \"https://a.example/\"\ntemplate = \"slack\"\nmore_secrets = [{ env = \"X\" }]",
        "stands beside no secret",
    );
}

#[test]
fn what_is_odd_about_endpoints_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path(), &format!("url = \"https://a.example/\"\nsecret = \"{SECRET}\""));
    let other = format!(
        "[[sink]]\nname = \"other\"\ntype = \"webhook\"\nurl = \"http://a.example/\"\nsecret = \"{PRIVATE}\"\nplain_http = true\n\
         token = \"token-8\"\nmore_secrets = [{{ value = \"{SECRET}\" }}]\nclient_certificate_file = {:?}\nclient_key_file = \"open.key\"\n",
        fixture("client.pem")
    );
    std::fs::copy(fixture("client.key"), folder.path().join("open.key")).unwrap();
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + &other).unwrap();
    let output = gainsay(&["check", "-c", &path]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "the sinks \"desk\" and \"other\" have a signing key in common",
        "the sink \"other\" sends its credentials over http",
        "gainsay.toml:17: sink[2].more_secrets[1]: copies of this file carry the secret along; { env = … } or { file = … } do not",
        "sink[2].client_key_file: ",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(output.status.success() && !said.contains("token-8") && !said.contains("whs"), "{said}");
}
