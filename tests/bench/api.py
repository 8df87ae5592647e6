#!/usr/bin/env python3
"""Measures the API over a store of many claims: the upgrade that indexes them, then each filter, one request at a time and several at once.

    api.py [--claims N] [--program FILE] [--seconds S] [--at-once K]

The store is of a layout without the index, made of one claim that the program itself has read, so that the first start brings it up. Python's
standard library suffices. On Linux.
"""
import argparse
import http.client
import json
import os
import random
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
QUERIES = ["/claims", "/claims?kind=denial", "/claims?kind=retraction", "/claims?speaker=quell", "/claims?speaker=ada+quell&kind=retraction", "/claims?outlet=keru+gazette",
           "/claims?q=reservoir+audit", "/claims?q=zebra", "/claims?confidence_min=0.95", "/claims?confidence_min=0.95&kind=retraction&q=money", "/claims?since=2026-03-01&until=2026-03-02",
           "/claims?until=2026-01-06&kind=denial", "/claims?language=eng&background=true", "/search?q=convoy", "/threads", "/threads?state=alleged", "/threads?speaker=quell", "/threads?contradiction=true"]


def made(program, folder, count):
    """The store; gives its path."""
    archive, path = os.path.join(folder, "a.jsonl"), os.path.join(folder, "gainsay.db")
    with open(archive, "w") as file:
        file.write(json.dumps(ARTICLE) + "\n")
    subprocess.run([program, "replay", archive, "--database", path], check=True, stdout=subprocess.DEVNULL)
    db = sqlite3.connect(path)
    claim = json.loads(db.execute("SELECT record FROM claim LIMIT 1").fetchone()[0])
    thread = json.loads(db.execute("SELECT record FROM thread LIMIT 1").fetchone()[0])
    # Back to before the index; this SQLite need not know the options of the full-text table.
    db.executescript("""PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name LIKE 'claim_text%'; PRAGMA writable_schema = RESET;
        DROP TRIGGER claim_forgotten; DROP TRIGGER thread_forgotten; DROP TABLE alert; DROP TABLE held_alert; DROP TABLE claim_index; DROP TABLE thread_claim; DROP TABLE thread_index;
        DROP INDEX IF EXISTS analysis_feed; DELETE FROM claim; DELETE FROM thread; PRAGMA user_version = 7; VACUUM;""")
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
    config = os.path.join(folder, "gainsay.toml")
    with open(config, "w") as file:
        file.write(f'[http]\nlisten = "127.0.0.1:{port}"\n[windows]\nclaims = "3650d"\nthreads = "3650d"\n[[feed]]\nid = "a"\nurl = "file://{folder}/none"\noutlet = "A"\n[[sink]]\nname = "f"\ntype = "jsonl"\npath = "{folder}/out"\n')
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


def shown(name, times):
    times.sort()
    at = lambda share: 1000 * times[min(len(times) - 1, int(share * len(times)))]
    print(f"{name:60} {len(times):6} requests  median {1000 * statistics.median(times):7.1f} ms  p99 {at(0.99):7.1f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=1_000_000)
    parser.add_argument("--program", default=os.path.join(ROOT, "target", "release", "gainsay"))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--at-once", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = made(given.program, folder, given.claims)
        print(f"{given.claims} claims, {os.path.getsize(path) / 1e6:.0f} MB")
        daemon, port, took = start(given.program, folder)
        try:
            print(f"first start, with the index: {took:.1f} s; {os.path.getsize(path) / 1e6:.0f} MB")
            for query in QUERIES:
                times = []
                measured(port, query, given.seconds, times)
                shown(query, times)
            times = []
            workers = [threading.Thread(target=measured, args=(port, QUERIES[at % len(QUERIES)], given.seconds * 3, times)) for at in range(given.at_once)]
            [worker.start() for worker in workers]
            [worker.join() for worker in workers]
            shown(f"{given.at_once} at once, of all kinds", times)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()


if __name__ == "__main__":
    main()
