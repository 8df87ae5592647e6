//! Identifiers: 128-bit hashes of what they name, so that a replay, a restart and another node compute the same ones.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 over the length-prefixed parts, cut to 128 bits; the first part is the name of the id's domain.
fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let full = hasher.finalize();
    let mut short = [0; 16];
    short.copy_from_slice(&full[..16]);
    short
}

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $domain:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Hashes the parts under this id's own domain.
            pub fn of(parts: &[&[u8]]) -> Self {
                let mut all: Vec<&[u8]> = vec![$domain.as_bytes()];
                all.extend_from_slice(parts);
                Self(digest(&all))
            }

            /// The id before all others: where a range of them begins.
            pub const FIRST: Self = Self([0; 16]);

            /// The 16 bytes of the id, of which other ids are made; outside they are written in hexadecimal.
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_hex(text).map(Self).ok_or(InvalidId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if !deserializer.is_human_readable() {
                    return <[u8; 16]>::deserialize(deserializer).map(Self);
                }
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
            }
        }
    };
}

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 32 hexadecimal digits")]
pub struct InvalidId;

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

hash_id!(
    /// One entry of one feed: hash of feed, entry identity and the version of the identity rule.
    DocumentId, "document"
);
hash_id!(
    /// One piece of wire copy: hash of the first document seen of it.
    StoryId, "story"
);
hash_id!(
    /// One claim: hash of its first document, revision, kind and cue span, fixed at first sight.
    ClaimId, "claim"
);
hash_id!(
    /// One claim thread: hash of the claim that opened it.
    ThreadId, "thread"
);
hash_id!(
    /// One alert: hash of its subject's id, the subject's revision and the alert type; goes out as `webhook-id`.
    AlertId, "alert"
);
hash_id!(
    /// An address that is only to be known again: addresses may hold a token, which has no business in the database.
    AddressHash, "address"
);
hash_id!(
    /// What a user said: hash of its time, who said it and the words of its JSON.
    FeedbackId, "feedback"
);
hash_id!(
    /// What an entry says: hash of its title, markup and links' text; tells an edit from a repeat.
    ContentHash, "content"
);

/// The name a feed was given at subscription; it survives a change of the feed's URL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct FeedId(Arc<str>);

impl FeedId {
    /// Wraps a name; the config checks its form. Clones share it: each part of the daemon knows each feed by it.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_there_and_back() {
        let id = DocumentId::of(&[b"feed", b"entry"]);
        assert_eq!(id.to_string().parse::<DocumentId>(), Ok(id));
        assert_eq!("zz".parse::<DocumentId>(), Err(InvalidId));
        assert_eq!("+f".repeat(16).parse::<DocumentId>(), Err(InvalidId));
    }

    #[test]
    fn parts_and_domains_are_kept_apart() {
        assert_ne!(DocumentId::of(&[b"ab", b"c"]), DocumentId::of(&[b"a", b"bc"]));
        assert_ne!(StoryId::of(&[b"a"]).as_bytes(), ThreadId::of(&[b"a"]).as_bytes());
    }
}
