"""Tables of what `gainsay extract` gets right and wrong in annotated articles: confusion of kinds, most frequent errors, the screen's curve.

Used by figures.py; the matching of claims is score_claims.py's."""
import collections
import re

KINDS = ["allegation", "denial", "confirmation", "no_comment", "retraction"]
NOTHING = "nothing"
SHARES = (0.2, 0.35, 0.5, 0.6, 0.8)

# Forms of cues, first that fits, with a sentence of our own for each.
FORMS = [
    ("adverb or adjective", r"allegedly|reportedly|alleged|reported|suspected|purported(ly)?|supposed(ly)?|apparent(ly)?|so-called|rumou?red",
     "The clerk *allegedly* hid the ledger."),
    ("silence", r".*\b(comment|respond|reach|verify|return|elaborat|discuss|reply|confirm nor|say whether|refer)\w*.*", "The yard *could not be reached*."),
    ("word of denying", r".*\b(den(y|ies|ied|ying|ials?)|reject\w*|dismiss\w*|refut\w+|rebut\w*|disput\w+|brush\w* off|scoff\w*|debunk\w*|disavow\w*)\b.*",
     "Lind *brushed off* the report."),
    ("judgement", r".*\b(false|untrue|lies?|lying|baseless|nonsense|hoax|fabricat\w+|unfounded|no evidence|not true|wrong|ridiculous|absurd|innocent|witch hunt|fake)\b.*",
     "The claim is *baseless*, he said."),
    ("noun of alleging", r".*\b(allegations?|accusations?|claims|charges|rumou?rs?|reports?|suspicions?|complaints?|indictment|lawsuit|counts)\b.*",
     "Renn resigned amid *allegations* that he took bribes."),
    ("passive of accusing", r".*\b(is|are|was|were|been|being|be|faces?|faced|facing)\b.*", "Two clerks *were charged with* theft."),
    ("word of accusing", r".*\b(accus\w+|alleg\w+|claim\w*|blam\w+|charg\w+|su(e|es|ed|ing)|suspect\w*|implicat\w+|fault\w*|complain\w*|slam\w*|attack\w*)\b.*",
     "Inspectors *blamed* the yard for the spill."),
    ("word of admitting", r".*\b(admit\w*|acknowledg\w+|conced\w+|confirm\w*|confess\w*|plead\w*|pled|responsib\w+|guilty)\b.*", "He *conceded* that he had known."),
    ("word of taking back", r".*\b(retract\w*|withdr[ae]w\w*|apologi[sz]\w+|correct\w*|clarif\w+|walk\w* back|misspoke)\b.*", "The paper *retracted* its story."),
    ("negation", r".*(\b(not|never|no|nothing|none|without)\b|n['\u2019]t\b).*", '"We *never* took a cent," she said.'),
    ("plain word of saying", r".*\b(sa(y|id|ys|ying)|told|tells?|wr(ote|ites?|iting)|add(s|ed)|according|tweet\w*|argu\w+|stat(ed|es|ing)|testif\w+|not(ed|es)|call\w*|describ\w+|"
     r"show\w*|f(ound|inds?)|reveal\w*|suggest\w*|insist\w*|conclud\w+|believ\w+|contend\w*|maintain\w*|warn\w*|cit(ed|es|ing)|explain\w*|assert\w*|declar\w+|ask\w*)\b.*",
     "The auditor *said* the mayor had pocketed the fees."),
    ("other words", r".*", "The audit *lifted the lid on* two sets of books."),
]


def form_of(cue):
    return next(name for name, wording, _ in FORMS if re.fullmatch(wording, cue, re.I | re.S))


# Where the form's own sentence is of another kind.
OF_KIND = {
    ("denial", "plain word of saying"): '"We sent no one," the envoy *said*.', ("denial", "other words"): "The envoy *laughed off* the report.",
    ("denial", "noun of alleging"): "He called the *charges* a smear.", ("no_comment", "word of denying"): "The yard has *not denied* it.",
    ("confirmation", "plain word of saying"): "The mayor *told* the court that he had paid.", ("allegation", "other words"): "The audit *lifted the lid on* two sets of books.",
    ("allegation", "negation"): "The yard had *not* paid its crew, the union said.", ("allegation", "word of denying"): "The yard *denied* its crew water, they said.",
}


def example_of(error, form):
    kind = error.rsplit(": ", 1)[-1]
    return OF_KIND.get((kind, form)) or next(example for name, _, example in FORMS if name == form)


def overlap(one, other):
    return one[0] < other[1] and other[0] < one[1]


