//! The table of routes, from which requests are led and the `OpenAPI` document is made, so that they cannot disagree.

use std::pin::Pin;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::export::FORMATS;
use super::lists;
use super::operate::{self, Changed, Changing};
use super::problem::Problem;
use super::query::{Parameter, Take};
use super::{Looking, Read, feeds, likely, state, table};
use crate::config::Scope;
use crate::look::{ClaimLine, DeliveryLine, Explanation, FeedLine, ThreadLine, TimelineLine};
use serde_json::Value;

/// Items of a page, and of a file.
pub(super) const LIMITS: (u64, u64) = (200, 100_000);
const CURSOR: Parameter =
    Parameter { name: "cursor", what: Take::Cursor, about: "What the page before gave as `next`." };
const FORMAT: Parameter =
    Parameter { name: "format", what: Take::Words(FORMATS), about: "As a file: JSON Lines or CSV, all of it in one." };
/// Pages of a list, or the whole of it as a file.
const LIST: &[Parameter] = &[
    CURSOR,
    Parameter {
        name: "limit",
        what: Take::Number(1, LIMITS.1),
        about: "Items of a page, up to 200, 50 where it is not given; of a file, up to 100000.",
    },
    FORMAT,
];
/// What is no list and can be had as a file of rows.
const FILE: &[Parameter] = &[FORMAT];
const AFTER: &[Parameter] = &[Parameter {
    name: "after",
    what: Take::Number(0, i64::MAX as u64),
    about: "Behind this position; `Last-Event-ID` goes before.",
}];

const STREAM: &str = "Alerts as they come, as server-sent events: `alert` with its position as id, `changed` where one that waited for a \
                      sink waits no longer or for something else, `reset` where what was missed is no longer kept.";

/// What answers.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// A page of a list, or the whole of it as a file.
    List(Read),
    /// One thing, and its rows where it can be had as a file.
    Single { read: fn(&Looking<'_>) -> Result<Value, Problem>, rows: Option<fn(&Value) -> Vec<Value>> },
    /// Events as they come.
    Stream,
    /// This table as a document.
    Document,
    /// A change.
    Change(fn(Changing) -> Pin<Box<dyn Future<Output = Changed> + Send>>),
}

/// A method of a path.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) method: &'static str,
    /// Below `/api/v1`; one segment may be `{name}`.
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    pub(super) parameters: &'static [&'static [Parameter]],
    pub(super) act: Act,
    /// Status of a good answer.
    pub(super) status: u16,
    /// Of the body of a good answer, or of an item of a list.
    pub(super) answer: fn(&mut SchemaGenerator) -> Schema,
    /// Of the body of a request.
    pub(super) body: Option<fn(&mut SchemaGenerator) -> Schema>,
}

impl Route {
    pub(super) fn scope(&self) -> Scope {
        if matches!(self.act, Act::Change(_)) { Scope::Operate } else { Scope::Read }
    }

    pub(super) fn known(&self) -> Vec<&'static Parameter> {
        self.parameters.iter().flat_map(|list| list.iter()).collect()
    }

    /// What the path holds in place of the segment in braces; nothing where it is another path.
    fn fits<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        let mut held = "";
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return Some(held),
                (Some(own), Some(their)) if own.starts_with('{') && !their.is_empty() => held = their,
                (Some(own), Some(their)) if own == their => {}
                _ => return None,
            }
        }
    }
}

fn any(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"type": "object"})
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn alert(generator: &mut SchemaGenerator) -> Schema {
    let alert = generator.subschema_for::<crate::model::Alert>();
    let time = serde_json::json!({"type": "string", "format": "date-time"});
    let until = serde_json::json!({"type": ["string", "null"], "format": "date-time"});
    let reason = serde_json::json!({"enum": ["group", "collected", "quiet_hours", "rate_cap", "budget"]});
    let held = serde_json::json!({
        "type": "object",
        "required": ["sink", "reason", "since", "until"],
        "properties": {"sink": {"type": "string"}, "reason": reason, "since": time, "until": until},
    });
    schemars::json_schema!({
        "type": "object",
        "required": ["position", "state", "held", "alert"],
        "properties": {
            "position": {"type": "integer"},
            "state": {"enum": crate::store::ALERT_STATES},
            "held": {"type": "array", "items": held},
            "alert": alert,
        },
    })
}

