#!/usr/bin/env python3
"""The page's files and an API that follows the contract, over made-up data: `mock.py [--port N] [--token TOKEN] [--calm]`.

Prints the address as its first line. TOKEN may do everything, TOKEN-reader may only read. What only a mock can do lies under `/__mock/`: `publish?count=N`, `drop` (all streams),
`letgo` (the first alert that is held goes out), `down?on=1` (every request of the API fails), `forget` (streams cannot resume from before now), `log` (what was sent to change something), `alerts?count=N` (so many older alerts).
"""

import argparse
import csv
import io
import json
import os
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from wire import PEOPLE, World, ident, iso, listed

PAGE = Path(__file__).resolve().parents[2] / "src" / "web" / "page"
MIME = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
SPAN = {"since", "until", "cursor", "limit", "format"}
FILTERS = {
    "claims": {"kind", "speaker", "outlet", "feed", "language", "confidence_min", "thread", "q"} | SPAN,
    "threads": {"state", "speaker", "outlet", "contradiction", "q"} | SPAN,
    "alerts": {"kind", "type", "state", "speaker", "outlet", "confidence_min", "q"} | SPAN,
    "feeds": {"state", "q"} | SPAN,
    "deliveries": {"sink", "status", "q"} | SPAN,
    "endpoints": SPAN,
    "silences": SPAN,
    "search": {"q", "kind"} | SPAN,
    "trends": {"since", "until", "bucket", "format"},
    "status": {"format"},
    "explain": set(),
}

world = World()
lock = threading.Condition()
control = {"down": False, "drop": 0, "changed": [], "log": [], "made": 1000, "oldest": 0}


def has(value, *texts):
    return any(value.lower() in (text or "").lower() for text in texts)


def keeps(item, query):
    """Whether the filters of a query let an item through."""
    return (not query.get("state") or item["state"] in query["state"]) and tells(item["alert"], query)


def tells(alert, query):
    """Whether they let an alert through, whatever became of it."""
    claim, story = alert["claim"], alert["story"]
    if query.get("kind") and (not claim or claim["kind"] not in query["kind"]):
        return False
    if query.get("type") and alert["type"] not in query["type"]:
        return False
    if query.get("speaker") and not (claim and claim["speaker"] and has(query["speaker"][0], claim["speaker"]["name"])):
        return False
    if query.get("since") and alert["time"] < query["since"][0] or query.get("until") and alert["time"] >= query["until"][0]:
        return False
    if query.get("outlet") and not has(query["outlet"][0], *(story["outlets"] if story else [alert["feed"]["outlet"]])):
        return False
    if query.get("confidence_min") and not (claim and claim["confidence"] >= float(query["confidence_min"][0])):
        return False
    return not query.get("q") or has(query["q"][0], (alert["evidence"] or {}).get("sentence"), (alert["document"] or {}).get("headline"), claim and claim["speaker"] and claim["speaker"]["name"])


