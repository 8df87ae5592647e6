//! Comparison of two fingerprints: how much of the lesser is in the fuller, part by part, and whether that makes them one story.

use crate::model::Fingerprint;

/// What two fingerprints have in common. Shares are of the lesser side, so that a teaser of a story is wholly in it; a hash
/// counts the less the more stories hold it, so that forms and outlets' furniture count for nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Similarity {
    /// Share of the body's sampled shingles.
    pub(super) body: f32,
    /// Share of the lead's shingles: an update keeps its lead, a story on the same background has another.
    pub(super) lead: f32,
    /// Share of the headline's telling words.
    pub(super) title: f32,
    /// Share of the figures that only one side has, scaled by how many there are to compare: what tells two filled-in forms apart.
    pub(super) figures_differ: f32,
    /// The same where fewer than half of the figures agree and the headlines differ too: an update changes some figures or keeps
    /// its headline, another filling of the same form does neither.
    pub(super) is_other_filling: f32,
    /// Weight of the shingles in common: what a short form shares is no evidence when every form shares it.
    pub(super) evidence: f32,
}

/// Figures at which their difference counts in full.
const FIGURES_ENOUGH: f32 = 6.0;
/// Weight in common beyond which more says nothing more.
const EVIDENCE_MAX: f32 = 15.0;

impl Similarity {
    /// Compares two fingerprints; the functions tell how many stories hold a shingle of the body or of the lead, where it is counted, or a
    /// headline's word.
    pub(super) fn of(
        copy: &Fingerprint,
        story: &Fingerprint,
        body_holders: impl Fn(u32) -> Option<u32>,
        lead_holders: impl Fn(u32) -> Option<u32>,
        title_holders: impl Fn(u32) -> u32,
    ) -> Self {
        let (copy, story) = (copy.lists(), story.lists());
        let body = Overlap::of(copy.shingles, story.shingles, body_holders);
        let lead = Overlap::of(copy.lead, story.lead, lead_holders);
        let title = Overlap::of(copy.title, story.title, |word| Some(title_holders(word)));
        let figures = Overlap::of(copy.figures, story.figures, |_| Some(1));
        let comparable = (figures.lesser() / FIGURES_ENOUGH).min(1.0);
        Self {
            body: body.share(),
            lead: lead.share(),
            title: title.share(),
            figures_differ: (1.0 - figures.share()) * comparable,
            is_other_filling: (1.0 - 2.0 * figures.share()).max(0.0) * comparable * (1.0 - title.share()),
            evidence: body.common + lead.common,
        }
    }

    /// The odds, as a logarithm, that both are one story: above zero they are. The weights are a logistic regression on pairs of wire
    /// stories, rounded between the fits on two halves of the stream; the headline was hidden in a third of the pairs, because
    /// outlets write their own. The weight of another filling is set by hand: the first two fillings of a form are one pair among
    /// thousands, but once they are one story the form is never seen to be common.
    pub(super) fn score(&self) -> f32 {
        let evidence = self.evidence.min(EVIDENCE_MAX).ln_1p();
        let alike = 3.0 * self.body + 2.3 * self.lead + 3.3 * self.title + 2.3 * evidence;
        alike - 3.5 * self.figures_differ - 4.0 * self.is_other_filling - 8.4
    }
}

/// Weight that two ascending lists of hashes have, alone and in common.
struct Overlap {
    common: f32,
    left: f32,
    right: f32,
}

impl Overlap {
    /// `holders` counts the stories that hold a hash; a hash that is not counted weighs what those of its side do.
    fn of(left: &[u32], right: &[u32], holders: impl Fn(u32) -> Option<u32>) -> Self {
        let [mut common, mut lefts, mut rights] = [Side::default(); 3];
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        loop {
            match (left.peek(), right.peek()) {
                (Some(&&l), Some(&&r)) if l == r => {
                    common.add(holders(l));
                    left.next();
                    right.next();
                }
                (Some(&&l), other) if other.is_none_or(|&&r| l < r) => {
                    lefts.add(holders(l));
                    left.next();
                }
                (_, Some(&&r)) => {
                    rights.add(holders(r));
                    right.next();
                }
                _ => break,
            }
        }
        let all = common.joined(lefts).joined(rights);
        let [common, lefts, rights] = [common, lefts, rights].map(|side| side.weight(all));
        Self { common, left: common + lefts, right: common + rights }
    }