fn thread(generator: &mut SchemaGenerator) -> Schema {
    let line = generator.subschema_for::<ThreadLine>();
    let event = generator.subschema_for::<TimelineLine<'static>>();
    schemars::json_schema!({
        "allOf": [line],
        "type": "object",
        "required": ["timeline"],
        "properties": {"timeline": {"type": "array", "items": event}},
    })
}

fn feed(generator: &mut SchemaGenerator) -> Schema {
    let line = generator.subschema_for::<FeedLine>();
    let hour = serde_json::json!({
        "type": "object",
        "required": ["hour", "entries"],
        "properties": {"hour": {"type": "string"}, "entries": {"type": "integer"}},
    });
    schemars::json_schema!({
        "allOf": [line],
        "type": "object",
        "required": ["history"],
        "properties": {"history": {"type": "array", "items": hour}},
    })
}

fn feed_with_polls(generator: &mut SchemaGenerator) -> Schema {
    let (line, poll) = (feed(generator), generator.subschema_for::<feeds::PollLine>());
    schemars::json_schema!({
        "allOf": [line],
        "type": "object",
        "required": ["polls"],
        "properties": {"polls": {"type": "array", "items": poll}},
    })
}

const fn list(
    path: &'static str,
    about: &'static str,
    parameters: &'static [&'static [Parameter]],
    read: Read,
    answer: fn(&mut SchemaGenerator) -> Schema,
) -> Route {
    Route { method: "GET", path, about, parameters, act: Act::List(read), status: 200, answer, body: None }
}

const fn single(
    path: &'static str,
    about: &'static str,
    parameters: &'static [&'static [Parameter]],
    read: fn(&Looking<'_>) -> Result<Value, Problem>,
    answer: fn(&mut SchemaGenerator) -> Schema,
) -> Route {
    let act = Act::Single { read, rows: None };
    Route { method: "GET", path, about, parameters, act, status: 200, answer, body: None }
}

/// The same, which can be had as a file of these rows.
const fn filed(route: Route, rows: fn(&Value) -> Vec<Value>) -> Route {
    match route.act {
        Act::Single { read, .. } => Route { act: Act::Single { read, rows: Some(rows) }, ..route },
        _ => route,
    }
}

/// Every route; what has no place for anything goes before what has.
pub(super) fn routes() -> Vec<Route> {
    lists_of().into_iter().chain(single_things()).chain(changes()).chain(changes_of_feeds()).collect()
}

fn lists_of() -> Vec<Route> {
    vec![
        list(
            "/claims",
            "Claims of the window, the newest first.",
            &[lists::CLAIMS, LIST],
            lists::claims,
            of::<ClaimLine>,
        ),
        list(
            "/threads",
            "Threads, that which something was last added to first.",
            &[lists::THREADS, LIST],
            lists::threads,
            of::<ThreadLine>,
        ),
        list(
            "/alerts",
            "What was alerted or waits for that, the newest first.",
            &[lists::ALERTS, LIST],
            lists::alerts,
            alert,
        ),
        list("/feeds", "Feeds, those in trouble first.", &[lists::FEEDS, LIST], lists::feeds, feed),
        list(
            "/deliveries",
            "Which alert went to which sink, or waits, or never got there.",
            &[lists::DELIVERIES, LIST],
            lists::deliveries,
            of::<DeliveryLine>,
        ),
        list("/endpoints", "Sinks and how their endpoints do.", &[&[], LIST], state::endpoints, any),
        list("/silences", "Silences, the newest first.", &[&[], LIST], state::silences, any),
        list(
            "/search",
            "Claims in which words stand, and where they stand.",
            &[lists::SEARCH, LIST],
            lists::search,
            of::<lists::Found>,
        ),
    ]
}

