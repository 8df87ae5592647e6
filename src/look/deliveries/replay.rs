//! `gainsay deliveries replay`: alerts that are to go out once more; which ones, the API asks here too.
//!
//! They are put back into the queue by a transaction on the database, not by way of the daemon: the outbox is all that a dispatcher knows,
//! and it looks there at least every half minute. The id and the bytes are those that are stored, so that a receiver knows a repeat.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::{Context as _, Result, bail};

use super::args::DeliveriesReplayArgs;
use super::{DeliveryLine, alert_id};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::look::filter::Period;
use crate::look::words::alert_of;
use crate::look::{Source, print_list};
use crate::model::{AlertId, DropCause, EndpointState};
use crate::store::{DeliveryFilter, DeliveryRow, REPLAYABLE, StoreError, View, replay_deliveries};
use crate::terminal::tell;

/// Most that are sent without being asked twice.
const UNASKED_MAX: usize = 100;

/// `gainsay deliveries replay`.
pub(super) fn replay(args: &DeliveriesReplayArgs) -> Result<()> {
    let source = Source::find(&args.database)?;
    let view = source.open()?;
    let alerts: Vec<AlertId> = args.ids.iter().map(|id| alert_id(&view, id)).collect::<Result<_>>()?;
    let period = Period::new(args.since, args.until, SystemClock.now());
    let wanted = Wanted { alerts: &alerts, sink: args.sink.as_deref(), state: args.status.as_deref(), period };
    let chosen = Chosen::find(&view, &wanted, usize::MAX)?;
    if let Some(config) = &source.config {
        chosen.ensure_sinks(config)?;
    }
    chosen.tell_disabled(&view)?;
    drop(view);
    let Chosen { positions, lines, bare } = chosen;
    if bare > 0 {
        tell(format_args!("{bare} are left out: their text is no longer kept\n"));
    }
    if args.dry_run {
        print_list(args.format, &lines, 0)?;
        tell(format_args!("{} would be sent; nothing was changed\n", lines.len()));
        return Ok(());
    }
    if positions.len() > UNASKED_MAX && !args.yes {
        bail!("that would send {} alerts: see which with --dry-run, send them with --yes", positions.len());
    }
    let replayed = replay_deliveries(&source.database, &positions, SystemClock.now()).context("cannot replay")?;
    print_list(args.format, &lines, 0)?;
    let database = source.database.display();
    let when = match crate::running::is_running(&source.database) {
        Some(true) => "the running gainsay sends them within half a minute".to_owned(),
        Some(false) => format!("no gainsay runs on {database}, the next start sends them"),
        None => format!("a gainsay that runs on {database} sends them, or the next start"),
    };
    tell(format_args!("{replayed} put back into the queue; {when}\n"));
    Ok(())
}

/// Which deliveries are to go out once more; what is not given leaves all.
pub(crate) struct Wanted<'a> {
    /// Of these alerts.
    pub(crate) alerts: &'a [AlertId],
    /// To this sink.
    pub(crate) sink: Option<&'a str>,
    /// What has become of them, one of [`REPLAYABLE`]. Without: what is dead, and of alerts that are named, in whatever state they are.
    pub(crate) state: Option<&'a str>,
    /// Of what happened then.
    pub(crate) period: Period,
}

/// What is to be replayed, the newest first.
pub(crate) struct Chosen {
    /// Places in the outbox.
    pub(crate) positions: Vec<i64>,
    /// What is told of each.
    pub(crate) lines: Vec<DeliveryLine>,
    /// How many cannot be, as their text is gone.
    bare: usize,
}

impl Chosen {
    /// Looks for what is wanted; where more than `most` fit, it stops there. What was killed before its release, or withheld until it was
    /// forgotten, is none of it unless it is named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn find(view: &View, wanted: &Wanted<'_>, most: usize) -> Result<Self, StoreError> {
        let state = wanted.state.or_else(|| wanted.alerts.is_empty().then_some("dead"));
        let (mut found, mut bare) = (Vec::new(), 0);
        let mut take = |row: DeliveryRow| {
            let alert = row.body.as_deref().and_then(alert_of);
            let is_replayable = REPLAYABLE.contains(&row.state.as_str()) || row.state == "expired";
            let is_dropped = row.state == "silenced"
                && row.reason.as_deref().is_some_and(DropCause::is_reason)
                && wanted.alerts.is_empty();
            if is_replayable
                && !is_dropped
                && wanted.period.holds(alert.as_ref().map_or(row.created, |alert| alert.time))
            {
                if row.body.is_some() {
                    found.push((row.position, DeliveryLine::new(row, alert.as_ref())));
                } else {
                    bare += 1;
                }
            }
            if found.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let filter = DeliveryFilter { sink: wanted.sink, state, ..DeliveryFilter::default() };
        if wanted.alerts.is_empty() {
            view.deliveries(&filter, &mut take)?;
        }
        for alert in wanted.alerts {
            view.deliveries(&DeliveryFilter { alert: Some(*alert), ..filter.clone() }, &mut take)?;
        }
        found.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        found.dedup_by_key(|(position, _)| *position);
        let (positions, lines) = found.into_iter().unzip();
        Ok(Self { positions, lines, bare })
    }

    /// Fails where some are for a sink that is gone: they would only wait to be given up.
    ///
    /// # Errors
    /// Then, with the sink.
    pub(crate) fn ensure_sinks(&self, config: &Config) -> Result<()> {
        for (sink, alerts) in self.sinks() {
            if config.sinks.iter().all(|known| known.name != sink) {
                bail!("{alerts} are for the sink {sink:?}, which is no longer in the config: name another sink");
            }
        }
        Ok(())
    }

    /// How many go to each sink.
    fn sinks(&self) -> BTreeMap<&str, usize> {
        let mut sinks: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &self.lines {
            *sinks.entry(&line.sink).or_default() += 1;
        }
        sinks
    }

    /// Says of endpoints that get nothing that theirs wait.
    fn tell_disabled(&self, view: &View) -> Result<(), StoreError> {
        let endpoints = view.endpoints()?;
        for sink in self.sinks().into_keys() {
            if endpoints.iter().any(|record| record.sink == sink && record.state == EndpointState::Disabled) {
                tell(format_args!(
                    "the endpoint of {sink} is disabled, they wait for `gainsay endpoint enable {sink}`\n"
                ));
            }
        }
        Ok(())
    }
}
