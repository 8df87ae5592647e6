//! What users say: each act once, what it leaves behind, and that nothing later undoes it.

use std::collections::BTreeSet;

use super::*;
use crate::pipeline::Refusal;

impl Desk {
    /// Lets a user say something, after a restart at that: what was stored must be all that counts.
    fn say(&mut self, act: FeedbackAct) -> Vec<Event> {
        self.restart();
        assert_eq!(self.state.refusal(&act), None);
        let events = self.input(Input::Feedback(Box::new(Feedback::new(self.now, None, act))));
        let known: BTreeSet<ThreadId> = self.state.threads().map(|thread| thread.id).collect();
        for claim in self.state.claims() {
            assert!(claim.threads.contains(&claim.thread) && claim.threads.is_subset(&known), "{claim:?}");
            for thread in self.state.threads() {
                assert_eq!(thread.claims.contains(&claim.id), claim.threads.contains(&thread.id), "{thread:?}");
            }
        }
        self.restart();
        events
    }

    fn refused(&self, act: &FeedbackAct) -> Refusal {
        self.state.refusal(act).expect("it cannot be done")
    }

    fn claim(&self, kind: Kind) -> ClaimRecord {
        self.state.claims().find(|claim| claim.read_kind() == kind).unwrap().clone()
    }

    fn thread(&self, id: ThreadId) -> ThreadRecord {
        self.state.threads().find(|thread| thread.id == id).unwrap().clone()
    }
}

/// A desk that was told of the bank, with the allegation and the denial.
fn bank() -> (Desk, ClaimRecord, ClaimRecord) {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let (allegation, denial) = (desk.claim(Kind::Allegation), desk.claim(Kind::Denial));
    (desk, allegation, denial)
}

/// Another outlet's copy of the bank's story.
fn copy(desk: &mut Desk) -> Vec<Event> {
    desk.take("2", "Pacific Post", "Lima bank in cartel probe", BODY, bank_claims())
}

const LATER: &str = "LIMA (Andes) - Vega Soler, who chairs the regulator, confirmed on Friday that the bank had laundered \
    cartel money through its Panama branch. She spoke to lawmakers behind closed doors for two hours.";

/// A confirmation in the bank's thread, by somebody else.
fn confirm(desk: &mut Desk) -> Vec<Event> {
    let content = "the bank had laundered cartel money through its Panama branch";
    let mut claim = said(Kind::Confirmation, "Vega Soler", "confirmed", content);
    claim.affiliation = Some("Arvo Bank");
    desk.take("3", "Daily Tide", "Regulator speaks", LATER, vec![claim])
}

const RIVER: &str = "QUITO (Andes) - Fishers accused the Tarn mill of poisoning the lower river with dye for years.\n\
    The mill's owner, Pia Sund, declined to comment on the report.\nThe river reaches the sea at Port Lake.";

/// A story about something else.
fn river(desk: &mut Desk) -> (ClaimRecord, ClaimRecord) {
    let known: BTreeSet<ClaimId> = desk.state.claims().map(|claim| claim.id).collect();
    let mut accusation = said(Kind::Allegation, "Fishers", "accused", "poisoning the lower river with dye for years");
    accusation.target = Some("the Tarn mill");
    let mut silence = said(Kind::NoComment, "Pia Sund", "declined to comment", "the report");
    silence.answers = vec![0];
    desk.take("9", "Andes", "Mill accused over river", RIVER, vec![accusation, silence]);
    let new =
        |kind| desk.state.claims().find(|claim| !known.contains(&claim.id) && claim.kind == kind).unwrap().clone();
    (new(Kind::Allegation), new(Kind::NoComment))
}

