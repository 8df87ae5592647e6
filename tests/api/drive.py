#!/usr/bin/env python3
"""Fuzzes the API of a real daemon with what its own OpenAPI document says: `drive.py --schemathesis FILE --program FILE [--seconds S] [--seed N]`.

FILE of `--schemathesis` is what setup.sh prints. The daemon starts over a store that already has claims, with a wire and an endpoint on loopback and
tokens of both scopes. The first run tries every operation with the token that may change things; the second asks, with the token that may only read,
for things that are there, so that good answers too are held against their schemas. Fails on a status of 5xx, an answer of a type, status or shape that the
document does not name, what the document forbids and the daemon takes, and what opens without a token. Python's standard library suffices.
"""
import argparse
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

READER, OPERATOR = "reader-0123456789abcdef", "operator-0123456789abcdef"
START_TIMEOUT = 120  # s; a debug build that shares the machine loads its models for a while
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
          "negative_data_rejection", "missing_required_header", "unsupported_method", "allow_header_conformance", "ignored_auth"]
STREAM = "/api/v1/alerts/stream"
STORIES = [
    ("Council leader accused of taking money", "PORT SELBY - Opposition member Bram Stell accused council leader Ada Quell on Monday of taking money from the Orrin shipyard."),
    ("Council leader denies taking money", "PORT SELBY - Council leader Ada Quell denied on Tuesday that she had taken money from the Orrin shipyard."),
    ("Harbour master will not comment", "KERU - Harbour master Dov Marl declined to comment on allegations that he had sold berths to friends."),
    ("Ministry confirms the loss of a convoy", "ARLE - The defence ministry confirmed on Friday that a convoy had been lost in the northern hills."),
]


def archive():
    lines = [{"id": f"d{number}", "outlet": ["Selby Star", "Keru Post"][number % 2], "published": f"2026-01-0{number + 1}T06:00:00Z", "title": title, "text": text}
             for number, (title, text) in enumerate(STORIES)]
    return "".join(json.dumps(line) + "\n" for line in lines)


class Wire(http.server.BaseHTTPRequestHandler):
    """A feed with a story of today, and an endpoint that takes everything."""

    def do_GET(self):
        now = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        item = f"<item><guid>today</guid><title>Mill owner denies fraud</title><description>ESK - Mill owner Gita Norby denied on Sunday that she had defrauded the bank of Corvey.</description><pubDate>{now}</pubDate></item>"
        self.answer(200, f'<rss version="2.0"><channel><title>Esk Wire</title>{item}</channel></rss>'.encode())

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer(204, b"")

    def do_HEAD(self):
        self.answer(204, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/rss+xml")
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Daemon:
    """The program on a store with claims, a wire and an endpoint."""

    def __init__(self, program, folder):
        wire = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Wire)
        threading.Thread(target=wire.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{wire.server_port}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base, self.log = f"http://127.0.0.1:{port}", os.path.join(folder, "log")
        path = lambda name: os.path.join(folder, name)
        with open(path("archive.jsonl"), "w") as file:
            file.write(archive())
        subprocess.run([program, "replay", path("archive.jsonl"), "--database", path("gainsay.db")], check=True, stdout=subprocess.DEVNULL)
        config = f"""database = "gainsay.db"
[http]
listen = "127.0.0.1:{port}"
[web]
tokens = [{{ name = "r", scope = "read", value = "{READER}" }}, {{ name = "o", scope = "operate", value = "{OPERATOR}" }}]
[windows]
claims = "3650d"
threads = "3650d"
[intake]
allow_networks = ["127.0.0.0/8"]
poll_interval = "1h"
backfill = "3650d"
fetch_timeout = "2s"
[[feed]]
id = "esk"
url = "{at}/feed"
outlet = "Esk Wire"
[[sink]]
name = "desk"
type = "webhook"
url = "{at}/"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
[[rule]]
name = "all"
confidence_min = 0
"""
        with open(path("gainsay.toml"), "w") as file:
            file.write(config)
        self.process = subprocess.Popen([program, "run", "-c", path("gainsay.toml")], stdout=subprocess.DEVNULL, stderr=open(self.log, "w"))

    def answer(self, path, token=OPERATOR, headers=()):
        """Status, type and an open answer."""
        request = urllib.request.Request(self.base + path, headers={"authorization": f"Bearer {token}", **dict(headers)})
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as refused:
            answer = refused
        return answer.status, answer.headers.get("content-type", "").split(";")[0], answer

    def items(self, path):
        return json.load(self.answer(f"/api/v1{path}")[2])["items"]

    def wait(self):
        """Until there is something of everything."""
        until = time.monotonic() + START_TIMEOUT
        while time.monotonic() < until:
            if self.process.poll() is not None:
                sys.exit(f"the daemon has ended: {open(self.log).read()[-2000:]}")
            try:
                if self.answer("/readyz")[0] == 200 and all(self.items(path) for path in ("/claims", "/threads", "/alerts", "/deliveries")):
                    return
            except OSError:
                pass
            time.sleep(0.2)
        sys.exit(f"the daemon has no claims, alerts and deliveries after {START_TIMEOUT} s: {open(self.log).read()[-2000:]}")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def existing(daemon):
    """A path parameter of each operation that asks for one thing: something that is there."""
    first = lambda path: daemon.items(path)[0]
    alert = first("/alerts")["alert"]["id"]
    return {"/claims/{id}": first("/claims")["id"], "/threads/{id}": first("/threads")["id"], "/alerts/{id}": alert, "/explain/{id}": alert[:12],
            "/feeds/{id}": "esk", "/deliveries/{alert}": alert}


def fuzz(given, daemon, folder, token, seconds, things, more):
    """Runs schemathesis; gives whether all was well."""
    config = os.path.join(folder, "schemathesis.toml")
    with open(config, "w") as file:
        refusing = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "429", "431"]
        file.write(f"[checks]\nnegative_data_rejection.expected-statuses = {json.dumps(refusing)}\n")
        for path, value in things.items():
            name = "alert" if path.endswith("{alert}") else "id"
            file.write(f'[[operations]]\ninclude-name = "GET /api/v1{path}"\n[operations.parameters]\n"path.{name}" = "{value}"\n')
    command = [given.schemathesis, "--config-file", config, "run", f"{daemon.base}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}",
               "--phases", "examples,coverage,fuzzing", "--max-examples", str(given.examples), "--max-time", str(seconds), "--seed", str(given.seed), "--continue-on-failure",
               "--generation-database", "none", "--warnings", "off", "--no-color", "--exclude-path", STREAM, "--checks", ",".join(CHECKS), *more]
    return subprocess.run(command, cwd=folder).returncode == 0