fn single_things() -> Vec<Route> {
    let other = |path, about, parameters, act| Route {
        method: "GET",
        path,
        about,
        parameters,
        act,
        status: 200,
        answer: any,
        body: None,
    };
    vec![
        single("/claims/{id}", "A claim.", &[], state::claim, of::<ClaimLine>),
        filed(
            single(
                "/threads/{id}",
                "A thread with its time line; as a file, its time line.",
                &[FILE],
                state::thread,
                thread,
            ),
            table::events,
        ),
        single(
            "/threads/{id}/likely",
            "Threads that may be about the same matter, the likeliest first, five at most: to be merged with.",
            &[],
            likely::likely,
            of::<likely::Likely>,
        ),
        single("/alerts/{id}", "An alert.", &[], state::alert, alert),
        single(
            "/explain/{id}",
            "Why an alert was sent, or why a document, story, thread or claim gave none.",
            &[],
            state::explain,
            of::<Explanation>,
        ),
        single("/feeds/{id}", "A feed, with its last polls.", &[], feeds::feed, feed_with_polls),
        single(
            "/deliveries/{alert}",
            "A delivery with its attempts and the text that goes out; of an alert for several sinks, that of `sink`.",
            &[state::SINK],
            state::delivery,
            of::<DeliveryLine>,
        ),
        filed(
            single(
                "/trends",
                "Claims by kind over time, who made most, and which threads were answered most; as a file, a row for each number, by `part`.",
                &[state::TRENDS, FILE],
                state::trends,
                any,
            ),
            table::trends,
        ),
        filed(
            single(
                "/status",
                "How the daemon does; as a file, its checks and its numbers.",
                &[FILE],
                state::status,
                any,
            ),
            table::status,
        ),
        other("/alerts/stream", STREAM, &[lists::ALERTS, AFTER], Act::Stream),
        other("/openapi.json", "This document.", &[], Act::Document),
    ]
}

type Changes = fn(Changing) -> Pin<Box<dyn Future<Output = Changed> + Send>>;
type Shape = fn(&mut SchemaGenerator) -> Schema;

const fn change(
    method: &'static str,
    path: &'static str,
    about: &'static str,
    status: u16,
    act: Changes,
    answer: Shape,
    body: Option<Shape>,
) -> Route {
    Route { method, path, about, parameters: &[], act: Act::Change(act), status, answer, body }
}

fn changes_of_feeds() -> Vec<Route> {
    vec![
        change(
            "POST",
            "/feeds",
            "Adds a feed beside the config. An address that is no feed is answered with 422 and the feeds that it leads to.",
            201,
            |c| Box::pin(feeds::add(c)),
            of::<feeds::Added>,
            Some(of::<feeds::NewFeed>),
        ),
        change(
            "DELETE",
            "/feeds/{id}",
            "Takes a feed out that was added so.",
            204,
            |c| Box::pin(feeds::drop(c)),
            any,
            None,
        ),
        change(
            "POST",
            "/feeds/{id}/pause",
            "Lets a feed rest until it is resumed, also over restarts and reloads.",
            202,
            |c| Box::pin(feeds::pause(c)),
            of::<feeds::Paused>,
            None,
        ),
        change(
            "POST",
            "/feeds/{id}/resume",
            "Lets a feed be polled again.",
            202,
            |c| Box::pin(feeds::resume(c)),
            of::<feeds::Paused>,
            None,
        ),
        change(
            "POST",
            "/feeds/{id}/poll",
            "Polls a feed now, or as soon as `Retry-After` and the gap between two fetches permit; the answer says when.",
            202,
            |c| Box::pin(feeds::poll(c)),
            of::<feeds::Polled>,
            None,
        ),
    ]
}

