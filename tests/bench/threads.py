"""Threads across documents: annotated event sets in, how links, threads and alerts come out.

    python tests/bench/threads.py GAINSAY SHARED [SETS.jsonl ...] [--explain]

SETS   `tests/threads/*.jsonl`: written sets hold their texts; real ones name articles of `newsroom-2016-2020` in SHARED and offsets alone.
Every set is replayed by itself. A claim that the desk opened is an annotated act if an act of its kind is marked in its sentence of that document.

links     of answers that were opened and are annotated: links to an allegation they answer over all links told (precision), and of annotated acts that
          answer something and were opened: those with a right link (recall); the same for links whose two ends share no document
threads   pairs of opened acts in one thread, precision, recall and F1
doubled   alerts beyond the first on one act, of all alerts of claims
missed    acts reported fresh that no alert names, of all; and of those that the extractor found at all
false     alerts on what is no annotated act, of all alerts of claims"""
import argparse
import collections
import gzip
import json
import sqlite3
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "threads"
NEW = {"allegation.new", "denial.new", "claim.confirmed", "claim.no_comment", "claim.retracted"}


def lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf8").splitlines() if line.strip()]


def with_texts(sets, shared):
    """Each set's documents with title, text and its claims at offsets of title + line feed + text."""
    wanted = {doc["id"] for one in sets for doc in one["documents"] if "text" not in doc}
    texts = {}
    if wanted:
        with gzip.open(Path(shared) / "data/newsroom-2016-2020.jsonl.gz", "rt", encoding="utf8") as archive:
            for line in archive:
                article = json.loads(line)
                if article["id"] in wanted:
                    texts[article["id"]] = article
    for one in sets:
        for doc in one["documents"]:
            if "text" not in doc:
                article = texts[doc["id"]]
                whole = f'{article["title"]}\n{article["text"]}'[:doc["end"]]
                title = article["title"]
                doc |= {"title": title, "text": whole[len(title) + 1:], "outlet": article["outlet"], "published": article["published"]}
            whole = f'{doc["title"]}\n{doc["text"]}'
            for claim in doc["claims"]:
                if "at" not in claim:
                    start = whole.index(claim["in"]) + claim["in"].index(claim["cue"])
                    claim["at"] = [start, start + len(claim["cue"])]
        one["documents"].sort(key=lambda doc: doc["published"])
    return sets


def act_of(doc, claim):
    """The act that is marked in the sentence of a claim, of its kind; one whose cue overlaps first."""
    sentence = claim["sentence"]
    marked = [one for one in doc["claims"] if one["kind"] == claim["kind"] and sentence["start"] <= one["at"][0] < sentence["end"]]
    near = lambda one: (not (one["at"][0] < claim["cue"]["end"] and claim["cue"]["start"] < one["at"][1]), abs(one["at"][0] - claim["cue"]["start"]))
    return min(marked, key=near)["act"] if marked else None


