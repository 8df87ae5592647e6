"""Made-up wire stories, as the API would tell them: threads with claims, alerts, feeds and deliveries, some of them hostile.

`World()` is what the mock server serves. Times count back from the start, so ages look alive.
"""

import hashlib
import random
from datetime import datetime, timedelta, timezone

ALERT_OF = {"allegation": "allegation.new", "denial": "denial.new", "confirmation": "claim.confirmed", "no_comment": "claim.no_comment", "retraction": "claim.retracted"}
STANCE_OF = {"denial": "denied", "confirmation": "confirmed", "no_comment": "no_comment", "retraction": "retracted"}

# (minutes ago, kind, speaker, role, target, before, sentence, cue, after, outlets, headline, more)
STORIES = [
    ("concealing failed inspections of three ferries", [
        (1630, "allegation", "The Maritime Safety Authority", None, "Corvane Lines", "", "PORT ELSMERE - The Maritime Safety Authority on Tuesday accused ferry operator Corvane Lines of concealing failed inspections of three ferries, one of which ran aground off Sankt Orm in January.", "accused", "The three ships carry some 2,000 passengers a day.", ["Vesper Online", "Agora Times", "Northwire"], "Safety body accuses Corvane Lines of hiding failed inspections", {"basis": "finding", "confidence": 0.97}),
        (1625, "no_comment", "Corvane Lines", None, None, "The authority's report runs to 90 pages.", "Corvane Lines did not return calls seeking comment.", "did not return calls", "", ["Vesper Online"], "Safety body accuses Corvane Lines of hiding failed inspections", {"confidence": 0.98, "link": (0.88, "same document, the accused answers")}),
        (190, "denial", "Marta Ilves", "Corvane Lines chief executive", None, "Corvane answers over ferries", "SANKT ORM - Corvane Lines chief executive Marta Ilves on Wednesday denied that the company had concealed failed inspections of three ferries.", "denied", "“Every report lies where the law wants it,” she told reporters at the harbour.", ["Coastal Courier", "Vesper Online"], "Corvane answers over ferries", {"confidence": 0.92, "link": (0.93, "earlier document, the accused answers, same arguments")}),
        (42, "confirmation", "Tomas Erl", "former chief engineer", None, "", "“Two of the three reports never left the drawer,” former chief engineer Tomas Erl said in an interview, confirming what the authority had found.", "confirming", "Corvane said it would look into his account.", ["Agora Times"], "Engineer: reports on ferries never left the drawer", {"confidence": 0.81, "link": (0.77, "earlier document, same names")}),
    ]),
    ("a drone that struck a grain silo at Ruvna", [
        (560, "allegation", "Daria Moruz", "foreign minister of Veldava", "Karsk", "", "Veldava's foreign minister, Daria Moruz, told the Security Council that a drone launched from Karsk had struck a grain silo at Ruvna, killing two dockers.", "told", "She held up a piece of what she said was the engine.", ["Baltic Herald", "Northwire", "Agora Times", "Vesper Online", "Coastal Courier", "Lakeside Post"], "Veldava tells council drone from Karsk struck silo", {"basis": "assertion", "confidence": 0.9}),
        (300, "denial", "Arkadi Belo", "ambassador of Karsk to the United Nations", None, "The evening session lasted an hour.", "Ambassador Arkadi Belo brushed off what he called “mere assertions by people who have never seen a drone”.", "brushed off", "He left without taking questions.", ["Baltic Herald", "Northwire"], "Karsk envoy calls silo charge “mere assertions”", {"confidence": 0.94, "link": (0.92, "earlier document, the accused answers, same names")}),
        (288, "denial", "Karsk's defence ministry", None, None, "", "No drone of ours was in the air that night, Karsk's defence ministry said.", "said", "It gave no evidence.", ["Lakeside Post"], "Karsk: none of our drones flew", {"confidence": 0.71, "link": (0.81, "earlier document, the accused answers")}),
    ], {"contradiction": True}),
    ("sprinter Ada Varga missed two doping tests", [
        (2100, "allegation", "Lindmark", "doping agency", "Ada Varga", "", "Sprinter Ada Varga missed two doping tests, agency says", "says", "(Corrects number of tests to two from three in headline and first paragraph; drops reference to ban)", ["Arena News", "City Gazette"], "CORRECTED-Sprinter Ada Varga missed two doping tests, agency says", {"basis": "report", "confidence": 0.64, "revised": ("Sprinter Ada Varga missed three doping tests and faces a ban, agency says", 1900, "a correction changed this claim")}),
        (1200, "confirmation", "Ada Varga", "200 metres runner", None, "Sprinter owns up to two absences", "Ada Varga acknowledged on Tuesday that she had twice been away from the address she had given the agency.", "acknowledged", "“It was two, it was stupid, and there will not be a third.”", ["Evening Post"], "Sprinter owns up to two absences", {"confidence": 0.86, "link": (0.96, "earlier document, the accused answers, same arguments")}),
    ]),
    ("ballot boxes in Keru were filled before the vote", [
        (4300, "allegation", "Joseph Konadi", "leader of the Unity Front", "the ruling party", "", "Joseph Konadi, leader of the Unity Front, accused the ruling party of filling ballot boxes in Keru before the vote.", "accused", "He named four schools.", ["Selby Star", "Continental Wire"], "Opposition alleges ballot boxes were stuffed in north", {"confidence": 0.95}),
        (4100, "denial", "Adela Nkomba", "head of the electoral commission", None, "", "“Every box was opened, shown to be empty and sealed before agents of all the parties,” said Adela Nkomba, head of the electoral commission.", "said", "Counting was more than half done, she said.", ["Continental Wire"], "Boxes were empty at dawn, poll chief says", {"confidence": 0.83, "link": (0.74, "earlier document, same places")}),
        (2600, "retraction", "Joseph Konadi", "leader of the Unity Front", None, "", "Konadi took back what he had said of two of the four schools, blaming “bad information from our own agents”.", "took back", "", ["Selby Star"], "Konadi takes back part of his charge", {"confidence": 0.88, "link": (0.9, "the accuser takes back")}),
    ]),
    ("the vice-mayor of Tannau took money from a builder", [
        (980, "allegation", "Public prosecutors", None, "Ruben Hall", "", "Public prosecutors charged Ruben Hall, vice-mayor of Tannau, with taking 40,000 crowns from a builder.", "charged", "The trial opens in March.", ["Tannau Tageblatt", "Northwire"], "Vice-mayor charged", {"basis": "charge", "confidence": 0.96}),
        (610, "allegation", "A neighbour", None, "Ruben Hall", "", "A neighbour who asked not to be named said Hall had also let a garage be built for nothing.", "said", "", ["Tannau Tageblatt"], "KILL - Vice-mayor's garage", {"confidence": 0.58, "withdrawn": (95, "killed by its outlet: the story is wrong throughout")}),
    ]),
    ("Halden Batteries made up a third of its sales", [
        (15, "allegation", "Greyfin Research", "short-seller", "Halden Batteries", "", "Short-seller Greyfin Research said a third of the sales that Halden Batteries booked last year never took place.", "said", "Fourteen customers exist only on paper, it wrote.", ["Market Line", "Northwire"], "Short-seller says Halden made up a third of its sales", {"confidence": 0.93}),
        (2, "no_comment", "Halden Batteries", None, None, "", "Halden did not reply to an e-mail seeking comment.", "did not reply to an e-mail seeking comment", "Its shares fell 18 percent.", ["Market Line"], "Short-seller says Halden made up a third of its sales", {"confidence": 0.97, "link": (0.75, "same document")}),
    ]),
    ("letting ships sail without valid inspections", [
        (1500, "allegation", "Kalle Brunn", "head of the seamen's union", "Corvane Lines", "", "Corvane Lines let ships sail without valid inspections for two summers, said Kalle Brunn, head of the seamen's union.", "said", "", ["Coastal Courier"], "Union: Corvane ships sailed unchecked", {"confidence": 0.79}),
    ]),
]

