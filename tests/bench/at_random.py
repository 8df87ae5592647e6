"""How often an alert is right on articles that nobody picked: 300 of each archive, drawn at random and annotated whole (up to 7,000 characters).

`random.jsonl` beside this file has their ids and what was annotated, by offsets; the texts are the archives'. Used by figures.py."""
import gzip
import json
import math
import os

LABELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "random.jsonl")
# Code points of the body that a feed gives as a summary; cut behind a sentence.
SUMMARY = 320
ALERTS = ("allegation", "denial")


def sentences_end(text, limit):
    part = text[:limit]
    found = max(part.rfind(mark) for mark in (". ", ".\n", ".” ", '." ', ".”\n", '."\n'))
    return found + 1 if found > limit // 3 else limit


def articles(shared, short=False):
    """-> [{"id", "set", "text", "claims"}]; with `short`, title and summary alone"""
    labels = {}
    with open(LABELS, encoding="utf8") as lines:
        for line in lines:
            label = json.loads(line)
            labels[label["set"], label["id"]] = label
    found = []
    for name in sorted({name for name, _ in labels}):
        with gzip.open(os.path.join(shared, f"data/{name}.jsonl.gz"), "rt", encoding="utf8") as lines:
            for line in lines:
                raw = json.loads(line)
                label = labels.get((name, str(raw["id"])))
                if label is None:
                    continue
                title = raw["title"] or ""
                text = f"{title}\n{raw['text']}" if title else raw["text"]
                text = text[:label["end"]]
                if short:
                    text = text[:sentences_end(text, len(title) + 1 + SUMMARY)]
                claims = [claim for claim in label["claims"] if claim["cue"][1] <= len(text)]
                found.append({"id": f"{name} {label['id']}", "set": name, "text": text, "claims": claims})
    return found


def interval(right, count):
    """Wilson's 95 % interval of a share."""
    if not count:
        return 0.0, 1.0
    share, z = right / count, 1.96
    middle, spread = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)


def matched(gold, told):
    """The told claims that are annotated: of the same kind, the cue in the same sentence, one to one, overlapping cues first."""
    pairs = []
    for i, claim in enumerate(gold):
        for j, one in enumerate(told):
            inside = one["sentence"]["start"] <= claim["cue"][0] < one["sentence"]["end"]
            if claim["kind"] == one["kind"] and inside:
                apart = not (claim["cue"][0] < one["cue"]["end"] and one["cue"]["start"] < claim["cue"][1])
                pairs.append((apart, i, j))
    mine, theirs = set(), set()
    for _, i, j in sorted(pairs):
        if i not in mine and j not in theirs:
            mine.add(i)
            theirs.add(j)
    return theirs


def rows(found, predicted, threshold):
    """A table row for each archive; `predicted`: lines of `gainsay extract` by document."""
    counts = {}
    for article in found:
        told = [one for one in predicted.get(article["id"], []) if one["kind"] in ALERTS and one["confidence"] >= threshold]
        gold = [claim for claim in article["claims"] if claim["kind"] in ALERTS]
        right = matched(gold, told)
        row = counts.setdefault(article["set"], [0] * 5)
        new = [j for j, one in enumerate(told) if not one["background"]]
        for place, more in enumerate((1, len(new), sum(j in right for j in new), len(gold), len(right))):
            row[place] += more
    lines = []
    for name, (read, new, right, gold, covered) in sorted(counts.items()):
        low, high = interval(right, new)
        lines.append(f"{name} | {new} | {1000 * new / read:.0f} | {right / max(1, new):.1%} ({low:.0%} to {high:.0%}) | {covered / max(1, gold):.1%} of {gold}")
    return lines