class Figures:
    def __init__(self):
        self.n = collections.Counter()

    def add(self, gainsay, one, folder, explain):
        archive, database = folder / "set.jsonl", folder / f"{one['id']}.db"
        archive.write_text("".join(json.dumps({key: doc[key] for key in ("id", "outlet", "published", "title", "text")}) + "\n" for doc in one["documents"]))
        run = lambda *args: [json.loads(line) for line in subprocess.run([gainsay, *args], capture_output=True, text=True, check=True).stdout.splitlines()]
        alerts = [alert for alert in run("replay", "--database", str(database), str(archive)) if alert.get("claim")]
        connection = sqlite3.connect(database)
        records = [json.loads(row[0]) for row in connection.execute("SELECT record FROM claim ORDER BY position")]
        connection.close()
        by_place = {(doc["outlet"], doc["title"]): doc for doc in one["documents"]}
        acts = {}
        for record in records:
            document = record["report"]["document"]
            acts[record["id"]] = act_of(by_place[document["outlet"], document["headline"]], record["report"]["claim"])
        extracted = set()
        for claim in run("extract", "--format", "jsonl", str(archive)):
            doc = next(doc for doc in one["documents"] if doc["id"] == claim["document"])
            extracted.add(act_of(doc, claim))
        self.links(one, records, acts, explain)
        self.threads(one, records, acts)
        self.alerts(one, alerts, acts, extracted, explain)

    def links(self, one, records, acts, explain):
        n = self.n
        holders, wanted = collections.defaultdict(set), collections.defaultdict(set)
        for doc in one["documents"]:
            for claim in doc["claims"]:
                holders[claim["act"]].add(doc["id"])
                wanted[claim["act"]].update(claim["answers"])
        across = lambda answer, allegation: not holders[answer] & holders[allegation]
        told = collections.defaultdict(set)
        for record in records:
            act = acts[record["id"]]
            for other in record["answers"]:
                right = act is not None and acts.get(other) in wanted[act]
                is_across = record["report"]["document"]["id"] != next((r["report"]["document"]["id"] for r in records if r["id"] == other), None)
                n["links"] += 1
                n["links right"] += right
                n["across"] += is_across
                n["across right"] += is_across and right
                told[act].add(acts.get(other))
                if explain and not right:
                    print(f"{one['id']} wrong link: {act} -> {acts.get(other)}: {record['proposition']['text'][:90]}")
        for act in {act for act in acts.values() if act}:
            if wanted[act]:
                n["answers"] += 1
                n["answers linked"] += bool(told[act] & wanted[act])
                if all(across(act, other) for other in wanted[act]):
                    n["answers across"] += 1
                    n["answers across linked"] += bool(told[act] & wanted[act])
                    if explain and not told[act] & wanted[act]:
                        print(f"{one['id']} no link: {act} -> {sorted(wanted[act])}")

    def threads(self, one, records, acts):
        thread = {act: number for number, group in enumerate(one["threads"]) for act in group}
        known = [(acts[record["id"]], set(record["threads"])) for record in records if acts[record["id"]]]
        for at, (act, mine) in enumerate(known):
            for other, theirs in known[:at]:
                together, right = bool(mine & theirs), thread[act] == thread[other]
                self.n["pairs told"] += together
                self.n["pairs right"] += together and right
                self.n["pairs wanted"] += right

    def alerts(self, one, alerts, acts, extracted, explain):
        n, times, named = self.n, collections.Counter(), set()
        for alert in alerts:
            act = acts.get(alert["claim"]["id"])
            named |= {act} | {acts.get(other) for other in alert["also"]} | {acts.get(answer["claim"]) for answer in alert["answers"]}
            if alert["type"] in NEW:
                n["alerts"] += 1
                n["false"] += act is None
                times[act] += act is not None
        n["doubled"] += sum(count - 1 for count in times.values() if count)
        fresh = {}
        for doc in one["documents"]:
            for claim in doc["claims"]:
                fresh.setdefault(claim["act"], not claim["background"])
        for act in (act for act, is_fresh in fresh.items() if is_fresh):
            n["acts"] += 1
            n["missed"] += act not in named
            n["acts found"] += act in extracted
            n["missed of found"] += act in extracted and act not in named
            if explain and act in extracted and act not in named:
                print(f"{one['id']} held back: {act}")
        if explain:
            for act, count in times.items():
                if count > 1:
                    print(f"{one['id']} doubled: {act} {count}")

    def table(self):
        n = self.n
        share = lambda part, whole: f"{100 * n[part] / n[whole]:5.1f} % of {n[whole]}" if n[whole] else "none"
        precision, recall = (n["pairs right"] / max(1, n[key]) for key in ("pairs told", "pairs wanted"))
        return "\n".join([
            f"links        precision {share('links right', 'links')}, recall {share('answers linked', 'answers')}",
            f"  across     precision {share('across right', 'across')}, recall {share('answers across linked', 'answers across')}",
            f"threads      precision {100 * precision:.1f} %, recall {100 * recall:.1f} %, F1 {200 * precision * recall / max(1e-9, precision + recall):.1f}",
            f"doubled      {share('doubled', 'alerts')} alerts",
            f"missed       {share('missed', 'acts')} acts; {share('missed of found', 'acts found')} that the extractor finds",
            f"false        {share('false', 'alerts')} alerts"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gainsay")
    parser.add_argument("shared")
    parser.add_argument("sets", nargs="*", default=sorted(HERE.glob("*.jsonl")))
    parser.add_argument("--explain", action="store_true")
    args = parser.parse_args()
    for path in args.sets:
        figures = Figures()
        sets = with_texts(lines(path), args.shared)
        with tempfile.TemporaryDirectory() as folder:
            for one in sets:
                figures.add(args.gainsay, one, Path(folder), args.explain)
        print(f"{Path(path).name}: {len(sets)} sets, {sum(len(one['documents']) for one in sets)} documents\n{figures.table()}\n")


if __name__ == "__main__":
    main()
