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
    /// Compares two fingerprints; `stories_with` tells how many stories hold a shingle, `titles_with` a headline's word.
    pub(super) fn of(
        copy: &Fingerprint,
        story: &Fingerprint,
        stories_with: impl Fn(u32) -> u32,
        titles_with: impl Fn(u32) -> u32,
    ) -> Self {
        let body = Overlap::of(&copy.shingles, &story.shingles, &stories_with);
        let lead = Overlap::of(&copy.lead, &story.lead, &stories_with);
        let title = Overlap::of(&copy.title, &story.title, &titles_with);
        let figures = Overlap::of(&figures(copy), &figures(story), |_| 1);
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
    fn of(left: &[u32], right: &[u32], holders: impl Fn(u32) -> u32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a weight needs no more precision")]
        let weight = |hash: u32| 1.0 / holders(hash).max(1) as f32;
        let mut found = Self { common: 0.0, left: 0.0, right: 0.0 };
        let (mut lefts, mut rights) = (left.iter().peekable(), right.iter().peekable());
        loop {
            match (lefts.peek(), rights.peek()) {
                (Some(&&l), Some(&&r)) if l == r => {
                    let both = weight(l);
                    found.common += both;
                    found.left += both;
                    found.right += both;
                    lefts.next();
                    rights.next();
                }
                (Some(&&l), Some(&&r)) if l < r => {
                    found.left += weight(l);
                    lefts.next();
                }
                (Some(&&l), None) => {
                    found.left += weight(l);
                    lefts.next();
                }
                (_, Some(&&r)) => {
                    found.right += weight(r);
                    rights.next();
                }
                (None, None) => return found,
            }
        }
    }

    fn lesser(&self) -> f32 {
        self.left.min(self.right)
    }

    fn share(&self) -> f32 {
        if self.lesser() > 0.0 { self.common / self.lesser() } else { 0.0 }
    }
}

/// Of the particulars, the figures: they have odd hashes.
fn figures(fingerprint: &Fingerprint) -> Vec<u32> {
    fingerprint.particulars.iter().copied().filter(|hash| hash % 2 == 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(body: &[u32], title: &[u32], particulars: &[u32]) -> Fingerprint {
        Fingerprint {
            exact: 0,
            shingles: body.to_vec(),
            lead: body.iter().take(3).copied().collect(),
            title: title.to_vec(),
            particulars: particulars.to_vec(),
            word_count: 0,
        }
    }

    #[test]
    fn a_part_is_wholly_in_the_whole() {
        let (whole, part) = (fingerprint(&[1, 2, 3, 4, 5, 6], &[1, 2], &[]), fingerprint(&[1, 2, 3], &[1], &[]));
        let found = Similarity::of(&part, &whole, |_| 1, |_| 1);
        assert_eq!((found.body, found.lead, found.title, found.evidence), (1.0, 1.0, 1.0, 6.0));
    }

    #[test]
    fn what_many_stories_hold_counts_little() {
        let (one, other) = (fingerprint(&[1, 2, 3, 4], &[], &[]), fingerprint(&[1, 2, 8, 9], &[], &[]));
        let rare = Similarity::of(&one, &other, |_| 1, |_| 1);
        let common = Similarity::of(&one, &other, |hash| if hash < 3 { 50 } else { 1 }, |_| 1);
        assert!(rare.body > 0.4 && common.body < 0.05);
    }

    #[test]
    fn other_figures_part_filled_in_forms() {
        let (one, other) = (
            fingerprint(&[1, 2, 3], &[1], &[11, 13, 15, 17, 19, 21]),
            fingerprint(&[1, 2, 3], &[1], &[31, 33, 35, 37, 39, 41]),
        );
        let apart = Similarity::of(&one, &other, |_| 1, |_| 1);
        assert!(apart.figures_differ > 0.99);
        assert!(apart.score() < Similarity::of(&one, &one, |_| 1, |_| 1).score());
    }

    #[test]
    fn empty_fingerprints_share_nothing() {
        let empty = fingerprint(&[], &[], &[]);
        assert!(Similarity::of(&empty, &empty, |_| 1, |_| 1).score() < 0.0);
    }
}
