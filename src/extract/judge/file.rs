//! The judge's model file: one file with everything the judge needs, checked before any of it is used.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `gainsay judge 2\n` |
//! | 32 | SHA-256 of all that follows |
//! | 4 + n, five times | length (little endian) and bytes of: settings (JSON), vocabulary (one piece a line), encoder and heads (ONNX), their weights |
//!
//! The weights are the networks' 8-bit tensors, which stand apart (ONNX's external data, `weights.data`) so that they can be used where they are.

use serde::Deserialize;

use crate::extract::ModelError;

const MAGIC: &[u8] = b"gainsay judge 2\n";
/// Bytes of a SHA-256.
const DIGEST_LEN: usize = 32;

/// The parts of a model file.
#[derive(Debug)]
pub(super) struct ModelFile<'a> {
    /// How scores become probabilities.
    pub(super) settings: Settings,
    /// The vocabulary, one piece a line.
    pub(super) vocabulary: &'a str,
    /// The network that reads a window.
    pub(super) encoder: &'a [u8],
    /// The network that reads one act in it.
    pub(super) heads: &'a [u8],
    /// The 8-bit weights of both.
    pub(super) weights: &'a [u8],
}

/// How the networks' scores become probabilities: fitted on articles that trained no weight.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Settings {
    /// Weight of the cue's log odds.
    pub(super) cue: f32,
    /// Weight of its sentence's log odds.
    pub(super) sentence: f32,
    /// What is added to both.
    pub(super) bias: f32,
}

impl<'a> ModelFile<'a> {
    /// Reads the parts of a file.
    ///
    /// # Errors
    /// If it is another file, cut off, or damaged.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ModelError> {
        use sha2::{Digest as _, Sha256};
        let behind = bytes.strip_prefix(MAGIC).ok_or(if MAGIC.starts_with(bytes) {
            ModelError::Truncated
        } else {
            ModelError::NotAModel
        })?;
        let (digest, mut rest) = behind.split_at_checked(DIGEST_LEN).ok_or(ModelError::Truncated)?;
        let body = rest;
        let mut part = || {
            let (len, behind) = rest.split_first_chunk::<4>()?;
            let (part, behind) = behind.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
            rest = behind;
            Some(part)
        };
        let mut next = || part().ok_or(ModelError::Truncated);
        let (settings, vocabulary, encoder, heads, weights) = (next()?, next()?, next()?, next()?, next()?);
        if Sha256::digest(body).as_slice() != digest {
            return Err(ModelError::Damaged);
        }
        Ok(Self {
            settings: serde_json::from_slice(settings).map_err(|_| ModelError::NotAModel)?,
            vocabulary: std::str::from_utf8(vocabulary).map_err(|_| ModelError::NotAModel)?,
            encoder,
            heads,
            weights,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(parts: [&[u8]; 5]) -> Vec<u8> {
        use sha2::{Digest as _, Sha256};
        let mut body = Vec::new();
        for part in parts {
            body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            body.extend(part);
        }
        [MAGIC, Sha256::digest(&body).as_slice(), &body].concat()
    }

    const SETTINGS: &[u8] = br#"{"cue":1.0,"sentence":0.5,"bias":-0.5}"#;

    #[test]
    fn parts_come_back_as_they_were_put() {
        let bytes = file([SETTINGS, b"[PAD]\n", b"one", b"two", b"3"]);
        let file = ModelFile::parse(&bytes).unwrap();
        assert_eq!(file.settings, Settings { cue: 1.0, sentence: 0.5, bias: -0.5 });
        assert_eq!(file.vocabulary, "[PAD]\n");
        assert_eq!([file.encoder, file.heads, file.weights], [b"one".as_slice(), b"two", b"3"]);
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let bytes = file([SETTINGS, b"[PAD]\n", b"one", b"two", b"3"]);
        for len in 0..bytes.len() {
            assert_eq!(ModelFile::parse(&bytes[..len]).unwrap_err(), ModelError::Truncated, "{len} bytes");
        }
    }

    #[test]
    fn a_changed_byte_is_found() {
        let bytes = file([SETTINGS, b"[PAD]\n", b"one", b"two", b"3"]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            ModelFile::parse(&changed).unwrap_err();
        }
    }

    #[test]
    fn another_file_is_told_from_a_damaged_one() {
        assert_eq!(ModelFile::parse(b"%PDF-1.7 and more of it").unwrap_err(), ModelError::NotAModel);
        let bytes = file([b"no settings", b"[PAD]\n", b"one", b"two", b"3"]);
        assert_eq!(ModelFile::parse(&bytes).unwrap_err(), ModelError::NotAModel);
    }
}
