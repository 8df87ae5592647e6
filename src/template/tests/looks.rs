//! What a desk gets to see: alerts as they come, through every ready template and as mail, within the limits of each service; of one of
//! them the whole look, in `tests/fixtures/chat`.

use super::*;
use crate::model::{AlertId, ClaimId, DigestCause, FeedAlert, FeedId, Kind, Quote, SinkAlert, ThreadId};
use crate::template::{Form, MailForm};

/// A denial that answers an allegation of another document.
fn denial() -> Alert {
    serde_json::from_str(include_str!("../../../tests/fixtures/chat/alert.json")).unwrap()
}

fn with(change: impl FnOnce(&mut Alert)) -> Alert {
    let mut alert = denial();
    change(&mut alert);
    alert
}

/// Evidence of these words, with the cue among them.
fn says(alert: &mut Alert, sentence: &str, cue: &str) {
    let start = sentence.split(cue).next().unwrap().chars().count();
    let (claim, evidence) = (alert.claim.as_mut().unwrap(), alert.evidence.as_mut().unwrap());
    claim.cue = Quote { text: cue.to_owned(), start, end: start + cue.chars().count() };
    claim.sentence.end = sentence.chars().count();
    sentence.clone_into(&mut evidence.sentence);
}

/// One that lists so many, as a sink gets it that collects.
fn digest(count: u8) -> Alert {
    let empty = alert(AlertType::Digest, true);
    let mut digest = empty.digest.clone().unwrap();
    digest.cause = DigestCause::Collected;
    digest.since = Some("2026-03-02T08:00:00Z".parse().unwrap());
    let pattern = digest.alerts.remove(0);
    let one = |number: u8| crate::model::DigestEntry {
        id: AlertId::of(&[&[number]]),
        claim: Some(ClaimId::of(&[&[number]])),
        thread: Some(ThreadId::of(&[&[number]])),
        speaker: Some("Orsa Lind".to_owned()),
        role: Some("transport minister".to_owned()),
        sentence: Some(format!("Orsa Lind denied report number {number} on the ferries.")),
        outlets: vec!["Northwire".to_owned(), "Daily Lantern".to_owned()],
        url: Some(format!("https://northwire.example/{number}")),
        ..pattern.clone()
    };
    (digest.alerts, digest.left_out) = ((0..count).map(one).collect(), 0);
    Alert { digest: Some(digest), time: "2026-03-02T09:00:00Z".parse().unwrap(), ..empty }
}

/// Alerts of every sort that reaches a desk, with names.
fn desk() -> Vec<(&'static str, Alert)> {
    claims().into_iter().chain(hard()).chain(others()).collect()
}

fn claims() -> Vec<(&'static str, Alert)> {
    vec![
        ("denial", denial()),
        (
            "allegation",
            with(|alert| {
                alert.alert_type = AlertType::AllegationNew;
                alert.claim.as_mut().unwrap().kind = Kind::Allegation;
                alert.claim.as_mut().unwrap().target = Some("Orsa Lind".to_owned());
                alert.answers.clear();
                says(alert, "Corvane Lines accused Orsa Lind of favouring a rival.", "accused");
            }),
        ),
        ("correction", with(|alert| alert.alert_type = AlertType::ClaimRevised)),
        ("withdrawal", with(|alert| alert.alert_type = AlertType::ClaimWithdrawn)),
        ("outlets disagree", with(|alert| alert.alert_type = AlertType::ThreadContradiction)),
        (
            "unnamed source",
            with(|alert| {
                alert.claim.as_mut().unwrap().speaker = None;
                alert.claim.as_mut().unwrap().source.as_mut().unwrap().text = "two officials of the port".to_owned();
            }),
        ),
        (
            "through another",
            with(|alert| {
                alert.claim.as_mut().unwrap().speaker.as_mut().unwrap().via = Some("her spokesman".to_owned());
            }),
        ),
    ]
}

