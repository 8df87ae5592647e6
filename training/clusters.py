"""Sorts the words of unlabelled wires into clusters by the words that stand around them.

    clusters.py OUT.txt ARCHIVE.jsonl[.gz] ...

OUT holds a cluster a line: its words, separated by spaces. A word that the annotated articles never showed shares
its cluster's weights. Method: positive pointwise mutual information of each word with the frequent words one and two
places before and behind it, 96 singular vectors, k-means. Seeded. Needs numpy, scipy and scikit-learn (requirements.txt).
"""
import collections
import gzip
import json
import re
import sys

import numpy as np
from scipy.sparse import coo_matrix
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils.extmath import randomized_svd

WORDS_MAX = 24_000
CONTEXTS_MAX = 1_500
CLUSTERS = 256
COUNT_MIN = 12
WORD = re.compile(r"[^\W_]+(?:['’.\-,&][^\W_]+)*|['’]s|[^\w\s]")


def sentences(paths):
    for path in paths:
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", encoding="utf8") as lines:
            for line in lines:
                document = json.loads(line)
                for part in re.split(r"(?<=[.!?])\s+|\n+", (document.get("title") or "") + "\n" + document["text"]):
                    words = WORD.findall(part.lower().replace("’", "'"))
                    if words:
                        yield ["<s>", *words, "</s>"]


def main():
    out, *paths = sys.argv[1:]
    counts = collections.Counter(word for words in sentences(paths) for word in words)
    vocabulary = [word for word, count in counts.most_common(WORDS_MAX) if count >= COUNT_MIN]
    index = {word: place for place, word in enumerate(vocabulary)}
    contexts = {word: place for place, word in enumerate(vocabulary[:CONTEXTS_MAX])}
    pairs = collections.Counter()
    for words in sentences(paths):
        rows = [index.get(word) for word in words]
        columns = [contexts.get(word) for word in words]
        for place, row in enumerate(rows):
            if row is None:
                continue
            for slot, offset in enumerate((-2, -1, 1, 2)):
                other = place + offset
                if 0 <= other < len(words) and columns[other] is not None:
                    pairs[row, slot * CONTEXTS_MAX + columns[other]] += 1
    keys = np.array(list(pairs.keys()))
    values = np.array(list(pairs.values()), dtype=np.float64)
    shape = (len(vocabulary), 4 * CONTEXTS_MAX)
    matrix = coo_matrix((values, (keys[:, 0], keys[:, 1])), shape=shape).tocsr()
    rows, columns, total = matrix.sum(axis=1).A1, matrix.sum(axis=0).A1 ** 0.75, values.sum()
    columns *= total / columns.sum()
    matrix = matrix.tocoo()
    mutual = np.log(matrix.data * total / (rows[matrix.row] * columns[matrix.col] + 1e-12))
    matrix = coo_matrix((np.maximum(mutual, 0), (matrix.row, matrix.col)), shape=shape).tocsr()
    left, values, _ = randomized_svd(matrix, n_components=96, random_state=1)
    vectors = left * np.sqrt(values)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    found = MiniBatchKMeans(CLUSTERS, random_state=1, n_init=3, batch_size=4096, max_iter=200).fit_predict(vectors)
    with open(out, "w", encoding="utf8") as lines:
        for cluster in range(CLUSTERS):
            words = [word for word, own in zip(vocabulary, found) if own == cluster and word not in ("<s>", "</s>")]
            lines.write(" ".join(sorted(words)) + "\n")


if __name__ == "__main__":
    main()
