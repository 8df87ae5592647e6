//! Groups: alerts of one thread that come soon after one another go to a sink as one, the weightiest with the others in its `also`.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::hold::Arrival;
use super::weight;
use crate::model::{Alert, AlertType, ClaimId, GroupRecord};
use crate::rule::Limits;

/// Alerts of one group: with so many it goes at once.
const MEMBERS_MAX: usize = 64;
/// Groups that wait at once; alerts beyond go out alone.
pub const GROUPS_MAX: usize = 10_000;

/// Whether an alert may wait for others of its thread: not what takes something back, what is of a feed, or what has to wait longer
/// for the end of an embargo.
pub fn may_wait(limits: &Limits, Arrival { alert, due, now, .. }: Arrival<'_>) -> bool {
    limits.group_wait.is_positive()
        && alert.claim.is_some()
        && alert.thread.is_some()
        && !alert.alert_type.takes_back()
        && due <= now
}

/// Adds an alert to the group of its thread, which begins with it where there is none.
pub fn join(
    known: Option<&GroupRecord>,
    (sink, order_key): (&str, &str),
    limits: &Limits,
    Arrival { alert, is_told, now, first, .. }: Arrival<'_>,
) -> GroupRecord {
    let mut group = known.cloned().unwrap_or_else(|| GroupRecord {
        sink: sink.to_owned(),
        order_key: order_key.to_owned(),
        until: now.saturating_add(limits.group_wait).unwrap_or(Timestamp::MAX),
        members: Vec::new(),
        told: BTreeSet::new(),
        first: BTreeSet::new(),
    });
    group.members.push(alert.clone());
    group.first.extend(first);
    if is_told {
        group.told.insert(alert.id);
    }
    if group.members.len() >= MEMBERS_MAX {
        group.until = now;
    }
    group
}

/// Whether a group is to go. An end that lies further off than its sink ever waits was made by a clock that was wrong.
pub fn is_due(group: &GroupRecord, limits: &Limits, now: Timestamp) -> bool {
    group.until <= now || group.until.duration_since(now) > limits.group_wait
}

/// What became of a group of which something was taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenBack {
    /// The group.
    pub group: GroupRecord,
    /// The first that the sink was to hear of the claim waits in it.
    pub is_first: bool,
    /// An alert of the claim that was withdrawn is still in it, for the claims that ride in it.
    pub speaks: bool,
}

/// A revision takes the place of what waits of the claim that it revises, what is withdrawn is taken out: where others ride in an alert of
/// it that are not `withdrawn`, it alone. Nothing where nothing of the claim waits.
pub fn take_back(group: &GroupRecord, alert: &Alert, withdrawn: &BTreeSet<ClaimId>) -> Option<TakenBack> {
    let claim = alert.claim.as_ref()?.id;
    let is_withdrawal = alert.alert_type == AlertType::ClaimWithdrawn;
    let is_about = |member: &Alert| member.claim.as_ref().is_some_and(|subject| subject.id == claim);
    let rides = |member: &Alert| is_withdrawal && member.also.contains(&claim);
    if !group.members.iter().any(|member| is_about(member) || rides(member)) {
        return None;
    }
    let is_first = is_withdrawal && group.first.contains(&claim)
        || group.members.iter().any(|member| is_about(member) && !group.told.contains(&member.id));
    let (mut group, mut speaks) = (group.clone(), false);
    if is_withdrawal {
        let stands = |other: &ClaimId| *other != claim && !withdrawn.contains(other);
        group.first.retain(stands);
        group.members.iter_mut().for_each(|member| member.also.retain(stands));
        group.members.retain(|member| !is_about(member) || !member.also.is_empty());
        speaks = group.members.iter().any(is_about);
    } else {
        for member in group.members.iter_mut().filter(|member| is_about(member)) {
            *member = revised(member.clone(), alert);
        }
    }
    Some(TakenBack { group, is_first, speaks })
}

