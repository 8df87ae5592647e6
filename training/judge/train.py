"""Trains the judge's network: a teacher on annotated articles, or a student on them and on what its teacher says of others.

    python training/judge/train.py --shared ../shared --reader target/release/examples/read --base MPNET --out teacher.pt --freeze 4
    python training/judge/train.py --shared ../shared --reader target/release/examples/read --base MINILM --teacher teacher.pt --teacher-base MPNET --out student.pt

BASE is a folder with config.json, vocab.txt and model.safetensors. Seeded; prints what each epoch scores on the development articles."""
import argparse
import random
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import articles
import losses
from evaluate import acts_of, cue_spans, figures, viterbi
from network import Judge
from windows import add_acts, batch_of, packed, windows

CAPITALS, MASKED, DROPPED = 0.08, 0.06, 0.4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--init", help="weights to go on from")
    parser.add_argument("--labels", default=Path(__file__).parent.parent / "labels", help="folder of the articles and short texts annotated for training alone")
    parser.add_argument("--short", type=int, default=2, help="how often an epoch reads each of those short texts")
    parser.add_argument("--teacher")
    parser.add_argument("--teacher-base")
    parser.add_argument("--taught", type=int, default=60, help="batches an epoch that the teacher labels")
    parser.add_argument("--statements", type=float, default=0.15, help="share of the articles annotated with statements that an epoch reads")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rate", type=float, default=6e-5, help="step size of the encoder")
    parser.add_argument("--head-rate", type=float, default=5e-4)
    parser.add_argument("--layer-decay", type=float, default=0.92, help="factor of the step size from each layer to the one below")
    parser.add_argument("--freeze", type=int, default=0, help="lowest layers that stay as they were pretrained, the embeddings with them")
    parser.add_argument("--tokens", type=int, default=3000, help="wordpieces of a batch")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def optimiser(judge, args):
    layers = judge.enc.config.num_hidden_layers
    depth = lambda name: int(name.split(".layer.")[1].split(".")[0]) + 1 if ".layer." in name else 0
    groups = []
    for name, weight in judge.named_parameters():
        if name.startswith("enc."):
            if args.freeze and depth(name) <= args.freeze and not name.startswith("enc.encoder.relative"):
                weight.requires_grad = False
                continue
            rate = args.rate * args.layer_decay ** (layers - depth(name))
        else:
            rate = 3 * args.rate if name.startswith(("shape", "quoted", "head")) else args.head_rate
        groups.append({"params": [weight], "full": rate, "weight_decay": 0.01 if weight.dim() > 1 else 0.0})
    if args.freeze:
        for part in [judge.enc.embeddings, *list(judge.enc.encoder.layer)[:args.freeze]]:
            for module in part.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0
    return torch.optim.AdamW(groups, lr=args.rate, fused=True)


