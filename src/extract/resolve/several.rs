//! Words for several people ("they", "both", "the two men") in, whom they mean out; called for each source.

use std::ops::Range;

use super::Resolver;
use super::lexicon::{Class, is};
use super::meant::{Wanted, third_person};
use super::scene::Mention;
use crate::model::Speaker;

/// Mentions looked back at for a list of names.
const MENTIONS_BACK_MAX: usize = 60;
/// Sentences looked back at for the people whom "they" means.
const SENTENCES_BACK_MAX: usize = 2;
/// Sentences looked on for the names of people who are counted first.
const SENTENCES_ON_MAX: usize = 3;
/// Words between two names of one list: "Jane Rowe and her deputy Tom Arden".
const GAP_WORDS_MAX: usize = 4;

impl Resolver<'_> {
    /// The group or the list of names that a source for several people means.
    pub(super) fn several(&self, range: &Range<usize>) -> Option<Speaker> {
        let last = self.words.folded(range.end.checked_sub(1)?);
        let first = self.words.folded(range.start);
        if range.len() == 1 && first != "their" && matches!(third_person(first), Some(Wanted::Several)) {
            return self.group_before(range.start).or_else(|| self.listed_before(range.start, None));
        }
        let is_plural = count(last).is_some() || is(Class::Group, last);
        let is_definite = matches!(first, "both" | "all" | "the");
        let wanted = range.clone().find_map(|at| count(self.words.folded(at)));
        if !is_plural || !range.clone().all(|at| self.is_counted(at)) {
            return None;
        }
        match wanted {
            Some(wanted) if is_definite => {
                self.listed_before(range.start, Some(wanted)).or_else(|| self.listed_after(range.end, wanted))
            }
            Some(wanted) => self.listed_after(range.end, wanted),
            None => (is_definite && matches!(last, "men" | "women" | "brothers" | "couple"))
                .then(|| self.listed_before(range.start, None))
                .flatten(),
        }
    }

    /// Whether a word can stand in a phrase that counts people: "the other two men".
    fn is_counted(&self, at: usize) -> bool {
        let word = self.words.folded(at);
        matches!(word, "all" | "the") || count(word).is_some() || is(Class::Group, word) || is(Class::Modifier, word)
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

    /// The last list of people before a word, of as many as wanted: "Jane Rowe and Tom Arden".
    fn listed_before(&self, at: usize, wanted: Option<usize>) -> Option<Speaker> {
        let end = self.scene.mentions.partition_point(|mention| mention.words.start < at);
        let list = self.scene.mentions.get(end.saturating_sub(MENTIONS_BACK_MAX)..end)?;
        self.lists(list, wanted).pop()
    }

    /// The first list of as many people as wanted behind a word, in this sentence or one of the next few.
    fn listed_after(&self, at: usize, wanted: usize) -> Option<Speaker> {
        let number = self.words.get(at.checked_sub(1)?)?.sentence;
        let last = self.sentences.get((number + SENTENCES_ON_MAX).min(self.sentences.len().checked_sub(1)?))?;
        let start = self.scene.mentions.partition_point(|mention| mention.words.start < at);
        let end = self.scene.mentions.partition_point(|mention| mention.words.start < last.end);
        let list = self.scene.mentions.get(start..end.min(start + MENTIONS_BACK_MAX).max(start))?;
        self.lists(list, Some(wanted)).into_iter().next()
    }

    /// The lists of people among mentions.
    fn lists(&self, mentions: &[Mention], wanted: Option<usize>) -> Vec<Speaker> {
        let names: Vec<&Mention> =
            mentions.iter().filter(|mention| mention.is_name && self.is_person(mention)).collect();
        let joins = |one: &Mention, other: &Mention, mark: &str| {
            let gap = one.words.end..other.words.start.max(one.words.end);
            gap.len() <= GAP_WORDS_MAX
                && self.words.folded(gap.start) == mark
                && one.entity != other.entity
                && gap.start < gap.end
        };
        let pair = |at: usize, mark: &str| matches!((names.get(at.wrapping_sub(1)), names.get(at)), (Some(one), Some(other)) if joins(one, other, mark));
        let mut found = Vec::new();
        for last in (1..names.len()).filter(|&at| pair(at, "and")) {
            let first = (1..last).rev().take_while(|&at| pair(at, ",")).last().map_or(last - 1, |at| at - 1);
            let listed: Option<Vec<String>> = names
                .get(first..=last)
                .map(|list| list.iter().filter_map(|mention| self.name(mention.entity)).collect());
            if let Some((last, others)) = listed.as_deref().and_then(<[String]>::split_last)
                && wanted.is_none_or(|wanted| wanted == others.len() + 1)
            {
                let name = format!("{} and {last}", others.join(", "));
                found.push(Speaker { name, role: None, via: None, affiliation: None });
            }
        }
        found
    }
}

/// How many people a word counts.
fn count(folded: &str) -> Option<usize> {
    match folded {
        "both" | "two" | "pair" | "duo" | "couple" => Some(2),
        "three" | "trio" => Some(3),
        "four" | "quartet" => Some(4),
        "five" => Some(5),
        _ => None,
    }
}
