#!/usr/bin/env python3
"""Measures the API over a store of many claims: the upgrade that indexes them, then each filter, one request at a time and several at once.

    api.py [--claims N] [--program FILE] [--seconds S] [--at-once K] [--clients N] [--rate N] [--stream-seconds S] [--page MODULES]

The store is of a layout without the index, made of one claim that the program itself has read, so that the first start brings it up. Then clients
listen to the stream while alerts come in, which is timed from the commit (the alert's row is first seen in the database) to the arrival at each
client. Python's standard library suffices. On Linux.
"""
import argparse
import asyncio
import http.client
import http.server
import json
import os
import random
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ARTICLE = {"id": "d1", "outlet": "Selby Star", "published": "2026-01-05T06:00:00Z", "title": "Minister denies taking money",
           "text": "PORT SELBY - Minister Ada Quell denied on Monday that she had taken money from Orrin Freight."}
NAMES = [f"{first} {last}" for first in "Ada Bram Cleo Dov Esme Finn Gita Hugo Ines Jan".split()
         for last in "Quell Orrin Marl Tove Stell Norby Farne Galt Ister Kell Lorne Pell Quarn Rosk Torne".split()]
WORDS = "harbour bridge money papers ballots border troops hospital reservoir contract tender bribe visit convoy ceasefire audit".split()
OUTLETS = [f"{place} {kind}" for place in "Selby Keru Arle Brandt Corvey Dunmore Esk Galt".split() for kind in "Star Post Gazette Wire".split()]
KINDS = ["allegation"] * 50 + ["denial"] * 34 + ["no_comment"] * 10 + ["confirmation"] * 5 + ["retraction"]
# Feeds of the stream, of hosts of their own, so that one can be polled each second although five seconds lie between two polls of a feed.
FEEDS = 8
# Steps of the layout that the made store has taken.
BEFORE_INDEX = 7
QUERIES = ["/claims", "/claims?kind=denial", "/claims?kind=retraction", "/claims?speaker=quell", "/claims?speaker=ada+quell&kind=retraction", "/claims?outlet=keru+gazette",
           "/claims?q=reservoir+audit", "/claims?q=zebra", "/claims?confidence_min=0.95", "/claims?confidence_min=0.95&kind=retraction&q=money", "/claims?since=2026-03-01&until=2026-03-02",
           "/claims?until=2026-01-06&kind=denial", "/claims?language=eng&background=true", "/search?q=convoy", "/threads", "/threads?state=alleged", "/threads?speaker=quell", "/threads?contradiction=true"]


def older(path):
    """An empty store of the layout before the index: the first steps of the program's own source, which are never changed."""
    with open(os.path.join(ROOT, "src", "store", "schema.rs")) as file:
        source = file.read()
    steps = source[source.index("const STEPS"):].split("\n];")[0]
    steps = re.findall(r'"([^"]*)"', "\n".join(line for line in steps.splitlines() if not line.startswith("    //")))
    db = sqlite3.connect(path)
    for step in steps[:BEFORE_INDEX]:
        db.executescript(step)
    db.executescript(f"PRAGMA application_id = {0x6761696E}; PRAGMA user_version = {BEFORE_INDEX}; PRAGMA journal_mode = wal; PRAGMA synchronous = off;")
    return db


