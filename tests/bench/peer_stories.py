#!/usr/bin/env python3
"""Peers of `gainsay stories`: near-duplicates by MinHash, in the form that score_stories.py reads.

    peer_stories.py gaoya|rensa|datasketch ARCHIVE.jsonl[.gz] > STORIES.jsonl

Each with the setting that had the best B-cubed F1 of those tried on a stream of wire copies: gaoya over word pairs, 64 bands of 2; rensa over
triples, 64 bands of 2; datasketch over triples, 256 hashes in 128 bands of 2; estimated Jaccard similarity 0.30 or more for all. A document
joins the stories of all earlier documents that it matches.
"""
import gzip
import html
import json
import re
import sys

THRESHOLD = 0.30


def clean(text):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text))).strip()


def shingles(text, words=3):
    found = re.findall(r"\w+", text.lower())
    return list({" ".join(found[at:at + words]) for at in range(max(1, len(found) - words + 1))})


class Gaoya:
    def __init__(self):
        import gaoya
        self.index = gaoya.minhash.MinHashStringIndex(
            hash_size=32, jaccard_threshold=THRESHOLD, num_bands=64, band_size=2, num_hashes=128, analyzer="word", lowercase=True,
            ngram_range=(2, 2))

    def take(self, place, text):
        """The earlier documents that the text matches; it is put in as document `place`."""
        matches = self.index.query(text)
        self.index.insert_document(place, text)
        return matches


class Rensa:
    def __init__(self):
        import rensa
        self.new = lambda: rensa.RMinHash(num_perm=128, seed=42)
        self.index = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=128, num_bands=64)
        self.hashes = []

    def take(self, place, text):
        found = self.new()
        found.update(shingles(text))
        matches = [other for other in self.index.query(found) if found.jaccard(self.hashes[other]) >= THRESHOLD]
        self.index.insert(place, found)
        self.hashes.append(found)
        return matches


class Datasketch:
    def __init__(self):
        import datasketch
        self.new = lambda: datasketch.MinHash(num_perm=256, seed=1)
        self.index = datasketch.MinHashLSH(num_perm=256, params=(128, 2))
        self.hashes = []

    def take(self, place, text):
        found = self.new()
        found.update_batch([shingle.encode() for shingle in shingles(text)])
        matches = [other for other in self.index.query(found) if found.jaccard(self.hashes[other]) >= THRESHOLD]
        self.index.insert(place, found)
        self.hashes.append(found)
        return matches


ENGINES = {"gaoya": Gaoya, "rensa": Rensa, "datasketch": Datasketch}


def main():
    name, path = sys.argv[1:3]
    engine = ENGINES[name]()
    parent, ids = [], []

    def story(place):
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    with (gzip.open(path, "rt", encoding="utf8") if path.endswith(".gz") else open(path, encoding="utf8")) as lines:
        for place, line in enumerate(lines):
            document = json.loads(line)
            text = clean((document.get("title") or "") + " " + document["text"])
            ids.append(document["id"])
            parent.append(place)
            for match in engine.take(place, text):
                one, other = sorted((story(place), story(match)))
                parent[other] = one
    for place, name in enumerate(ids):
        print(json.dumps({"document": name, "story": story(place)}))


if __name__ == "__main__":
    main()
