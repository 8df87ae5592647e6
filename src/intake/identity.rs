//! What makes an entry the same entry on the next poll: decided over all entries of a feed, never by chance.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{ContentHash, EntryIdentity, IdentityRule, canonical_address};

/// Longest guid that serves as key as it stands; of a longer one, its hash.
pub(super) const GUID_BYTES_MAX: usize = 2 << 10;

/// What an entry says that can tell it from others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks<'a> {
    /// Its guid.
    pub(super) guid: Option<&'a str>,
    /// Its best link.
    pub(super) link: Option<&'a str>,
    /// Its title.
    pub(super) title: &'a str,
    /// Its date.
    pub(super) date: Option<Timestamp>,
    /// Its text, which counts only where title and date are the same.
    pub(super) text: &'a str,
}

/// One identity an entry, in order, all distinct: the guid where no other entry has it, else guid and address, else the
/// address, else a hash of title and date. Entries alike in all of that are told apart by their texts, then numbered.
pub(super) fn identify(entries: &[Marks<'_>]) -> Vec<EntryIdentity> {
    let mut guids: BTreeMap<&str, usize> = BTreeMap::new();
    for guid in entries.iter().filter_map(|entry| entry.guid) {
        *guids.entry(guid).or_default() += 1;
    }
    let mut taken = BTreeSet::new();
    // The last number of each key: counting from the start for every twin would take quadratic time.
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    entries
        .iter()
        .map(|entry| {
            let mut identity = candidate(entry, |guid| guids.get(guid) == Some(&1));
            if taken.contains(&identity.bytes()) {
                identity.key = format!("{}|{}", identity.key, hash(&[&normalised(entry.title), entry.text]));
            }
            let key = identity.key.clone();
            while !taken.insert(identity.bytes()) {
                let number = numbers.entry(key.clone()).or_insert(1);
                *number += 1;
                identity.key = format!("{key}#{number}");
            }
            identity
        })
        .collect()
}

fn candidate(entry: &Marks<'_>, is_unique: impl Fn(&str) -> bool) -> EntryIdentity {
    let guid_key = |guid: &str| if guid.len() > GUID_BYTES_MAX { hash(&[guid]) } else { guid.to_owned() };
    if let Some(guid) = entry.guid.filter(|guid| is_unique(guid)) {
        return EntryIdentity { rule: IdentityRule::Guid, key: guid_key(guid) };
    }
    match (entry.guid, entry.link.and_then(canonical_address)) {
        (Some(guid), Some(address)) => {
            EntryIdentity { rule: IdentityRule::Guid, key: format!("{}|{address}", guid_key(guid)) }
        }
        (None, Some(address)) => EntryIdentity { rule: IdentityRule::Url, key: address },
        (_, None) => {
            let date = entry.date.map_or_else(String::new, |date| date.to_string());
            let title = normalised(entry.title);
            // Without either there is only the text to know it by.
            let text = if title.is_empty() && date.is_empty() { entry.text } else { "" };
            EntryIdentity { rule: IdentityRule::Content, key: hash(&[&title, &date, text]) }
        }
    }
}

fn hash(parts: &[&str]) -> String {
    ContentHash::of(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>()).to_string()
}

/// A title as its letters and digits: a changed quotation mark makes no other entry.
fn normalised(title: &str) -> String {
    let words: String = title.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    words.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(guid: &'static str, link: &'static str, title: &'static str) -> Marks<'static> {
        Marks {
            guid: Some(guid).filter(|guid| !guid.is_empty()),
            link: Some(link).filter(|link| !link.is_empty()),
            title,
            date: None,
            text: "text",
        }
    }

    #[track_caller]
    fn check(entries: &[Marks<'_>], expected: &[&str]) {
        let identities = identify(entries);
        let found: Vec<String> = identities
            .iter()
            .map(|identity| String::from_utf8(identity.bytes()).unwrap())
            .map(|text| if text.starts_with("content:") { "content".to_owned() } else { text })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(identify(entries), identities);
        assert_eq!(identities.iter().map(EntryIdentity::bytes).collect::<BTreeSet<_>>().len(), entries.len());
    }

    #[test]
    fn the_best_mark_counts() {
        check(
            &[entry("g1", "https://a.example/1", "T"), entry("g2", "https://a.example/1", "T")],
            &["guid:g1", "guid:g2"],
        );
        check(&[entry("", "https://a.example/1?utm_source=x", "T")], &["url:https://a.example/1"]);
        check(&[entry("", "", "One"), entry("", "", "Two")], &["content", "content"]);
        check(&[entry("", "no address", "One")], &["content"]);
    }

    #[test]
    fn a_guid_too_long_to_be_one_is_hashed() {
        let guid: &'static str = "x".repeat(GUID_BYTES_MAX + 1).leak();
        let identities = identify(&[entry(guid, "", "T"), entry("g", "", "T")]);
        assert!(identities[0].key.len() == 32 && identities[0].rule == IdentityRule::Guid, "{identities:?}");
        assert_eq!(identities[1].key, "g");
    }

    #[test]
    fn repeated_guids_need_the_address() {
        check(
            &[entry("same", "https://a.example/1", "T"), entry("same", "https://a.example/2", "T")],
            &["guid:same|https://a.example/1", "guid:same|https://a.example/2"],
        );
        check(&[entry("same", "", "One"), entry("same", "", "Two")], &["content", "content"]);
    }

    #[test]
    fn entries_alike_in_everything_are_numbered() {
        let twins = vec![entry("", "https://a.example/1", "T"); 3];
        let keys: Vec<String> = identify(&twins).into_iter().map(|identity| identity.key).collect();
        assert!(keys[0] == "https://a.example/1" && keys[2] == format!("{}#2", keys[1]), "{keys:?}");
        check(&[entry("", "", ""), entry("", "", "")], &["content", "content"]);
    }

    #[test]
    fn quotation_marks_make_no_other_title() {
        assert_eq!(identify(&[entry("", "", "He said: “no”")]), identify(&[entry("", "", "He said \"No\"")]));
        assert_ne!(identify(&[entry("", "", "He said no")]), identify(&[entry("", "", "He said yes")]));
    }
}
