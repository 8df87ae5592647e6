//! A fingerprint as bytes and back: a quarter of its JSON's size, and nothing that a person would read.

use crate::model::{Fingerprint, Lists};

/// `exact` and `word_count`, then for each list its length and its numbers; all little-endian.
pub(super) fn pack(fingerprint: &Fingerprint) -> Vec<u8> {
    let mut packed = Vec::new();
    packed.extend_from_slice(&fingerprint.exact.to_le_bytes());
    packed.extend_from_slice(&fingerprint.word_count.to_le_bytes());
    let lists = fingerprint.lists();
    for list in [lists.shingles, lists.lead, lists.title, lists.figures] {
        // A text is bounded far below four billion shingles; a longer list would not read back and be noticed.
        packed.extend_from_slice(&u32::try_from(list.len()).unwrap_or(u32::MAX).to_le_bytes());
        packed.extend(list.iter().flat_map(|number| number.to_le_bytes()));
    }
    packed
}

/// The fingerprint that was packed; `None` if the bytes are anything else.
pub(super) fn unpack(mut packed: &[u8]) -> Option<Fingerprint> {
    let rest = &mut packed;
    let exact = u64::from_le_bytes(*take(rest)?);
    let word_count = u32::from_le_bytes(*take(rest)?);
    let [shingles, lead, title, figures] = [take_list(rest)?, take_list(rest)?, take_list(rest)?, take_list(rest)?];
    let lists = Lists { shingles: &shingles, lead: &lead, title: &title, figures: &figures };
    let fingerprint = Fingerprint::new(exact, word_count, lists);
    packed.is_empty().then_some(fingerprint)
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(head)
}

fn take_list(rest: &mut &[u8]) -> Option<Vec<u32>> {
    let length = usize::try_from(u32::from_le_bytes(*take(rest)?)).ok()?;
    let (head, tail) = rest.split_at_checked(length.checked_mul(4)?)?;
    *rest = tail;
    Some(head.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn comes_back_as_it_went(
            exact: u64, word_count: u32, shingles: Vec<u32>, lead: Vec<u32>, title: Vec<u32>, figures: Vec<u32>,
        ) {
            let lists = Lists { shingles: &shingles, lead: &lead, title: &title, figures: &figures };
            let fingerprint = Fingerprint::new(exact, word_count, lists);
            prop_assert_eq!(unpack(&pack(&fingerprint)), Some(fingerprint));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>) {
            if let Some(fingerprint) = unpack(&bytes) {
                prop_assert_eq!(pack(&fingerprint), bytes);
            }
        }
    }
}
