//! Places: countries and world bodies under one name each, whatever their seat, people or adjective; called by `extract` and `link`.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::lexicon::lines;
use super::normalize::fold;

/// Words of the longest name of a place that is looked up.
pub const PLACE_WORDS_MAX: usize = 4;

/// What the list of places says of a name.
struct Entry {
    place: &'static str,
    /// It is the name of the people or an adjective.
    is_people: bool,
}

/// By folded name.
static PLACES: LazyLock<FxHashMap<String, Entry>> = LazyLock::new(|| {
    let mut found = FxHashMap::default();
    for line in lines(include_str!("../../config/lexicon/places.txt")) {
        let (place, others) = line.split_once('=').unwrap_or((line, ""));
        let (seats, peoples) = others.split_once('|').unwrap_or((others, ""));
        let place = place.trim();
        let names = |list: &'static str| list.split(',').map(str::trim).filter(|name| !name.is_empty());
        for name in names(seats).chain([place]) {
            found.insert(fold(name), Entry { place, is_people: false });
        }
        for name in names(peoples) {
            found.insert(fold(name), Entry { place, is_people: true });
        }
    }
    found
});

/// The place that a folded name, seat of government or people belongs to.
pub fn place(folded: &str) -> Option<&'static str> {
    PLACES.get(folded.strip_prefix("the ").unwrap_or(folded)).map(|entry| entry.place)
}

/// The country whose people or adjective a folded name is.
pub fn country_of_people(folded: &str) -> Option<&'static str> {
    PLACES.get(folded).filter(|entry| entry.is_people).map(|entry| entry.place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_and_peoples_are_of_their_place() {
        assert_eq!(place("the kremlin"), Some("Russia"));
        assert_eq!(place("russians"), Some("Russia"));
        assert_eq!(country_of_people("kremlin"), None);
        assert_eq!(country_of_people("russian"), Some("Russia"));
        assert_eq!(place("nowhere"), None);
    }
}
