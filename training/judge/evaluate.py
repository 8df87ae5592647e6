"""What a network finds in articles, and what that scores on the development articles.

    python training/judge/evaluate.py --shared ../shared --reader target/release/examples/read --base MINILM WEIGHTS…

prints the settings of a model file, how scores become probabilities, fitted on the development articles, and figures by threshold. Speakers are
the program's part and not scored here."""
import argparse
import importlib.util
import json
import math
from collections import defaultdict
from pathlib import Path

import torch
from torch.nn import functional as F

import articles
from network import Judge, averaged
from windows import add_acts, batch_of, pieces, windows

OUTSIDE_BIAS, CUE_MIN = 4.0, 0.01
BOUND = 1e-4
# Pieces of a window as the program cuts them, shorter than in training.
PROGRAM_PIECES_MAX = 384


def scorer(shared):
    spec = importlib.util.spec_from_file_location("score_claims", Path(shared) / "bench/score_claims.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def viterbi(scores):
    """scores [W, labels] -> the likeliest labels in which spans go on only where they began"""
    labels = scores.shape[1]
    allowed = torch.tensor([[to == 0 or to % 2 == 1 or start in (to, to - 1) for to in range(labels)] for start in range(labels)])
    steps = torch.where(allowed, 0.0, -1e9)
    best = scores[0].clone()
    best[2::2] = -1e9
    origins = []
    for row in scores[1:]:
        value, origin = (best[:, None] + steps).max(0)
        best = value + row
        origins.append(origin)
    path = [int(best.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def cue_spans(labels):
    """-> (first, last, class)"""
    found, at = [], 0
    while at < len(labels):
        end = at + 1
        if labels[at] % 2 == 1:
            while end < len(labels) and labels[end] == labels[at] + 1:
                end += 1
            found.append((at, end - 1, (labels[at] - 1) // 2))
        at = end
    return found


def log_odds(probability):
    probability = min(max(probability, BOUND), 1 - BOUND)
    return math.log(probability / (1 - probability))


@torch.no_grad()
def acts_of(judge, found_in):
    """Every possible claim of the articles: {article id: [{"kind", "cue", "sent" (log odds), "s", "f", "l", "con", "bg", "links"}]}"""
    judge.eval()
    result = defaultdict(list)
    items = [({**one, "claims": []}, *window) for one in found_in for window in windows(one, maxlen=PROGRAM_PIECES_MAX)]
    items.sort(key=pieces)
    batches, batch_items = [], []
    for item in items:
        if batch_items and (len(batch_items) + 1) * pieces(item) > 6000:
            batches.append(batch_items)
            batch_items = []
        batch_items.append(item)
    for batch_items in [*batches, batch_items]:
        batch = batch_of(batch_items, maxlen=PROGRAM_PIECES_MAX)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = judge(batch)
        cues, kinds = F.softmax(out["cue"][..., :11].float(), -1), out["sent"].float().clamp(-8, 8)
        acts, told = [], []
        for window, (row, (article, sentences, judged)) in enumerate(zip(batch["rows"], batch_items)):
            for sentence in (at for at in sentences if at in judged):
                words = [row["words"][sentence, at] for at in range(len(article["sents"][sentence]["wp"])) if (sentence, at) in row["words"]]
                if not words:
                    continue
                rows = cues[window, words]
                scores = rows.clamp_min(1e-6).log()
                scores[:, 0] -= OUTSIDE_BIAS
                for first, last, _ in cue_spans(viterbi(scores)):
                    mass = [float(rows[first:last + 1, [1 + 2 * kind, 2 + 2 * kind]].sum(-1).max()) for kind in range(5)]
                    if max(mass) < CUE_MIN:
                        continue
                    kind = max(range(5), key=mass.__getitem__)
                    acts.append((window, words[0] + first, words[0] + last, kind, sentence))
                    told.append({"kind": kind, "cue": log_odds(mass[kind]), "sent": float(kinds[window, row["ends"][sentence], kind]),
                                 "s": sentence, "f": first, "l": last})
        add_acts(batch, acts)
        if not acts:
            continue
        pairs = [(i, j) for i, one in enumerate(acts) for j, other in enumerate(acts) if one[3] != 0 and other[3] == 0 and one[0] == other[0]]
        batch["lp"] = torch.tensor(pairs, dtype=torch.long).view(-1, 2)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            said = judge.acts(out["words"], batch)
        for number, (act, one) in enumerate(zip(acts, told)):
            article = batch_items[act[0]][0]
            place = {word: position for position, word in batch["rows"][act[0]]["words"].items()}
            view = [place[word] for word, is_one in zip(batch["ax"][number].tolist(), batch["am"][number].tolist()) if is_one]
            scores = F.log_softmax(said["arg"][number, :len(view)].float(), -1)
            one["con"] = []
            for sentence in dict.fromkeys(position[0] for position in view):
                at = [index for index, position in enumerate(view) if position[0] == sentence]
                one["con"] += [(sentence, view[at[first]][1], view[at[last]][1]) for first, last, kind in cue_spans(viterbi(scores[at])) if kind == 1]
            one["bg"] = float(torch.sigmoid(said["bg"][number].float()))
            scores = [float(said["lnull"][number])] + [float(said["link"][at]) for at, pair in enumerate(pairs) if pair[0] == number]
            most = max(scores)
            powers = [math.exp(score - most) for score in scores]
            one["links"] = [(told[pair[1]], power / sum(powers)) for power, pair in zip(powers[1:], (pair for pair in pairs if pair[0] == number))]
            result[article["id"]].append(one)
    return result


def predictions(article, acts, probability, threshold):
    span = lambda sentence, first, last: [article["sents"][sentence]["span"][first][0], article["sents"][sentence]["span"][last][1]]
    taken = [act for act in acts if probability(act) >= threshold]
    number = {id(act): f"c{at}" for at, act in enumerate(taken)}
    return [{"id": number[id(act)], "kind": articles.KINDS[act["kind"]], "cue": span(act["s"], act["f"], act["l"]), "speaker": None,
             "content": [span(*piece) for piece in act["con"]], "background": act["bg"] > 0.5,
             "answers": [number[id(other)] for other, sure in act["links"] if id(other) in number and sure >= 0.25]} for act in taken]


def fitted(dev, acts, shared):
    """Weights of cue, sentence and bias under which the probability of an act fits best whether it is annotated."""
    score = scorer(shared)
    gold = {one["id"]: one for one in articles.lines(Path(shared) / "gold/dev.jsonl")}
    rows, labels = [], []
    for article in dev:
        found = predictions(article, acts[article["id"]], lambda _: 1.0, 0.0)
        right = {id(one) for _, one in score.match_article(gold[article["id"]], found)}
        for act, one in zip(acts[article["id"]], found):
            rows.append([act["cue"], act["sent"], 1.0])
            labels.append(float(id(one) in right))
    rows, labels = torch.tensor(rows), torch.tensor(labels)
    weights = torch.tensor([0.5, 0.5, 0.0], requires_grad=True)
    steps = torch.optim.LBFGS([weights], max_iter=200)

    def loss():
        steps.zero_grad()
        value = F.binary_cross_entropy_with_logits(rows @ weights, labels) + 1e-3 * (weights[:2] ** 2).sum()
        value.backward()
        return value

    steps.step(loss)
    return [round(value, 3) for value in weights.tolist()]


def by_threshold(dev, acts, shared, weights):
    score = scorer(shared)
    gold = articles.lines(Path(shared) / "gold/dev.jsonl")
    probability = lambda act: 1 / (1 + math.exp(-(weights[0] * act["cue"] + weights[1] * act["sent"] + weights[2])))
    for threshold in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7):
        yield threshold, score.score(gold, {one["id"]: predictions(one, acts[one["id"]], probability, threshold) for one in dev})[0]


def figures(dev, acts, shared):
    """The best detection F1 of allegations and denials over thresholds, in one line."""
    weights = fitted(dev, acts, shared)
    threshold, best = max(by_threshold(dev, acts, shared, weights), key=lambda one: one[1]["detect_alerts"]["f1"])
    return {"threshold": threshold, **best["detect_alerts"], "content": best["content_acc"], "links": (best["link_recall"], best["link_precision"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("weights", nargs="+", help="of several runs, their mean")
    args = parser.parse_args()
    judge = Judge(args.base)
    judge.load_state_dict(averaged(args.weights))
    dev = articles.load(args.shared / "gold/dev.jsonl", args.reader, articles.Vocabulary(Path(args.base) / "vocab.txt"))
    acts = acts_of(judge, dev)
    weights = fitted(dev, acts, args.shared)
    print(json.dumps(dict(zip(("cue", "sentence", "bias"), weights))))
    for threshold, found in by_threshold(dev, acts, args.shared, weights):
        print(threshold, found["detect_alerts"], "content", found["content_acc"], "links", found["link_recall"], found["link_precision"])


if __name__ == "__main__":
    main()
