//! The cache: a window as the networks read it in, what they said of one that reads the same out.
//!
//! Copies and updates of a story hold stretches that were judged before. What the networks say depends on what they are fed alone, so a window
//! is known by a hash of all of that, and what is kept of it is all that they said: with the cache and without it, in any order and from any
//! number of threads, a document is read alike. The cache is bounded in bytes. It has two halves: when the young one is full, it becomes the old
//! one, whose windows are forgotten unless they are read again.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use super::Given;
use super::acts::Told;
use super::window::Window;

/// Bytes that a cache takes at most.
pub(super) const CACHE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of an entry besides what it holds: its key, its places in the map (which is at least 7/16 full) and the allocator's own.
const ENTRY_BYTES: usize = 160;

/// Windows that the judge decided on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Those that the networks read.
    pub network: u64,
    /// Those that were in the cache.
    pub cache: u64,
}

impl WindowCounts {
    /// What was counted since an earlier count.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { network: self.network.saturating_sub(earlier.network), cache: self.cache.saturating_sub(earlier.cache) }
    }
}

impl std::ops::AddAssign for WindowCounts {
    fn add_assign(&mut self, other: Self) {
        self.network += other.network;
        self.cache += other.cache;
    }
}

/// What the networks say of a window.
#[derive(Debug, PartialEq)]
pub(super) struct Judged {
    /// The cues: those of claims first.
    pub(super) told: Vec<Told>,
    /// How many are those of claims.
    pub(super) claims: usize,
}

impl Judged {
    fn bytes(&self) -> usize {
        let spare = (self.told.capacity() - self.told.len()) * size_of::<Told>();
        ENTRY_BYTES + size_of::<Self>() + spare + self.told.iter().map(Told::bytes).sum::<usize>()
    }
}

/// Names what the networks are asked: 128 bits of a SHA-256, so that nobody can write a text that is taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    /// The key of a window with the cues that are given in it, statements wanted or not.
    pub(super) fn of(window: &Window, given: &[Given], all: bool) -> Self {
        let Window { pieces, shapes, quoted, heading, first, places, judged, sentences: _ } = window;
        let mut bytes = Vec::with_capacity(size_of::<i32>() * (pieces.len() * 5 + places.len() * 4));
        for list in [pieces, shapes, quoted, heading, first] {
            put(&mut bytes, list.len());
            bytes.extend(list.iter().flat_map(|number| number.to_le_bytes()));
        }
        put(&mut bytes, places.len());
        for place in places {
            put(&mut bytes, place.sentence);
            // No token is the last possible one.
            put(&mut bytes, place.token.unwrap_or(usize::MAX));
        }
        put(&mut bytes, judged.len());
        for &sentence in judged {
            put(&mut bytes, sentence);
        }
        bytes.push(u8::from(all));
        let mut words = String::new();
        // Writing to a string cannot fail.
        write!(words, "{given:?}").ok();
        bytes.extend(words.bytes());
        let mut key = [0; 16];
        for (byte, sum) in key.iter_mut().zip(Sha256::digest(&bytes)) {
            *byte = sum;
        }
        Self(key)
    }
}

/// Adds a number to what is hashed.
fn put(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend((number as u64).to_le_bytes());
}

/// Half of what a cache holds.
#[derive(Debug, Default)]
struct Half {
    entries: FxHashMap<Key, Arc<Judged>>,
    bytes: usize,
}

impl Half {
    fn put(&mut self, key: Key, judged: Arc<Judged>) {
        self.bytes += judged.bytes();
        if let Some(twin) = self.entries.insert(key, judged) {
            self.bytes = self.bytes.saturating_sub(twin.bytes());
        }
    }
}

#[derive(Debug, Default)]
struct Halves {
    young: Half,
    old: Half,
}

/// What was said of windows.
#[derive(Debug)]
pub(super) struct Cache {
    halves: Mutex<Halves>,
    half_bytes_max: usize,
    asked: AtomicU64,
    known: AtomicU64,
}