/// An alert that waits, with what a revision says of its claim.
fn revised(waits: Alert, revision: &Alert) -> Alert {
    Alert {
        id: waits.id,
        alert_type: waits.alert_type,
        time: waits.time,
        priority: waits.priority,
        answers: waits.answers,
        also: waits.also,
        rules: waits.rules,
        watched: waits.watched,
        why: waits.why,
        ..revision.clone()
    }
}

/// What goes out of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// The alert.
    pub alert: Alert,
    /// The alerts for which it speaks, itself included, each with whether the sink was alerted of its claim before.
    pub members: Vec<(Alert, bool)>,
    /// Those claims of their `also` of which the sink hears first.
    pub first: BTreeSet<ClaimId>,
}

/// One alert of all that may go, and each that is under an embargo by now by itself.
pub fn close(group: GroupRecord, now: Timestamp) -> Vec<Closed> {
    let GroupRecord { members, told, first, .. } = group;
    let with_told = |alert: Alert| {
        let is_told = told.contains(&alert.id);
        (alert, is_told)
    };
    let (alone, ready): (Vec<Alert>, Vec<Alert>) = members.into_iter().partition(|alert| embargo(alert) > now);
    let alone = alone.into_iter().map(|alert| Closed {
        alert: alert.clone(),
        members: vec![with_told(alert)],
        first: first.clone(),
    });
    let mut closed: Vec<Closed> = alone.collect();
    let members: Vec<(Alert, bool)> = ready.iter().cloned().map(with_told).collect();
    closed.extend(merge(ready).map(|alert| Closed { alert, members, first }));
    closed
}

/// When an alert may go.
pub fn embargo(alert: &Alert) -> Timestamp {
    alert.document.as_ref().and_then(|document| document.embargo_until).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How many allegations of a group an answer stands for.
pub fn inhibited(group: &GroupRecord) -> u64 {
    let is_allegation = |alert: &&Alert| alert.alert_type == AlertType::AllegationNew;
    let allegations = group.members.iter().filter(is_allegation).count();
    let is_answered = group.members.iter().any(|alert| answers(alert.alert_type));
    if is_answered { allegations as u64 } else { 0 }
}

fn answers(alert_type: AlertType) -> bool {
    use AlertType::{ClaimConfirmed, ClaimNoComment, ClaimRetracted, DenialNew};
    matches!(alert_type, DenialNew | ClaimConfirmed | ClaimNoComment | ClaimRetracted)
}

/// The weightiest, of equals the most urgent and then the first, with the claims of the others. An allegation never speaks for a group
/// that has an answer.
fn merge(members: Vec<Alert>) -> Option<Alert> {
    let is_answered = members.iter().any(|alert| answers(alert.alert_type));
    let rank = |alert: &Alert| {
        let is_inhibited = is_answered && alert.alert_type == AlertType::AllegationNew;
        (is_inhibited, weight(alert.alert_type), std::cmp::Reverse(alert.priority.score))
    };
    let best = members.iter().enumerate().min_by_key(|(_, alert)| rank(alert)).map(|(place, _)| place)?;
    let mut members = members;
    let mut lead = members.remove(best);
    if members.is_empty() {
        return Some(lead);
    }
    let own = lead.claim.as_ref().map(|claim| claim.id);
    for other in members {
        let claims = other.claim.iter().map(|claim| claim.id).chain(other.also.iter().copied());
        let is_new = |claim: &ClaimId, lead: &Alert| Some(*claim) != own && !lead.also.contains(claim);
        let claims: Vec<ClaimId> = claims.filter(|claim| is_new(claim, &lead)).collect();
        for claim in claims {
            if is_new(&claim, &lead) {
                lead.also.push(claim);
            }
        }
        lead.rules.extend(other.rules.into_iter().filter(|rule| !lead.rules.contains(rule)).collect::<Vec<_>>());
        lead.watched.extend(other.watched.into_iter().filter(|name| !lead.watched.contains(name)).collect::<Vec<_>>());
        if other.priority.score > lead.priority.score {
            lead.priority.score = other.priority.score;
            lead.priority.reasons.push(format!("{} in its group", other.alert_type.as_str()));
        }
    }
    Some(lead)
}

#[cfg(test)]
mod tests;