def made(program, folder, count):
    """The store; gives its path."""
    archive, path = os.path.join(folder, "a.jsonl"), os.path.join(folder, "gainsay.db")
    with open(archive, "w") as file:
        file.write(json.dumps(ARTICLE) + "\n")
    read = os.path.join(folder, "read.db")
    subprocess.run([program, "replay", archive, "--database", read], check=True, stdout=subprocess.DEVNULL)
    with sqlite3.connect(read) as one:
        claim = json.loads(one.execute("SELECT record FROM claim LIMIT 1").fetchone()[0])
        thread = json.loads(one.execute("SELECT record FROM thread LIMIT 1").fetchone()[0])
        desk = one.execute("SELECT now, next_sequence FROM desk").fetchone()
    db = older(path)
    db.execute("INSERT INTO desk VALUES (1, ?, ?)", (desk[0], max(desk[1], count)))
    rng = random.Random(1)

    def rows():
        for number in range(count):
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_767_600_000 + number * 10_000_000 // count))
            name, kind = rng.choice(NAMES), rng.choice(KINDS)
            sentence = f"{name} spoke of the {' and the '.join(rng.sample(WORDS, 3))} on day {number}."
            ident, of = f"{number:032x}", f"{number // 3:032x}"
            report = {**claim["report"], "claim": {**claim["report"]["claim"], "id": ident, "kind": kind, "confidence": rng.randint(40, 99) / 100, "background": rng.random() < 0.02, "speaker": {"name": name, "role": None, "via": None}},
                      "evidence": {"sentence": sentence, "before": "", "after": ""}, "document": {**claim["report"]["document"], "outlet": rng.choice(OUTLETS), "headline": sentence}}
            yield ident, json.dumps({**claim, "id": ident, "kind": kind, "report": report, "thread": of, "threads": [of], "stories": [], "answers": [], "first_seen": at, "last_seen": at, "sequence": number, "alerted": {}})

    def threads():
        for number in range(count // 3):
            ident = f"{number:032x}"
            claims = [f"{3 * number + at:032x}" for at in range(3)]
            yield ident, json.dumps({**thread, "id": ident, "claims": claims, "stances": {}, "state": "alleged", "order": number, "has_contradiction": number % 500 == 0, "last_seen": "2026-03-01T00:00:00Z"})

    db.executemany("INSERT INTO claim (id, record) VALUES (?, ?)", rows())
    db.executemany("INSERT INTO thread (id, record) VALUES (?, ?)", threads())
    db.commit()
    db.close()
    return path


def start(program, folder):
    """The daemon; gives its process, its address and how long its start took."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Feed)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    config = os.path.join(folder, "gainsay.toml")
    feeds = "".join(f'[[feed]]\nid = "s{at}"\nurl = "http://127.0.0.{at + 1}:{served.server_port}/{at}"\noutlet = "S{at}"\n' for at in range(FEEDS))
    with open(config, "w") as file:
        file.write(f'[http]\nlisten = "127.0.0.1:{port}"\n[windows]\nclaims = "3650d"\nthreads = "3650d"\n[intake]\npoll_interval = "1h"\nbackfill = "3650d"\nallow_networks = ["127.0.0.0/8"]\n{feeds}[[sink]]\nname = "f"\ntype = "jsonl"\npath = "{folder}/out"\nalerts_per_day = 0\n[[rule]]\nname = "all"\nconfidence_min = 0\n')
    began = time.monotonic()
    daemon = subprocess.Popen([program, "run", "-c", config], stderr=open(os.path.join(folder, "log"), "w"), stdout=subprocess.DEVNULL)
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1)
            return daemon, port, time.monotonic() - began
        except OSError:
            if daemon.poll() is not None:
                sys.exit(f"the daemon has ended: {open(os.path.join(folder, 'log')).read()[-2000:]}")
            time.sleep(0.1)


def measured(port, query, seconds, times):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("GET", f"/api/v1{query}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{query}: {answer.status} {body[:300]}")
        times.append(time.perf_counter() - began)
    connection.close()


def memory(daemon):
    """Resident megabytes of the process."""
    with open(f"/proc/{daemon.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


async def listened(port, arrivals, ready, ends):
    """One client: notes when each position arrives, until `ends`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode())
    try:
        while True:
            line = await reader.readline()
            if not line:
                sys.exit("a client was cut off")
            if line.startswith(b": here"):
                ready.release()
            elif line.startswith(b"id: "):
                arrivals.append((int(line[4:]), time.time()))
            if ends.is_set():
                return
    finally:
        writer.close()