class Compared:
    """Articles {"id", "text", "sentences", "claims"} and predictions by article id, as score_claims.py reads them."""

    def __init__(self, score, gold, predicted):
        self.score, self.confusion, self.errors = score, collections.Counter(), collections.Counter()
        for article in gold:
            found = predicted.get(article["id"], [])
            pairs = score.match_article(article, found)
            self.add(article, found, pairs)

    def add(self, article, found, pairs):
        right = {id(claim): one for claim, one in pairs}
        free = [one for one in found if id(one) not in {id(one) for _, one in pairs}]
        for claim in article["claims"]:
            one = right.get(id(claim))
            if one:
                self.confusion[claim["kind"], claim["kind"]] += 1
                self.add_details(article, claim, one, pairs)
                continue
            other = next((one for one in free if overlap(one["cue"], claim["cue"])), None)
            self.confusion[claim["kind"], other["kind"] if other else NOTHING] += 1
            if other:
                free.remove(other)
            self.errors[f"taken for {other['kind']}: {claim['kind']}" if other else f"missed: {claim['kind']}", self.place(article, claim)] += 1
        for one in free:
            self.confusion[NOTHING, one["kind"]] += 1
            self.errors[f"none there: {one['kind']}", self.place(article, one)] += 1

    def place(self, article, claim):
        return form_of(article["text"][claim["cue"][0]:claim["cue"][1]])

    def add_details(self, article, claim, one, pairs):
        """What is wrong with a claim that was found."""
        if not self.score.same_name(claim["speaker"], one["speaker"]):
            words = article["text"][slice(*claim["source"])] if claim["source"] else ""
            first = words.split()[0].lower() if words else ""
            kind = ("whom the sentence does not name" if not words else "a pronoun" if first in ("he", "she", "it", "they", "we", "i", "who") and " " not in words
                    else "named" if any(word[:1].isupper() for word in words.split()[1:]) or words[:1].isupper() and first not in ("the", "a", "an") else "a description")
            self.errors["another speaker", kind] += 1
        mine, theirs = (self.score.tokens(article["text"], spans) for spans in (claim["content"], one["content"]))
        if mine and len(mine & theirs) / len(mine | theirs) < 0.5:
            self.errors["another content", "none found" if not theirs else "cut too short" if theirs < mine else "cut too long" if mine < theirs else "cut elsewhere"] += 1
        matched = {claim["id"]: one["id"] for claim, one in pairs}
        if claim["answers"] and not any(matched.get(answered) in one["answers"] for answered in claim["answers"]):
            self.errors["another link", "its allegation was missed" if not any(answered in matched for answered in claim["answers"])
                        else "none told" if not one["answers"] else "to another allegation"] += 1

    def confusion_table(self):
        columns = [*KINDS, NOTHING]
        rows = ["| annotated | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
        rows += [f"| {row} | " + " | ".join(str(self.confusion[row, column] or "") for column in columns) + " |" for row in columns]
        return "\n".join(rows)

    def error_table(self, count=20):
        details = {
            "a pronoun": "*He* denied it.", "named": "*Norvik's Lind* denied it.", "a description": "*The clerk* denied it.",
            "whom the sentence does not name": "Renn was accused of theft. (by the prosecutors of the sentence before)", "none found": "Inspectors accused Norvik *of a leak*.",
            "cut too short": "He denied *that he knew* or that he had paid.", "cut too long": "He denied *it, and left for Paris*.", "cut elsewhere": "*He denied* it.",
            "its allegation was missed": "The yard denied it.", "none told": "The yard denied it.", "to another allegation": "The yard denied the second charge."}
        rows = ["| error | in | count | such as |", "|---|---|---:|---|"]
        for (error, place), number in self.errors.most_common(count):
            rows.append(f"| {error} | {place} | {number} | {details.get(place) or example_of(error, place)} |")
        return "\n".join(rows)


def screen_table(gold, explained):
    """`explained`: lines of `gainsay extract --explain`."""
    cues = collections.defaultdict(list)
    for article in gold:
        cues[article["id"]] += [claim["cue"][0] for claim in article["claims"]]
    rows = []
    for line in explained:
        start, end = line["sentence"]["start"], line["sentence"]["end"]
        rows.append((line["screen"], any(start <= cue < end for cue in cues[line["document"]]), line["judged"]))
    rows.sort(key=lambda row: -row[0])
    holding = sum(holds for _, holds, _ in rows)
    table = ["| sentences passed | of those with claims |", "|---:|---:|"]
    for share in SHARES:
        part = rows[:int(share * len(rows))]
        table.append(f"| {share:.0%} | {sum(holds for _, holds, _ in part) / holding:.1%} |")
    passed = [row for row in rows if row[2]]
    table.append(f"| **{len(passed) / len(rows):.1%}** as set, what plain wordings pass on included | **{sum(row[1] for row in passed) / holding:.1%}** |")
    return "\n".join(table)