/// Those that try the limits.
fn hard() -> Vec<(&'static str, Alert)> {
    let long = format!("Lind denied {} and left.", "that the tender of the ferries was closed early, ".repeat(400));
    let marks = "*_`~|[]()<>#+-!\\".repeat(200);
    vec![
        ("long evidence", with(|alert| says(alert, &long, "denied"))),
        (
            "right to left",
            with(|alert| {
                says(alert, "نفت وزيرة النقل أنها وقعت العقد دون مناقصة.", "نفت");
                alert.answers[0].proposition = "وقعت العقد قبل المناقصة".to_owned();
                alert.document.as_mut().unwrap().headline = "الوزيرة تنفي".to_owned();
            }),
        ),
        (
            "many outlets",
            with(|alert| {
                let outlets = (0..60).map(|number| format!("Outlet number {number}")).collect();
                alert.story.as_mut().unwrap().outlets = outlets;
            }),
        ),
        (
            "everything escaped",
            with(|alert| {
                says(alert, &format!("{marks} denied {marks}"), "denied");
                let claim = alert.claim.as_mut().unwrap();
                (claim.speaker.as_mut().unwrap().name, claim.target) = (marks.clone(), Some(marks.clone()));
                alert.answers = vec![alert.answers[0].clone(); 5];
                alert.answers.iter_mut().for_each(|answer| marks.clone_into(&mut answer.proposition));
                let document = alert.document.as_mut().unwrap();
                (document.headline, document.outlet) = (marks.clone(), marks.clone());
                alert.story.as_mut().unwrap().outlets = vec![marks.clone(); 30];
                alert.watched = vec![marks.clone(); 30];
                alert.why.clone_from(&marks);
            }),
        ),
    ]
}

/// Those that are of no claim.
fn others() -> Vec<(&'static str, Alert)> {
    let sink = SinkAlert {
        name: "phone".to_owned(),
        since: "2026-03-02T09:00:00Z".parse().unwrap(),
        detail: "no answer within 10 s".to_owned(),
    };
    let feed = FeedAlert {
        id: FeedId::new("northwire"),
        outlet: "Northwire".to_owned(),
        url: "https://northwire.example/rss".to_owned(),
        incident: 2,
        detail: "5 polls failed in a row: the server answered 503".to_owned(),
    };
    let bare = |alert_type| alert(alert_type, false);
    vec![
        ("digest", digest(40)),
        ("feed", Alert { feed: Some(feed), why: "a feed fails".to_owned(), ..bare(AlertType::FeedFailing) }),
        ("sink", Alert { sink: Some(sink), why: "phone fails".to_owned(), ..bare(AlertType::SinkFailing) }),
    ]
}

/// Links of the longest address that the config takes, for a sink of the longest name.
fn longest() -> (Option<Links>, String) {
    let base = format!("https://{}.example/", "a".repeat(60) + "." + &"b".repeat(22));
    assert!((95..=100).contains(&base.len()));
    let lifetime = jiff::SignedDuration::from_hours(24 * 90);
    (Some(Links::new(base.parse().unwrap(), Some(b"sample"), lifetime)), "s".repeat(64))
}

fn mail(alert: &Alert, sent: Sent<'_>) -> String {
    let form = MailForm { from: "gainsay <a@b.example>".parse().unwrap(), to: vec!["c@d.example".parse().unwrap()] };
    String::from_utf8(Form::Mail(form.into()).render(alert, sent).unwrap().body).unwrap()
}

#[test]
fn every_alert_of_a_desk_is_within_the_limits_of_each_service() {
    let (links, sink) = longest();
    let sent = Sent { links: links.as_ref(), sink: &sink };
    for (what, alert) in desk() {
        let body =
            |preset| -> Value { serde_json::from_slice(&template(preset).render(&alert, sent).unwrap().body).unwrap() };
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        let slack = body(Preset::Slack);
        assert!(length(&slack["blocks"][0]["text"]["text"]) <= 150, "{what}");
        assert!(texts(&slack).iter().all(|(key, text)| key != "text" || text.chars().count() <= 3_000), "{what}");
        let embed = &body(Preset::Discord)["embeds"][0];
        assert!(length(&embed["description"]) <= 4_096, "{what}");
        let fields = embed["fields"].as_array().unwrap();
        let of_fields: usize = fields.iter().map(|field| length(&field["name"]) + length(&field["value"])).sum();
        let total = of_fields + length(&embed["title"]) + length(&embed["description"]);
        assert!(total <= 6_000 && fields.len() <= 25, "{what}: {total}");
        let teams = body(Preset::Teams);
        assert!(teams.to_string().len() <= 28_000, "{what}");
        let actions = teams["attachments"][0]["content"]["actions"].as_array().map_or(0, Vec::len);
        assert!(actions <= 6, "{what}");
        assert!(length(&body(Preset::Mattermost)["text"]) <= 16_383, "{what}");
        let ntfy = body(Preset::Ntfy);
        assert!(ntfy["message"].as_str().unwrap().len() <= 4_096, "{what}");
        assert!(ntfy["actions"].as_array().is_none_or(|actions| (1..=3).contains(&actions.len())), "{what}");
        let mail = mail(&alert, sent);
        assert!(mail.lines().all(|line| line.len() <= 998), "{what}");
    }
}

