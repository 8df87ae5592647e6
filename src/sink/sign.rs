//! Signatures of webhooks by Standard Webhooks 1.0: `v1` (HMAC-SHA256) and `v1a` (ed25519), a list of them while keys change.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _};
use hmac::{Hmac, KeyInit as _, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::config::{MoreSecret, Secret, WebhookConfig};

/// How far a receiver's clock may be from ours.
const TOLERANCE: Duration = Duration::from_mins(5);

/// The keys of an endpoint.
pub(super) struct Keys(Vec<MoreSecret>);

impl Keys {
    /// The main one first, which never expires.
    pub(super) fn of(config: &WebhookConfig) -> Self {
        let main = config.secret.clone().map(|secret| MoreSecret { secret, until: None });
        Self(main.into_iter().chain(config.more_secrets.iter().cloned()).collect())
    }

    /// The value of `webhook-signature`: one signature for each key that has not expired at `now`; nothing without any.
    pub(super) fn signatures(&self, id: &str, now: Timestamp, body: &[u8]) -> Option<String> {
        let live = self.0.iter().filter(|key| key.until.is_none_or(|until| now < until));
        let signed: Vec<String> = live.map(|key| sign(&key.secret, id, now.as_second(), body)).collect();
        (!signed.is_empty()).then(|| signed.join(" "))
    }
}

/// The signature of a webhook by one key, as it stands in `webhook-signature`.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let signature = match secret {
        Secret::Shared(key) => STANDARD.encode(mac(key, id, &timestamp, body).finalize().into_bytes()),
        Secret::Private(key) => STANDARD.encode(key.sign(&signed(id, &timestamp, body)).to_bytes()),
    };
    format!("{},{signature}", secret.version())
}

/// Why a webhook is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The timestamp is no number of seconds since 1970.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// The timestamp is more than five minutes from now: an old webhook, played again, or a clock that is wrong.
    #[error("the timestamp is more than five minutes from now")]
    Stale,
    /// None of the signatures fits.
    #[error("no signature fits")]
    Signature,
}

/// Whether the owner of this key has signed this webhook in the last five minutes. `signatures` is the list in
/// `webhook-signature`; one that fits is enough. Takes the same time whichever byte differs.
///
/// # Errors
/// When the timestamp is too far from `now` or no signature fits.
pub fn verify(
    secret: &Secret,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), VerifyError> {
    let seconds = timestamp.parse().map_err(|_| VerifyError::Timestamp)?;
    let signed_at = Timestamp::from_second(seconds).map_err(|_| VerifyError::Timestamp)?;
    if signed_at.duration_since(now).unsigned_abs() > TOLERANCE {
        return Err(VerifyError::Stale);
    }
    let fits = |signature: &str| {
        let (version, encoded) = signature.split_once(',')?;
        let bytes = STANDARD.decode(encoded).ok().filter(|_| version == secret.version())?;
        let fits = match secret {
            Secret::Shared(key) => mac(key, id, timestamp, body).verify_slice(&bytes).is_ok(),
            Secret::Private(key) => {
                let signature = Signature::from_slice(&bytes).ok()?;
                key.verifying_key().verify_strict(&signed(id, timestamp, body), &signature).is_ok()
            }
        };
        fits.then_some(())
    };
    signatures.split(' ').find_map(fits).ok_or(VerifyError::Signature)
}

/// What is signed.
fn signed(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    parts(id, timestamp, body).concat()
}

fn parts<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