# What a feed might try: markup, schemes, turned text, look-alike hosts, lengths, formulas.
HOSTILE = [
    ("<img src=x onerror=\"window.pwned=1\">", "<script>window.pwned=2</script> denied <b>everything</b> & said &lt;nothing&gt;", "denied", "<svg onload=window.pwned=3>", "\"><iframe srcdoc='<script>parent.pwned=4</script>'>", "javascript:window.pwned=5//https://news.example/"),
    ("Mayor \u202egnp.eslaf\u202c Dorn", "The mayor\u200b\u200b denied that he \u202edna\u202c paid \u2066anybody\u2069 at all.", "denied", "Turned\u202e Times", "Head\u0007line with a bell\u0000 and zero\ufeff width", "https://xn--pple-43d.example/story?next=javascript:alert(1)"),
    ("Аррlе spokesman", "A spokesman denied the report.", "denied", "аpple.example", "Whose host is it?", "https://аррlе.example/login"),
    ("=HYPERLINK(\"http://evil.example\")", "@SUM(1+1)*cmd denied nothing in particular.", "denied", "-1+1", "+formula", "data:text/html,<script>window.pwned=6</script>"),
    ("W" * 300, "A" * 900 + " denied " + "ßä漢字🙂" * 60, "denied", "L" * 200, "H" * 400, "https://user:secret@good.example@evil.example/" + "x" * 600),
    ("متحدث باسم الوزارة", "نفى المتحدث باسم الوزارة أن تكون القوات قد عبرت الحدود، denied in part.", "denied", "وكالة الأنباء", "نفي رسمي", "https://news.example/ar/%E0%A4%A"),
]

