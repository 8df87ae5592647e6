#!/usr/bin/env python3
"""Makes documents that have nothing in common, in the form of an archive: what a window of stories costs in memory is measured on them.

    distinct.py COUNT [WORDS] > ARCHIVE.jsonl

Each is WORDS made-up words long (252: 250 different triples of neighbouring words), drawn from 50,000; the same on every run.
"""
import json
import random
import sys

VOWELS, CONSONANTS = "aeiou", "bcdfghjklmnprstvz"


def word(rng):
    return "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randint(2, 4)))


def main():
    count = int(sys.argv[1])
    words = int(sys.argv[2]) if len(sys.argv) > 2 else 252
    rng = random.Random(1)
    known = sorted({word(rng) for _ in range(60_000)})[:50_000]
    for number in range(count):
        text = rng.choices(known, k=words)
        sentences = [" ".join(text[at:at + 18]).capitalize() + "." for at in range(0, words, 18)]
        minute = f"2024-10-31T{number // 60 % 24:02}:{number % 60:02}:00Z"
        print(json.dumps({"id": str(number), "feed": f"Outlet {number % 50}", "published": minute, "text": " ".join(sentences)}))


if __name__ == "__main__":
    main()