def teach(teacher, judge, batch, rng):
    """The loss of the student on windows without annotation: the teacher finds the acts, both say what they are."""
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        said = teacher(batch)
    claims, statements = (F.softmax(said["cue"][..., part].float(), -1) for part in (slice(0, 11), slice(11, 14)))
    acts = []
    for window, (row, (article, sentences, _)) in enumerate(zip(batch["rows"], batch["items"])):
        for sentence in sentences:
            words = [row["words"][sentence, at] for at in range(len(article["sents"][sentence]["wp"])) if (sentence, at) in row["words"]]
            if not words:
                continue
            rows = claims[window, words]
            if float(rows[:, 0].min()) < 0.8:
                scores = rows.clamp_min(1e-6).log()
                scores[:, 0] -= 2
                acts += [(window, words[0] + first, words[0] + last, kind, sentence) for first, last, kind in cue_spans(viterbi(scores))]
            rows = statements[window, words]
            if float(rows[:, 0].min()) < 0.5 and rng.random() < 0.5:
                for first, last, _ in cue_spans(viterbi(rows.clamp_min(1e-6).log())):
                    first, last = words[0] + first, words[0] + last
                    if not any(act[0] == window and act[1] <= last and first <= act[2] for act in acts):
                        acts.append((window, first, last, articles.STATEMENT, sentence))
    acts = acts[:90]
    add_acts(batch, acts)
    if acts:
        pairs = [(i, j) for i, one in enumerate(acts) for j, other in enumerate(acts) if one[3] not in (0, 5) and other[3] == 0 and one[0] == other[0]]
        batch["lp"] = torch.tensor(pairs, dtype=torch.long).view(-1, 2)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            said |= teacher.acts(said["words"], batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = judge(batch)
    return losses.taught(out, said, batch)


def main():
    args = arguments()
    torch.set_num_threads(2)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    vocabulary = articles.Vocabulary(Path(args.base) / "vocab.txt")
    if args.teacher:  # A student reads with the vocabulary of MiniLM; the teacher's is the same, moved.
        news = articles.unlabelled(args.shared / "data/newsroom-2016-2020.jsonl.gz", 5400, args.reader, vocabulary, rng)
        news += articles.unlabelled(args.shared / "data/reuters-1987.jsonl.gz", 1600, args.reader, vocabulary, rng)
        rng.shuffle(news)
        teacher = Judge(args.teacher_base)
        teacher.load_state_dict(torch.load(args.teacher))
        teacher.eval().requires_grad_(False).to(torch.bfloat16)
    gold = articles.load(args.shared / "gold/train.jsonl", args.reader, vocabulary)
    more, short = articles.labelled(args.labels, args.shared, args.reader, vocabulary)
    gold += more
    dev = articles.load(args.shared / "gold/dev.jsonl", args.reader, vocabulary)
    said = articles.load(args.shared / "data/polnear-train.jsonl.gz", args.reader, vocabulary)
    judge = Judge(args.base)
    if args.init:
        judge.load_state_dict(torch.load(args.init))
    steps = optimiser(judge, args)
    turn = 0

    def epoch():
        nonlocal turn
        read = [(one, *window) for one in gold for window in windows(one, drop=DROPPED, rng=rng)]
        read += [(one, *window) for one in short * args.short for window in windows(one)]
        read = packed(read, args.tokens, rng)
        some = [one for one in said if rng.random() < args.statements]
        read += packed([(one, *window) for one in some for window in windows(one, maxlen=320, context=1)], args.tokens, rng)
        found = [("annotated", batch) for batch in read]
        if args.teacher:
            items = []
            while len(items) < args.taught * 7:
                one = news[turn % len(news)]
                turn += 1
                cut = windows(one, drop=DROPPED, rng=rng)
                items += [(one, *cut[0])] if cut else []  # the head of the article, as the annotated ones are
                items += [(one, *rng.choice(cut[1:]))] if len(cut) > 2 and rng.random() < 0.3 else []
            found += [("taught", batch) for batch in packed(items, args.tokens, rng)[:args.taught]]
        rng.shuffle(found)
        return found

    batches, done, start = epoch(), 0, time.time()
    total = len(batches) * args.epochs
    for number in range(args.epochs):
        judge.train()
        for how, items in (batches if number == 0 else epoch()):
            done += 1
            share = min(1.0, done / (0.06 * total)) * max(0.02, 1 - done / total)
            for group in steps.param_groups:
                group["lr"] = group["full"] * share
            batch = batch_of(items, mask=MASKED, capitals=CAPITALS, rng=rng)
            if how == "taught":
                parts = teach(teacher, judge, batch, rng)
            else:
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    out = judge(batch)
                parts = losses.annotated(out, batch)
            steps.zero_grad()
            sum(parts.values()).backward()
            torch.nn.utils.clip_grad_norm_(judge.parameters(), 2.0)
            steps.step()
            if done % 50 == 0:
                print(done, {key: round(float(value), 3) for key, value in parts.items()}, round(time.time() - start), flush=True)
        torch.save(judge.state_dict(), args.out)
        print("epoch", number + 1, figures(dev, acts_of(judge, dev), args.shared), round(time.time() - start), flush=True)


if __name__ == "__main__":
    main()