impl Cache {
    /// An empty cache that takes at most so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        let (asked, known) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { halves: Mutex::default(), half_bytes_max: bytes_max / 2, asked, known }
    }

    /// What was said of the window of this key, or what `ask` says, which nothing may depend on but what the key names. Two threads that ask the
    /// same at once are told the same.
    pub(super) fn get_or(&self, key: Key, ask: impl FnOnce() -> Option<Judged>) -> Option<Arc<Judged>> {
        if let Some(judged) = self.get(key) {
            self.known.fetch_add(1, Ordering::Relaxed);
            return Some(judged);
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let judged = Arc::new(ask()?);
        self.put(key, &judged);
        Some(judged)
    }

    /// What was counted since the beginning.
    pub(super) fn counts(&self) -> WindowCounts {
        WindowCounts { network: self.asked.load(Ordering::Relaxed), cache: self.known.load(Ordering::Relaxed) }
    }

    fn get(&self, key: Key) -> Option<Arc<Judged>> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judged) = halves.young.entries.get(&key) {
            return Some(Arc::clone(judged));
        }
        let judged = halves.old.entries.remove(&key)?;
        halves.old.bytes = halves.old.bytes.saturating_sub(judged.bytes());
        self.put_in(&mut halves, key, Arc::clone(&judged));
        Some(judged)
    }

    fn put(&self, key: Key, judged: &Arc<Judged>) {
        self.put_in(&mut self.halves.lock().unwrap_or_else(PoisonError::into_inner), key, Arc::clone(judged));
    }

    fn put_in(&self, halves: &mut Halves, key: Key, judged: Arc<Judged>) {
        let bytes = judged.bytes();
        if bytes > self.half_bytes_max {
            return;
        }
        if halves.young.bytes + bytes > self.half_bytes_max {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.put(key, judged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::judge::{Ground, Kind};

    fn key(number: usize) -> Key {
        let mut window = Window::probe();
        window.judged.push(number);
        Key::of(&window, &[], false)
    }

    fn nothing() -> Judged {
        Judged { told: Vec::new(), claims: 0 }
    }

    fn bytes(cache: &Cache) -> usize {
        let halves = cache.halves.lock().unwrap();
        halves.young.bytes + halves.old.bytes
    }

    #[test]
    fn what_was_asked_is_not_asked_again() {
        let cache = Cache::new(CACHE_BYTES_MAX);
        let first = cache.get_or(key(1), || Some(nothing())).unwrap();
        let second = cache.get_or(key(1), || panic!("asked again")).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(cache.counts(), WindowCounts { network: 1, cache: 1 });
        cache.get_or(key(2), || None);
        cache.get_or(key(2), || Some(nothing())).unwrap();
        assert_eq!(cache.counts(), WindowCounts { network: 3, cache: 1 }, "a failure is not kept");
    }

    #[test]
    fn the_cache_keeps_its_bound_and_what_is_read_again() {
        let entries = 40;
        let cache = Cache::new(entries * nothing().bytes());
        for number in 0..1_000 {
            cache.get_or(key(number), || Some(nothing())).unwrap();
            cache.get_or(key(0), || Some(nothing())).unwrap();
            assert!(bytes(&cache) <= 2 * cache.half_bytes_max);
        }
        assert_eq!(cache.counts(), WindowCounts { network: 1_000, cache: 1_000 }, "the first one is never forgotten");
        let halves = cache.halves.lock().unwrap();
        assert!(halves.young.entries.len() + halves.old.entries.len() <= entries);
        let held: usize = [&halves.young, &halves.old].map(|half| half.entries.len()).iter().sum();
        assert_eq!(halves.young.bytes + halves.old.bytes, held * nothing().bytes());
    }

    #[test]
    fn a_cache_without_room_asks_every_time() {
        let cache = Cache::new(0);
        cache.get_or(key(1), || Some(nothing())).unwrap();
        cache.get_or(key(1), || Some(nothing())).unwrap();
        assert_eq!((cache.counts(), bytes(&cache)), (WindowCounts { network: 2, cache: 0 }, 0));
    }

    #[test]
    fn whatever_the_networks_are_told_is_in_the_key() {
        let given =
            |probability| Given { sentence: 0, tokens: 0..=0, kind: Kind::Denial, probability, ground: Ground::Own };
        let changes: [fn(&mut Window); 7] = [
            |window| window.pieces[1] = 9,
            |window| window.shapes[1] = 9,
            |window| window.quoted[1] = 1,
            |window| window.heading[1] = 1,
            |window| window.first[1] = 0,
            |window| window.places[0].token = None,
            |window| window.judged.push(0),
        ];
        let mut keys = vec![
            Key::of(&Window::probe(), &[], false),
            Key::of(&Window::probe(), &[], true),
            Key::of(&Window::probe(), &[given(0.5)], false),
            Key::of(&Window::probe(), &[given(0.75)], false),
        ];
        for change in changes {
            let mut window = Window::probe();
            change(&mut window);
            keys.push(Key::of(&window, &[], false));
        }
        for (number, key) in keys.iter().enumerate() {
            assert!(!keys[..number].contains(key), "{number}");
        }
        let mut elsewhere = Window::probe();
        elsewhere.sentences = vec![7];
        assert_eq!(Key::of(&elsewhere, &[], false), keys[0], "where it stands in a document is none of it");
    }
}
