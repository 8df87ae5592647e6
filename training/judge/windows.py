"""Windows: articles in, batches of tensors out; cut by length alone, longer than the program's and each with the headline. The program
(src/extract/judge/window.rs) ends its windows where the text says so and gives the headline to the first alone, so that what it judged can be kept."""
import torch

START, END, MASK = 101, 102, 103
HEADLINE_PIECES_MAX, SENTENCE_PIECES_MAX = 79, 200


def windows(article, maxlen=512, context=2, drop=0.0, rng=None):
    """-> list of (sentences in the window, those that it decides on); with `drop`, half of the windows lose that share of the sentences that are
    away from all claims, as the screen drops them"""
    sents = article["sents"]
    size = [sum(map(len, one["wp"])) + 1 for one in sents]
    keep = list(range(len(sents)))
    if drop and rng.random() < 0.5:
        near = {claim["s"] + step for claim in article["claims"] for step in (-1, 0, 1)}
        keep = [at for at in keep if (at == 0 and article["headline"]) or at in near or rng.random() > drop]
    keep = [at for at in keep if sents[at]["wp"]]
    head = [0] if article["headline"] and keep and keep[0] == 0 else []
    body = keep[len(head):]
    if not body:
        return [(head, set(head))] if head else []
    base = 1 + sum(min(size[at], HEADLINE_PIECES_MAX + 1) for at in head)
    found, at = [], 0
    while at < len(body):
        first = end = max(0, at - context)
        total = base
        while end < len(body) and (total + min(size[body[end]], SENTENCE_PIECES_MAX + 1) <= maxlen or end <= at):
            total += min(size[body[end]], SENTENCE_PIECES_MAX + 1)
            end += 1
        judged = end if end == len(body) else max(at + 1, end - 1)
        found.append((head + body[first:end], set(body[at:judged]) | (set(head) if at == 0 else set())))
        at = judged
    return found


def pieces(item):
    article, sentences, _ = item
    return sum(len(word) for at in sentences for word in article["sents"][at]["wp"])


def packed(items, tokens_max, rng):
    """items in batches of at most `tokens_max` wordpieces with their padding, windows of like length together"""
    rng.shuffle(items)
    batches = []
    for at in range(0, len(items), 200):
        batch = []
        for item in sorted(items[at:at + 200], key=pieces):
            if batch and (len(batch) + 1) * pieces(item) > tokens_max:
                batches.append(batch)
                batch = []
            batch.append(item)
        if batch:
            batches.append(batch)
    return batches


def batch_of(items, maxlen=512, mask=0.0, capitals=0.0, rng=None):
    """items (article, sentences, judged) -> tensors: B windows of T wordpieces and W words (each sentence's end is one), C annotated acts

    ids, shape, q, hd, mask [B, T]; first [B, W] the first wordpiece of each word; wm [B, W] whether it is one; lab, st [B, W] labels of claims' and
    statements' cues, -100 where none count; sl [B, W, 5], sm [B, W] kinds of the sentence at its end; for acts see `add_acts` and `add_labels`."""
    rows = []
    for article, sentences, _ in items:
        ids, shape, quoted, heading, first, words, ends = [START], [0], [0], [0], [], {}, {}
        shout = capitals and rng.random() < capitals
        for at in sentences:
            one = article["sents"][at]
            is_headline = int(at == 0 and article["headline"])
            used, most = 0, HEADLINE_PIECES_MAX if is_headline else SENTENCE_PIECES_MAX
            for number, word in enumerate(one["wp"]):
                if len(ids) + len(word) >= maxlen - 1 or used + len(word) >= most:
                    break
                used += len(word)
                words[at, number] = len(first)
                first.append(len(ids))
                hidden = mask and rng.random() < mask
                form = 3 if shout and is_headline and one["shape"][number] in (1, 2, 4) else one["shape"][number]
                for piece in word:
                    ids.append(MASK if hidden else piece)
                    shape.append(form)
                    quoted.append(one["q"][number])
                    heading.append(is_headline)
            ends[at] = len(first)
            first.append(len(ids))
            ids.append(END)
            shape.append(0)
            quoted.append(0)
            heading.append(is_headline)
        rows.append({"ids": ids, "shape": shape, "q": quoted, "hd": heading, "first": first, "words": words, "ends": ends})
    size, longest, most = len(items), max(len(row["ids"]) for row in rows), max(len(row["first"]) for row in rows)
    table = lambda width, fill=0: torch.full((size, width), fill, dtype=torch.long)
    batch = {key: table(longest) for key in ("ids", "shape", "q", "hd", "mask")}
    batch |= {"first": table(most), "wm": torch.zeros(size, most, dtype=torch.bool), "lab": table(most, -100), "st": table(most, -100),
              "sl": torch.zeros(size, most, 5), "sm": torch.zeros(size, most), "rows": rows, "items": items}
    acts = []
    for number, (row, (article, _, _)) in enumerate(zip(rows, items)):
        for key in ("ids", "shape", "q", "hd"):
            batch[key][number, :len(row[key])] = torch.tensor(row[key])
        batch["mask"][number, :len(row["ids"])] = 1
        batch["first"][number, :len(row["first"])] = torch.tensor(row["first"])
        batch["wm"][number, :len(row["first"])] = True
        labels = batch["st" if article["pn"] else "lab"][number]
        for word in row["words"].values():
            labels[word] = 0
        if not article["pn"]:
            for end in row["ends"].values():
                batch["sm"][number, end] = 1
        for claim in article["claims"]:
            if (claim["s"], claim["f"]) not in row["words"]:
                continue
            start = row["words"][claim["s"], claim["f"]]
            last = row["words"].get((claim["s"], claim["l"]), start)
            begin = 1 + 2 * claim["kind"] if claim["kind"] < 5 else 1
            if not (labels[start:last + 1] > 0).any():
                labels[start], labels[start + 1:last + 1] = begin, begin + 1
            if claim["kind"] < 5:
                batch["sl"][number, row["ends"][claim["s"]], claim["kind"]] = 1
            acts.append((number, start, last, claim["kind"], claim["s"], claim))
    add_acts(batch, [act[:5] for act in acts])
    add_labels(batch, [act[5] for act in acts])
    return batch