#[test]
fn a_followed_thread_is_more_urgent() {
    let priority = |follow: bool| {
        let (mut desk, allegation, _) = bank();
        if follow {
            assert_eq!(desk.say(FeedbackAct::Follow { thread: allegation.thread }), []);
        }
        let events = confirm(&mut desk);
        assert_eq!(types(&events)[0], "claim.confirmed");
        let routed =
            Router::new(vec![Rule::everything()], vec!["desk".into()]).route(events, &Silencer::default(), None).routed;
        routed[0].alert.priority.clone()
    };
    let (plain, followed) = (priority(false), priority(true));
    assert_eq!(plain.score + 15, followed.score);
    assert!(followed.reasons.iter().any(|reason| reason == "followed"));
    let (mut desk, allegation, _) = bank();
    desk.say(FeedbackAct::Follow { thread: allegation.thread });
    desk.say(FeedbackAct::Unfollow { thread: allegation.thread });
    assert!(!claim_event(&confirm(&mut desk)[0]).is_followed);
}

#[test]
fn a_muted_thread_gains_evidence_in_silence_and_still_takes_back() {
    let (mut desk, allegation, _) = bank();
    desk.say(FeedbackAct::Mute { thread: allegation.thread });
    assert_eq!(types(&confirm(&mut desk)), [""; 0]);
    let thread = desk.thread(allegation.thread);
    assert_eq!((thread.claims.len(), thread.stances.len(), thread.state), (3, 2, ThreadState::Contested));
    let kill = desk.take("1", "Andes", &format!("KILL: {TITLE}"), "Please kill this story.", Vec::new());
    assert_eq!(types(&kill), ["claim.withdrawn", "claim.withdrawn"], "who was alerted hears of it");

    let (mut desk, allegation, _) = bank();
    desk.say(FeedbackAct::Mute { thread: allegation.thread });
    desk.say(FeedbackAct::Unmute { thread: allegation.thread });
    assert_eq!(types(&confirm(&mut desk))[0], "claim.confirmed");
}

#[test]
fn a_muted_speaker_is_heard_no_more_and_the_others_are() {
    let mut desk = Desk::new();
    desk.say(FeedbackAct::MuteSpeaker { speaker: "Mr Rehn".into() });
    assert_eq!(types(&desk.take("1", "Andes", TITLE, BODY, bank_claims())), ["allegation.new"]);
    assert_eq!(desk.claim(Kind::Denial).threads.len(), 1, "it is recorded");
    assert_eq!(
        desk.refused(&FeedbackAct::UnmuteSpeaker { speaker: "Pia Sund".into() }),
        Refusal::NotMuted("Pia Sund".into())
    );
    desk.say(FeedbackAct::UnmuteSpeaker { speaker: "Tomas Rehn".into() });
    assert_eq!(desk.stored.muted, []);
    let body = BODY.replace("laundering", "hiding").replace("laundered", "hidden");
    let mut claims = bank_claims();
    claims[0].content = "hiding cartel money through its Panama branch";
    claims[1].content = "the charge that it had hidden cartel money";
    let mut fresh = Desk::new();
    fresh.say(FeedbackAct::MuteSpeaker { speaker: "Tomas Rehn".into() });
    fresh.say(FeedbackAct::UnmuteSpeaker { speaker: "Rehn".into() });
    assert_eq!(types(&fresh.take("1", "Andes", TITLE, &body, claims)), ["allegation.new", "denial.new"]);
}