def stream_is_right(daemon):
    """The stream never ends: its answers are held against the document here."""
    document = json.load(daemon.answer("/api/v1/openapi.json")[2])
    known = document["paths"][STREAM]["get"]["responses"]
    asked = [("", 200, {}), ("?after=0&kind=denial", 200, {}), ("?after=-1", 400, {}), ("?type=x", 400, {}), ("?thread=", 400, {}), ("", 400, {"last-event-id": "x"})]
    wrong = []
    for query, expected, headers in asked:
        status, kind, answer = daemon.answer(STREAM + query, READER, headers)
        answer.close()
        if status != expected or kind not in known[str(status)]["content"]:
            wrong.append(f"{STREAM}{query}: {status} {kind}")
    without = daemon.answer(STREAM, "nonsense-0123456789")[0]
    wrong += [f"{STREAM}: {without} without a token that is known"] if without != 401 else []
    print("\n".join(wrong) or "the stream answers as its document says", flush=True)
    return not wrong


def refused_files_are_problems(daemon):
    """What is wrong with a request for a file is said before the file begins."""
    wrong = []
    for query in ("/search?format=csv", "/claims?format=csv&cursor=1_2", "/claims?format=jsonl&since=x", "/threads?format=csv&speaker=%2C", "/alerts?format=jsonl&limit=0"):
        status, kind, answer = daemon.answer(f"/api/v1{query}")
        if (status, kind) != (400, "application/problem+json") or not json.load(answer)["detail"]:
            wrong.append(f"{query}: {status} {kind}")
    print("\n".join(wrong) or "files that cannot be had are refused in words", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemathesis", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--seconds", type=int, default=30, help="of each of the two runs, at most")
    parser.add_argument("--examples", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gainsay-api-") as folder:
        daemon = Daemon(os.path.abspath(given.program), folder)
        try:
            daemon.wait()
            things = existing(daemon)
            well = [refused_files_are_problems(daemon), stream_is_right(daemon),
                    fuzz(given, daemon, folder, READER, given.seconds, things, ["--include-method", "GET"]),
                    fuzz(given, daemon, folder, OPERATOR, given.seconds, {}, [])]
            is_alive = daemon.process.poll() is None and daemon.answer("/readyz")[0] == 200
            panics = [line for line in open(daemon.log) if "panicked" in line]
        finally:
            daemon.stop()
    if panics or not is_alive:
        print("the daemon did not get over it:", *panics[:5], sep="\n")
    sys.exit(0 if all(well) and is_alive and not panics else 1)


if __name__ == "__main__":
    main()
