#!/usr/bin/env python3
"""Measures deliveries on loopback, from a daemon of its own.

    delivery.py bulkhead [--endpoints N] [--alerts N] [--rounds N]
        what endpoints that hang cost the healthy ones: the time from an alert's commit to its receipt, with none and with half of them hanging
    delivery.py durable [--rate N] [--seconds N] [--debug]
        how many alerts a second are committed durably and delivered, sustained, and how long a commit takes until it is durable
    delivery.py latency [--alerts N]
        the time from a feed's bytes to the webhook's request
    delivery.py restart [--articles N] [--paragraphs N] [--starts N]
        how long a start takes until it is ready, with a store of that many articles

Python's standard library suffices. The release program must be built, or be named in GAINSAY. On Linux.
"""
import argparse
import asyncio
import datetime
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAM = os.environ.get("GAINSAY") or os.path.join(ROOT, "target", "release", "gainsay")
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

FIRST = "Anna Boris Clara David Elena Felix Greta Henrik".split()
LAST = "Alden Brevik Corrin Dahl Eskil Farrow Grell Hask Ilves Jorn Kestrel Lund Marr Nyberg Orme Pell".split()
WHAT = "concealing failed inspections,leaking a rate decision,bribing a harbour master,forging safety records,underpaying apprentices,selling fishing quotas".split(",")


def entry(number, rng):
    """A story with one denial, like no other."""
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)}{rng.choice(LAST).lower()}"
    firm = f"{rng.choice(LAST)}{rng.choice(LAST).lower()} Freight"
    text = f"{firm} chief executive {name} on Tuesday denied {rng.choice(WHAT)} in the case of ship number {number}."
    now = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    return (f'<item><guid isPermaLink="false">{number}</guid><title>{firm} answers over ship {number}</title>'
            f"<description>{text}</description><pubDate>{now}</pubDate></item>")


class Server:
    """The feed and all endpoints, on one thread. An endpoint that hangs takes the request and never answers."""

    def __init__(self, hanging):
        self.items, self.hanging = [], hanging
        self.received, self.seen, self.served, self.latencies = [], set(), {}, []
        ready = threading.Event()
        threading.Thread(target=self.serve, args=(ready,), daemon=True).start()
        ready.wait()

    def serve(self, ready):
        async def answer(reader, writer):
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    at = time.time()
                    lines = head.decode("latin-1").split("\r\n")
                    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
                    method, path, _ = lines[0].split(" ")
                    posted = await reader.readexactly(int(headers.get("content-length", 0)))
                    if method == "POST":
                        endpoint = int(path.strip("/"))
                        if endpoint in self.hanging:
                            await asyncio.sleep(3600)
                        self.received.append((endpoint, headers["webhook-id"], at))
                        # Its own story: an alert may tell of earlier ones, too.
                        for number in re.findall(rb'"headline":"[^"]* over ship (\d+)"', posted)[:1]:
                            if number in self.served:
                                self.latencies.append(1000 * (at - self.served.pop(number)))
                        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                    else:
                        body = f'<rss version="2.0"><channel><title>W</title>{"".join(self.items)}</channel></rss>'.encode()
                        for number in re.findall(rb" over ship (\d+)<", body):
                            if number not in self.seen:
                                self.seen.add(number)
                                self.served[number] = time.time()
                        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        async def run():
            server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        asyncio.run(run())


def config(folder, port, endpoints):
    lines = ['database = "gainsay.db"', "[http]", 'listen = ""', "[intake]", 'poll_interval = "1s"', 'fetch_gap = "0s"',
             'allow_networks = ["127.0.0.0/8"]', "entries_max = 10000", 'backfill = "1d"',
             "[[feed]]", 'id = "wire"', f'url = "http://127.0.0.1:{port}/feed"', 'outlet = "Wire"',
             "[[rule]]", 'name = "denials"', 'types = ["denial.new"]', "confidence_min = 0"]
    for endpoint in range(endpoints):
        # With the breaker off every endpoint that hangs always has its attempts under way: the worst case.
        lines += ["[[sink]]", f'name = "e{endpoint}"', 'type = "webhook"', f'url = "http://127.0.0.1:{port}/{endpoint}"',
                  f'secret = "{SECRET}"', "alerts_per_day = 0", "breaker_failures = 0", 'timeout = "5s"']
    path = os.path.join(folder, "gainsay.toml")
    with open(path, "w", encoding="utf8") as out:
        out.write("\n".join(lines) + "\n")
    return path


