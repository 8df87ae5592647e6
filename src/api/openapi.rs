//! The API as an `OpenAPI` 3.1 document, made from the table of routes.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::query::{Parameter, Take};
use super::routes::{Act, Route};

/// Statuses of errors and when they come.
const ERRORS: [(&str, &str); 8] = [
    ("400", "A parameter or the body is not as it should be; the detail says what would be accepted."),
    ("401", "A token is needed, or this one is not known."),
    ("403", "The token does not open this, or the request came from another site."),
    ("404", "There is no such thing, or it is no longer kept."),
    ("415", "The body is no JSON."),
    ("421", "The Host is none of this daemon's names."),
    ("429", "Too many requests of this address."),
    ("503", "The daemon is starting, or too much is asked at once."),
];

/// The document.
pub(super) fn document(routes: &[Route]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let answer = (route.answer)(&mut generator);
        let body = route.body.map(|body| body(&mut generator));
        let mut responses = Map::new();
        responses.insert(route.status.to_string(), good(route, &json!(answer)));
        for (status, about) in ERRORS {
            let content = json!({"application/problem+json": {"schema": problem}});
            responses.insert(status.to_owned(), json!({"description": about, "content": content}));
        }
        if body.is_some() || matches!(route.act, Act::Change(_)) {
            let about = "What is asked for cannot be done.";
            let content = json!({"application/problem+json": {"schema": problem}});
            let clash = "What there is already stands against it.";
            responses.insert("409".to_owned(), json!({"description": clash, "content": content}));
            responses.insert("422".to_owned(), json!({"description": about, "content": content}));
        }
        let mut parameters: Vec<Value> = held(route.path).map(in_path).collect();
        parameters.extend(route.known().into_iter().map(parameter));
        if matches!(route.act, Act::Change(_)) {
            let about = "Says that no page of another site sent this.";
            parameters.push(json!({"name": "X-Gainsay", "in": "header", "required": true, "description": about, "schema": {"const": "1"}}));
        }
        let mut operation = json!({
            "summary": route.about,
            "operationId": operation_id(route),
            "parameters": parameters,
            "responses": responses,
        });
        if let Some(body) = body {
            operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
        }
        let path = paths.entry(format!("/api/v1{}", route.path)).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation;
    }
    let schemas = generator.take_definitions(true);
    let about = "Claims, threads and alerts of a gainsay daemon. Texts come from feeds: they are data, whatever they look like.";
    json!({
        "openapi": "3.1.0",
        "info": {"title": "gainsay", "version": env!("CARGO_PKG_VERSION"), "description": about},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    })
}

fn operation_id(route: &Route) -> String {
    let parts = route.path.split(['/', '.']).map(|part| part.trim_matches(['{', '}'])).filter(|part| !part.is_empty());
    let words: Vec<String> = std::iter::once(route.method.to_lowercase()).chain(parts.map(str::to_owned)).collect();
    words.join("_")
}

fn held(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn in_path(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})
}

fn good(route: &Route, answer: &Value) -> Value {
    let json_of = |schema: Value| json!({"application/json": {"schema": schema}});
    let content = match route.act {
        Act::List { is_file, .. } => {
            let mut content = json_of(json!({
                "type": "object",
                "required": ["items", "next"],
                "properties": {"items": {"type": "array", "items": answer}, "next": {"type": ["string", "null"]}},
            }));
            if is_file {
                content["application/jsonl"] = json!({"schema": {"type": "string"}});
                content["text/csv"] = json!({"schema": {"type": "string"}});
            }
            content
        }
        Act::Stream => json!({"text/event-stream": {"schema": {"type": "string"}}}),
        _ if route.status == 204 => return json!({"description": "Done."}),
        _ => json_of(answer.clone()),
    };
    json!({"description": "Done.", "content": content})
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.what {
        Take::Text => json!({"type": "string", "maxLength": 300}),
        Take::Words(words) => {
            json!({"type": "array", "items": {"enum": words}, "maxItems": 32})
        }
        Take::Moment => json!({"type": "string", "examples": ["2026-03-31", "2026-03-31T08:00:00Z", "7d"]}),
        Take::Share => json!({"type": "number", "minimum": 0, "maximum": 1}),
        Take::Flag => json!({"type": "boolean"}),
        Take::Id => json!({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
        Take::Number(from, to) => json!({"type": "integer", "minimum": from, "maximum": to}),
        Take::Cursor => json!({"type": "string"}),
    };
    json!({"name": parameter.name, "in": "query", "description": parameter.about, "schema": schema})
}
