"""Weights of the network in, the judge's model file out (its form: src/extract/judge/file.rs).

    python training/judge/export.py --shared ../shared --reader target/release/examples/read --base MINILM --settings '{"cue": …}' models/judge.bin WEIGHTS…

Weights of products are 8-bit with a scale for each column, in the range of seven bits, so that no processor's sums overflow; embeddings are 8-bit
with a scale for each piece, and pieces that the unlabelled articles hold fewer than five times are left out."""
import argparse
import hashlib
import json
import math
import struct
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import torch
from onnx import TensorProto, load_model_from_string
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from torch.nn import functional as F

import articles
from network import Judge, averaged

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
COUNT_MIN = 5
MAGIC = b"gainsay judge 2\n"
WEIGHTS = "weights.data"


class Encoder(nn.Module):
    """The encoder for one window without padding, written out plainly."""

    def __init__(self, judge, kept):
        super().__init__()
        self.judge, self.bert = judge, judge.enc
        table = self.bert.embeddings.word_embeddings.weight.detach()[kept]
        scale = table.abs().amax(1, keepdim=True) / 127
        fixed = lambda value: nn.Parameter(value.detach(), requires_grad=False)
        self.table, self.scale = fixed(torch.round(table / scale).to(torch.int8)), fixed(scale)
        self.facts = fixed(torch.cat([judge.shape.weight, judge.quoted.weight, judge.head.weight]))
        self.places = fixed(self.bert.embeddings.position_embeddings.weight + self.bert.embeddings.token_type_embeddings.weight[0])

    def forward(self, ids, shape, quoted, heading, first):
        length, heads = ids.shape[0], self.bert.config.num_attention_heads
        width = self.judge.width // heads
        read = self.table[ids].float() * self.scale[ids] + self.facts[shape] + self.facts[6 + quoted] + self.facts[8 + heading]
        read = self.bert.embeddings.LayerNorm(read + self.places[torch.arange(length)])
        for layer in self.bert.encoder.layer:
            split = lambda part: part.view(length, heads, width).transpose(0, 1)
            own = layer.attention.self
            query, key, value = split(own.query(read)), split(own.key(read)), split(own.value(read))
            seen = torch.softmax(query @ key.transpose(1, 2) * (1 / math.sqrt(width)), -1) @ value
            seen = layer.attention.output.dense(seen.transpose(0, 1).reshape(length, heads * width))
            read = layer.attention.output.LayerNorm(seen + read)
            read = layer.output.LayerNorm(layer.output.dense(F.gelu(layer.intermediate.dense(read))) + read)
        words = read[first]
        return words, self.judge.cue(words), self.judge.sent(words)


class Heads(nn.Module):
    """What is asked of each act of one window; `near` [acts, words] and `apart` [pairs] are classes of distances."""

    def __init__(self, judge):
        super().__init__()
        self.judge = judge

    def forward(self, words, first, last, kind, near, answer, allegation, apart):
        judge = self.judge
        cue = torch.cat([words[first], words[last]], -1)
        seen = F.gelu(judge.at(words)[None] + (judge.ac(cue) + judge.ak.weight[kind])[:, None] + judge.ad.weight[near])
        link = judge.lo(F.gelu(judge.l1(cue)[answer] + judge.l2(cue)[allegation] + judge.ldist.weight[apart]))[:, 0]
        return torch.log_softmax(judge.ao(seen), -1), torch.sigmoid(judge.bg(cue)[:, 0]), link, judge.lnull(cue)[:, 0]


def onnx(module, given, inputs, outputs, folder):
    """The bytes of an ONNX file with 8-bit weights; `inputs` and `outputs` give each tensor's free dimensions by name."""
    whole, small = folder / "whole.onnx", folder / "small.onnx"
    names = lambda tensors: list(tensors)
    dynamic = {name: dict(enumerate(dimensions)) for name, dimensions in {**inputs, **outputs}.items()}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, given, whole, input_names=names(inputs), output_names=names(outputs), dynamic_axes=dynamic,
                          opset_version=17, dynamo=False)
    quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
                     op_types_to_quantize=["MatMul", "Gemm"], extra_options={"MatMulConstBOnly": True})
    return small.read_bytes()