async def committed(path, seen, ends):
    """Notes when each alert is first seen in the database, which is looked at every two milliseconds."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    last = db.execute("SELECT coalesce(max(position), 0) FROM alert").fetchone()[0]
    while not ends.is_set():
        for (position,) in db.execute("SELECT position FROM alert WHERE position > ?", (last,)):
            seen[position], last = time.time(), position
        await asyncio.sleep(0.002)
    db.close()


def stories(rng, count, round):
    """A feed of so many entries, each with a claim of its own."""
    items = []
    for at in range(count):
        name, number = rng.choice(NAMES), round * count + at
        words = " and the ".join(rng.sample(WORDS, 3))
        items.append(f"<item><guid>s{number}</guid><title>{name} and the {words}, {number}</title><description>PORT SELBY - Minister {name} denied on Monday that case {number} of the {words} had been bribed by {rng.choice(NAMES)}."
                     f"</description><pubDate>{time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}</pubDate></item>")
    return f'<rss version="2.0"><channel><title>S</title>{"".join(items)}</channel></rss>'.encode()


async def streamed(port, path, clients, rate, seconds, wire):
    """`rate` stories a second for so many seconds, to so many clients; gives the delays of all arrivals in seconds, and how many alerts there were."""
    ready, ends, seen, arrivals = asyncio.Semaphore(0), asyncio.Event(), {}, []
    listeners = [asyncio.create_task(listened(port, arrivals, ready, ends)) for _ in range(clients)]
    for _ in range(clients):
        await ready.acquire()
    watcher = asyncio.create_task(committed(path, seen, ends))
    await asyncio.sleep(0.1)
    rng, loop = random.Random(2), asyncio.get_running_loop()
    began = time.monotonic()
    for round in range(seconds):
        wire["body"] = stories(rng, rate, round)
        # One poll a second brings what the second has.
        await loop.run_in_executor(None, poke, port, f"s{round % FEEDS}")
        await asyncio.sleep(max(0, began + round + 1 - time.monotonic()))
    # What is on its way arrives.
    for _ in range(300):
        await asyncio.sleep(0.1)
        if len(seen) * clients == len(arrivals):
            break
    ends.set()
    for task in listeners:
        task.cancel()
    await asyncio.gather(*listeners, watcher, return_exceptions=True)
    missing = len(seen) * clients - len(arrivals)
    if missing:
        print(f"{missing} arrivals are missing")
    return [at - seen[position] for position, at in arrivals if position in seen], len(seen), time.monotonic() - began


def poke(port, feed):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/feeds/{feed}/poll", method="POST", data=b"{}", headers={"content-type": "application/json", "x-gainsay": "1"})
    urllib.request.urlopen(request, timeout=30).read()


class Feed(http.server.BaseHTTPRequestHandler):
    wire = {"body": stories(random.Random(3), 1, 10_000)}

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/rss+xml")
        self.send_header("content-length", str(len(self.wire["body"])))
        self.end_headers()
        self.wfile.write(self.wire["body"])

    def log_message(self, *_):
        pass


def shown(name, times):
    if not times:
        print(f"{name:60} nothing came")
        return
    times.sort()
    at = lambda share: 1000 * times[min(len(times) - 1, int(share * len(times)))]
    print(f"{name:60} {len(times):6} times  median {1000 * statistics.median(times):7.1f} ms  p99 {at(0.99):7.1f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=1_000_000)
    parser.add_argument("--program", default=os.path.join(ROOT, "target", "release", "gainsay"))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--clients", type=int, default=500, help="that listen to the stream")
    parser.add_argument("--rate", type=int, default=50, help="stories a second for them")
    parser.add_argument("--stream-seconds", type=int, default=20)
    parser.add_argument("--page", metavar="MODULES", help="open the page too; what tests/page/setup.sh prints")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "empty"))
        daemon, port, _ = start(given.program, os.path.join(folder, "empty"))
        try:
            print(f"with an empty store: {memory(daemon):.0f} MB of memory, most of it the models")
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
        path = made(given.program, folder, given.claims)
        print(f"{given.claims} claims, {os.path.getsize(path) / 1e6:.0f} MB")
        daemon, port, took = start(given.program, folder)
        try:
            print(f"first start, with the index: {took:.1f} s; {os.path.getsize(path) / 1e6:.0f} MB; {memory(daemon):.0f} MB of memory")
            for query in QUERIES:
                times = []
                measured(port, query, given.seconds, times)
                shown(query, times)
            times = []
            workers = [threading.Thread(target=measured, args=(port, QUERIES[at % len(QUERIES)], given.seconds * 3, times)) for at in range(given.at_once)]
            [worker.start() for worker in workers]
            [worker.join() for worker in workers]
            shown(f"{given.at_once} at once, of all kinds", times)
            times, alerts, took = asyncio.run(streamed(port, path, given.clients, given.rate, given.stream_seconds, Feed.wire))
            print(f"{alerts} alerts in {took:.1f} s to {given.clients} clients; {memory(daemon):.0f} MB of memory")
            shown("from commit to arrival", times)
            if given.page:
                drive = os.path.join(ROOT, "tests", "page", "drive.mjs")
                subprocess.run(["node", drive, "--modules", given.page, "--at", f"http://127.0.0.1:{port}/", "--measure"], check=True)
                print(f"{memory(daemon):.0f} MB of memory after the page")
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()


if __name__ == "__main__":
    main()
