#!/usr/bin/env python3
"""Counts how often the wordings of config/lexicon/plain.txt are what they say, and writes their shares.

    python training/plain.py ../shared [--write]

A wording's share is (right + 1) / (found + 2), over the training articles (../shared/gold/train.jsonl and labels/articles.jsonl) and short texts
(labels/short.jsonl), of acts in the first three sentences alone, where the program goes by them: right is one where an act of its kind is annotated at its cue, for `none` where an act of any kind lies within it. So a wording
that is met seldom has a share near a half. Prints a line for each: share, found, right, pattern. --write puts the shares into the file. Standard
library only; no development article is looked at."""
import gzip
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORDINGS = HERE.parent / "config/lexicon/plain.txt"
# As `plain::is_doubted` of the program has it.
DOUBT = frozenset("not no never nothing none nobody neither nor cannot without hardly barely if would could might may should whether unless until will "
                  "shall can must expected likely going plan plans expect".split())
PARTICLES = ("to", "did", "of")
DOUBT_REACH, PARTICLE_REACH = 5, 3
# Sentences in which a wording tells of an act by itself.
OPENING_SENTENCES = 3
TOKEN = re.compile(r"[\w’']+|[^\w\s]")
BOUND = re.compile(r"(?<=[.!?])[\"”'’)]*\s+(?=[\"“‘'(A-Z])|\n+")
TITLE = re.compile(r"\b(Mr|Mrs|Ms|Dr|Sen|Gov|Rep|Gen|Lt|Col|Sgt|St|U\.S|No|Jr|Jan|Feb|Aug|Sept|Oct|Nov|Dec|[A-Z])\.$")


def lines(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf8") as source:
        return [json.loads(line) for line in source if line.strip()]


def sentences(text):
    start = 0
    for bound in BOUND.finditer(text):
        if not TITLE.search(text[start:bound.start()]):
            yield start, bound.end()
            start = bound.end()
    yield start, len(text)


def documents(shared):
    """-> (text, [(kind, start, end of the cue)]) of everything that is annotated for training"""
    for one in lines(shared / "gold/train.jsonl") + lines(HERE / "labels/short.jsonl"):
        yield one["text"], one["claims"]
    labels = {(one["set"], one["id"]): one for one in lines(HERE / "labels/articles.jsonl")}
    for name in sorted({name for name, _ in labels}):
        for raw in lines(shared / f"data/{name}.jsonl.gz"):
            label = labels.get((name, str(raw["id"])))
            if label:
                title = raw.get("title") or ""
                text = f"{title}\n{raw['text']}" if title else raw["text"]
                yield text[:label["end"]], label["claims"]


def is_doubted(sentence, cue):
    words = [word.lower().replace("’", "'") for word in TOKEN.findall(sentence[:cue])]
    for distance, word in enumerate(reversed(words[-DOUBT_REACH:])):
        if not word[0].isalnum():
            break
        if word in DOUBT or word.endswith("n't") or word in PARTICLES and distance < PARTICLE_REACH:
            return True
    return sentence.rstrip("\"”'’ \n").endswith("?") or sentence.lstrip("\"“ ").lower().startswith("if ")


def count(wordings, shared):
    counts = [[0, 0] for _ in wordings]
    for text, claims in documents(shared):
        cues = [(claim["kind"], *claim["cue"]) for claim in claims]
        for number, (start, end) in enumerate(sentences(text)):
            sentence = text[start:end]
            here = [(kind, first - start, last - start) for kind, first, last in cues if start <= first < end]
            for counted, (kind, pattern) in zip(counts, wordings):
                for found in pattern.finditer(sentence):
                    first, last = found.span(1) if pattern.groups and found.group(1) else found.span()
                    if kind == "none":
                        is_right = any(first <= cue and after <= last for _, cue, after in here)
                    elif number >= OPENING_SENTENCES or is_doubted(sentence, first):
                        continue
                    else:
                        is_right = any(one == kind and cue < last and first < after for one, cue, after in here)
                    counted[0] += 1
                    counted[1] += is_right
    return counts


def main():
    text = WORDINGS.read_text(encoding="utf8").splitlines()
    places = [number for number, line in enumerate(text) if line and not line.startswith("#")]
    parts = [text[number].split(" ", 2) for number in places]
    wordings = [(kind, re.compile(pattern, re.IGNORECASE | re.ASCII)) for kind, _, pattern in parts]
    for number, (kind, _, pattern), (found, right) in zip(places, parts, count(wordings, Path(sys.argv[1]))):
        share = f"{(right + 1) / (found + 2):.2f}"
        print(kind, share, found, right, pattern, sep="\t")
        text[number] = f"{kind} {share} {pattern}"
    if "--write" in sys.argv:
        WORDINGS.write_text("\n".join(text) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