#[test]
fn what_is_no_claim_is_withdrawn_and_no_copy_brings_it_back() {
    let (mut desk, allegation, denial) = bank();
    let events = desk.say(FeedbackAct::WrongKind { claim: denial.id, kind: None });
    assert_eq!(types(&events), ["claim.withdrawn"]);
    assert_eq!(events[0].why, "corrected by a user");
    let thread = &claim_event(&events[0]).thread;
    assert_eq!((thread.stances.len(), thread.state), (0, ThreadState::Alleged));
    assert_eq!(desk.say(FeedbackAct::WrongKind { claim: denial.id, kind: None }), [], "said twice");
    assert_eq!(types(&copy(&mut desk)), [""; 0]);
    let refiled = desk.take("1", "Andes", &format!("REFILE: {TITLE}"), &format!("{BODY}\nMore."), bank_claims());
    assert_eq!(types(&refiled), [""; 0]);
    // In a story of its own it is the same claim, and none.
    let body =
        "Arvo Bank's chairman Tomas Rehn dismissed the charge that it had laundered cartel money. Nobody asked him.";
    let alone = vec![said(Kind::Denial, "Tomas Rehn", "dismissed", "the charge that it had laundered cartel money")];
    assert_eq!(types(&desk.take("7", "Gulf Daily", "A chairman", body, alone)), [""; 0]);
    assert_eq!(desk.state.claims().count(), 2);
    assert!(desk.claim(Kind::Denial).is_no_claim() && desk.thread(allegation.thread).stances.is_empty());
    let events = desk.say(FeedbackAct::WrongKind { claim: denial.id, kind: Some(Kind::Denial) });
    assert_eq!(types(&events), ["claim.revised"], "said in error");
    assert_eq!(desk.thread(allegation.thread).stances.len(), 1);
}

#[test]
fn a_claim_of_another_kind_takes_another_stance_for_good() {
    let (mut desk, allegation, denial) = bank();
    let events = desk.say(FeedbackAct::WrongKind { claim: denial.id, kind: Some(Kind::NoComment) });
    assert_eq!(types(&events), ["claim.revised"]);
    let revised = &claim_event(&events[0]).report.claim;
    assert_eq!((revised.kind, revised.revision, revised.supersedes), (Kind::NoComment, 2, Some(1)));
    assert_eq!(claim_event(&events[0]).thread.stances[0].stance, Stance::NoComment);
    assert_eq!(types(&copy(&mut desk)), [""; 0]);
    let corrected = format!("CORRECTED: {TITLE}");
    let body = BODY.replace("a fairy tale told by rivals", "a tale");
    desk.take("1", "Andes", &corrected, &body, bank_claims());
    let known = desk.claim(Kind::Denial);
    assert_eq!((known.kind, known.report.claim.kind), (Kind::NoComment, Kind::NoComment));
    assert_eq!((desk.state.claims().count(), desk.thread(allegation.thread).claims.len()), (2, 2));
    // What is no allegation is answered by nothing.
    let events = desk.say(FeedbackAct::WrongKind { claim: allegation.id, kind: Some(Kind::Confirmation) });
    assert_eq!((types(&events), desk.claim(Kind::Denial).answers.len()), (vec!["claim.revised"], 0));
    assert_eq!(desk.claim(Kind::Allegation).report.claim.target, None);
}

#[test]
fn a_claim_of_somebody_else_stays_theirs() {
    let (mut desk, _, denial) = bank();
    let events = desk.say(FeedbackAct::WrongSpeaker { claim: denial.id, speaker: Some("Vega Soler".into()) });
    assert_eq!(types(&events), ["claim.revised"]);
    let event = claim_event(&events[0]);
    assert_eq!(event.report.claim.speaker.as_ref().unwrap().name, "Vega Soler");
    assert_eq!(event.thread.stances[0].respondent, "Vega Soler");
    assert_eq!(types(&copy(&mut desk)), [""; 0]);
    desk.take("1", "Andes", &format!("CORRECTED: {TITLE}"), &format!("{BODY}\nMore."), bank_claims());
    let known = desk.claim(Kind::Denial);
    assert_eq!(known.speaker.as_ref().unwrap().name, "Vega Soler");
    assert_eq!(known.report.claim.speaker.as_ref().unwrap().name, "Vega Soler");
    desk.say(FeedbackAct::WrongSpeaker { claim: denial.id, speaker: None });
    assert_eq!(desk.claim(Kind::Denial).report.claim.speaker, None);
    let nameless = FeedbackAct::WrongSpeaker { claim: denial.id, speaker: Some(" the ".into()) };
    assert_eq!(desk.refused(&nameless), Refusal::Nameless(" the ".into()));
}

