//! What goes out at once, what waits and what is kept back: each alert that the rules chose meets the silences, its sink's groups and
//! its sink's limits, in that order (`docs/src/rules.md`). What waits is in records that are committed with the batch.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Desk, SinkSettings, Tally, Written, kept};
use crate::model::{Alert, AlertType, BudgetRecord, ClaimId, Event, FeedId, GroupRecord, OutboxRow, SilencedRow};
use crate::pipeline::State;
use crate::route::hold::{self, Admission, Arrival, day};
use crate::route::{Routed, Routing, Silencer, group};
use crate::store::{NewAlert, StoreError};

/// Counts by sink and reason.
pub type ByReason = BTreeMap<(String, &'static str), u64>;

/// What came of the events of a batch.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// What goes out, in order.
    pub(super) routed: Vec<Routed>,
    /// What is kept back for good, each with the reason.
    pub(super) silenced: Vec<(Routed, String)>,
    /// What goes out or waits for that, in order.
    pub(super) made: Vec<NewAlert>,
}

/// The name of what waits in a group, among those of digests.
const GROUP: &str = "group";
/// The name of what changed something that waits.
const CHANGED: &str = "changed";
/// The reasons for which alerts wait, as metrics name them.
pub const HELD_REASONS: [&str; 6] = [GROUP, "collected", "quiet_hours", "rate_cap", "budget", CHANGED];
/// The reasons for which alerts are kept back for good.
pub const SILENCED_REASONS: [&str; 2] = ["silence", INHIBITED];
/// The name of allegations that an answer tells.
const INHIBITED: &str = "inhibited";

impl Desk {
    /// Routes the events of one step, which a document of this feed gave or none.
    pub(super) fn admit_events(
        &mut self,
        state: &mut State,
        written: &mut Written,
        (events, feed): (Vec<Event>, Option<&FeedId>),
        now: Timestamp,
        (admitted, tally): (&mut Admitted, &mut Tally),
    ) -> Result<(), StoreError> {
        self.heed_silences(state);
        tally.happened(&events);
        let routing = self.router.route(events, &self.silencer, feed);
        tally.judged(&routing);
        tell_failures(&routing);
        for (mut item, reason) in routing.silenced {
            drop(self.spare(&mut item)?);
            tally.routed(&item);
            tally.silenced(&item.sinks, SILENCED_REASONS[0]);
            admitted.silenced.push((item, reason));
        }
        for mut item in routing.routed {
            let spared = self.spare(&mut item)?;
            for change in state.note_alerted(&item.alert, &spared) {
                written.file(change);
            }
            tally.routed(&item);
            self.admit(state, written, item, now, (&mut *admitted, &mut *tally));
        }
        Ok(())
    }

    /// Takes those of its sinks out of an alert, and gives them, that got it before: what had left the windows and comes again is no news
    /// to them.
    fn spare(&self, item: &mut Routed) -> Result<Vec<String>, StoreError> {
        let had = self.store.sinks_of(item.alert.id)?;
        let (spared, sinks) = std::mem::take(&mut item.sinks).into_iter().partition(|sink| had.contains(sink));
        item.sinks = sinks;
        Ok(spared)
    }

    /// What of groups, quiet hours, hours and days is over.
    pub(super) fn close(
        &self,
        state: &mut State,
        written: &mut Written,
        now: Timestamp,
        (admitted, tally): (&mut Admitted, &mut Tally),
    ) {
        for sink in &self.sinks {
            Self::close_groups(sink, state, written, now, (&mut *admitted, &mut *tally));
            if !state.budget(&sink.name).is_some_and(|record| hold::is_due(record, &sink.limits, now)) {
                continue;
            }
            let Some(mut record) = state.take_budget(&sink.name) else { continue };
            let digests = hold::close(&mut record, &sink.limits, now);
            written.file(state.put_budget(record));
            for alert in digests {
                let order_key = hold::order_key(&sink.name);
                let (sinks, due) = (vec![sink.name.clone()], Timestamp::UNIX_EPOCH);
                let item = Routed { alert, sinks, order_key, due, at_once: Vec::new() };
                tally.routed(&item);
                admitted.made.push(kept(&item));
                admitted.routed.push(item);
            }
        }
    }