def apart(network, weights):
    """The network without its 8-bit tensors, which are put behind `weights`: a program that holds those uses them where they stand."""
    model = load_model_from_string(network)
    for tensor in model.graph.initializer:
        if tensor.data_type in (TensorProto.INT8, TensorProto.UINT8) and tensor.raw_data:
            for key, value in (("location", WEIGHTS), ("offset", len(weights)), ("length", len(tensor.raw_data))):
                tensor.external_data.add(key=key, value=str(value))
            weights += tensor.raw_data
            tensor.data_location = TensorProto.EXTERNAL
            tensor.ClearField("raw_data")
    return model.SerializeToString()


def kept_pieces(shared, reader, vocabulary):
    """Numbers of the pieces that are kept, the marks first."""
    counts = Counter()
    for name in ("newsroom-2016-2020", "reuters-1987", "polnear-train"):
        for reading in articles.readings(articles.lines(shared / f"data/{name}.jsonl.gz"), reader):
            for sentence in reading["sentences"]:
                for token in sentence:
                    counts.update(vocabulary(token[2]))
    marks = [vocabulary.number[mark] for mark in MARKS]
    is_letter = lambda piece: len(piece.removeprefix("##")) == 1 and ord(piece[-1]) < 256
    more = [number for piece, number in vocabulary.number.items() if counts[number] >= COUNT_MIN or is_letter(piece)]
    return marks + [number for number in more if number not in marks]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--settings", type=json.loads, required=True, help="as evaluate.py prints them")
    parser.add_argument("out", type=Path)
    parser.add_argument("weights", nargs="+", help="of several runs, their mean")
    args = parser.parse_args()
    vocabulary = articles.Vocabulary(Path(args.base) / "vocab.txt")
    kept = kept_pieces(args.shared, args.reader, vocabulary)
    pieces = {number: piece for piece, number in vocabulary.number.items()}
    judge = Judge(args.base)
    judge.load_state_dict(averaged(args.weights))
    judge.eval()
    some = lambda *shape, below: torch.randint(0, below, shape)
    torch.manual_seed(0)
    words = torch.zeros(30, judge.width)
    with tempfile.TemporaryDirectory() as folder:
        encoder = onnx(
            Encoder(judge, torch.tensor(kept)).eval(),
            (some(40, below=100), some(40, below=6), some(40, below=2), some(40, below=2), torch.arange(30)),
            {name: ["pieces"] for name in ("ids", "shape", "quoted", "heading")} | {"first": ["words"]},
            {name: ["words"] for name in ("words", "cues", "sentences")}, Path(folder))
        heads = onnx(
            Heads(judge).eval(),
            (words, some(3, below=30), some(3, below=30), some(3, below=6), some(3, 30, below=20), some(2, below=3), some(2, below=3), some(2, below=20)),
            {"words": ["words"], "first": ["acts"], "last": ["acts"], "kind": ["acts"], "near": ["acts", "words"],
             "answer": ["pairs"], "allegation": ["pairs"], "apart": ["pairs"]},
            {"arguments": ["acts", "words"], "background": ["acts"], "links": ["pairs"], "none": ["acts"]}, Path(folder))
    weights = bytearray()
    encoder, heads = apart(encoder, weights), apart(heads, weights)
    parts = [json.dumps(args.settings).encode(), "".join(pieces[number] + "\n" for number in kept).encode(), encoder, heads, weights]
    body = b"".join(struct.pack("<I", len(part)) + part for part in parts)
    args.out.write_bytes(MAGIC + hashlib.sha256(body).digest() + body)
    print(f"{len(kept)} pieces, {len(MAGIC) + 32 + len(body)} bytes")


if __name__ == "__main__":
    main()
