//! Every ready template with every type of alert, as its service documents what it takes; hostile text; templates of one's own.

mod looks;

use serde_json::{Value, json};

use super::sample::{HOSTILE, alert, alerts, links};
use super::*;
use crate::model::AlertType;

fn template(preset: Preset) -> Template {
    Template::preset(preset, Some("desk-alerts".to_owned())).unwrap()
}

/// As a daemon sends it whose messages have all links.
fn sent(links: Option<&Links>) -> Sent<'_> {
    Sent { links, sink: "chat" }
}

fn rendered(preset: Preset, alert: &Alert) -> Value {
    serde_json::from_slice(&template(preset).render(alert, sent(links().as_ref())).unwrap().body).unwrap()
}

/// An alert as the contract's fixture has it: a denial with everything, a feed's and a digest.
fn fixture(line: usize) -> Alert {
    let lines = include_str!("../../tests/fixtures/contract/alerts.jsonl");
    serde_json::from_str(lines.lines().nth(line).unwrap()).unwrap()
}

/// All strings of a value, with the key each stands under.
fn strings(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        Value::Array(list) => list.iter().for_each(|inner| strings(inner, key, found)),
        Value::Object(object) => object.iter().for_each(|(key, inner)| strings(inner, key, found)),
        _ => {}
    }
}

fn texts(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    strings(value, "", &mut found);
    found
}

#[test]
fn each_ready_template_takes_every_alert_and_stays_within_bounds() {
    let links = links();
    for (name, preset) in Preset::NAMES {
        let template = template(preset);
        for alert in alerts() {
            let rendering = template
                .render(&alert, sent(links.as_ref()))
                .unwrap_or_else(|error| panic!("{name} {error} {alert:?}"));
            assert_eq!(rendering.content_type, "application/json");
            let value: Value = serde_json::from_slice(&rendering.body).unwrap();
            for (key, text) in texts(&value) {
                assert!(!text.contains(['\u{202e}', '\u{0}', '\u{1b}', '\r']), "{name} {key} {text:?}");
                assert!(!text.is_empty(), "{name}: {key} is empty");
            }
        }
    }
}

#[test]
fn slack_gets_blocks_in_which_nothing_is_markup() {
    let body = rendered(Preset::Slack, &fixture(0));
    assert_eq!(body["blocks"][0]["type"], "header");
    assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
    assert_eq!(body["blocks"][0]["text"]["text"], "Denial: Vassily Nebenzia, Russia's ambassador to the UN");
    assert_eq!(body["blocks"][1]["type"], "rich_text");
    let elements = body["blocks"][1]["elements"].as_array().unwrap();
    let quote = &elements[0];
    assert_eq!(quote["type"], "rich_text_quote");
    assert_eq!(
        quote["elements"],
        json!([
            {"type": "text", "text": "Russia's ambassador to the UN "},
            {"type": "text", "text": "brushed off", "style": {"bold": true}},
            {"type": "text", "text": " reports."},
        ])
    );
    let whole = body.to_string();
    for part in [
        "Answers ",
        "United States: up to 10,000",
        "BSS, Arab News",
        "https://bss.example/1",
        "2024-10-31 08:01 UTC",
        "Nebenzia",
    ] {
        assert!(whole.contains(part), "{part} is not in {whole}");
    }
    for alert in alerts() {
        let body = rendered(Preset::Slack, &alert);
        assert!(body["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        // Only `text` is mrkdwn; the rest is of types that are not read for markup.
        let text = body["text"].as_str().unwrap();
        assert!(!text.contains('<') && !text.contains('>') && text.len() < 40_000, "{text}");
        for (key, kind) in texts(&body).iter().filter(|(key, _)| key == "type") {
            let plain = [
                "header",
                "plain_text",
                "rich_text",
                "rich_text_quote",
                "rich_text_section",
                "rich_text_list",
                "text",
                "link",
            ];
            assert!(plain.contains(&kind.as_str()), "{key} {kind}");
        }
    }
}

/// Whether each mark of markdown that text of a feed brings stands behind a backslash.
fn is_escaped(text: &str, marks: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if marks.contains(character) {
            return false;
        }
    }
    true
}

#[test]
fn discord_gets_one_embed_within_its_limits_that_rings_for_nobody() {
    let body = rendered(Preset::Discord, &fixture(0));
    let embed = &body["embeds"][0];
    assert_eq!(embed["url"], "https://bss.example/1");
    assert_eq!(embed["timestamp"], "2024-10-31T08:01:00Z");
    let description = embed["description"].as_str().unwrap();
    let quote =
        "> Russia's ambassador to the UN **brushed off** reports.\n\n[Thread](https://gainsay.example/#/thread/7";
    assert!(description.starts_with(quote), "{description}");
    assert_eq!(embed["fields"][0]["name"], "Answers");
    for alert in alerts() {
        let body = rendered(Preset::Discord, &alert);
        assert_eq!(body["allowed_mentions"], json!({"parse": []}));
        let embed = &body["embeds"][0];
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4_096);
        let fields = embed["fields"].as_array().unwrap();
        assert!((1..=25).contains(&fields.len()));
        let mut total = length(&embed["title"]) + length(&embed["description"]);
        for field in fields {
            assert!((1..=256).contains(&length(&field["name"])) && (1..=1_024).contains(&length(&field["value"])));
            total += length(&field["name"]) + length(&field["value"]);
            assert!(is_escaped(field["value"].as_str().unwrap(), "`[]<*_|~"), "{field}");
        }
        assert!(total <= 6_000, "{total}");
        assert!(is_escaped(embed["title"].as_str().unwrap(), "`[]<*_|~"), "{embed}");
        let quote = embed["description"].as_str().unwrap().split("\n\n[").next().unwrap();
        assert!(is_escaped(&quote.replace("**", ""), "`[]<*_|~"), "{embed}");
    }
}