#[test]
fn words_of_the_sentence_name_the_right_speaker() {
    let (mut desk, _, denial) = bank();
    let speaker = Some("rivals".to_owned());
    let events = desk.say(FeedbackAct::WrongSpeaker { claim: denial.id, speaker });
    let source = claim_event(&events[0]).report.claim.source.clone().unwrap();
    let text: Vec<char> = format!("{TITLE}\n{BODY}").chars().collect();
    assert_eq!(
        (source.text.as_str(), &text[source.start..source.end]),
        ("rivals", &['r', 'i', 'v', 'a', 'l', 's'][..])
    );
    // No words of the sentence name somebody who is not in it, and "rivals" name them no longer.
    let speaker = Some("Pia Sund".to_owned());
    let events = desk.say(FeedbackAct::WrongSpeaker { claim: denial.id, speaker });
    assert_eq!(claim_event(&events[0]).report.claim.source, None);
}

#[test]
fn a_link_that_is_wrong_parts_two_claims_and_a_right_one_joins_them() {
    let (mut desk, allegation, denial) = bank();
    let unlink = FeedbackAct::WrongLink { claim: denial.id, allegation: allegation.id };
    let events = desk.say(unlink.clone());
    assert_eq!(types(&events), ["claim.revised"]);
    let apart = claim_event(&events[0]).thread.clone();
    assert_eq!(apart.id, ThreadId::of(&[denial.id.as_bytes(), b"split"]));
    assert_eq!((apart.stances.len(), desk.thread(allegation.thread).state), (1, ThreadState::Alleged));
    assert_eq!(desk.claim(Kind::Denial).answers.len(), 0);
    assert_eq!(types(&copy(&mut desk)), [""; 0]);
    assert_eq!((desk.claim(Kind::Denial).answers.len(), desk.claim(Kind::Denial).thread), (0, apart.id));
    let (claim, allegation) = (denial.id, allegation.id);
    assert_eq!(desk.refused(&unlink), Refusal::NotLinked { claim, allegation });
    let swapped = FeedbackAct::RightLink { claim: allegation, allegation: claim };
    assert_eq!(desk.refused(&swapped), Refusal::NoAnswer(allegation));

    let events = desk.say(FeedbackAct::RightLink { claim, allegation });
    let event = claim_event(&events[0]);
    assert_eq!((event.report.claim.answers.as_slice(), event.answers[0].claim), (&[allegation][..], allegation));
    assert_eq!((event.thread.stances.len(), event.thread.state), (1, ThreadState::Answered));
    assert!(event.thread.sequence > apart.sequence, "later events have later numbers");
    assert_eq!(desk.stored.threads.len(), 1, "the thread that held nothing else is no more");
}

#[test]
fn merged_threads_are_the_elder_with_the_stances_of_both() {
    let (mut desk, allegation, denial) = bank();
    let (fishers, silence) = river(&mut desk);
    desk.say(FeedbackAct::Mute { thread: allegation.thread });
    desk.say(FeedbackAct::Follow { thread: fishers.thread });
    let merge = FeedbackAct::Merge { thread: allegation.thread, into: fishers.thread };
    assert_eq!(desk.say(merge.clone()), []);
    assert_eq!(desk.refused(&merge), Refusal::UnknownThread(fishers.thread));
    let thread = desk.thread(allegation.thread);
    assert_eq!(thread.claims, [allegation.id, denial.id, fishers.id, silence.id].into());
    let respondents: Vec<&str> = thread.stances.values().map(|stance| stance.respondent.as_str()).collect();
    assert_eq!(respondents, ["Pia Sund", "Tomas Rehn"]);
    assert_eq!((thread.is_followed, thread.is_muted), (true, false), "followed as either, muted as the second was");
    assert_eq!(thread.proposition, allegation.proposition.text);
    assert_eq!(types(&confirm(&mut desk))[0], "claim.confirmed");
}