    fn close_groups(
        sink: &SinkSettings,
        state: &mut State,
        written: &mut Written,
        now: Timestamp,
        (admitted, tally): (&mut Admitted, &mut Tally),
    ) {
        let due: Vec<_> =
            state.groups(&sink.name).filter(|group| group::is_due(group, &sink.limits, now)).cloned().collect();
        for ended in due {
            close_group((sink, ended), state, written, now, (&mut *admitted, &mut *tally));
        }
    }

    /// Whether something that waits is to go, which is to be seen to although nothing came. Where the state is yet to be rebuilt,
    /// that cannot be said, so that it may be.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let Some(state) = &self.state else { return true };
        self.sinks.iter().any(|sink| {
            state.budget(&sink.name).is_some_and(|record| hold::is_due(record, &sink.limits, now))
                || state.groups(&sink.name).any(|group| group::is_due(group, &sink.limits, now))
        })
    }

    /// Notes who is alerted, and holds back what the sinks are not to get at once.
    fn admit(
        &self,
        state: &mut State,
        written: &mut Written,
        mut item: Routed,
        now: Timestamp,
        (admitted, tally): (&mut Admitted, &mut Tally),
    ) {
        let (inhibited, sinks): (Vec<String>, Vec<String>) =
            item.sinks.iter().cloned().partition(|name| self.is_inhibited(state, name, &item.alert));
        if !inhibited.is_empty() {
            tally.silenced(&inhibited, INHIBITED);
            for sink in &inhibited {
                tally.inhibited(sink, 1);
            }
            let reason = "inhibited: an answer to it was alerted, which tells it".to_owned();
            admitted.silenced.push((Routed { sinks: inhibited, ..item.clone() }, reason));
        }
        let is_told = |name: &str| item.alert.claim.as_ref().is_some_and(|claim| state.was_alerted(claim.id, name));
        let sinks: Vec<(String, bool, BTreeSet<ClaimId>)> = sinks
            .into_iter()
            .map(|name| {
                let (is_told, first) = (is_told(&name), state.first_of_riders(&item.alert, &name));
                (name, is_told, first)
            })
            .collect();
        let withdrawn = state.withdrawn_beside(&item.alert);
        let names: Vec<String> = sinks.iter().map(|(name, ..)| name.clone()).collect();
        for change in state.note_alerted(&item.alert, &names) {
            written.file(change);
        }
        item.sinks.clone_from(&names);
        let (made, mut waits) = (kept(&item), false);
        item.sinks.clear();
        for (name, is_told, first) in sinks {
            let new = Arrival::new(&item.alert, item.due_for(&name), now);
            let arrival = Arrival { is_told, first: &first, withdrawn: &withdrawn, ..new };
            let arrival = (arrival, item.order_key.as_str());
            let held = self
                .settings(&name)
                .and_then(|sink| hold_back(sink, state, written, arrival, (&mut *admitted, &mut *tally)));
            match held {
                None => item.sinks.push(name),
                Some(reason) => {
                    waits |= reason != CHANGED;
                    tally.held(&name, reason);
                }
            }
        }
        if waits || !item.sinks.is_empty() {
            admitted.made.push(made);
        }
        if !item.sinks.is_empty() {
            admitted.routed.push(item);
        }
    }

    pub(super) fn settings(&self, name: &str) -> Option<&SinkSettings> {
        self.sinks.iter().find(|sink| sink.name == name)
    }

    /// Whether a sink that wants one alert of what belongs together heard of an allegation by an answer to it, and not only in passing.
    fn is_inhibited(&self, state: &State, sink: &str, alert: &Alert) -> bool {
        let wants_groups = self.settings(sink).is_some_and(|sink| sink.limits.group_wait.is_positive());
        let is_told = alert.claim.as_ref().is_some_and(|claim| state.was_told_by_answer(claim.id, sink));
        wants_groups && alert.alert_type == AlertType::AllegationNew && is_told
    }

    /// Prepares the silences anew where they have changed.
    fn heed_silences(&mut self, state: &State) {
        if self.silencer.is_of(state.silences()) {
            return;
        }
        let (silencer, faulty) = Silencer::new(state.silences());
        for silence in faulty {
            tracing::warn!(feedback = %silence, "the expression of a silence cannot be read, it keeps nothing back");
        }
        self.silencer = silencer;
    }

    /// The rows of what is kept back.
    pub(super) fn silenced_rows(&self, silenced: &[(Routed, String)]) -> Vec<SilencedRow> {
        let rows = |(item, reason): &(Routed, String)| -> Vec<SilencedRow> {
            let rows: Vec<OutboxRow> = self.outbox(std::slice::from_ref(item));
            rows.into_iter().map(|row| SilencedRow { row, reason: reason.clone() }).collect()
        };
        silenced.iter().flat_map(rows).collect()
    }
}