def add_acts(batch, acts):
    """acts (window, first word, last word, kind, sentence) -> cb, cf, cl, ck [C]; ax [C, A] the words their arguments may be, am which of them are some"""
    batch["acts"] = acts
    batch["lp"] = torch.zeros(0, 2, dtype=torch.long)
    if not acts:
        return
    for key, place in (("cb", 0), ("cf", 1), ("cl", 2), ("ck", 3)):
        batch[key] = torch.tensor([act[place] for act in acts])
    views = []
    for window, _, _, _, sentence in acts:
        article, sentences, _ = batch["items"][window]
        at = sentences.index(sentence)
        near = set(sentences[max(0, at - 1):at + 2])
        if article["headline"] and sentence != 0:
            near.discard(0)
        views.append([word for (number, _), word in batch["rows"][window]["words"].items() if number in near])
    widest = max(map(len, views))
    batch["ax"] = torch.zeros(len(acts), widest, dtype=torch.long)
    batch["am"] = torch.zeros(len(acts), widest, dtype=torch.bool)
    for number, view in enumerate(views):
        batch["ax"][number, :len(view)] = torch.tensor(view)
        batch["am"][number, :len(view)] = True


def add_labels(batch, claims):
    """al [C, A] labels of source and content, bgl [C]; lp [P, 2] pairs of an answer and an allegation, ll [P] whether the one answers the other"""
    if not claims:
        return
    batch["al"] = torch.where(batch["am"], 0, -100)
    batch["bgl"] = torch.tensor([float(claim["bg"]) for claim in claims])
    for number, (act, claim) in enumerate(zip(batch["acts"], claims)):
        words = batch["rows"][act[0]]["words"]
        place = {int(word): at for at, word in enumerate(batch["ax"][number].tolist()) if batch["am"][number, at]}
        for base, spans in ((1, claim["src"]), (3, claim["con"])):
            for span in spans:
                before = None
                for position in span:
                    word = words.get(tuple(position))
                    at = place.get(word) if word is not None else None
                    if at is None or batch["al"][number, at] > 0:
                        before = None
                        continue
                    batch["al"][number, at] = base if before is None or before + 1 != word else base + 1
                    before = word
    pairs = [(i, j) for i, one in enumerate(batch["acts"]) for j, other in enumerate(batch["acts"])
             if one[3] not in (0, 5) and other[3] == 0 and one[0] == other[0]]
    batch["lp"] = torch.tensor(pairs, dtype=torch.long).view(-1, 2)
    batch["ll"] = torch.tensor([float(claims[j]["id"] in claims[i]["ans"]) for i, j in pairs])