fn changes() -> Vec<Route> {
    vec![
        change(
            "POST",
            "/feedback",
            "Says something of a thread, claim or speaker; it counts within a second.",
            202,
            |c| Box::pin(operate::feedback(c)),
            any,
            Some(of::<operate::Said>),
        ),
        change(
            "POST",
            "/silences",
            "Keeps alerts back for some time.",
            201,
            |c| Box::pin(operate::silence(c)),
            any,
            Some(of::<operate::NewSilence>),
        ),
        change("DELETE", "/silences/{id}", "Ends a silence.", 204, |c| Box::pin(operate::end_silence(c)), any, None),
        change(
            "POST",
            "/deliveries/replay",
            "Sends alerts once more, with the same ids and bytes, within half a minute; or says which it would send.",
            200,
            |c| Box::pin(operate::replay(c)),
            of::<operate::Replayed>,
            Some(of::<operate::Replay>),
        ),
        change(
            "POST",
            "/endpoints/{name}/ping",
            "Whether the endpoint's host answers.",
            200,
            |c| Box::pin(operate::ping(c)),
            of::<operate::Tried>,
            None,
        ),
        change(
            "POST",
            "/endpoints/{name}/test",
            "Sends the test alert to the endpoint.",
            200,
            |c| Box::pin(operate::test(c)),
            of::<operate::Tried>,
            None,
        ),
        change(
            "POST",
            "/endpoints/{name}/enable",
            "Lets alerts go out to the endpoint again.",
            200,
            |c| Box::pin(operate::enable(c)),
            any,
            None,
        ),
    ]
}

/// What a path leads to.
pub(super) enum Led<'p> {
    /// A route and what its path holds.
    To(Route, &'p str),
    /// Another method is wanted: these are.
    Method(String),
    /// Nowhere.
    Nowhere,
}

/// Leads a request.
pub(super) fn lead<'p>(routes: &[Route], method: &str, path: &'p str) -> Led<'p> {
    let fitting: Vec<(&Route, &str)> = routes.iter().filter_map(|route| Some((route, route.fits(path)?))).collect();
    // What stands in the table whole goes before what has a place for anything.
    let is_whole = fitting.iter().any(|(route, _)| !route.path.contains('{'));
    let fitting: Vec<_> = fitting.into_iter().filter(|(route, _)| !is_whole || !route.path.contains('{')).collect();
    let wanted = if method == "HEAD" { "GET" } else { method };
    match fitting.iter().find(|(route, _)| route.method == wanted) {
        Some((route, held)) => Led::To(**route, held),
        None if fitting.is_empty() => Led::Nowhere,
        None => {
            let methods =
                fitting.iter().map(|(route, _)| if route.method == "GET" { "GET, HEAD" } else { route.method });
            Led::Method(methods.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_led_by_the_table() {
        let routes = routes();
        let to = |method: &str, path: &str| match lead(&routes, method, path) {
            Led::To(route, held) => format!("{} {held}", route.path),
            Led::Method(methods) => format!("405 {methods}"),
            Led::Nowhere => "404".to_owned(),
        };
        assert_eq!(to("GET", "/claims"), "/claims ");
        assert_eq!(to("HEAD", "/claims/ab"), "/claims/{id} ab");
        assert_eq!(to("GET", "/alerts/stream"), "/alerts/stream ");
        assert_eq!(to("POST", "/alerts/stream"), "405 GET, HEAD");
        assert_eq!(to("POST", "/silences"), "/silences ");
        assert_eq!(to("PUT", "/silences"), "405 GET, HEAD, POST");
        assert_eq!(to("TRACE", "/feedback"), "405 POST");
        assert_eq!(to("POST", "/deliveries/replay"), "/deliveries/replay ");
        assert_eq!(to("POST", "/endpoints/desk/ping"), "/endpoints/{name}/ping desk");
        for nowhere in ["/", "", "/claims/", "/claims/a/b", "/x", "/claims//"] {
            assert_eq!(to("GET", nowhere), "404", "{nowhere}");
        }
    }
}