/// Lets a group go.
fn close_group(
    (sink, ended): (&SinkSettings, GroupRecord),
    state: &mut State,
    written: &mut Written,
    now: Timestamp,
    (admitted, tally): (&mut Admitted, &mut Tally),
) {
    tally.inhibited(&sink.name, group::inhibited(&ended));
    written.file(state.put_group(GroupRecord { members: Vec::new(), ..ended.clone() }));
    let order_key = ended.order_key.clone();
    for group::Closed { alert, members, first } in group::close(ended, now) {
        let due = group::embargo(&alert);
        let (sinks, order_key) = (vec![sink.name.clone()], order_key.clone());
        let item = Routed { alert, sinks, order_key, due, at_once: Vec::new() };
        tally.routed(&item);
        // Its members say themselves of which claims the sink was told.
        let arrival = Arrival { members: &members, first: &first, ..Arrival::new(&item.alert, due, now) };
        match meet_limits(sink, state, written, arrival) {
            None => {
                admitted.made.push(kept(&item));
                admitted.routed.push(item);
            }
            Some(reason) => tally.held(&sink.name, reason),
        }
    }
}

/// Why an alert does not go to a sink at once; nothing where it does.
fn hold_back(
    sink: &SinkSettings,
    state: &mut State,
    written: &mut Written,
    (arrival, order_key): (Arrival<'_>, &str),
    (admitted, tally): (&mut Admitted, &mut Tally),
) -> Option<&'static str> {
    if arrival.alert.alert_type.takes_back() {
        let take_back = |group: &GroupRecord| group::take_back(group, arrival.alert, arrival.withdrawn);
        let changed: Vec<group::TakenBack> = state.groups(&sink.name).filter_map(take_back).collect();
        let speaks = changed.iter().any(|taken| taken.speaks);
        let is_first = changed.iter().any(|taken| taken.is_first);
        for taken in changed {
            if taken.speaks {
                // What rides in an alert of the claim goes at once, before the claim is withdrawn.
                close_group((sink, taken.group), state, written, arrival.now, (&mut *admitted, &mut *tally));
            } else {
                written.file(state.put_group(taken.group));
            }
        }
        if is_first && !speaks {
            return Some(CHANGED);
        }
    } else if group::may_wait(&sink.limits, arrival) {
        let known = state.group(&sink.name, order_key);
        if known.is_some() || state.group_count() < group::GROUPS_MAX {
            let group = group::join(known, (&sink.name, order_key), &sink.limits, arrival);
            written.file(state.put_group(group));
            return Some(GROUP);
        }
    }
    meet_limits(sink, state, written, arrival)
}

/// Why the limits of a sink hold an alert back; nothing where they do not.
fn meet_limits(
    sink: &SinkSettings,
    state: &mut State,
    written: &mut Written,
    arrival: Arrival<'_>,
) -> Option<&'static str> {
    let known = state.budget(&sink.name);
    // Where nothing counts or waits, nothing is written.
    if sink.limits.take_everything() && known.is_none_or(|known| known.lists().iter().all(|list| list.is_empty())) {
        return None;
    }
    let known = state.take_budget(&sink.name);
    let mut record = known.unwrap_or_else(|| BudgetRecord::new(sink.name.clone(), day(arrival.now)));
    let admission = hold::admit(&mut record, &sink.limits, arrival);
    written.file(state.put_budget(record));
    match admission {
        Admission::Send => None,
        Admission::Hold(cause) => Some(cause.as_str()),
        Admission::Change => Some(CHANGED),
    }
}

/// Leaves in the log which rules let something through because their expression failed.
fn tell_failures(routing: &Routing) {
    for (rule, error) in &routing.failures {
        tracing::warn!(rule, error, "the expression of a rule failed on an event, which it lets through");
    }
}