#[test]
fn teams_gets_an_adaptive_card_of_text_runs() {
    let body = rendered(Preset::Teams, &fixture(0));
    assert_eq!(body["type"], "message");
    assert_eq!(body["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &body["attachments"][0]["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    assert_eq!(card["body"][1]["inlines"][1]["text"], "brushed off");
    assert_eq!(card["actions"][0]["url"], "https://bss.example/1");
    for alert in alerts() {
        let body = rendered(Preset::Teams, &alert);
        let card = &body["attachments"][0]["content"];
        // Neither a TextBlock, which reads markdown, nor entities, without which `<at>` is only text.
        assert!(card["body"].as_array().unwrap().iter().all(|block| block["type"] == "RichTextBlock"));
        assert!(card.get("msteams").is_none() && body.to_string().len() < 28_000);
    }
}

#[test]
fn mattermost_gets_markdown_in_which_feeds_mark_nothing_and_ring_for_nobody() {
    let body = rendered(Preset::Mattermost, &fixture(0));
    let text = body["text"].as_str().unwrap();
    assert!(
        text.starts_with("#### Denial\\: Vassily Nebenzia, Russia's ambassador to the UN\n> Russia's ambassador"),
        "{text}"
    );
    assert!(text.contains("**brushed off** reports.\n\n**Answers** United States\\: up to 10,000"), "{text}");
    assert!(
        text.contains("\n[Article](https://bss.example/1) · [Thread](https://gainsay.example/#/thread/7"),
        "{text}"
    );
    for alert in alerts() {
        let body = rendered(Preset::Mattermost, &alert);
        let text = body["text"].as_str().unwrap();
        assert!(text.chars().count() <= 16_383);
        assert!(!["@channel", "@everyone", "@here", "@all"].iter().any(|ping| text.contains(ping)), "{text}");
        assert!(is_escaped(text, "`<|~"), "{text}");
        let mut own = text.to_owned();
        for name in ["Article", "Thread", "Page", "Follow", "Mute", "Wrong?", "read"] {
            own = own.replace(&format!("[{name}]("), "(");
        }
        assert!(is_escaped(&own, "[]"), "{own}");
    }
}

#[test]
fn ntfy_gets_what_its_json_publishing_takes() {
    let body = rendered(Preset::Ntfy, &fixture(0));
    assert_eq!(body["topic"], "desk-alerts");
    assert_eq!(body["click"], "https://bss.example/1");
    assert_eq!(body["tags"], json!(["denial.new"]));
    assert!(
        body["message"].as_str().unwrap().starts_with("Russia's ambassador to the UN brushed off reports.\nAnswers: ")
    );
    for alert in alerts() {
        let body = rendered(Preset::Ntfy, &alert);
        assert!(body["message"].as_str().unwrap().len() <= 4_096 && body["title"].as_str().unwrap().len() <= 250);
        assert!((1..=5).contains(&body["priority"].as_u64().unwrap()) && body["markdown"] == false);
    }
}

#[test]
fn feeds_and_digests_read_well() {
    let feed = rendered(Preset::Slack, &fixture(2));
    assert_eq!(feed["blocks"][0]["text"]["text"], "Feed fails: News Example");
    assert!(feed.to_string().contains("3 polls failed in a row"));
    let digest = rendered(Preset::Slack, &fixture(3)).to_string();
    assert!(digest.contains("Digest: 1 alerts over the budget of 2024-10-31"), "{digest}");
    assert!(digest.contains("Denial: Vassily Nebenzia: reports that North Korean"), "{digest}");
}

#[test]
fn a_name_of_five_thousand_characters_is_cut() {
    let mut alert = fixture(0);
    alert.claim.as_mut().unwrap().speaker.as_mut().unwrap().name = "Ω".repeat(5_000);
    for (name, preset) in Preset::NAMES {
        let body = rendered(preset, &alert);
        assert!(body.to_string().contains("ΩΩ") && body.to_string().len() < 6_000, "{name}");
    }
}

/// One link that a service refuses would cost the whole message.
#[test]
fn a_link_that_services_refuse_or_people_misread_is_left_out() {
    let brackets = format!("https://news.example/{}", "(".repeat(2_000));
    for (url, is_shown) in [
        ("https://news.example/a_(b)?c=[d]", true),
        ("https://news.example:8443/@author/1", true),
        (brackets.as_str(), false),
        ("http://[2001:db8::1]/1", false),
        ("https://news.example@evil.example/1", false),
        ("https://", false),
    ] {
        let mut alert = fixture(0);
        alert.document.as_mut().unwrap().url = Some(url.to_owned());
        let shown = |preset| rendered(preset, &alert).to_string().contains("://news.example");
        for preset in [Preset::Slack, Preset::Discord, Preset::Teams, Preset::Mattermost, Preset::Ntfy] {
            assert_eq!(shown(preset), is_shown, "{url} {preset:?}");
            assert!(is_shown || !rendered(preset, &alert).to_string().contains("2001"), "{url}");
        }
    }
}

fn own(source: &str) -> Result<Template, TemplateError> {
    Template::own("own.jinja".into(), source.to_owned(), None)
}

#[track_caller]
fn check_wrong(source: &str, line: Option<usize>, words: &str) {
    let error = own(source).unwrap_err();
    assert_eq!(error.line, line, "{error}");
    assert!(error.what.contains(words), "{error}");
}

#[test]
fn a_template_of_ones_own_is_tried_on_every_type() {
    let good = r#"{"text": {{ alert.why }}, "who": {{ alert.claim.speaker.name if alert.claim and alert.claim.speaker else none }}}"#;
    let template = own(good).unwrap();
    let body: Value =
        serde_json::from_slice(&template.render(&alert(AlertType::DenialNew, true), Sent::NONE).unwrap().body).unwrap();
    assert_eq!(body["text"], HOSTILE);
    check_wrong("{\n{{ alert.why }", Some(2), "syntax error");
    check_wrong("{\n\n\"a\": {{ alert.claim.speaker.name }}}", Some(3), "type allegation.new");
    check_wrong("{\n\"a\": {{ alert.clame }}}", Some(2), "undefined");
    check_wrong("{\"a\": {{ alert.why }}", None, "no JSON");
    check_wrong("{{ alert.why|nonsense }}", Some(1), "unknown");
    check_wrong("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{}", Some(1), "fuel");
    check_wrong("[{% for a in range(9000) %}\"0123456789\",{% endfor %}0]", None, "larger than 64 KiB");
}

#[test]
fn a_body_of_another_type_is_printed_as_it_is() {
    let plain = |source: &str| Template::own("t".into(), source.to_owned(), Some("text/plain".to_owned()));
    let rendering = plain("{{ message.title }}!").unwrap().render(&fixture(0), Sent::NONE).unwrap();
    assert_eq!(rendering.content_type, "text/plain");
    assert_eq!(rendering.body, b"Denial: Vassily Nebenzia, Russia's ambassador to the UN!");
}

#[test]
fn an_alert_that_is_too_large_is_cut_rather_than_lost() {
    let template = own(r#"{"text": {{ alert.why }}}"#).unwrap();
    let mut alert = fixture(0);
    alert.why = "x".repeat(BODY_BYTES_MAX);
    let body: Value = serde_json::from_slice(&template.render(&alert, Sent::NONE).unwrap().body).unwrap();
    assert_eq!(body["text"].as_str().unwrap().chars().count(), SHORT_CHARACTERS);
}
