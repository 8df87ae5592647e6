#!/usr/bin/env python3
"""Weights of the signs of `src/link/likeness.rs`: a logistic regression in which each sign's direction is given.

    cargo run --release --example threads -- SETS.jsonl ... > measures.jsonl
    python training/threads.py measures.jsonl [--held dev]

Prints the weights in hundredths as the table of that file. `--held PREFIX` leaves the sets out whose name begins so and prints how the weights
order their pairs: recall at a precision. Pairs of different sets count for a fifth: they are easy and many."""
import argparse
import collections
import json

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures")
    parser.add_argument("--held", default="-")
    args = parser.parse_args()
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