PEOPLE = [("Irena Sauter", "interior minister"), ("Paul Okoro", "spokesman of the port"), ("Lena Brandt", "head of the union"), ("Grand Lake Power", None), ("Samir Haddad", "opposition leader"), ("The Northern Rail Board", None), ("Eva Lind", "chief prosecutor"), ("Colonel Petro Vasic", "army spokesman")]
MATTERS = ["paying for votes in the lake district", "dumping waste into the Orla river", "listening to journalists' phones", "holding back figures on the outbreak", "firing on the fishing boat", "selling the port below its worth", "copying the design of the pump", "sending troops over the border"]
OUTLETS = ["Northwire", "Agora Times", "Vesper Online", "Coastal Courier", "Lakeside Post", "Evening Post", "Market Line", "Baltic Herald"]
PUSHES = {"Vesper Online": {"hub": "https://hub.example/", "until": "2099-01-01T00:00:00Z", "pushed": None, "trouble": None}, "Coastal Courier": {"hub": "https://hub.example/", "until": None, "pushed": None, "trouble": "it answers 404"}}


def ident(*parts):
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:32]


def iso(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(position, alert):
    """An alert as the list and the stream show it, where nothing holds it back."""
    return {"position": position, "state": "out", "held": [], "alert": alert}


class World:
    """Everything the API knows."""

    is_calm = False

    def __init__(self):
        self.start = datetime.now(timezone.utc).replace(microsecond=0)
        self.random = random.Random(11)
        self.threads, self.claims, self.alerts, self.timelines = {}, {}, [], {}
        for number, story in enumerate(STORIES):
            self._story(number, *story)
        for number, hostile in enumerate(HOSTILE):
            self._hostile(number, *hostile)
        for number in range(160):
            self.made_up(self.start - timedelta(minutes=50 + number * 47 + self.random.randrange(30)), number)
        self._feed_alerts()
        self.alerts.sort(key=lambda one: one["time"])
        self.alerts = [listed(1000 + at, alert) for at, alert in enumerate(self.alerts)]
        waits = {"sink": "desk", "reason": "quiet_hours", "since": self.alerts[-3]["alert"]["time"], "until": iso(self.start + timedelta(hours=5))}
        self.alerts[-3].update(state="held", held=[waits])
        self._feeds()
        self._deliveries()
        self._silences()

    def calm(self):
        """Takes the hostile stories out: for pictures."""
        self.is_calm = True
        hostile = {one for number in range(len(HOSTILE)) for one in (ident("thread", f"hostile{number}"), ident("claim", f"hostile{number}"))}
        self.alerts = [item for item in self.alerts if (item["alert"]["claim"] or {}).get("id") not in hostile]
        known = {item["alert"]["id"] for item in self.alerts}
        self.deliveries = [row for row in self.deliveries if row["alert"] in known]
        self.threads = {name: one for name, one in self.threads.items() if name not in hostile}
        self.claims = {name: one for name, one in self.claims.items() if name not in hostile}
        self.feeds = [feed for feed in self.feeds if "<" not in feed["outlet"]]

    def ago(self, minutes):
        return self.start - timedelta(minutes=minutes)

    def _claim(self, key, at, kind, speaker, role, target, before, sentence, cue, after, outlets, headline, url, thread, more):
        claim_id = ident("claim", key)
        offset = len(before) + 1 if before else 0
        start = sentence.index(cue)
        document = {"id": ident("document", key), "url": url, "headline": headline, "outlet": outlets[0], "agency": None, "via": None, "published": iso(at), "first_seen": iso(at), "embargo_until": None, "topics": []}
        claim = {"document": document["id"], "id": claim_id, "kind": kind, "cue": {"text": cue, "start": offset + len(sentence[:start]), "end": offset + len(sentence[:start]) + len(cue)}, "source": None, "speaker": {"name": speaker, "role": role, "via": None}, "content": [], "target": target, "basis": more.get("basis"), "answers": [], "background": False, "confidence": more.get("confidence", 0.8), "sentence": {"start": offset, "end": offset + len(sentence)}, "language": "eng", "revision": 1, "supersedes": None}
        surname = speaker.split()[-1]
        for source in (speaker, surname):
            if source in sentence:
                at_source = sentence.index(source)
                claim["source"] = {"text": source, "start": offset + at_source, "end": offset + at_source + len(source)}
                break
        record = {"id": claim_id, "kind": kind, "first_seen": iso(at), "last_seen": iso(at), "thread": thread, "threads": [thread], "stories": [ident("story", key)], "outlets": outlets, "withdrawn": False, "corrected": False, "alerted": {"desk": "subject"}, "claim": claim, "evidence": {"sentence": sentence, "before": before, "after": after}, "document": document}
        self.claims[claim_id] = record
        return record

    def _thread(self, key, proposition, state, at):
        thread = {"id": ident("thread", key), "state": state, "sequence": 1, "proposition": proposition, "stances": [], "contradiction": False, "followed": False, "muted": False, "claims": [], "outlets": [], "last_added": iso(at), "last_seen": iso(at)}
        self.threads[thread["id"]] = thread
        self.timelines[thread["id"]] = []
        return thread

    def _join(self, thread, record, at):
        thread["claims"].append(record["id"])
        thread["outlets"] = list(dict.fromkeys(thread["outlets"] + record["outlets"]))
        thread["last_added"] = thread["last_seen"] = iso(at)
        if record["kind"] in STANCE_OF:
            thread["stances"].append({"respondent": record["claim"]["speaker"]["name"], "stance": STANCE_OF[record["kind"]], "claim": record["id"]})

    def _event(self, record):
        claim = record["claim"]
        return {"event": "claim", "at": record["first_seen"], "claim": record["id"], "kind": record["kind"], "speaker": claim["speaker"], "target": claim["target"], "proposition": record["evidence"]["sentence"][:80], "sentence": record["evidence"]["sentence"], "outlets": record["outlets"], "url": record["document"]["url"], "confidence": claim["confidence"], "revision": claim["revision"], "background": False, "withdrawn": record["withdrawn"], "answers": claim["answers"]}

    def _alert(self, kind_of, record, thread, at, why, score, reasons, answers=(), copies=None):
        thread["sequence"] += 1
        alert = {"schema_version": 1, "id": ident("alert", kind_of, record["id"], at), "type": kind_of, "time": iso(at), "priority": {"score": score, "reasons": list(reasons)}, "claim": dict(record["claim"]), "evidence": dict(record["evidence"]), "document": record["document"], "story": {"id": record["stories"][0], "revision": 0, "outlets": record["outlets"], "copies": copies or len(record["outlets"])}, "thread": {"id": thread["id"], "sequence": thread["sequence"], "state": thread["state"], "proposition": thread["proposition"], "stances": list(thread["stances"]), "contradiction": thread["contradiction"]}, "answers": list(answers), "also": [], "feed": None, "digest": None, "rules": ["everything"], "watched": [], "why": why}
        self.alerts.append(alert)
        self.timelines[thread["id"]].append({"event": "alert", "at": iso(at), "alert": alert["id"], "type": kind_of, "claim": record["id"], "priority": score, "why": why, "deliveries": [{"sink": "desk", "status": "delivered", "attempts": 1, "due": iso(at), "settled": iso(at), "last_error": None}, {"sink": "slack-crisis", "status": "dead" if score > 90 else "delivered", "attempts": 2, "due": iso(at), "settled": iso(at), "last_error": None}]})
        return alert

    def _story(self, number, proposition, said, more=None):
        thread = self._thread(f"story{number}", proposition, "alleged", self.ago(said[0][0]))
        first = None
        for at, (minutes, kind, speaker, role, target, before, sentence, cue, after, outlets, headline, extra) in enumerate(said):
            when = self.ago(minutes)
            host = outlets[0].lower().replace(" ", "") + ".example"
            record = self._claim(f"{number}.{at}", when, kind, speaker, role, target, before, sentence, cue, after, outlets, headline, f"https://www.{host}/{ident(headline)[:6]}", thread["id"], extra)
            answers = []
            if "link" in extra and first:
                record["claim"]["answers"] = [first["id"]]
                answers = [{"claim": first["id"], "speaker": first["claim"]["speaker"]["name"], "proposition": proposition, "link": {"score": extra["link"][0], "reason": extra["link"][1]}}]
            first = first or record
            self._join(thread, record, when)
            stances = {one["stance"] for one in thread["stances"]}
            thread["state"] = "contested" if {"denied", "confirmed"} <= stances else "confirmed" if "confirmed" in stances else "answered" if stances else "alleged"
            thread["contradiction"] = bool(more and more.get("contradiction") and at == len(said) - 1)
            self.timelines[thread["id"]].append(self._event(record))
            score = 75 if kind == "denial" else 40 if kind == "allegation" else 55
            earlier = extra.get("revised")
            if earlier:
                now = dict(record["evidence"]), dict(record["claim"])
                record["evidence"]["sentence"] = earlier[0]
            self._alert(ALERT_OF[kind], record, thread, when, f"{kind.replace('_', ' ')}: first from this respondent to an allegation of another document" if answers else "an allegation not seen before", score, ["first answer", f"{len(outlets)} outlets"] if answers else [f"{len(outlets)} outlets"], answers, copies=len(outlets) + 2)
            if earlier:
                record["evidence"], record["claim"] = now
                record["claim"].update(revision=2, supersedes=1)
                self.timelines[thread["id"]][0]["revision"] = 2
                self._alert("claim.revised", record, thread, self.ago(earlier[1]), earlier[2], 54, ["takes an alert back"])
            if "withdrawn" in extra:
                record["withdrawn"] = True
                when, why = self.ago(extra["withdrawn"][0]), extra["withdrawn"][1]
                self.timelines[thread["id"]][-2]["withdrawn"] = True
                self.timelines[thread["id"]].append({"event": "withdrawal", "at": iso(when), "claim": record["id"], "why": why})
                self._alert("claim.withdrawn", record, thread, when, why, 80, ["takes an alert back"])
            if thread["contradiction"]:
                self._alert("thread.contradiction", record, thread, self.ago(minutes - 1), "Baltic Herald: brushed off; Lakeside Post: has not denied", 82, ["outlets contradict each other"])
        self.timelines[thread["id"]].sort(key=lambda one: one["at"])

    def _hostile(self, number, speaker, sentence, cue, outlet, headline, url):
        when = self.ago(20 + number * 9)
        thread = self._thread(f"hostile{number}", sentence[:120], "answered", when)
        record = self._claim(f"hostile{number}", when, "denial", speaker, "<i>role</i>", None, "<b>before</b>", sentence, cue, "\u202eafter\u202c", [outlet], headline, url, thread["id"], {})
        self._join(thread, record, when)
        self.timelines[thread["id"]].append(self._event(record))
        self._alert("denial.new", record, thread, when, "denial: <em>first</em> answer in this thread", 60, ["first answer"])

    def made_up(self, when, number):
        """A plain alert with a thread of its own; also for bursts."""
        (name, role), matter = PEOPLE[number % len(PEOPLE)], MATTERS[(number // 3) % len(MATTERS)]
        kind = ["allegation", "denial", "allegation", "no_comment", "denial", "confirmation"][number % 6]
        text, cue = {"allegation": (f"{name} accused the government on {when:%A} of {matter}.", "accused"), "denial": (f"{name} rejected as baseless the charge of {matter}.", "rejected as baseless"), "no_comment": (f"{name} declined to comment on reports of {matter}.", "declined to comment"), "confirmation": (f"{name} admitted {matter}.", "admitted")}[kind]
        outlets = OUTLETS[number % 5:number % 5 + 1 + number % 3]
        target = "the government" if kind == "allegation" else None
        thread = self._thread(f"made{number}.{iso(when)}", matter, "alleged" if kind == "allegation" else "answered", when)
        record = self._claim(f"made{number}.{iso(when)}", when, kind, name, role, target, "", text, cue, "Nobody else could be reached." if number % 2 else "", outlets, text[:60], f"https://news.example/{number}", thread["id"], {"confidence": 0.5 + (number * 7 % 50) / 100})
        self._join(thread, record, when)
        self.timelines[thread["id"]].append(self._event(record))
        return self._alert(ALERT_OF[kind], record, thread, when, "an allegation not seen before" if kind == "allegation" else f"{kind}: first answer in this thread", 30 + number * 13 % 60, [])

    def _feed_alerts(self):
        for minutes, kind, outlet, detail in [(130, "feed.failing", "Lakeside Post", "HTTP 503 for 40 minutes, 6 times in a row"), (33, "feed.recovered", "Market Line", "answers again after 2 h 10 min")]:
            self.alerts.append({"schema_version": 1, "id": ident("feed", outlet, kind), "type": kind, "time": iso(self.ago(minutes)), "priority": {"score": 20, "reasons": []}, "claim": None, "evidence": None, "document": None, "story": None, "thread": None, "answers": [], "also": [], "feed": {"id": outlet.lower().replace(" ", "-"), "outlet": outlet, "url": f"https://{outlet.lower().replace(' ', '')}.example/rss.xml", "incident": 1, "detail": detail}, "digest": None, "rules": ["feeds"], "watched": [], "why": detail})

    def _feeds(self):
        self.feeds = []
        states = {"Lakeside Post": ("failing", "the server answered 503 Service Unavailable", 6), "Market Line": ("healthy", None, 0), "Evening Post": ("stale", "silent for 3 d 4 h, though it has an entry every 25 min", 0), "Selby Star": ("moved", None, 0), "Tannau Tageblatt": ("backing-off", "connection refused", 2), "Arena News": ("paused", None, 0), "City Gazette": ("gone", "410 Gone: it was retired by its publisher", 1), "<b>Bold</b> \u202eweN": ("denied", "robots.txt forbids it: <script>window.pwned=7</script>", 1)}
        for at, outlet in enumerate(OUTLETS + ["Selby Star", "Tannau Tageblatt", "City Gazette", "Continental Wire", "Arena News", "<b>Bold</b> \u202eweN"]):
            state, error, failures = states.get(outlet, ("healthy", None, 0))
            rhythm = [600, 1500, 3600, 240, 14400][at % 5]
            history = [{"hour": iso(self.ago(60 * (48 - hour))), "entries": 0 if state in ("stale", "gone") and hour > 8 else self.random.randrange(0, 9) if 6 < (hour + 2) % 24 else self.random.randrange(0, 2)} for hour in range(48)]
            self.feeds.append({"id": outlet.lower().replace(" ", "-"), "outlet": outlet, "url": "javascript:window.pwned=8" if "<" in outlet else f"https://{outlet.lower().replace(' ', '')}.example/rss.xml", "moved_to": "https://selbystar.example/feed/" if state == "moved" else None, "state": state, "since": iso(self.ago(40 + at)) if error else None, "failures": failures, "error": error, "next_poll": None if state in ("gone", "paused") else iso(self.start + timedelta(minutes=at + 1)), "next_poll_reason": None if state == "paused" else "backoff" if failures else "rhythm", "interval_seconds": 600, "rhythm_seconds": rhythm, "last_entry": iso(self.ago(at * 7 + 2)), "repairs": {}, "last_poll": iso(self.ago(at % 6 + 1)), "last_success": iso(self.ago(at % 6 + 1)), "left_alone_until": None, "entries": 20, "texts": 40 + at * 13, "newest": iso(self.ago(at * 7 + 2)), "push": PUSHES.get(outlet), "origin": "added" if outlet == "Agora Times" else "config", "paused": {"since": iso(self.ago(95)), "by": "Ada"} if state == "paused" else None, "history": history})

    def _deliveries(self):
        self.endpoints = [
            {"name": "desk", "kind": "webhook", "address": "https://desk.example/hooks/gainsay", "state": "ok", "since": iso(self.ago(9000)), "reason": None, "pending": 0, "delivered": 1841, "dead": 0, "silenced": 12, "last_success": iso(self.ago(2)), "last_error": None},
            {"name": "slack-crisis", "kind": "webhook", "address": "https://hooks.slack.example/services/…", "state": "failing", "since": iso(self.ago(50)), "reason": "4 attempts failed in a row: 500 Internal Server Error", "pending": 7, "delivered": 322, "dead": 3, "silenced": 0, "last_success": iso(self.ago(55)), "last_error": "500 Internal Server Error"},
            {"name": "archive", "kind": "jsonl", "address": "/var/lib/gainsay/alerts.jsonl", "state": "ok", "since": iso(self.ago(9000)), "reason": None, "pending": 0, "delivered": 2130, "dead": 0, "silenced": 0, "last_success": iso(self.ago(2)), "last_error": None},
        ]
        self.deliveries = []
        for at, item in enumerate(reversed(self.alerts[-120:])):
            alert = item["alert"]
            for sink in ("desk", "slack-crisis"):
                status = "delivered" if sink == "desk" else ["pending", "pending", "dead", "delivered", "dead", "delivered", "silenced"][at] if at < 7 else "delivered"
                error = {"dead": "gave up after 12 attempts: 500 Internal Server Error", "pending": "500 Internal Server Error"}.get(status)
                self.deliveries.append({"alert": alert["id"], "type": alert["type"], "sink": sink, "status": status, "attempts": {"dead": 12, "pending": 4, "silenced": 0}.get(status, 1), "time": alert["time"], "created": alert["time"], "due": iso(self.start + timedelta(minutes=9)) if status == "pending" else alert["time"], "settled": None if status == "pending" else alert["time"], "last_error": error, "order_key": "", "priority": alert["priority"]["score"], "speaker": (alert["claim"] or {}).get("speaker", {}).get("name") if alert["claim"] else None, "headline": alert["document"]["headline"] if alert["document"] else None, "outlet": alert["document"]["outlet"] if alert["document"] else alert["feed"]["outlet"], "url": None})

    def _silences(self):
        empty = {"speaker": None, "outlet": None, "thread": None, "feed": None, "kind": None, "sink": None, "when": None}
        self.silences = [
            {"id": ident("silence", 1), "comment": "press day of the railway, known in full", "by": "Ada", "created": iso(self.ago(300)), "until": iso(self.start + timedelta(hours=3)), "matcher": {**empty, "speaker": "The Northern Rail Board"}, "silenced": 12, "state": "active"},
            {"id": ident("silence", 2), "comment": "maintenance", "by": "Jon", "created": iso(self.ago(3000)), "until": iso(self.ago(2500)), "matcher": {**empty, "sink": "slack-crisis"}, "silenced": 4, "state": "expired"},
        ]
