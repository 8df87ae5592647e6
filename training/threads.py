#!/usr/bin/env python3
"""Weights of the signs of `src/link/likeness.rs`: a logistic regression in which each sign's direction is given.

    cargo run --release --example threads -- SETS.jsonl ... > measures.jsonl
    python training/threads.py measures.jsonl [--held dev]
    python training/threads.py training/labels/pairs.jsonl --read

Prints the weights in hundredths as the table of that file. `--held PREFIX` leaves the sets out whose name begins so and prints how the weights
order their pairs: recall at a precision. Pairs of different sets count for a fifth: they are easy and many.
`--read` takes pairs that `training/pairs.rs` drew from real archives and readers labelled, and prints how many are of one matter, by log odds less half the
logarithm of the number of candidates (at least eight): what the thresholds of `src/pipeline/earlier.rs` are chosen by."""
import argparse
import collections
import json
import math

import numpy as np
from scipy.optimize import minimize

FOR = "Contained Common CommonCount InSentence InContext KnownInSentence KnownInContext Matter MatterInSentence MatterOfSentences Context Names RarestName NameShare Figures SamePerson SameSide SameRole SameTarget Later AccusedAnswers AnswererInSentence AnswererInContext AccuserNamed AccusedNamed OwnTakenBack".split()
AGAINST = "NoMatter NoName NoNameInSentence OtherFigures Apart Opposed OtherSpeaker OtherDescribed OtherTarget Mutual Own AgainstOther NoComment Confirmation Retraction".split()
APART_WEIGHT = 0.2
RIDGE = 1.0


def fit(rows, signs):
    seen = np.array([[row["measures"][sign] for sign in signs] for row in rows])
    label = np.array([float(row["label"]) for row in rows])
    weight = np.array([APART_WEIGHT if row["set"] == "apart" else 1.0 for row in rows])
    bounds = [(0, None) if sign in FOR else (None, 0) if sign in AGAINST else (None, None) for sign in signs]
    penalty = np.array([0.0 if sign == "Base" else RIDGE for sign in signs])

    def loss(at):
        odds = seen @ at
        wrong = weight * (1 / (1 + np.exp(-odds)) - label)
        return (weight * (np.logaddexp(0, odds) - label * odds)).sum() + 0.5 * (penalty * at**2).sum(), seen.T @ wrong + penalty * at

    return minimize(loss, np.zeros(len(signs)), jac=True, bounds=bounds, method="L-BFGS-B").x


def read(path):
    pairs = [json.loads(line) for line in open(path, encoding="utf8")]
    for relation in ("Matter", "Repeat", "Answer"):
        of = [pair for pair in pairs if pair["relation"] == relation]
        for least in (-0.6, -0.2, 0.2, 0.6, 0.9, 1.2):
            odds = lambda pair: math.log(pair["probability"] / (1 - pair["probability"])) - 0.5 * math.log(max(8, pair["candidates"]))
            told = [pair for pair in of if odds(pair) >= least]
            print(f"{relation} from {least:4.1f}: {sum(pair['matter'] for pair in told)} of {len(told)} are of one matter, of {len(of)} pairs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures")
    parser.add_argument("--held", default="-")
    parser.add_argument("--read", action="store_true")
    args = parser.parse_args()
    if args.read:
        return read(args.measures)
    relations = collections.defaultdict(list)
    for line in open(args.measures, encoding="utf8"):
        row = json.loads(line)
        relations[row["relation"]].append(row)
    for relation, rows in sorted(relations.items()):
        signs = sorted(rows[0]["measures"])
        taught = [row for row in rows if not row["set"].startswith(args.held)]
        held = [row for row in rows if row["set"].startswith(args.held)]
        weights = fit(taught, signs)
        print(f"{relation}: {len(taught)} pairs, {sum(row['label'] for row in taught)} belong together")
        if held:
            odds = np.array([[row["measures"][sign] for sign in signs] for row in held]) @ weights
            label = np.array([row["label"] for row in held])[np.argsort(-odds)]
            right, order = np.cumsum(label), np.sort(-odds)
            for least in (0.95, 0.9, 0.85, 0.8, 0.75):
                reached = np.where(right / np.arange(1, len(label) + 1) >= least)[0]
                if len(reached):
                    at = reached[-1]
                    print(f"  precision {least:.2f}: recall {right[at] / label.sum():.2f} from probability {1 / (1 + np.exp(order[at])):.2f}")
        print("  " + ", ".join(f"{sign} {round(100 * weight)}" for sign, weight in zip(signs, weights) if round(100 * weight)))


if __name__ == "__main__":
    main()
