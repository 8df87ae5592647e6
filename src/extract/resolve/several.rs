//! Words for several people ("they", "both", "the two men") in, whom they mean out; called for each source.

use std::ops::Range;

use super::Resolver;
use super::scene::{Mention, Wanted, third_person};
use crate::model::Speaker;

/// Mentions looked back at for a list of names.
const MENTIONS_BACK_MAX: usize = 60;
/// Sentences looked back at for the people whom "they" means.
const SENTENCES_BACK_MAX: usize = 2;
/// Words between two names of one list: "Jane Rowe and her deputy Tom Arden".
const GAP_WORDS_MAX: usize = 4;

impl Resolver<'_> {
    /// The group or the list of names that a source for several people means.
    pub(super) fn several(&self, range: &Range<usize>) -> Option<Speaker> {
        let last = self.words.folded(range.end.checked_sub(1)?);
        let first = self.words.folded(range.start);
        if range.len() == 1 && first != "their" && matches!(third_person(first), Some(Wanted::Several)) {
            return self.group_before(range.start).or_else(|| self.listed_before(range.start));
        }
        let is_count = matches!(first, "both" | "the")
            && matches!(last, "both" | "pair" | "duo" | "trio" | "two" | "three" | "couple" | "men" | "women");
        is_count.then(|| self.listed_before(range.start)).flatten()
    }

    /// The group named first in this sentence before a word, or in one of the last few.
    fn group_before(&self, at: usize) -> Option<Speaker> {
        let here = self.words.get(at)?.sentence;
        let groups = self.scene.groups.get(..self.scene.groups.partition_point(|group| group.end <= at))?;
        let sentence = |group: &Range<usize>| self.words.get(group.start).map_or(0, |word| word.sentence);
        let nearest = sentence(groups.last()?);
        if nearest + SENTENCES_BACK_MAX < here {
            return None;
        }
        let group = groups.iter().rev().take_while(|group| sentence(group) == nearest).last()?;
        let group = self.scene.fuller(&self.words, group).filter(|_| group.len() == 1).unwrap_or_else(|| group.clone());
        Some(self.as_written(&group, self.words.text_of(&group)))
    }

    /// The last list of people before a word: "Jane Rowe and Tom Arden".
    fn listed_before(&self, at: usize) -> Option<Speaker> {
        let end = self.scene.mentions.partition_point(|mention| mention.words.start < at);
        let names: Vec<&Mention> = self
            .scene
            .mentions
            .get(end.saturating_sub(MENTIONS_BACK_MAX)..end)?
            .iter()
            .filter(|mention| mention.is_name && self.is_person(mention))
            .collect();
        let joins = |one: &Mention, other: &Mention, mark: &str| {
            let gap = one.words.end..other.words.start;
            gap.len() <= GAP_WORDS_MAX
                && self.words.folded(gap.start) == mark
                && one.entity != other.entity
                && gap.start < gap.end
        };
        let last = (1..names.len()).rev().find(|&at| joins(names[at - 1], names[at], "and"))?;
        let first =
            (1..last).rev().take_while(|&at| joins(names[at - 1], names[at], ",")).last().map_or(last - 1, |at| at - 1);
        let listed: Vec<String> =
            names.get(first..last)?.iter().filter_map(|mention| self.name(mention.entity)).collect();
        let name = format!("{} and {}", listed.join(", "), self.name(names.get(last)?.entity)?);
        Some(Speaker { name, role: None, via: None, affiliation: None })
    }
}
