"""The judge's network: a pretrained encoder with heads for cues, kinds of sentences, arguments, age and links."""
import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel
from transformers.models.mpnet import modeling_mpnet

KINDS, CLAIM_LABELS, STATEMENT_LABELS, ARGUMENT_LABELS, DISTANCES = 6, 11, 3, 5, 20
HIDDEN = 192


def distance_class(distance):
    """How far a word stands from a span, in twenty classes: 0 in it, 1 to 9 behind it, 11 to 19 before it."""
    away = distance.abs()
    steps = sum((away >= step).long() for step in (8, 12, 20, 40))
    return torch.where(away < 5, away, 5 + steps) + 10 * (distance < 0)


def fused_attention(self, hidden_states, attention_mask=None, position_bias=None, output_attentions=False, **_):
    """MPNet's attention by one fused call; its table of relative positions stays as it was pretrained."""
    rows, length, _ = hidden_states.shape
    heads = lambda part: part.view(rows, length, self.num_attention_heads, self.attention_head_size).transpose(1, 2)
    query, key, value = heads(self.q(hidden_states)), heads(self.k(hidden_states)), heads(self.v(hidden_states))
    mask = sum(part for part in (None if position_bias is None else position_bias.detach(), attention_mask) if part is not None)
    found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask.to(query.dtype))
    return (self.o(found.transpose(1, 2).reshape(rows, length, -1)),)


modeling_mpnet.MPNetSelfAttention.forward = fused_attention


def averaged(paths):
    """The mean of the weights of several runs that went on from one another."""
    runs = [torch.load(path) for path in paths]
    return {name: sum(run[name] for run in runs) / len(runs) if first.is_floating_point() else first for name, first in runs[0].items()}


class Judge(nn.Module):
    """`base`: folder of a pretrained MiniLM (BERT's form), or of an MPNet, whose vocabulary is BERT's moved by four."""

    def __init__(self, base):
        super().__init__()
        self.enc = AutoModel.from_pretrained(base, attention_probs_dropout_prob=0.0)
        self.enc.pooler = None
        self.is_mpnet = self.enc.config.model_type == "mpnet"
        width = self.width = self.enc.config.hidden_size
        self.shape, self.quoted, self.head = nn.Embedding(6, width), nn.Embedding(2, width), nn.Embedding(2, width)
        for table in (self.shape, self.quoted, self.head):
            nn.init.normal_(table.weight, std=0.02)
        self.cue = nn.Linear(width, CLAIM_LABELS + STATEMENT_LABELS)
        self.sent = nn.Linear(width, 5)
        self.at, self.ac = nn.Linear(width, HIDDEN), nn.Linear(2 * width, HIDDEN)
        self.ad, self.ak, self.ao = nn.Embedding(DISTANCES, HIDDEN), nn.Embedding(KINDS, HIDDEN), nn.Linear(HIDDEN, ARGUMENT_LABELS)
        self.bg = nn.Linear(2 * width, 1)
        self.l1, self.l2 = nn.Linear(2 * width, HIDDEN), nn.Linear(2 * width, HIDDEN)
        self.ldist, self.lo, self.lnull = nn.Embedding(DISTANCES, HIDDEN), nn.Linear(HIDDEN, 1), nn.Linear(2 * width, 1)
        self.drop = nn.Dropout(0.1)

    def words(self, batch):
        """[B, W, width]: each word by its first wordpiece."""
        ids, more = batch["ids"], {}
        if self.is_mpnet:
            special = {101: 0, 102: 2, 103: 30526}
            moved = ids + 4
            for one, other in special.items():
                moved = torch.where(ids == one, other, moved)
            ids = torch.where(batch["mask"] == 0, 1, moved)
            more["position_ids"] = (torch.arange(ids.shape[1]) + 2)[None].expand_as(ids)
        given = self.enc.embeddings.word_embeddings(ids) + self.shape(batch["shape"]) + self.quoted(batch["q"]) + self.head(batch["hd"])
        read = self.drop(self.enc(inputs_embeds=given, attention_mask=batch["mask"], **more).last_hidden_state)
        return torch.gather(read, 1, batch["first"][:, :, None].expand(-1, -1, self.width))

    def forward(self, batch):
        words = self.words(batch)
        out = {"words": words, "cue": self.cue(words), "sent": self.sent(words)}
        return out | self.acts(words, batch) if batch["acts"] else out

    def acts(self, words, batch):
        """What is asked of each act: arg [C, A, 5], bg [C], link [P], lnull [C]."""
        window, first, last = batch["cb"], batch["cf"], batch["cl"]
        cue = torch.cat([words[window, first], words[window, last]], -1)
        place = batch["ax"]
        distance = torch.where(place < first[:, None], place - first[:, None], (place - last[:, None]).clamp(min=0))
        near = torch.gather(words[window], 1, place[:, :, None].expand(-1, -1, self.width))
        seen = F.gelu(self.at(near) + (self.ac(cue) + self.ak(batch["ck"]))[:, None] + self.ad(distance_class(distance)))
        out = {"arg": self.ao(seen), "bg": self.bg(cue)[:, 0], "lnull": self.lnull(cue)[:, 0]}
        if len(batch["lp"]):
            answer, allegation = batch["lp"][:, 0], batch["lp"][:, 1]
            apart = self.ldist(distance_class(first[allegation] - first[answer]))
            out["link"] = self.lo(F.gelu(self.l1(cue)[answer] + self.l2(cue)[allegation] + apart))[:, 0]
        return out
