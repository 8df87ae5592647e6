#!/usr/bin/env python3
"""Measures the poller on loopback, against its peers where they can do the same.

    polling.py parse                       bytes to entries: gainsay and feed-rs in turns; feedparser too, where it is installed
    polling.py quiet [--feeds N] [--minutes M]     many feeds, nearly all of them unchanged: CPU and memory of the daemon
    polling.py flood [--feeds N] [--items N]       many feeds that change at once: items a second to the store

Python's standard library suffices. The release program must be built; `parse` builds its example. On Linux.
"""
import argparse
import email.utils
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAM = os.path.join(ROOT, "target", "release", "gainsay")
TICKS = os.sysconf("SC_CLK_TCK")

# A wire's plain business: no claims, so that the poller is measured and not the extractor.
PLACES = "Arle Brandt Corvey Dunmore Esk Farne Galt Holm Ister Jarrow Kell Lorne Marl Norby Ostend Pell Quarn Rosk Stell Torne".split()
THINGS = "ferry bridge harbour school library market museum orchard railway theatre stadium hospital reservoir quarry mill".split()
DOINGS = "opens closes reopens grows moves celebrates expands returns".split()


def item(feed, number, rng):
    place, thing = rng.choice(PLACES), rng.choice(THINGS)
    title = f"{place} {thing} {rng.choice(DOINGS)} after {rng.randint(2, 90)} years"
    words = " ".join(f"The {rng.choice(THINGS)} in {rng.choice(PLACES)} {rng.choice(DOINGS)} on day {rng.randint(1, 365)}." for _ in range(4))
    date = email.utils.formatdate(1_700_000_000 + 60 * number)
    link = f"https://wire.example/{feed}/{number}"
    return f"<item><title>{title}</title><link>{link}</link><guid>{link}</guid><pubDate>{date}</pubDate><description>{words}</description></item>"


def rss(feed, numbers, rng, body=""):
    items = "".join(item(feed, number, rng).replace("</item>", body + "</item>") for number in numbers)
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Wire {feed}</title>{items}</channel></rss>'.encode()


class Wires:
    """So many feeds, each at an address of its own in 127/8, with validators. Many connections on one thread."""

    def __init__(self, count, items, seed=1):
        self.rng = random.Random(seed)
        self.items = items
        self.feeds = [[rss(feed, range(items), self.rng), 1] for feed in range(count)]
        self.asked = self.unchanged = 0
        self.port = None
        ready = threading.Event()
        threading.Thread(target=self.serve, args=(ready,), daemon=True).start()
        ready.wait()

    def serve(self, ready):
        import asyncio

        async def answer(reader, writer):
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    self.asked += 1
                    feed = int(re.match(rb"GET /(\d+) ", head)[1])
                    body, version = self.feeds[feed]
                    tag = f'"{version}"'.encode()
                    if tag in head:
                        self.unchanged += 1
                        writer.write(b"HTTP/1.1 304 Not Modified\r\nETag: " + tag + b"\r\n\r\n")
                    else:
                        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: " + tag
                                     + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        async def run():
            server = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=4096)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        asyncio.run(run())

    def address(self, feed):
        return f"http://127.{1 + feed // 62_500}.{feed // 250 % 250}.{1 + feed % 250}:{self.port}/{feed}"

    def change(self, feeds):
        """All entries of these feeds are others."""
        for feed in feeds:
            _, version = self.feeds[feed]
            first = version * self.items
            self.feeds[feed] = [rss(feed, range(first, first + self.items), self.rng), version + 1]


