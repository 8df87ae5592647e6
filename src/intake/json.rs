//! Takes a text that is meant to be a JSON Feed and writes what we read of it for the parser behind, each list bounded:
//! that parser compares all authors with each other and copies those of the feed into every entry.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::parse::{ENTRIES_READ_MAX, TOPICS_MAX};
use super::recover::{Repair, Repairs};

/// Authors read of a feed or an entry: an alert has room for one.
const AUTHORS_MAX: usize = 1;

#[derive(Deserialize, Serialize)]
struct Feed {
    version: String,
    title: String,
    author: Option<Author>,
    authors: Option<Bounded<Author, AUTHORS_MAX>>,
    items: Bounded<Entry, ENTRIES_READ_MAX>,
}

#[derive(Deserialize, Serialize)]
struct Author {
    name: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Entry {
    id: Option<String>,
    url: Option<String>,
    external_url: Option<String>,
    title: Option<String>,
    content_html: Option<String>,
    content_text: Option<String>,
    summary: Option<String>,
    date_published: Option<String>,
    date_modified: Option<String>,
    author: Option<Author>,
    authors: Option<Bounded<Author, AUTHORS_MAX>>,
    #[serde(default, deserialize_with = "tags")]
    tags: Vec<String>,
}

/// The first tags that are texts: what is none does not cost the feed.
fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let stated = serde_json::Value::deserialize(deserializer)?;
    let texts = stated.as_array().into_iter().flatten().filter_map(|tag| tag.as_str());
    Ok(texts.take(TOPICS_MAX).map(str::to_owned).collect())
}

/// The first `MAX` of a list; the others are passed over.
#[derive(Serialize)]
#[serde(transparent)]
struct Bounded<T, const MAX: usize> {
    kept: Vec<T>,
    #[serde(skip)]
    left_out: u32,
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
            type Value = Bounded<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MAX {
                    let Some(element) = list.next_element()? else { break };
                    kept.push(element);
                }
                let mut left_out = 0_u32;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    left_out = left_out.saturating_add(1);
                }
                Ok(Bounded { kept, left_out })
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// What we read of the JSON Feed `document`, as a JSON Feed.
pub(super) fn bound(document: &str, repairs: &mut Repairs) -> serde_json::Result<String> {
    let feed: Feed = serde_json::from_str(document)?;
    repairs.count(Repair::EntriesLeftOut, feed.items.left_out);
    serde_json::to_string(&feed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded_and_what_is_left_out_is_counted() {
        let author = r#"{"name":"a","url":"https://a.example/"},"#;
        let entries = r#"{"id":"1","tags":["x"]},"#.repeat(ENTRIES_READ_MAX + 2);
        let feed = format!(
            r#"{{"version":"1","title":"","authors":[{}{{}}],"items":[{}]}}"#,
            author.repeat(9),
            entries.trim_end_matches(',')
        );
        let mut repairs = Repairs::default();
        let feed: Feed = serde_json::from_str(&bound(&feed, &mut repairs).unwrap()).unwrap();
        assert_eq!((feed.authors.unwrap().kept.len(), feed.items.kept.len()), (1, ENTRIES_READ_MAX));
        assert_eq!(repairs.0.get(&Repair::EntriesLeftOut), Some(&2));
    }
}
