"""The judge's model file in, weights to go on from out.

    python training/judge/restore.py --base MINILM models/judge.bin judge.pt

Weights come back as the 8-bit ones say; pieces that the file left out have their pretrained embeddings."""
import argparse
import struct
from pathlib import Path

import numpy
import torch
from onnx import TensorProto, load_model_from_string, numpy_helper

import articles
from export import MAGIC
from network import Judge

DIGEST_LEN = 32
# The one weight that ONNX renames.
UNNAMED = "ao.weight"
# What the file has under other names or not at all.
APART = {"shape.weight", "quoted.weight", "head.weight"} | {f"enc.embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")}


def parts(file):
    if not file.startswith(MAGIC):
        raise SystemExit("not a model file of the judge")
    body, found = file[len(MAGIC) + DIGEST_LEN:], []
    while body:
        length, = struct.unpack_from("<I", body)
        found.append(body[4:4 + length])
        body = body[4 + length:]
    return found


def tensors(network, weights):
    """Name -> array; 8-bit tensors from `weights`."""
    found = {}
    for tensor in load_model_from_string(network).graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            at = {entry.key: entry.value for entry in tensor.external_data}
            raw = weights[int(at["offset"]):int(at["offset"]) + int(at["length"])]
            found[tensor.name] = numpy.frombuffer(raw, dtype=numpy.int8).reshape(tuple(tensor.dims))
        else:
            found[tensor.name] = numpy_helper.to_array(tensor)
    return found


def restored(file, judge, vocabulary):
    """The state of `judge` with what the model file has."""
    _, pieces, encoder, heads, weights = parts(file)
    found = tensors(encoder, weights) | tensors(heads, weights)
    state = judge.state_dict()
    missing = set(state) - APART
    for name, value in found.items():
        if name.endswith("_quantized"):
            stem = name.removesuffix("_quantized")
            scale, zero = found[f"{stem}_scale"], found[f"{stem}_zero_point"]
            key = stem.removesuffix("_Transposed").removeprefix("judge.") if stem.startswith("judge.") else UNNAMED
            value = ((value.astype(numpy.float32) - zero.astype(numpy.float32)) * scale).T
        elif name.startswith("judge.") and not name.endswith(("_scale", "_zero_point")):
            key = name.removeprefix("judge.")
        else:
            continue
        assert state[key].shape == value.shape, key
        state[key] = torch.tensor(value)
        missing.discard(key)
    assert not missing, missing
    numbers = [vocabulary.number[piece] for piece in pieces.decode().splitlines()]
    state["enc.embeddings.word_embeddings.weight"][numbers] = torch.tensor(found["table"].astype(numpy.float32) * found["scale"])
    state["shape.weight"], state["quoted.weight"], state["head.weight"] = torch.tensor(found["facts"]).split([6, 2, 2])
    state["enc.embeddings.position_embeddings.weight"] = torch.tensor(found["places"]) - state["enc.embeddings.token_type_embeddings.weight"][0]
    return state


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    judge = Judge(args.base)
    torch.save(restored(args.file.read_bytes(), judge, articles.Vocabulary(Path(args.base) / "vocab.txt")), args.out)


if __name__ == "__main__":
    main()