fn mac(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    parts(id, timestamp, body).into_iter().fold(mac, Mac::chain_update)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    const SIGNED_AT: i64 = 1_649_367_553;

    fn key() -> Secret {
        KEY.parse().unwrap()
    }

    #[test]
    fn signs_as_the_reference_does() {
        assert_eq!(sign(&key(), ID, SIGNED_AT, BODY), SIGNATURE);
    }

    /// The standard has no vector for `v1a`; this one is of svix's server.
    #[test]
    fn signs_with_ed25519_as_others_do() {
        let key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let (key, id): (Secret, _) = (key.parse().unwrap(), "msg_p5jXN8AQM9LWM0D4loKWxJek");
        let (signed_at, body) = (1_614_265_330, br#"{"test": 2432232314}"#);
        let signature = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
        assert_eq!(sign(&key, id, signed_at, body), signature);
        let verify = |signatures: &str, body: &[u8]| {
            let now = Timestamp::from_second(signed_at).unwrap();
            verify(&key, id, &signed_at.to_string(), signatures, body, now)
        };
        assert_eq!(verify(&format!("{SIGNATURE} v1a,AAAA {signature}"), body), Ok(()));
        for (signatures, body) in [
            (signature, &b"{}"[..]),
            (&signature.replace("v1a", "v1"), body),
            (&signature.replace("hnO3", "hnO4"), body),
            (SIGNATURE, body),
        ] {
            assert_eq!(verify(signatures, body), Err(VerifyError::Signature), "{signatures}");
        }
    }

    #[test]
    fn signs_with_every_key_until_it_expires() {
        let at = |second: i64| Timestamp::from_second(SIGNED_AT + second).unwrap();
        let more = |secret: Secret, until: Option<i64>| MoreSecret { secret, until: until.map(at) };
        let (old, private) = (Secret::new(vec![7; 32]), Secret::private(&[7; 32]));
        let mut config = WebhookConfig::new("https://a.example".parse().unwrap(), key());
        config.more_secrets = vec![more(old.clone(), Some(10)), more(private.clone(), None)];
        let keys = Keys::of(&config);
        let expected = |second: i64, keys: &[&Secret]| {
            let signed = keys.iter().map(|key| sign(key, ID, SIGNED_AT + second, BODY));
            Some(signed.collect::<Vec<_>>().join(" "))
        };
        for (second, live) in [(0, vec![&key(), &old, &private]), (9, vec![&key(), &old, &private])] {
            assert_eq!(keys.signatures(ID, at(second), BODY), expected(second, &live));
        }
        assert_eq!(keys.signatures(ID, at(10), BODY), expected(10, &[&key(), &private]));
        config.secret = None;
        config.more_secrets.truncate(1);
        assert_eq!(Keys::of(&config).signatures(ID, at(10), BODY), None);
    }

    #[track_caller]
    fn check(id: &str, timestamp: &str, signatures: &str, body: &[u8], age: i64, expected: Result<(), VerifyError>) {
        let now = Timestamp::from_second(SIGNED_AT + age).unwrap();
        assert_eq!(verify(&key(), id, timestamp, signatures, body, now), expected);
    }

    #[test]
    fn trusts_only_what_was_signed() {
        let timestamp = SIGNED_AT.to_string();
        check(ID, &timestamp, SIGNATURE, BODY, 0, Ok(()));
        check(ID, &timestamp, &format!("v1a,AAAA v1,AAAA {SIGNATURE}"), BODY, 0, Ok(()));
        let refused = Err(VerifyError::Signature);
        check("msg_1", &timestamp, SIGNATURE, BODY, 0, refused);
        check(ID, &(SIGNED_AT + 1).to_string(), SIGNATURE, BODY, 0, refused);
        check(ID, &timestamp, SIGNATURE, b"{}", 0, refused);
        for signatures in
            ["", " ", "v1", "v1,", "v1,AAAA", "v1,%%%", &SIGNATURE.replace("v1", "v2"), SIGNATURE.trim_end_matches('=')]
        {
            check(ID, &timestamp, signatures, BODY, 0, refused);
        }
    }

    #[test]
    fn trusts_only_for_five_minutes() {
        let timestamp = SIGNED_AT.to_string();
        check(ID, &timestamp, SIGNATURE, BODY, 300, Ok(()));
        check(ID, &timestamp, SIGNATURE, BODY, -300, Ok(()));
        check(ID, &timestamp, SIGNATURE, BODY, 301, Err(VerifyError::Stale));
        check(ID, &timestamp, SIGNATURE, BODY, -301, Err(VerifyError::Stale));
        for nonsense in ["", "now", "1.5", "99999999999999999", "99999999999999999999"] {
            check(ID, nonsense, SIGNATURE, BODY, 0, Err(VerifyError::Timestamp));
        }
    }
}
