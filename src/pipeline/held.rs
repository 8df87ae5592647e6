//! What waits for sinks, as the state keeps it: what was sent of their limits, lists of digests, groups. `route` decides what becomes
//! of it.

use std::collections::BTreeSet;

use super::{Change, State};
use crate::model::{Alert, AlertType, BudgetRecord, ClaimId, GroupRecord, KnownClaim};

impl State {
    /// What a sink was sent of its limits, and what waits for its digests.
    pub fn budget(&self, sink: &str) -> Option<&BudgetRecord> {
        self.budgets.get(sink)
    }

    /// Takes what a sink was sent out of the state, to be changed and put back: it may be long.
    pub fn take_budget(&mut self, sink: &str) -> Option<BudgetRecord> {
        self.budgets.remove(sink)
    }

    /// Puts what a sink was sent in place of what was known.
    pub fn put_budget(&mut self, budget: BudgetRecord) -> Change {
        self.budgets.insert(budget.sink.clone(), budget.clone());
        Change::Budget(Box::new(budget))
    }

    /// The groups of a sink, in order of their threads.
    pub fn groups(&self, sink: &str) -> impl Iterator<Item = &GroupRecord> {
        let from = (sink.to_owned(), String::new());
        let groups = self.groups.range(from..).take_while(move |((of, _), _)| of == sink);
        groups.map(|(_, group)| group)
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The group of a sink and a thread.
    pub fn group(&self, sink: &str, order_key: &str) -> Option<&GroupRecord> {
        self.groups.get(&(sink.to_owned(), order_key.to_owned()))
    }

    /// Puts a group in place of what was known of it; one without members is gone.
    pub fn put_group(&mut self, group: GroupRecord) -> Change {
        let key = (group.sink.clone(), group.order_key.clone());
        if group.members.is_empty() {
            self.groups.remove(&key);
            return Change::ForgetGroup(group.key());
        }
        self.groups.insert(key, group.clone());
        Change::Group(Box::new(group))
    }

    /// Whether a sink was told of a claim, as the subject of an alert or in the alert of another.
    pub fn was_alerted(&self, claim: ClaimId, sink: &str) -> bool {
        self.claims.get(&claim).is_some_and(|claim| claim.was_alerted(sink))
    }

    /// The claims that ride in an alert and of which this sink was not told yet.
    pub fn first_of_riders(&self, alert: &Alert, sink: &str) -> BTreeSet<ClaimId> {
        alert.also.iter().filter(|claim| !self.was_alerted(**claim, sink)).copied().collect()
    }

    /// The claims of its thread that are withdrawn, where an alert withdraws one.
    pub fn withdrawn_beside(&self, alert: &Alert) -> BTreeSet<ClaimId> {
        let thread = alert.thread.as_ref().filter(|_| alert.alert_type == AlertType::ClaimWithdrawn);
        let claims = thread.and_then(|thread| self.threads.get(&thread.id)).into_iter().flat_map(|known| &known.claims);
        claims.filter_map(|id| self.claims.get(id)).filter(|claim| claim.is_withdrawn).map(|claim| claim.id).collect()
    }

    /// Whether a sink was told of an allegation, and of an answer to it that stands.
    pub fn was_told_by_answer(&self, allegation: ClaimId, sink: &str) -> bool {
        let threads = self.claims.get(&allegation).map(|claim| &claim.threads).into_iter().flatten();
        let claims = threads.filter_map(|thread| self.threads.get(thread)).flat_map(|thread| &thread.claims);
        let is_told_answer = |claim: &KnownClaim| {
            let is_answer = claim.kind.is_answer() && claim.answers.contains(&allegation);
            is_answer && !claim.is_withdrawn && claim.was_alerted(sink)
        };
        self.was_alerted(allegation, sink) && claims.filter_map(|claim| self.claims.get(claim)).any(is_told_answer)
    }
}