class Daemon:
    def __init__(self, wires, folder, interval, fetches):
        self.database = os.path.join(folder, "gainsay.db")
        lines = [f'database = "{self.database}"', "[http]", 'listen = "127.0.0.1:0"', "[intake]", 'allow_networks = ["127.0.0.0/8"]',
                 f"fetches_max = {fetches}", "[[sink]]", 'name = "alerts"', 'type = "jsonl"',
                 f'path = "{os.path.join(folder, "alerts.jsonl")}"']
        for feed in range(len(wires.feeds)):
            lines += ["[[feed]]", f'id = "wire-{feed}"', f'url = "{wires.address(feed)}"', f'outlet = "Wire {feed}"', f'poll_interval = "{interval}"']
        config = os.path.join(folder, "gainsay.toml")
        with open(config, "w", encoding="utf8") as out:
            out.write("\n".join(lines) + "\n")
        self.log = os.path.join(folder, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, "run", "-c", config], stdout=log, stderr=log)

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self, what="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="utf8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024

    def documents(self, tables=("document", "backlog")):
        """Documents that are durable; those of the backlog are yet to be read."""
        try:
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5) as store:
                return sum(store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
        except sqlite3.Error:
            return 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def wait(what, done, seconds=3600):
    begun = time.monotonic()
    while not done():
        if time.monotonic() - begun > seconds:
            sys.exit(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)
    return time.monotonic() - begun


def quiet(args):
    wires = Wires(args.feeds, 1)
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(wires, folder, "5m", 64)
        wait("the first polls", lambda: wires.asked >= args.feeds)
        wait("the documents", lambda: daemon.documents(("document",)) >= args.feeds)
        begun, cpu, asked, unchanged = time.monotonic(), daemon.cpu(), wires.asked, wires.unchanged
        end = begun + 60 * args.minutes
        changed = 0
        while time.monotonic() < end:
            # One feed in a hundred brings something in five minutes.
            time.sleep(30)
            wires.change(wires.rng.sample(range(args.feeds), args.feeds // 1000))
            changed += args.feeds // 1000
        seconds, cpu = time.monotonic() - begun, daemon.cpu() - cpu
        print(f"feeds {args.feeds}, {args.minutes} minutes, polls {wires.asked - asked}, not modified {wires.unchanged - unchanged}, changed {changed}")
        print(f"CPU {100 * cpu / seconds:.1f} % of a core, {1000 * cpu / max(1, wires.asked - asked):.2f} ms a poll; "
              f"memory {daemon.memory_mib():.0f} MiB, at most {daemon.memory_mib('VmHWM'):.0f} MiB")
        daemon.stop()


def flood(args):
    wires = Wires(args.feeds, args.items)
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(wires, folder, "10s", 64)
        total = args.feeds * args.items
        took = wait("the first fetch", lambda: daemon.documents() >= total)
        print(f"first fetch: {total} items of {args.feeds} feeds in {took:.1f} s, {total / took:.0f} items a second to the store, "
              f"{daemon.cpu():.1f} CPU s")
        cpu = daemon.cpu()
        wires.change(range(args.feeds))
        took = wait("what changed", lambda: daemon.documents() >= 2 * total)
        print(f"all changed: {total} items in {took:.1f} s, {total / took:.0f} items a second to the store, {daemon.cpu() - cpu:.1f} CPU s; "
              f"memory at most {daemon.memory_mib('VmHWM'):.0f} MiB")
        daemon.stop()


def parse(_):
    rng = random.Random(1)
    text = "<p>" + "</p><p>".join(f"The {rng.choice(THINGS)} of {rng.choice(PLACES)} {rng.choice(DOINGS)} again this year." for _ in range(60)) + "</p>"
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, body in (("summaries", ""), ("full texts", f"<content:encoded><![CDATA[{text}]]></content:encoded>")):
            feed = rss(1, range(100), rng, body).replace(b"<rss ", b'<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" ')
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "wb") as out:
                out.write(feed)
        command = ["cargo", "run", "--locked", "--quiet", "--release", "--example", "parse_speed", "--", *paths]
        lines = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
        for line, path in zip(lines, paths):
            found = json.loads(line)
            ours, theirs = found["gainsay"], found["feed-rs"]
            told = f"{os.path.basename(path):11} {found['bytes'] // 1000:4} kB  gainsay {ours['mb_per_s']:6.1f} MB/s ({ours['entries']} entries)" \
                   f"  feed-rs {theirs['mb_per_s']:6.1f} ({theirs['entries']})  ratio {ours['mb_per_s'] / theirs['mb_per_s']:.2f}"
            print(told + feedparser_speed(path))


def feedparser_speed(path):
    try:
        import feedparser
    except ImportError:
        return ""
    with open(path, "rb") as feed:
        body = feed.read()
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        found = feedparser.parse(body)
        times.append(time.perf_counter() - begun)
    return f"  feedparser {len(body) / sorted(times)[3] / 1e6:5.2f} ({len(found.entries)})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for name, run in (("parse", parse), ("quiet", quiet), ("flood", flood)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("--feeds", type=int, default=10_000 if name == "quiet" else 1_000)
        command.add_argument("--items", type=int, default=100)
        command.add_argument("--minutes", type=float, default=10)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
