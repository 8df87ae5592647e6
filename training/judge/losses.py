"""What training minimises: against annotations, or against what a teacher says. Each part is scaled to a few units a batch."""
import torch
from torch.nn import functional as F

CLAIM_LABELS = 11


def annotated(out, batch):
    out = {key: value.float() for key, value in out.items()}
    claims, statements = out["cue"][..., :CLAIM_LABELS], out["cue"][..., CLAIM_LABELS:]
    entropy = lambda scores, labels: F.cross_entropy(scores.flatten(0, -2), labels.flatten(), ignore_index=-100, reduction="sum")
    parts = {}
    if (batch["lab"] >= 0).any():
        parts["cue"] = entropy(claims, batch["lab"]) / max(1, (batch["lab"] > 0).sum()) / 2
        kinds = F.binary_cross_entropy_with_logits(out["sent"], batch["sl"], reduction="none").sum(-1) * batch["sm"]
        parts["sent"] = kinds.sum() / max(1, batch["sl"].sum()) / 2
    if (batch["st"] >= 0).any():
        parts["st"] = entropy(statements, batch["st"]) / max(1, (batch["st"] > 0).sum()) / 4
    if batch["acts"]:
        parts["arg"] = entropy(out["arg"], batch["al"]) / len(batch["acts"]) / 15
        is_claim = batch["ck"] < 5
        if is_claim.any():
            parts["bg"] = 0.3 * F.binary_cross_entropy_with_logits(out["bg"][is_claim], batch["bgl"][is_claim])
        if len(batch["lp"]):
            # An answer chooses among the allegations of its window and none; several right ones share.
            total, answers = 0.0, batch["lp"][:, 0].unique()
            for answer in answers:
                pairs = batch["lp"][:, 0] == answer
                scores = F.log_softmax(torch.cat([out["lnull"][answer][None], out["link"][pairs]]), 0)
                right = batch["ll"][pairs] > 0
                total = total - (torch.logsumexp(scores[1:][right], 0) if right.any() else scores[0])
            parts["link"] = 0.3 * total / len(answers)
    return parts


def divergence(student, teacher, mask):
    """Sum over the rows of `mask` of the Kullback-Leibler divergence of the student's distribution from the teacher's."""
    student, teacher = F.log_softmax(student.float(), -1), F.log_softmax(teacher.float(), -1)
    return (teacher.exp() * (teacher - student)).sum(-1)[mask].sum()


def taught(out, teacher, batch):
    """`out` and `teacher`: what both make of the same windows and the same acts."""
    words, ends = batch["lab"] >= 0, batch["sm"] > 0
    split = lambda scores: (scores[..., :CLAIM_LABELS], scores[..., CLAIM_LABELS:])
    parts = {}
    for name, mine, theirs, weight in zip(("cue", "st"), split(out["cue"]), split(teacher["cue"]), (0.5, 0.25)):
        mass = (1 - F.softmax(theirs.float(), -1)[..., 0])[words].sum()
        parts[name] = weight * divergence(mine, theirs, words) / mass.clamp(min=2)
    kinds = torch.sigmoid(teacher["sent"].float())
    apart = F.binary_cross_entropy_with_logits(out["sent"].float(), kinds, reduction="none").sum(-1)
    parts["sent"] = apart[ends].sum() / kinds[ends].sum().clamp(min=1) / 2
    if batch["acts"]:
        parts["arg"] = divergence(out["arg"], teacher["arg"], batch["am"]) / len(batch["acts"]) / 15 * 2
        is_claim = batch["ck"] < 5
        if is_claim.any():
            parts["bg"] = 0.3 * F.binary_cross_entropy_with_logits(out["bg"].float()[is_claim], torch.sigmoid(teacher["bg"].float()[is_claim]))
        if len(batch["lp"]):
            total, answers = 0.0, batch["lp"][:, 0].unique()
            for answer in answers:
                pairs = batch["lp"][:, 0] == answer
                scores = [torch.cat([side["lnull"][answer][None], side["link"][pairs]])[None] for side in (out, teacher)]
                total = total + divergence(*scores, torch.ones(1, dtype=torch.bool))
            parts["link"] = 0.3 * total / len(answers)
    return parts