class Problem(Exception):
    def __init__(self, status, title, detail):
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    token = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", more=()):
        data = body if isinstance(body, bytes) else (json.dumps(body, ensure_ascii=False) if kind.endswith("json") else body).encode()
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(data))), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"), *more]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def handle_all(self):
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        steps = [unquote(step) for step in parts.path.split("/") if step]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        try:
            if steps[:1] == ["__mock"]:
                self.answer(200, self.mock(steps[1], query))
            elif steps[:2] == ["api", "v1"]:
                if control["down"]:
                    raise Problem(503, "down", "the daemon is going down")
                shown = self.headers.get("Authorization")
                if self.token and shown not in (f"Bearer {self.token}", f"Bearer {self.token}-reader"):
                    raise Problem(401, "unauthorized", "a token is needed")
                if self.token and self.command != "GET" and shown.endswith("-reader"):
                    raise Problem(403, "forbidden", "this token may only read")
                if self.command == "GET":
                    self.read(steps[2:], query)
                else:
                    self.change(steps[2:], body)
            else:
                self.static(steps)
        except Problem as problem:
            self.answer(problem.status, {"type": "about:blank", "title": problem.title, "status": problem.status, "detail": problem.detail}, "application/problem+json")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_DELETE = handle_all

    def static(self, steps):
        name = steps[0] if steps else "index.html"
        path = PAGE / name
        if len(steps) > 1 or "/" in name or path.suffix not in MIME or not path.is_file():
            raise Problem(404, "not found", "there is no such file")
        self.answer(200, path.read_bytes(), MIME[path.suffix], [("Content-Security-Policy", CSP)])

    def mock(self, what, query):
        if what == "publish":
            with lock:
                for _ in range(int(query.get("count", ["1"])[0])):
                    control["made"] += 1
                    alert = world.made_up(datetime.now(timezone.utc), control["made"])
                    world.alerts.pop() if world.alerts[-1] is alert else None
                    world.alerts.append(listed(world.alerts[-1]["position"] + 1, alert))
                lock.notify_all()
        elif what == "alerts":
            with lock:
                first = world.alerts[0]
                wanted = int(query["count"][0]) - len(world.alerts)
                start = datetime.fromisoformat(first["alert"]["time"].replace("Z", "+00:00"))
                made = []
                for at in range(max(0, wanted)):
                    made.append(world.made_up(start - timedelta(minutes=wanted - at), 2000 + at))
                    world.alerts.pop()
                world.alerts = [listed(first["position"] - len(made) + at, alert) for at, alert in enumerate(made)] + world.alerts
        elif what == "letgo":
            with lock:
                item = next(item for item in world.alerts if item["state"] == "held")
                item.update(state="out", held=[])
                control["changed"].append(item)
                lock.notify_all()
        elif what == "drop":
            with lock:
                control["drop"] += 1
                lock.notify_all()
        elif what == "forget":
            with lock:
                control["oldest"] = world.alerts[-1]["position"]
        elif what == "down":
            with lock:
                control["down"] = query["on"][0] == "1"
                control["drop"] += 1
                lock.notify_all()
        return {"alerts": len(world.alerts), "log": control["log"]}

    def filed(self, found, rows, query):
        """What is no list: as it is, or its rows as a file."""
        return self.page(rows, query) if "format" in query else self.single(found)

    def page(self, items, query):
        kind = query.get("format", [None])[0]
        if kind == "jsonl":
            return self.answer(200, "".join(json.dumps(one) + "\n" for one in items), "application/jsonl")
        if kind == "csv":
            out = io.StringIO()
            rows = csv.writer(out)
            rows.writerow(list(items[0]) if items else [])
            rows.writerows([[json.dumps(value) if isinstance(value, (dict, list)) else value for value in one.values()] for one in items])
            return self.answer(200, out.getvalue(), "text/csv")
        start, size = int(query.get("cursor", ["0"])[0]), min(200, int(query.get("limit", ["50"])[0]))
        rest = items[start:]
        return self.answer(200, {"items": rest[:size], "next": str(start + size) if len(rest) > size else None})

    def read(self, steps, query):
        what = steps[0] if steps else ""
        if steps[:2] == ["alerts", "stream"]:
            return self.stream(query)
        if what not in FILTERS:
            raise Problem(404, "not found", f"there is no {what}")
        for name in query:
            if len(steps) == 1 and name not in FILTERS[what]:
                raise Problem(400, "bad query", f"unknown parameter {name}; accepted: {', '.join(sorted(FILTERS[what]))}")
        one = query.get
        word = lambda name: one(name, [""])[0]
        if what == "alerts":
            if len(steps) > 1:
                return self.single(next((item for item in world.alerts if item["alert"]["id"] == steps[1]), None))
            return self.page([item for item in reversed(world.alerts) if keeps(item, query)], query)
        if what == "claims":
            if len(steps) > 1:
                return self.single(world.claims.get(steps[1]))
            return self.page([claim for claim in list(world.claims.values()) if not word("thread") or claim["thread"] == word("thread")], query)
        if what == "threads":
            if len(steps) > 1:
                thread = world.threads.get(steps[1])
                if thread and steps[2:] == ["likely"]:
                    return self.answer(200, {"items": self.likely(thread)})
                return self.filed(thread and {**thread, "timeline": world.timelines[thread["id"]]}, thread and world.timelines[thread["id"]], query)
            found = [thread for thread in list(world.threads.values()) if (not word("state") or thread["state"] == word("state")) and (not word("q") or has(word("q"), thread["proposition"], thread["id"])) and (not word("outlet") or has(word("outlet"), *thread["outlets"])) and (not word("speaker") or has(word("speaker"), *(one["respondent"] for one in thread["stances"]))) and (not word("contradiction") or thread["contradiction"])]
            return self.page(sorted(found, key=lambda thread: thread["last_added"], reverse=True), query)
        if what == "feeds":
            if len(steps) > 1:
                found = next((feed for feed in world.feeds if feed["id"] == steps[1]), None)
                polls = [{"at": iso(world.ago(10 * (4 - at))), "duration_ms": 84 + at, "result": "entries" if at % 2 else "not_modified", "status": 200 if at % 2 else 304, "entries": 20 if at % 2 else 0, "new": at % 2 * 3, "error": None} for at in range(4)]
                if found and found["error"]:
                    polls.append({"at": found["last_poll"], "duration_ms": 31, "result": "failed", "status": 503, "entries": 0, "new": 0, "error": found["error"]})
                return self.single(found and {**found, "polls": polls})
            return self.page([feed for feed in world.feeds if word("state") in ("", feed["state"]) and (not word("q") or has(word("q"), feed["id"], feed["outlet"], feed["url"]))], query)
        if what == "endpoints":
            return self.page(world.endpoints, query)
        if what == "silences":
            return self.page(world.silences, query)
        if what == "deliveries":
            if len(steps) > 1:
                found = next((row for row in world.deliveries if row["alert"] == steps[1] and word("sink") in ("", row["sink"])), None)
                return self.single(found and {**found, "attempts_made": [{"at": found["time"], "duration_ms": 31, "result": "retry" if found["last_error"] else "delivered", "status": 500 if found["last_error"] else 204, "head": "<h1>Internal Server Error</h1><script>window.pwned=9</script>" if found["last_error"] else None, "error": found["last_error"]}], "body": json.dumps(next(item["alert"] for item in world.alerts if item["alert"]["id"] == found["alert"]))})
            return self.page([row for row in world.deliveries if word("sink") in ("", row["sink"]) and word("status") in ("", row["status"]) and (not word("q") or has(word("q"), row["speaker"], row["headline"], row["last_error"]))], query)
        if what == "search":
            found = []
            for claim in list(world.claims.values()):
                text = claim["evidence"]["sentence"]
                at = text.lower().find(word("q").lower())
                if at >= 0 and (not word("kind") or claim["kind"] == word("kind")):
                    found.append({"what": "claim", "id": claim["id"], "thread": claim["thread"], "kind": claim["kind"], "speaker": claim["claim"]["speaker"]["name"], "text": text, "marks": [[at, at + len(word("q"))]], "outlet": claim["outlets"][0], "time": claim["first_seen"]})
            return self.page(found, query)
        if what == "trends":
            found = self.trends(word("since"), word("bucket"))
            return self.filed(found, found["speakers"], query)
        if what == "status":
            found = {"version": "0.1.0", "started": iso(world.ago(4400)), "ready": True, "clock": iso(datetime.now(timezone.utc)), "documents": 48210, "stories": 30117, "claims": len(world.claims), "threads": len(world.threads), "alerts": len(world.alerts), "feeds": {"total": len(world.feeds), "failing": 4}, "endpoints": {"total": 3, "failing": 1}, "pending": 7, "dead": 3, "silenced": 12, "backlog": 0, "database_bytes": 412_000_000, "checks": [{"name": "version", "state": "good", "detail": "gainsay 0.1.0"}, {"name": "disk", "state": "good", "detail": "18 GiB free at /var/lib/gainsay"}, {"name": "integrity", "state": "good", "detail": "quick_check finds nothing"}, {"name": "feeds", "state": "odd", "detail": "9 well, 5 in trouble: Lakeside Post, Evening Post, Tannau Tageblatt, City Gazette"}, {"name": "sink", "state": "bad", "detail": "slack-crisis: 7 wait (the oldest for 50 min), 3 dead"}]}
            return self.filed(found, found["checks"], query)
        if what == "explain":
            item = next((item["alert"] for item in world.alerts if item["alert"]["id"] == steps[1]), None)
            if not item and steps[1] not in world.threads:
                raise Problem(404, "not found", "there is no such id")
            return self.answer(200, {"what": "alert" if item else "thread", "id": steps[1], "title": item["type"] if item else "thread", "outcome": "alerted", "why": item["why"] if item else "its claims were alerted", "facts": [{"name": "rules", "value": "everything"}, {"name": "priority", "value": f"{item['priority']['score']}: {', '.join(item['priority']['reasons']) or 'its type alone'}" if item else "-"}, {"name": "confidence", "value": "0.92 (as words 0.99, by the sentence 1.00)"}, {"name": "sink", "value": "desk: delivered at the first attempt"}], "parts": []})
        raise Problem(404, "not found", "there is no such thing")

    def single(self, found):
        if not found:
            raise Problem(404, "not found", "there is no such id")
        self.answer(200, found)

    def likely(self, thread):
        """Two other threads with long words of this one in theirs."""
        words = {word.lower() for word in thread["proposition"].split() if len(word) > 5}
        shared = {one["id"]: len(words & {word.lower() for word in one["proposition"].split()}) for one in world.threads.values() if one is not thread}
        best = sorted((one for one in world.threads.values() if shared.get(one["id"])), key=lambda one: -shared[one["id"]])[:2]
        return [{"thread": one, "probability": 0.4 + min(0.5, shared[one["id"]] / 10), "reason": "same names and circumstances"} for one in best]

    def trends(self, since, bucket):
        step = timedelta(hours=1) if bucket == "hour" else timedelta(days=1)
        start = datetime.fromisoformat(since.replace("Z", "+00:00")).replace(minute=0, second=0, microsecond=0)
        if bucket != "hour":
            start = start.replace(hour=0)
        buckets = []
        while start <= datetime.now(timezone.utc):
            buckets.append(start)
            start += step
        amount = lambda name, at: int(ident(name, at, bucket)[:4], 16)
        scale = {"allegation": 40, "denial": 26, "confirmation": 9, "no_comment": 12, "retraction": 3}
        kinds = {name: [amount(name, at) % size + (size // 3 if at.weekday() < 5 else 0) for at in buckets] for name, size in scale.items()}
        names = [name for name, _ in PEOPLE[:6]] + ([] if world.is_calm else ["<b>Mallory</b> \u202eevil"])
        speakers = [{"name": name, "claims": 60 - at * 6, "denials": 20 - at * 2, "allegations": 18 + at} for at, name in enumerate(names)]
        contested = [{**thread, "answers": len(thread["stances"])} for thread in list(world.threads.values()) if len(thread["stances"]) > 1][:6]
        return {"buckets": [iso(at) for at in buckets], "kinds": kinds, "speakers": speakers, "contested": contested}

    def stream(self, query):
        after = self.headers.get("Last-Event-ID") or query.get("after", [None])[0]
        self.send_response(200)
        for name, value in [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("Connection", "close")]:
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        with lock:
            position = int(after) if after else world.alerts[-1]["position"]
            dropped, changed = control["drop"], len(control["changed"])
        self.wfile.write(b": here\n\n")
        if position < control["oldest"]:
            self.wfile.write(b"event: reset\ndata: {}\n\n")
            return
        self.wfile.flush()
        while True:
            with lock:
                if control["drop"] != dropped or control["down"]:
                    return
                at = max(0, position - world.alerts[0]["position"] + 1)
                news = world.alerts[at:at + 500]
                changes, changed = control["changed"][changed:], len(control["changed"])
                if not news and not changes and not lock.wait(15):
                    news = None
            for item in changes:
                if tells(item["alert"], query):
                    self.wfile.write(f"event: changed\ndata: {json.dumps(item)}\n\n".encode())
            if news is None:
                self.wfile.write(b": \n\n")
            for item in news or ():
                position = item["position"]
                if keeps(item, query):
                    self.wfile.write(f"id: {position}\nevent: alert\ndata: {json.dumps(item)}\n\n".encode())
            self.wfile.flush()

    def change(self, steps, raw):
        if self.headers.get("X-Gainsay") != "1":
            raise Problem(403, "forbidden", "the header X-Gainsay is missing")
        if self.headers.get("Content-Type") != "application/json":
            raise Problem(415, "unsupported media type", "send application/json")
        body = json.loads(raw or b"{}")
        with lock:
            control["log"].append({"method": self.command, "path": "/".join(steps), "body": body})
        if steps == ["feedback"]:
            thread = world.threads.get(body.get("thread"))
            name = {"follow": ("followed", True), "unfollow": ("followed", False), "mute": ("muted", True), "unmute": ("muted", False)}.get(body["act"])
            if thread and name:
                thread[name[0]] = name[1]
            return self.answer(202, {"id": ident(raw)})
        if steps == ["deliveries", "replay"]:
            rows = [row for row in world.deliveries if all(not body.get(name) or row[name] == body[name] for name in ("alert", "sink", "status"))]
            if not body["dry_run"]:
                for row in rows:
                    row.update(status="pending", attempts=0, last_error=None)
            return self.answer(200, {"count": len(rows), "items": rows[:50]})
        if steps == ["feeds"]:
            if "page" in body["url"]:
                offered = {"url": "https://harbour.example/rss", "title": "Harbour <b>News</b>\u202e", "format": "RSS", "entries": 12, "newest": iso(world.ago(7)), "found": "named by the page"}
                return self.answer(422, {"type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "nothing was added: this is no feed but leads to some; add one of these", "feeds": [offered]}, "application/problem+json")
            feed = {**world.feeds[-1], "id": "added.harbour", "outlet": body.get("outlet", "Harbour News"), "url": body["url"], "state": "new", "origin": "added", "error": None, "paused": None, "history": []}
            world.feeds.append(feed)
            return self.answer(201, {name: feed[name] for name in ("id", "url", "outlet")})
        if steps[0] == "feeds":
            feed = next((feed for feed in world.feeds if feed["id"] == steps[1]), None)
            if not feed:
                raise Problem(404, "not found", "there is no such feed")
            if self.command == "DELETE":
                world.feeds.remove(feed)
                self.send_response(204)
                self.send_header("Content-Length", "0")
                return self.end_headers()
            if steps[2] == "poll":
                return self.answer(202, {"feed": feed["id"], "at": iso(datetime.now(timezone.utc)), "held": None})
            feed["paused"] = {"since": iso(datetime.now(timezone.utc)), "by": None} if steps[2] == "pause" else None
            feed["state"] = "paused" if feed["paused"] else "healthy"
            return self.answer(202, {"feed": feed["id"], "paused": feed["paused"]})
        if steps[0] == "endpoints" and len(steps) == 3:
            return self.answer(200, {"status": 204, "duration_ms": 12, "error": None} if steps[1] == "desk" else {"status": 500, "duration_ms": 40, "error": "500 Internal Server Error"})
        if steps == ["silences"]:
            silence = {"id": ident(raw, len(world.silences)), "comment": body.pop("comment"), "by": None, "created": iso(datetime.now(timezone.utc)), "until": body.pop("until"), "matcher": {**dict.fromkeys(["speaker", "outlet", "thread", "feed", "kind", "sink", "when"]), **body}, "silenced": 0, "state": "active"}
            world.silences.insert(0, silence)
            return self.answer(201, silence)
        if steps[0] == "silences" and self.command == "DELETE":
            for silence in world.silences:
                if silence["id"] == steps[1]:
                    silence["state"] = "ended"
            self.send_response(204)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        raise Problem(404, "not found", "there is no such thing")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token")
    parser.add_argument("--calm", action="store_true", help="without the hostile stories")
    given = parser.parse_args()
    Handler.token = given.token
    if given.calm:
        world.calm()
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    # Ends with whoever started it.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start() if not sys.stdin.isatty() else None
    server.serve_forever()


if __name__ == "__main__":
    main()
