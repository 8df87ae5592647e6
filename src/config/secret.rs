//! `Secret`: a webhook's signing key, read from the `whsec_` and `whsk_` forms of Standard Webhooks and never printed.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;

/// What Standard Webhooks 1.0 puts in front of a symmetric key.
const SHARED_PREFIX: &str = "whsec_";
/// … of a private ed25519 key …
const PRIVATE_PREFIX: &str = "whsk_";
/// … and of its public half.
const PUBLIC_PREFIX: &str = "whpk_";

/// Sizes of symmetric keys that Standard Webhooks 1.0 allows.
const SHARED_BYTES: RangeInclusive<usize> = 24..=64;

/// A signing key. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A key of 24 to 64 bytes that both sides know: HMAC-SHA256, signatures `v1`.
    Shared(Vec<u8>),
    /// A key of which receivers know the public half alone: ed25519, signatures `v1a`.
    Private(Box<SigningKey>),
}

impl Secret {
    /// Wraps a decoded symmetric key.
    pub fn new(key: Vec<u8>) -> Self {
        Self::Shared(key)
    }

    /// The ed25519 key of this seed.
    pub fn private(seed: &[u8; 32]) -> Self {
        Self::Private(Box::new(SigningKey::from_bytes(seed)))
    }

    /// The version of its signatures: `v1` or `v1a`.
    pub fn version(&self) -> &'static str {
        match self {
            Self::Shared(_) => "v1",
            Self::Private(_) => "v1a",
        }
    }

    /// What receivers verify with, as `whpk_…`, where that is no secret.
    pub fn public_key(&self) -> Option<String> {
        match self {
            Self::Shared(_) => None,
            Self::Private(key) => Some(format!("{PUBLIC_PREFIX}{}", STANDARD.encode(key.verifying_key().as_bytes()))),
        }
    }

    /// The key itself, in the form that it is read from; for a new key that its owner is to keep, and for nothing else.
    pub fn reveal(&self) -> String {
        match self {
            Self::Shared(key) => format!("{SHARED_PREFIX}{}", STANDARD.encode(key)),
            Self::Private(key) => format!("{PRIVATE_PREFIX}{}", STANDARD.encode(key.to_keypair_bytes())),
        }
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
    #[error("does not start with whsec_ or whsk_")]
    Prefix,
    /// What receivers get.
    #[error("is a public key (whpk_), which signs nothing; its private one starts with whsk_")]
    Public,
    /// What follows the prefix is not base64.
    #[error("is not base64 after its prefix")]
    Base64,
    /// The key is too short or too long.
    #[error("holds a key of {0} bytes")]
    Length(usize),
    /// The second half of an ed25519 key is not the public key of the first.
    #[error("holds a private and a public key that do not belong together")]
    Pair,
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        let decode = |encoded: &str| STANDARD.decode(encoded).map_err(|_| InvalidSecret::Base64);
        if let Some(encoded) = text.strip_prefix(SHARED_PREFIX) {
            let key = decode(encoded)?;
            return if SHARED_BYTES.contains(&key.len()) {
                Ok(Self::Shared(key))
            } else {
                Err(InvalidSecret::Length(key.len()))
            };
        }
        match text.strip_prefix(PRIVATE_PREFIX) {
            Some(encoded) => private(&decode(encoded)?),
            None if text.starts_with(PUBLIC_PREFIX) => Err(InvalidSecret::Public),
            None => Err(InvalidSecret::Prefix),
        }
    }
}

/// A seed of 32 bytes, alone or with its public key behind it: the standard does not say which, and both are handed out.
fn private(bytes: &[u8]) -> Result<Secret, InvalidSecret> {
    if let Ok(seed) = <&[u8; 32]>::try_from(bytes) {
        return Ok(Secret::private(seed));
    }
    let pair = <&[u8; 64]>::try_from(bytes).map_err(|_| InvalidSecret::Length(bytes.len()))?;
    let key = SigningKey::from_keypair_bytes(pair).map_err(|_| InvalidSecret::Pair)?;
    Ok(Secret::Private(Box::new(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, InvalidSecret>) {
        assert_eq!(text.parse::<Secret>().map(|secret| secret.version()), expected);
    }

    fn encoded(prefix: &str, bytes: usize) -> String {
        format!("{prefix}{}", STANDARD.encode(vec![7; bytes]))
    }

    #[test]
    fn only_prefixed_keys_of_a_fit_size_are_secrets() {
        check(&encoded("whsec_", 24), Ok("v1"));
        check(&format!(" {}\n", encoded("whsec_", 64)), Ok("v1"));
        check(&encoded("whsec_", 23), Err(InvalidSecret::Length(23)));
        check(&encoded("whsec_", 65), Err(InvalidSecret::Length(65)));
        check("hunter2", Err(InvalidSecret::Prefix));
        check("whsec_%%%", Err(InvalidSecret::Base64));
        check(&encoded("whsk_", 32), Ok("v1a"));
        check(&encoded("whsk_", 31), Err(InvalidSecret::Length(31)));
        check(&encoded("whsk_", 33), Err(InvalidSecret::Length(33)));
        check(&encoded("whsk_", 64), Err(InvalidSecret::Pair));
        check("whsk_%%%", Err(InvalidSecret::Base64));
        check(&encoded("whpk_", 32), Err(InvalidSecret::Public));
    }

    /// The pair that svix's server signs with in its tests.
    #[test]
    fn a_private_key_knows_its_public_one() {
        let text = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let secret: Secret = text.parse().unwrap();
        assert_eq!(secret.public_key().unwrap(), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
        assert_eq!(secret.reveal(), text);
        assert_eq!("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=".parse(), Ok(secret));
    }

    #[test]
    fn a_secret_never_shows() {
        for prefix in ["whsec_", "whsk_"] {
            let secret: Secret = encoded(prefix, 32).parse().unwrap();
            assert_eq!(format!("{secret:?}"), "***");
            assert_eq!(secret.reveal().parse(), Ok(secret));
        }
    }
}
