//! `gainsay deliveries replay`: alerts that are to go out once more.
//!
//! They are put back into the queue by a transaction on the database, not by way of the daemon: the outbox is all that a dispatcher knows,
//! and it looks there at least every half minute. The id and the bytes are those that are stored, so that a receiver knows a repeat.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::{Context as _, Result, bail};

use super::args::DeliveriesReplayArgs;
use super::{DeliveryLine, alert_id};
use crate::clock::{Clock as _, SystemClock};
use crate::look::filter::Period;
use crate::look::words::alert_of;
use crate::look::{Source, print_list};
use crate::model::{AlertId, EndpointState};
use crate::store::{DeliveryFilter, DeliveryRow, REPLAYABLE, View, replay_deliveries};
use crate::terminal::tell;

/// Most that are sent without being asked twice.
const UNASKED_MAX: usize = 100;

/// `gainsay deliveries replay`.
pub(super) fn replay(args: &DeliveriesReplayArgs) -> Result<()> {
    let source = Source::find(&args.database)?;
    let view = source.open()?;
    let chosen = choose(&view, args)?;
    let positions: Vec<i64> = chosen.rows.iter().map(|row| row.position).collect();
    check_sinks(&source, &view, &chosen.rows)?;
    drop(view);
    let lines: Vec<DeliveryLine> = chosen.rows.into_iter().map(line).collect();
    if chosen.bare > 0 {
        tell(format_args!("{} are left out: their text is no longer kept\n", chosen.bare));
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

fn line(row: DeliveryRow) -> DeliveryLine {
    let alert = row.body.as_deref().and_then(alert_of);
    DeliveryLine::new(row, alert.as_ref())
}

/// What is to be replayed, and how much cannot be, as its text is gone.
struct Chosen {
    rows: Vec<DeliveryRow>,
    bare: usize,
}

fn choose(view: &View, args: &DeliveriesReplayArgs) -> Result<Chosen> {
    let ids: Vec<AlertId> = args.ids.iter().map(|id| alert_id(view, id)).collect::<Result<_>>()?;
    let period = Period::new(args.since, args.until, SystemClock.now());
    let state = args.status.as_deref().or_else(|| ids.is_empty().then_some("dead"));
    let mut chosen = Chosen { rows: Vec::new(), bare: 0 };
    let mut take = |row: DeliveryRow| {
        let alert = row.body.as_deref().and_then(alert_of);
        let is_replayable = REPLAYABLE.contains(&row.state.as_str()) || row.state == "expired";
        if is_replayable && period.holds(alert.map_or(row.created, |alert| alert.time)) {
            if row.body.is_some() { chosen.rows.push(row) } else { chosen.bare += 1 }
        }
        ControlFlow::Continue(())
    };
    let filter = DeliveryFilter { sink: args.sink.as_deref(), state, ..DeliveryFilter::default() };
    if ids.is_empty() {
        view.deliveries(&filter, &mut take)?;
    }
    for alert in ids {
        view.deliveries(&DeliveryFilter { alert: Some(alert), ..filter.clone() }, &mut take)?;
    }
    chosen.rows.sort_by_key(|row| std::cmp::Reverse(row.position));
    chosen.rows.dedup_by_key(|row| row.position);
    Ok(chosen)
}

/// What is put back for a sink that is gone would only wait to be given up; of an endpoint that gets nothing it is said.
fn check_sinks(source: &Source, view: &View, rows: &[DeliveryRow]) -> Result<()> {
    let mut sinks: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *sinks.entry(&row.sink).or_default() += 1;
    }
    let endpoints = view.endpoints()?;
    for (sink, alerts) in sinks {
        if source.config.as_ref().is_some_and(|config| config.sinks.iter().all(|known| known.name != sink)) {
            bail!("{alerts} are for the sink {sink:?}, which is no longer in the config: choose another with --sink");
        }
        if endpoints.iter().any(|record| record.sink == sink && record.state == EndpointState::Disabled) {
            tell(format_args!("the endpoint of {sink} is disabled, they wait for `gainsay endpoint enable {sink}`\n"));
        }
    }
    Ok(())
}