#[test]
fn of_one_respondents_stances_the_later_counts_and_silence_takes_nothing_back() {
    let (mut desk, allegation, _) = bank();
    let (fishers, silence) = river(&mut desk);
    desk.say(FeedbackAct::WrongSpeaker { claim: silence.id, speaker: Some("Tomas Rehn".into()) });
    desk.say(FeedbackAct::Merge { thread: fishers.thread, into: allegation.thread });
    let stance =
        |desk: &Desk| desk.thread(allegation.thread).stances.values().map(|one| one.stance).collect::<Vec<_>>();
    assert_eq!(stance(&desk), [Stance::Denied]);
    let (mut desk, allegation, _) = bank();
    let (fishers, silence) = river(&mut desk);
    desk.say(FeedbackAct::WrongSpeaker { claim: silence.id, speaker: Some("Tomas Rehn".into()) });
    desk.say(FeedbackAct::WrongKind { claim: silence.id, kind: Some(Kind::Confirmation) });
    desk.say(FeedbackAct::Merge { thread: fishers.thread, into: allegation.thread });
    let thread = desk.thread(allegation.thread);
    assert_eq!(thread.stances.values().map(|one| one.stance).collect::<Vec<_>>(), [Stance::Confirmed]);
}

#[test]
fn split_claims_are_a_matter_of_their_own() {
    let (mut desk, allegation, denial) = bank();
    let (fishers, silence) = river(&mut desk);
    desk.say(FeedbackAct::Merge { thread: fishers.thread, into: allegation.thread });
    let thread = allegation.thread;
    let all: BTreeSet<ClaimId> = [allegation.id, denial.id, fishers.id, silence.id].into();
    assert_eq!(desk.refused(&FeedbackAct::Split { thread, claims: all }), Refusal::NothingLeft(thread));
    // Without what answers it: the link goes.
    assert_eq!(desk.say(FeedbackAct::Split { thread, claims: [allegation.id, silence.id].into() }), []);
    let own = ThreadId::of(&[allegation.id.as_bytes(), b"split"]);
    let (own, rest) = (desk.thread(own), desk.thread(thread));
    assert_eq!((own.claims, own.stances.len()), ([allegation.id, silence.id].into(), 1));
    assert_eq!((rest.claims, rest.stances.len()), ([denial.id, fishers.id].into(), 1));
    assert_eq!((own.proposition, rest.proposition), (allegation.proposition.text, fishers.proposition.text));
    assert_eq!((desk.claim(Kind::Denial).answers.len(), desk.claim(Kind::NoComment).answers.len()), (0, 0));
    let elsewhere = FeedbackAct::Split { thread, claims: [silence.id].into() };
    assert_eq!(desk.refused(&elsewhere), Refusal::NotInThread { claim: silence.id, thread });
    assert_eq!(types(&copy(&mut desk)), [""; 0]);
    assert_eq!(desk.thread(thread).claims.len(), 2, "a copy joins nothing again");
}

#[test]
fn what_is_not_known_changes_nothing() {
    let (mut desk, allegation, _) = bank();
    let (stored, clock) = (desk.stored.clone(), desk.state.position());
    let nowhere = ThreadId::of(&[b"nowhere"]);
    let nothing = ClaimId::of(&[b"nothing"]);
    for act in [
        FeedbackAct::Follow { thread: nowhere },
        FeedbackAct::Merge { thread: allegation.thread, into: nowhere },
        FeedbackAct::Merge { thread: allegation.thread, into: allegation.thread },
        FeedbackAct::WrongKind { claim: nothing, kind: None },
        FeedbackAct::RightLink { claim: allegation.id, allegation: nothing },
        FeedbackAct::Split { thread: allegation.thread, claims: [nothing].into() },
    ] {
        desk.refused(&act);
        // However late it is said, no window moves.
        let late = desk.now.checked_add(SignedDuration::from_hours(24 * 400)).unwrap();
        let feedback = Feedback::new(late, None, act);
        assert_eq!(step(&mut desk.state, Input::Feedback(Box::new(feedback)), late), []);
    }
    assert_eq!((desk.stored.clone(), desk.state.position()), (stored, clock));
}