/// Three signed links, the article and the thread: in every look of an alert of a claim, whole.
#[test]
fn every_message_has_its_links_whole() {
    let (links, sink) = longest();
    let sent = Sent { links: links.as_ref(), sink: &sink };
    for (what, alert) in desk().into_iter().filter(|(_, alert)| alert.claim.is_some()) {
        let own = sent.of(&alert);
        let is_withdrawn = alert.alert_type == AlertType::ClaimWithdrawn;
        let signed = [own.follow, own.mute, own.wrong].into_iter().flatten();
        let wanted: Vec<String> = signed.chain(own.thread).collect();
        assert_eq!(wanted.len(), if is_withdrawn { 3 } else { 4 });
        for (name, preset) in Preset::NAMES {
            let body = template(preset).render(&alert, sent).unwrap().body;
            let text = texts(&serde_json::from_slice(&body).unwrap()).into_iter().map(|(_, text)| text);
            let text = text.collect::<Vec<_>>().join("\n");
            for link in wanted.iter().map(String::as_str).chain(["https://northwire.example/2026/03/02/lind-ferries"]) {
                assert!(text.contains(link), "{name}, {what}: {link} is not in {text}");
            }
        }
    }
}

#[test]
fn who_has_no_public_address_gets_no_links() {
    for (name, preset) in Preset::NAMES {
        let body = template(preset).render(&denial(), Sent::NONE).unwrap().body;
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("/act/") && !text.contains("#/thread"), "{name}");
        assert!(text.contains("https://northwire.example/2026/03/02/lind-ferries"), "{name}");
    }
}

#[test]
fn who_is_not_named_is_shown_by_the_words_of_the_source() {
    let find = |what: &str| desk().into_iter().find(|(name, _)| *name == what).unwrap().1;
    let title = |alert: &Alert| rendered(Preset::Ntfy, alert)["title"].as_str().unwrap().to_owned();
    assert_eq!(title(&find("unnamed source")), "Denial: “two officials of the port”");
    assert_eq!(title(&find("through another")), "Denial: Orsa Lind, transport minister of Velmark (via her spokesman)");
}

#[test]
fn a_mail_lists_what_was_collected() {
    let links = links();
    let sent = Sent { links: links.as_ref(), sink: "mail" };
    let message = crate::template::message::of(&digest(3), sent);
    assert_eq!(message.title, "Digest: 3 alerts since 2026-03-02 08:00 UTC");
    let (alert, many) = (digest(3), digest(250));
    let listed = crate::template::message::entries(&alert, sent, 200);
    let parts = crate::template::mail_text::Parts { alert: &alert, message: &message, listed: &listed };
    let text = crate::template::mail_text::text(&parts);
    for expected in [
        "\n1. Denial: Orsa Lind, transport minister\n    Orsa Lind denied report number 0 on the ferries.\n    Northwire, Daily Lantern\n    Article: https://northwire.example/0\n    Thread: https://gainsay.example/#/thread/",
        "\n3. Denial",
        "    Wrong?: https://gainsay.example/act/wrong?thread=",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    let html = crate::template::mail_text::html(&parts);
    assert_eq!(html.matches("<li>").count(), 3);
    assert!(html.contains("<a href=\"https://northwire.example/2\">Article</a> · <a href=\"https://gainsay"), "{html}");
    let message = crate::template::message::of(&many, sent);
    let listed = crate::template::message::entries(&many, sent, 200);
    let parts = crate::template::mail_text::Parts { alert: &many, message: &message, listed: &listed };
    assert!(crate::template::mail_text::text(&parts).contains("\n200. Denial"));
    assert!(crate::template::mail_text::text(&parts).contains("\n… and 50 more\n"));
}

/// The whole look of one alert; `GAINSAY_WRITE_DOCS=1` writes it anew, to be read before it is committed.
#[test]
fn one_alert_looks_as_it_did() {
    let links = links();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat");
    let check = |file: &str, found: String| {
        let path = folder.join(file);
        if std::env::var_os("GAINSAY_WRITE_DOCS").is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), found, "{file}");
    };
    for (name, preset) in Preset::NAMES {
        let body: Value =
            serde_json::from_slice(&template(preset).render(&denial(), sent(links.as_ref())).unwrap().body).unwrap();
        check(&format!("{name}.json"), serde_json::to_string_pretty(&body).unwrap() + "\n");
    }
    check("mail.eml", mail(&denial(), sent(links.as_ref())).replace("\r\n", "\n"));
}
