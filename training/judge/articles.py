"""Readings of the program and annotations in, articles as the networks are trained on them out.

A reading is what `cargo run --example read` prints: sentences of tokens [start, end, folded word, shape, is quoted], offsets in code points.
An article is a dict:
  id, text, headline   whether its first sentence is one
  sents                for each sentence {"wp": wordpieces of each token, "shape", "q", "span"}
  claims               for each annotated act {"id", "kind" (0 to 4 of a claim, 5 of a statement), "s", "f", "l" (sentence, first and last token of the
                       cue), "src", "con" (lists of spans, each a list of (sentence, token)), "bg", "ans"}
  pn                   whether it is annotated with statements instead of claims
"""
import gzip
import json
import re
import subprocess
from pathlib import Path

KINDS = ["allegation", "denial", "confirmation", "no_comment", "retraction"]
STATEMENT = 5
PIECES_MAX = 12
PARTS = re.compile(r"[^\W_]+|[\W_]")


class Vocabulary:
    """Wordpieces: the longest piece that a word starts with, again and again."""

    def __init__(self, path):
        with open(path, encoding="utf8") as lines:
            pieces = [line.rstrip("\n") for line in lines]
        # MPNet's is BERT's with four marks before it; the network moves the numbers itself.
        moved = pieces.index("[PAD]") if "[PAD]" in pieces else 0
        self.number = {piece: number - moved for number, piece in enumerate(pieces) if number >= moved}
        self.known = {}

    def __call__(self, token):
        if token not in self.known:
            pieces = [piece for part in PARTS.findall(token) for piece in self.part(part)]
            self.known[token] = pieces[:PIECES_MAX] or [self.number["[UNK]"]]
        return self.known[token]

    def part(self, word):
        found, at = [], 0
        while at < len(word):
            prefix = "##" if at else ""
            end = next((end for end in range(len(word), at, -1) if prefix + word[at:end] in self.number), None)
            if end is None:
                return [self.number["[UNK]"]]
            found.append(self.number[prefix + word[at:end]])
            at = end
        return found


def lines(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf8") as source:
        return [json.loads(line) for line in source if line.strip()]


def readings(articles, reader):
    """What the program reads in articles {"id", "text", maybe "title"}: `reader` is the path of the built example `read`."""
    wanted = ({"id": str(one["id"]), "title": one.get("title") or "", "text": one.get("text") or ""} for one in articles)
    given = "".join(json.dumps(one) + "\n" for one in wanted)
    done = subprocess.run([reader], input=given, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def article(reading, raw, vocabulary):
    """One article; `raw` is its annotation, None where there is none."""
    out = {"id": reading["id"], "headline": reading["headline"], "text": reading["text"], "sents": [], "claims": [], "pn": False}
    flat = []
    for number, sentence in enumerate(reading["sentences"]):
        out["sents"].append({
            "wp": [vocabulary(token[2]) for token in sentence], "shape": [token[3] for token in sentence],
            "q": [token[4] for token in sentence], "span": [(token[0], token[1]) for token in sentence]})
        flat += [(token[0], token[1], number, at, token[2]) for at, token in enumerate(sentence)]
    if raw is None:
        return out

    def touched(span):
        return [(sentence, at) for start, end, sentence, at, _ in flat if start < span[1] and end > span[0]]

    def act(cue_span, kind, sources, contents, more):
        cue = touched(cue_span)
        if not cue:
            return
        sentence = cue[0][0]
        cue = [at for number, at in cue if number == sentence]
        spans = lambda given: [span for span in map(touched, given) if span]
        out["claims"].append({"kind": kind, "s": sentence, "f": cue[0], "l": cue[-1], "src": spans(sources), "con": spans(contents), **more})

    for claim in raw.get("claims", []):
        source = [claim["source"]] if claim["source"] else []
        act(claim["cue"], KINDS.index(claim["kind"]), source, claim["content"],
            {"id": claim["id"], "bg": bool(claim["background"]), "ans": claim["answers"]})
    nothing = {"id": None, "bg": False, "ans": []}
    for one in raw.get("attributions", []):
        out["pn"] = True
        if one["cue"]:
            act(one["cue"][0], STATEMENT, one["source"], one["content"], nothing)
    return out


def load(path, reader, vocabulary):
    """Annotated articles of one file."""
    raws = lines(path)
    known = {str(raw["id"]): raw for raw in raws}
    return [article(reading, known[reading["id"]], vocabulary) for reading in readings(raws, reader)]


def labelled(folder, shared, reader, vocabulary):
    """The articles and short texts that were annotated for training alone: labels by offsets of `folder`/articles.jsonl, their texts from the archives
    of `shared`, cut at `end`; `folder`/short.jsonl holds its texts itself. -> (articles, short texts)"""
    labels = {one["id"]: one for one in lines(Path(folder) / "articles.jsonl")}
    texts = []
    for name in sorted({one["set"] for one in labels.values()}):
        for raw in lines(Path(shared) / f"data/{name}.jsonl.gz"):
            label = labels.get(str(raw["id"]))
            if label is not None and label["set"] == name:
                title = raw.get("title") or ""
                texts.append({"id": raw["id"], "title": title, "text": raw["text"][:label["end"] - (len(title) + 1 if title else 0)]})
    if len(texts) < len(labels):
        raise SystemExit(f"{len(labels) - len(texts)} labelled articles are in no archive")
    short = lines(Path(folder) / "short.jsonl")
    known = labels | {one["id"]: one for one in short}
    read = lambda wanted: [article(reading, known[reading["id"]], vocabulary) for reading in readings(wanted, reader)]
    return read(texts), read(short)


CUE = re.compile(r"\b(den(y|ies|ied|ying|ial)|accus|alleg|claim|reject|dismiss|refut|lawsuit|sued|charg|blam|admit|confirm|comment|baseless|false|"
                 r"fabricat|report(edly|s that)|apolog|retract)", re.I)


def unlabelled(path, count, reader, vocabulary, rng):
    """`count` articles without annotation, 65 of 100 rich in the words that claims are told with, as the annotated ones are; none that alerts are
    judged on."""
    judged = {one["id"] for one in lines(Path(__file__).parents[2] / "tests/bench/random.jsonl")}
    rich, other = [], []
    for one in (one for one in lines(path) if str(one["id"]) not in judged):
        text = f'{one.get("title") or ""}\n{one.get("text") or ""}'[:2400]
        (rich if len(CUE.findall(text)) >= 3 else other).append(one)
    rng.shuffle(rich)
    rng.shuffle(other)
    taken = rich[:int(count * 0.65)]
    taken += other[:count - len(taken)]
    return [article(reading, None, vocabulary) for reading in readings(taken, reader)]