def committed(folder):
    """When each alert was durable, in seconds since 1970: the daemon logs it then, before any endpoint is told."""
    found = {}
    with open(os.path.join(folder, "log"), encoding="utf8") as log:
        for line in log:
            told = json.loads(line) if line.startswith("{") and line.endswith("}\n") else {}
            if told.get("message") == "alert":
                found[told["alert"]] = datetime.datetime.fromisoformat(told["time"]).timestamp()
    return found


def measure(endpoints, hanging, alerts, seed):
    """Times from commit to receipt at the endpoints that never hang, in milliseconds."""
    rng, server = random.Random(seed), Server(hanging)
    healthy = range(endpoints // 2, endpoints)
    with tempfile.TemporaryDirectory() as folder:
        path = config(folder, server.port, endpoints)
        with open(os.path.join(folder, "log"), "wb") as log:
            daemon = subprocess.Popen([PROGRAM, "run", "--log", "info", "--log-format", "json", "-c", path], stdout=log, stderr=log, cwd=folder)
        try:
            wanted, number = 0, 0
            begun = time.monotonic()
            while len(committed(folder)) < alerts:
                if time.monotonic() - begun > 60 + 3 * alerts or daemon.poll() is not None:
                    sys.exit(f"only {len(committed(folder))} alerts; see the log:\n" + open(os.path.join(folder, "log")).read()[-2000:])
                for _ in range(5):
                    server.items.insert(0, entry(number, rng))
                    number += 1
                del server.items[100:]
                time.sleep(1)
            wanted = len(committed(folder))
            end = time.monotonic() + 30
            while sum(endpoint in healthy for endpoint, _, _ in list(server.received)) < wanted * len(healthy) and time.monotonic() < end:
                time.sleep(0.1)
            at = committed(folder)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
    times = [1000 * (received - at[alert]) for endpoint, alert, received in server.received if endpoint in healthy and alert in at]
    if len(times) < wanted * len(healthy):
        sys.exit(f"{len(times)} of {wanted * len(healthy)} deliveries to healthy endpoints")
    return times


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def bulkhead(args):
    half = set(range(args.endpoints // 2))
    found = {"none": [], "half": []}
    # In turns, so that a machine that is busy for a while is so for both.
    for number in range(args.rounds):
        for name, hanging in (("none", set()), ("half", half)):
            times = measure(args.endpoints, hanging, args.alerts, number)
            found[name].append(times)
            print(json.dumps({"hanging": name, "round": number, "deliveries": len(times), "p50_ms": round(statistics.median(times), 1),
                              "p99_ms": round(percentile(times, 0.99), 1)}), flush=True)
    for share, what in ((0.5, "p50"), (0.99, "p99")):
        none, busy = (percentile(sum(found[name], []), share) for name in ("none", "half"))
        print(f"{what} of the {args.endpoints - len(half)} healthy endpoints of {args.endpoints}: {none:.1f} ms with none hanging, "
              f"{busy:.1f} ms with {len(half)} hanging ({100 * (busy / none - 1):+.1f} %)")


def durable(args):
    profile = [] if args.debug else ["--release"]
    command = ["cargo", "run", "--quiet", "--locked", *profile, "--example", "deliver", "--", str(args.rate), str(args.seconds)]
    report = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    print(json.dumps(report), flush=True)
    if report["received"] != report["committed"]:
        sys.exit("not everything that was committed was received")
    print(f"{report['committed_per_second']:,.0f} alerts a second committed and {report['delivered_per_second']:,.0f} delivered, "
          f"sustained for {args.seconds} s; durable after {report['ack_p50_ms']:.1f} ms (p50), {report['ack_p99_ms']:.1f} ms (p99); "
          f"{report['received_twice']} received twice")


def latency(args):
    """One story at a time, so that none waits for another: from the answer's bytes to the request's head."""
    rng, server = random.Random(1), Server(set())
    with tempfile.TemporaryDirectory() as folder:
        path = config(folder, server.port, 1)
        with open(os.path.join(folder, "log"), "wb") as log:
            daemon = subprocess.Popen([PROGRAM, "run", "--log-format", "json", "-c", path], stdout=log, stderr=log, cwd=folder)
        try:
            # The first poll is that of a feed that nobody knows; it is no measure.
            server.items.insert(0, entry(0, rng))
            number, end = 1, time.monotonic() + 60 + 4 * args.alerts
            while len(server.latencies) < args.alerts + 1:
                if time.monotonic() > end or daemon.poll() is not None:
                    sys.exit(f"only {len(server.latencies)} alerts; see the log:\n" + open(os.path.join(folder, "log")).read()[-2000:])
                server.items.insert(0, entry(number, rng))
                del server.items[50:]
                number += 1
                time.sleep(1.3)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
    times = server.latencies[1:]
    print(f"{len(times)} alerts: from the feed's bytes to the webhook's request {statistics.median(times):.0f} ms (p50), "
          f"{percentile(times, 0.99):.0f} ms (p99)")


def article(number, rng, paragraphs, at):
    """A story as an archive has it. One in ten is short and has a denial; the others are long and in German, which is kept and not read: what a
    start costs is what is kept, and so the store is built in minutes."""
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)}{rng.choice(LAST).lower()}"
    firm = f"{rng.choice(LAST)}{rng.choice(LAST).lower()} Freight"
    words = " ".join(rng.choice(LAST).lower() + rng.choice(LAST).lower() for _ in range(40))
    text = f"{firm} chief executive {name} on Tuesday denied {rng.choice(WHAT)} in the case of ship number {number}.\n\n"
    if number % 10:
        text = "\n\n".join(f"Der Hafen von {rng.choice(LAST)} und die Stadt {rng.choice(LAST)} haben in diesem Jahr wieder mehr Schiffe gesehen als "
                           f"im Jahr davor, sagte die Verwaltung; es waren nach ihren Angaben {rng.randrange(10**6)} und nicht {rng.randrange(10**6)}. {words}"
                           for _ in range(paragraphs))
    published = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": f"a{number}", "title": f"{firm} answers over ship {number}", "text": text, "published": published,
            "url": f"https://wire.example/{number}", "outlet": f"Outlet {number % 40}"}


