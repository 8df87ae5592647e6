//! A claim thread: one stance per respondent, a state derived from them, contradictions between outlets.

use crate::link::speaker::{name_key, same_name};
use crate::model::{AlertThread, ClaimId, Kind, Speaker, Stance, StanceEntry, StanceRecord, ThreadRecord, ThreadState};

/// The stance that a kind of claim takes; allegations and statements take none.
pub fn stance_of(kind: Kind) -> Option<Stance> {
    match kind {
        Kind::Denial => Some(Stance::Denied),
        Kind::Confirmation => Some(Stance::Confirmed),
        Kind::NoComment => Some(Stance::NoComment),
        Kind::Retraction => Some(Stance::Retracted),
        Kind::Allegation | Kind::Statement => None,
    }
}

/// Key of the respondent who already speaks in the thread under this name, or a new one.
fn respondent_key(thread: &ThreadRecord, name: &str) -> String {
    let known = thread.stances.iter().find(|(_, stance)| same_name(&stance.respondent, name));
    known.map_or_else(|| name_key(name), |(key, _)| key.clone())
}

/// The name under which claims without a speaker answer.
const NOBODY: &str = "unnamed source";

/// Lets `claim` take its stance. True where that is news: the respondent's first, or another than before. A refusal to
/// comment does not take a denial or an admission back.
pub fn take_stance(thread: &mut ThreadRecord, speaker: Option<&Speaker>, stance: Stance, claim: ClaimId) -> bool {
    let name = speaker.map_or(NOBODY, |speaker| speaker.name.as_str());
    let key = respondent_key(thread, name);
    match thread.stances.get_mut(&key) {
        Some(known) if known.stance == stance || stance == Stance::NoComment => {
            if known.respondent.len() < name.len() && speaker.is_some() {
                name.clone_into(&mut known.respondent);
            }
            false
        }
        _ => {
            thread.stances.insert(key, StanceRecord { respondent: name.to_owned(), stance, claim });
            true
        }
    }
}

/// Takes the stances of a withdrawn claim out.
pub fn drop_stance(thread: &mut ThreadRecord, claim: ClaimId) {
    thread.stances.retain(|_, stance| stance.claim != claim);
}

/// Derives the thread's state; `has_live_claim`: some claim of it is not withdrawn.
pub fn derive_state(thread: &ThreadRecord, has_live_claim: bool) -> ThreadState {
    let says = |wanted: &[Stance]| thread.stances.values().any(|entry| wanted.contains(&entry.stance));
    if !has_live_claim {
        ThreadState::Withdrawn
    } else if thread.is_closed {
        ThreadState::Closed
    } else if says(&[Stance::Confirmed, Stance::PartlyConfirmed]) {
        if says(&[Stance::Denied]) { ThreadState::Contested } else { ThreadState::Confirmed }
    } else if thread.stances.is_empty() {
        ThreadState::Alleged
    } else {
        ThreadState::Answered
    }
}

/// The thread as an alert shows it.
pub fn alert_thread(thread: &ThreadRecord) -> AlertThread {
    let entry = |stance: &StanceRecord| StanceEntry {
        respondent: stance.respondent.clone(),
        stance: stance.stance,
        claim: stance.claim,
    };
    AlertThread {
        id: thread.id,
        sequence: thread.sequence,
        state: thread.state,
        proposition: thread.proposition.clone(),
        stances: thread.stances.values().map(entry).collect(),
        contradiction: thread.has_contradiction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ThreadId;

    fn thread() -> ThreadRecord {
        ThreadRecord {
            id: ThreadId::of(&[b"t"]),
            sequence: 0,
            state: ThreadState::Alleged,
            proposition: String::new(),
            stances: std::collections::BTreeMap::new(),
            claims: std::collections::BTreeSet::new(),
            has_contradiction: false,
            is_closed: false,
            last_seen: jiff::Timestamp::UNIX_EPOCH,
            order: 0,
            is_followed: false,
            is_muted: false,
        }
    }

    fn speaker(name: &str) -> Speaker {
        Speaker { name: name.into(), role: None, via: None, affiliation: None }
    }

    #[test]
    fn one_stance_per_respondent() {
        let mut thread = thread();
        let claim = ClaimId::of(&[b"c"]);
        assert!(take_stance(&mut thread, Some(&speaker("Nebenzia")), Stance::Denied, claim));
        assert!(!take_stance(&mut thread, Some(&speaker("Vassily Nebenzia")), Stance::Denied, claim));
        assert!(!take_stance(&mut thread, Some(&speaker("Mr Nebenzya")), Stance::NoComment, claim));
        assert_eq!(thread.stances.len(), 1);
        assert_eq!(derive_state(&thread, true), ThreadState::Answered);
        assert!(take_stance(&mut thread, Some(&speaker("Orsa Lind")), Stance::Confirmed, ClaimId::of(&[b"d"])));
        assert_eq!(derive_state(&thread, true), ThreadState::Contested);
        drop_stance(&mut thread, claim);
        assert_eq!(derive_state(&thread, true), ThreadState::Confirmed);
        assert_eq!(derive_state(&thread, false), ThreadState::Withdrawn);
    }
}
