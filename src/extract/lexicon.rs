//! Reads the word lists and clusters that the extractor goes by; compiled in, parsed once.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::text::lexicon::classes as lists;
use crate::text::normalize::stem;

/// A set of word classes of `config/lexicon/cues.txt`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Classes(pub u32);

/// The classes of `config/lexicon/cues.txt`; the place in this list is the bit.
const NAMES: [&str; 21] = [
    "deny",
    "reject",
    "falsehood",
    "accuse",
    "allege",
    "say",
    "noun",
    "admit",
    "comment",
    "retract",
    "negation",
    "condition",
    "future",
    "refusal",
    "wrong",
    "court",
    "source",
    "find",
    "insist",
    "innocence",
    "long",
];

impl Classes {
    /// Rejects a proposition: "deny".
    pub const DENY: Self = Self(1 << 0);
    /// Turns down or plays down: "reject", "dismiss".
    pub const REJECT: Self = Self(1 << 1);
    /// Calls something untrue: "baseless".
    pub const FALSEHOOD: Self = Self(1 << 2);
    /// Accuses: "blame".
    pub const ACCUSE: Self = Self(1 << 3);
    /// Puts forward: "allege", "reportedly".
    pub const ALLEGE: Self = Self(1 << 4);
    /// Neutral speech: "say".
    pub const SAY: Self = Self(1 << 5);
    /// Nouns of claims: "accusation".
    pub const NOUN: Self = Self(1 << 6);
    /// Admits: "acknowledge".
    pub const ADMIT: Self = Self(1 << 7);
    /// Words of refusing to comment.
    pub const COMMENT: Self = Self(1 << 8);
    /// Takes back: "recant".
    pub const RETRACT: Self = Self(1 << 9);
    /// "not", "never".
    pub const NEGATION: Self = Self(1 << 10);
    /// "if", "would".
    pub const CONDITION: Self = Self(1 << 11);
    /// "will".
    pub const FUTURE: Self = Self(1 << 12);
    /// What is refused rather than denied: "bail", "access".
    pub const REFUSAL: Self = Self(1 << 13);
    /// Acts that nobody likes to be accused of.
    pub const WRONG: Self = Self(1 << 14);
    /// Courts and police.
    pub const COURT: Self = Self(1 << 15);
    /// Who speaks to the press.
    pub const SOURCE: Self = Self(1 << 16);
    /// Finds out: "conclude".
    pub const FIND: Self = Self(1 << 17);
    /// "insist".
    pub const INSIST: Self = Self(1 << 18);
    /// Guilt and innocence.
    pub const INNOCENCE: Self = Self(1 << 19);
    /// Tells of old acts: "previously".
    pub const LONG: Self = Self(1 << 20);

    /// Whether it has any class of `other`.
    pub fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The bits of the set classes, ascending.
    pub fn bits(self) -> impl Iterator<Item = u64> {
        (0..u64::from(u32::BITS)).filter(move |bit| self.0 >> bit & 1 == 1)
    }
}

static CLASSES: LazyLock<FxHashMap<String, u32>> = LazyLock::new(|| {
    let mut found: FxHashMap<String, u32> = FxHashMap::default();
    for (name, words) in lists(include_str!("../../config/lexicon/cues.txt")) {
        let Some(bit) = NAMES.iter().position(|known| *known == name) else { continue };
        for word in words.split_whitespace() {
            *found.entry(stem(word)).or_default() |= 1 << bit;
        }
    }
    found
});

static CLUSTERS: LazyLock<FxHashMap<&'static str, u16>> = LazyLock::new(|| {
    let mut found = FxHashMap::default();
    for (cluster, words) in (1..).zip(include_str!("../../models/clusters.txt").lines()) {
        found.extend(words.split(' ').map(|word| (word, cluster)));
    }
    found
});

/// The classes of a word by its stem.
pub(super) fn classes(stem: &str) -> Classes {
    Classes(CLASSES.get(stem).copied().unwrap_or_default())
}

/// The cluster of a folded word, 0 where unknown.
pub(super) fn cluster(word: &str) -> u64 {
    CLUSTERS.get(word).copied().map_or(0, u64::from)
}

/// The files that `Models::hash` covers besides the weights.
pub(super) const SOURCES: [&str; 4] = [
    include_str!("../../config/lexicon/cues.txt"),
    include_str!("../../models/clusters.txt"),
    super::phrases::SOURCE,
    super::plain::SOURCE,
];