    fn lesser(&self) -> f32 {
        self.left.min(self.right)
    }

    fn share(&self) -> f32 {
        if self.lesser() > 0.0 { self.common / self.lesser() } else { 0.0 }
    }
}

/// Hashes of one side, of which some are counted.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    hashes: f32,
    counted: f32,
    /// Of those that are counted.
    weight: f32,
}

impl Side {
    #[expect(clippy::cast_precision_loss, reason = "a weight needs no more precision")]
    fn add(&mut self, holders: Option<u32>) {
        self.hashes += 1.0;
        if let Some(holders) = holders {
            self.counted += 1.0;
            self.weight += 1.0 / holders.max(1) as f32;
        }
    }

    fn joined(self, other: Self) -> Self {
        Self {
            hashes: self.hashes + other.hashes,
            counted: self.counted + other.counted,
            weight: self.weight + other.weight,
        }
    }

    /// Weight of all its hashes; where none is counted, by the mean of both sides, and else by one.
    fn weight(self, all: Self) -> f32 {
        if self.counted > 0.0 {
            self.hashes * self.weight / self.counted
        } else if all.counted > 0.0 {
            self.hashes * all.weight / all.counted
        } else {
            self.hashes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lists;

    fn fingerprint(body: &[u32], title: &[u32], figures: &[u32]) -> Fingerprint {
        let lead = body.get(..3).unwrap_or(body);
        Fingerprint::new(0, 0, Lists { shingles: body, lead, title, figures })
    }

    fn alike(one: &Fingerprint, other: &Fingerprint, holders: impl Fn(u32) -> Option<u32> + Copy) -> Similarity {
        Similarity::of(one, other, holders, holders, |_| 1)
    }

    #[test]
    fn a_part_is_wholly_in_the_whole() {
        let (whole, part) = (fingerprint(&[1, 2, 3, 4, 5, 6], &[1, 2], &[]), fingerprint(&[1, 2, 3], &[1], &[]));
        let found = alike(&part, &whole, |_| Some(1));
        assert_eq!((found.body, found.lead, found.title, found.evidence), (1.0, 1.0, 1.0, 6.0));
    }

    #[test]
    fn what_many_stories_hold_counts_little() {
        let (one, other) = (fingerprint(&[1, 2, 3, 4], &[], &[]), fingerprint(&[1, 2, 8, 9], &[], &[]));
        let rare = alike(&one, &other, |_| Some(1));
        let common = alike(&one, &other, |hash| Some(if hash < 3 { 50 } else { 1 }));
        assert!(rare.body > 0.4 && common.body < 0.05);
    }

    #[test]
    fn what_is_not_counted_weighs_as_what_is() {
        let (one, other) = (fingerprint(&[1, 2, 3, 4], &[], &[]), fingerprint(&[1, 2, 3, 9], &[], &[]));
        let counted = alike(&one, &other, |hash| (hash < 2).then_some(10));
        assert_eq!((counted.body, counted.lead, counted.evidence), (0.75, 1.0, 0.6));
        assert_eq!((alike(&one, &other, |_| None).body, alike(&one, &other, |_| None).evidence), (0.75, 6.0));
    }

    #[test]
    fn other_figures_part_filled_in_forms() {
        let (one, other) = (
            fingerprint(&[1, 2, 3], &[1], &[11, 13, 15, 17, 19, 21]),
            fingerprint(&[1, 2, 3], &[1], &[31, 33, 35, 37, 39, 41]),
        );
        let apart = alike(&one, &other, |_| Some(1));
        assert!(apart.figures_differ > 0.99);
        assert!(apart.score() < alike(&one, &one, |_| Some(1)).score());
    }

    #[test]
    fn empty_fingerprints_share_nothing() {
        let empty = fingerprint(&[], &[], &[]);
        assert!(alike(&empty, &empty, |_| Some(1)).score() < 0.0);
    }
}
