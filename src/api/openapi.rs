//! The API as an `OpenAPI` 3.1 document, made from the table of routes. What it says of a request is
//! the form; where no simple pattern says it whole, the check of the request is the stricter one and says why.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::query::{Parameter, Take};
use super::routes::{Act, Route};

/// Statuses of errors and when they come.
const ERRORS: [(&str, &str); 9] = [
    ("400", "A parameter or the body is not as it should be; the detail says what would be accepted."),
    ("401", "A token is needed, or this one is not known."),
    ("403", "The token does not open this, or the request came from another site."),
    ("404", "There is no such thing, or it is no longer kept."),
    ("421", "The Host is none of this daemon's names."),
    ("405", "This path takes other methods; Allow names them."),
    ("429", "Too many requests of this address."),
    ("500", "This request cannot be answered; the daemon's log says why."),
    ("503", "The daemon is starting, or too much is asked at once."),
];
/// Of requests that change something.
const ERRORS_OF_CHANGES: [(&str, &str); 5] = [
    ("408", "The body did not come in time."),
    ("409", "What there is already stands against it."),
    ("413", "The body is too large."),
    ("415", "The Content-Type is not application/json."),
    ("422", "What is asked for cannot be done."),
];
/// An id as it is taken; it is given in small letters.
const ID: &str = "^[0-9a-fA-F]{32}$";
/// An age: whole numbers, each with its unit.
const AGE: &str = "^([0-9]{1,6}(ms|s|m|h|d))+$";

/// The document of a daemon that lets nobody in without a token, or of one that has none.
pub(super) fn document(routes: &[Route], needs_token: bool) -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    // What is always told need not always be given, and the other way round.
    let mut told = settings.clone().for_serialize().into_generator();
    let mut given = settings.for_deserialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let path = paths.entry(format!("/api/v1{}", route.path)).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route, &mut told, &mut given);
    }
    let mut schemas = given.take_definitions(true);
    schemas.extend(told.take_definitions(true));
    let about = "Claims, threads and alerts of a gainsay daemon. Texts come from feeds: they are data, whatever they look like.";
    json!({
        "openapi": "3.1.0",
        "info": {"title": "gainsay", "version": env!("CARGO_PKG_VERSION"), "description": about},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": if needs_token { json!([{"token": []}]) } else { json!([]) },
    })
}

/// An operation; answers are described by `told`, bodies of requests by `given`.
fn operation(route: &Route, told: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let is_change = matches!(route.act, Act::Change(_));
    let answer = (route.answer)(told);
    let problem = told.subschema_for::<Problem>();
    let errors = ERRORS.iter().chain(if is_change { &ERRORS_OF_CHANGES[..] } else { &[] });
    let content = json!({"application/problem+json": {"schema": problem}});
    let mut responses: Map<String, Value> = errors
        .map(|(status, about)| ((*status).to_owned(), json!({"description": about, "content": content})))
        .collect();
    // Before anything of it is looked at, and so without a body.
    responses
        .insert("431".to_owned(), json!({"description": "The head of the request, with its address, is too large."}));
    responses.insert(route.status.to_string(), good(route, &json!(answer)));
    if matches!(route.act, Act::List(_) | Act::Single { .. } | Act::Document) {
        let about = "The client has it already: the ETag is one of If-None-Match.";
        responses.insert("304".to_owned(), json!({"description": about}));
    }
    let mut parameters: Vec<Value> = held(route.path).map(|name| in_path(route.path, name)).collect();
    parameters.extend(route.known().into_iter().map(parameter));
    if is_change {
        let about = "Says that no page of another site sent this.";
        parameters.push(json!({"name": "X-Gainsay", "in": "header", "required": true, "description": about, "schema": {"const": "1"}}));
    }
    let mut operation = json!({
        "summary": route.about,
        "operationId": operation_id(route),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = route.body.map(|body| body(given)) {
        operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
    } else if is_change {
        let about = "Not read; the Content-Type has to be application/json all the same.";
        operation["requestBody"] = json!({"description": about, "content": {"application/json": {"schema": {}}}});
    }
    operation
}

fn operation_id(route: &Route) -> String {
    let parts = route.path.split(['/', '.']).map(|part| part.trim_matches(['{', '}'])).filter(|part| !part.is_empty());
    let words: Vec<String> = std::iter::once(route.method.to_lowercase()).chain(parts.map(str::to_owned)).collect();
    words.join("_")
}

fn held(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn in_path(path: &str, name: &str) -> Value {
    let schema = match path.split('/').nth(1) {
        // No control characters.
        Some("feeds" | "endpoints") => {
            json!({"type": "string", "minLength": 1, "maxLength": 300, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"})
        }
        // The beginning of an id is enough.
        Some("explain") => json!({"type": "string", "pattern": "^[0-9a-fA-F]{4,32}$"}),
        _ => json!({"type": "string", "pattern": ID}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn good(route: &Route, answer: &Value) -> Value {
    let json_of = |schema: Value| json!({"application/json": {"schema": schema}});
    let content = match route.act {
        Act::List(_) => in_files(json_of(json!({
            "type": "object",
            "required": ["items", "next"],
            "properties": {"items": {"type": "array", "items": answer}, "next": {"type": ["string", "null"]}},
        }))),
        Act::Single { rows: Some(_), .. } => in_files(json_of(answer.clone())),
        Act::Stream => json!({"text/event-stream": {"schema": {"type": "string"}}}),
        _ if route.status == 204 => return json!({"description": "Done."}),
        _ => json_of(answer.clone()),
    };
    json!({"description": "Done.", "content": content})
}

/// The same content also as files.
fn in_files(mut content: Value) -> Value {
    for kind in ["application/jsonl", "text/csv"] {
        content[kind] = json!({"schema": {"type": "string"}});
    }
    content
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.what {
        Take::Text => json!({"type": "string", "maxLength": 300}),
        Take::Words(words) => {
            json!({"type": "array", "items": {"type": "string", "enum": words}, "maxItems": 32})
        }
        Take::Moment => json!({
            "type": "string",
            "anyOf": [{"format": "date"}, {"format": "date-time"}, {"pattern": AGE}],
            "examples": ["2026-03-31", "2026-03-31T08:00:00Z", "7d"],
        }),
        Take::Share => json!({"type": "number", "minimum": 0, "maximum": 1}),
        Take::Flag => json!({"type": "boolean"}),
        Take::Id => json!({"type": "string", "pattern": ID}),
        Take::Number(from, to) => json!({"type": "integer", "minimum": from, "maximum": to}),
        Take::Cursor => json!({"type": "string", "pattern": "^([+-]?[0-9]+(_[+-]?[0-9]+)?)?$"}),
    };
    json!({"name": parameter.name, "in": "query", "description": parameter.about, "schema": schema})
}
