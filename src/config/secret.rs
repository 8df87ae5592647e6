//! `Secret`: a webhook's signing key, read from the `whsec_` form of Standard Webhooks and never printed.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What Standard Webhooks 1.0 puts in front of a symmetric key.
const PREFIX: &str = "whsec_";

/// Key sizes that Standard Webhooks 1.0 allows.
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// A signing key of 24 to 64 bytes. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the decoded key.
    pub fn new(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// The key.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a text is not a secret. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// The prefix is missing.
    #[error("does not start with whsec_")]
    Prefix,
    /// What follows the prefix is not base64.
    #[error("is not base64 after whsec_")]
    Base64,
    /// The key is too short or too long.
    #[error("holds a key of {0} bytes")]
    Length(usize),
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(InvalidSecret::Prefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| InvalidSecret::Base64)?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(InvalidSecret::Length(key.len()));
        }
        Ok(Self(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<usize, InvalidSecret>) {
        assert_eq!(text.parse::<Secret>().map(|secret| secret.bytes().len()), expected);
    }

    fn encoded(bytes: usize) -> String {
        format!("{PREFIX}{}", STANDARD.encode(vec![7; bytes]))
    }

    #[test]
    fn only_prefixed_keys_of_a_fit_size_are_secrets() {
        check(&encoded(24), Ok(24));
        check(&format!(" {}\n", encoded(64)), Ok(64));
        check(&encoded(23), Err(InvalidSecret::Length(23)));
        check(&encoded(65), Err(InvalidSecret::Length(65)));
        check("hunter2", Err(InvalidSecret::Prefix));
        check("whsec_%%%", Err(InvalidSecret::Base64));
    }

    #[test]
    fn a_secret_never_shows() {
        let secret: Secret = encoded(32).parse().unwrap();
        assert_eq!(format!("{secret:?}"), "***");
    }
}