def restart(args):
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        archive, database = os.path.join(folder, "archive.jsonl"), os.path.join(folder, "gainsay.db")
        begin = time.time() - 6 * 86400
        with open(archive, "w", encoding="utf8") as out:
            for number in range(args.articles):
                out.write(json.dumps(article(number, rng, args.paragraphs, begin + number * 5 * 86400 / args.articles)) + "\n")
        subprocess.run([PROGRAM, "replay", "--database", database, archive], check=True, stdout=subprocess.DEVNULL)
        os.remove(archive)
        server = Server(set())
        path = config(folder, server.port, 1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        text = open(path, encoding="utf8").read().replace('listen = ""', f'listen = "127.0.0.1:{port}"')
        with open(path, "w", encoding="utf8") as out:
            out.write(text)
        times = []
        for _ in range(args.starts):
            begun = time.monotonic()
            daemon = subprocess.Popen([PROGRAM, "run", "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
            while True:
                if daemon.poll() is not None or time.monotonic() - begun > 600:
                    sys.exit("the daemon did not become ready")
                try:
                    if urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200:
                        break
                except OSError:
                    time.sleep(0.005)
            times.append(time.monotonic() - begun)
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
        size = os.path.getsize(database) / 2**20
    print(f"{args.articles:,} articles, a store of {size:,.0f} MiB: ready after {statistics.median(times):.2f} s "
          f"({min(times):.2f} to {max(times):.2f}, {args.starts} starts)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("bulkhead")
    command.set_defaults(run=bulkhead)
    command.add_argument("--endpoints", type=int, default=20)
    command.add_argument("--alerts", type=int, default=100)
    command.add_argument("--rounds", type=int, default=3)
    command = commands.add_parser("durable")
    command.set_defaults(run=durable)
    command.add_argument("--rate", type=float, default=1000)
    command.add_argument("--seconds", type=float, default=30)
    command.add_argument("--debug", action="store_true", help="build without optimisation: to see that it works")
    command = commands.add_parser("latency")
    command.set_defaults(run=latency)
    command.add_argument("--alerts", type=int, default=200)
    command = commands.add_parser("restart")
    command.set_defaults(run=restart)
    command.add_argument("--articles", type=int, default=100_000)
    command.add_argument("--paragraphs", type=int, default=12)
    command.add_argument("--starts", type=int, default=5)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
