//! Alerts as e-mail: a whole message (RFC 5322) with a part of plain text and one of simple HTML.
//!
//! The same alert gives the same bytes: its own time is the date, and what else a message must have is made of its id. `Message-ID` is
//! made of the alert's id, so that a mail that comes twice is known as one; the mails of a thread refer to the same message, which
//! never was, so that mail programs show them as one conversation.

use std::time::SystemTime;

use lettre::Message as Mail;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::escape::{cut, plain};
use super::link::Sent;
use super::mail_text::{self, Parts};
use super::message::{self, Message};
use crate::model::{Alert, Rendering};

/// Characters of a subject: mail programs show less.
const SUBJECT_CHARACTERS_MAX: usize = 140;
/// … and of the name in it.
const NAME_CHARACTERS_MAX: usize = 60;
/// The last second that a date can name.
const LAST_SECOND: i64 = 253_402_300_799;

/// Alerts that a digest lists in a mail; the rest are counted.
const LISTED_MAX: usize = 200;

/// Who writes to whom.
#[derive(Debug, Clone, PartialEq)]
pub struct MailForm {
    /// The sender.
    pub from: Mailbox,
    /// The recipients.
    pub to: Vec<Mailbox>,
}

/// The mail for an alert.
///
/// # Errors
/// When the addresses make no message, which the config has seen to.
pub(super) fn render(alert: &Alert, form: &MailForm, sent: Sent<'_>) -> Result<Rendering, String> {
    let message = message::of(alert, sent);
    let listed = message::entries(alert, sent, LISTED_MAX);
    let parts = Parts { alert, message: &message, listed: &listed };
    let domain = form.from.email.domain();
    let mut mail = Mail::builder()
        .from(form.from.clone())
        .subject(subject(alert, &message))
        .date(date(alert))
        .message_id(Some(format!("<{}@{domain}>", alert.id)))
        // No absence notices, no answers of other machines.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    for to in &form.to {
        mail = mail.to(to.clone());
    }
    if let Some(thread) = &alert.thread {
        let root = format!("<thread.{}@{domain}>", thread.id);
        mail = mail.in_reply_to(root.clone()).references(root);
    }
    let bodies = MultiPart::alternative()
        .boundary(format!("gainsay-{}", alert.id))
        .singlepart(SinglePart::plain(mail_text::text(&parts)))
        .singlepart(SinglePart::html(mail_text::html(&parts)));
    let mail = mail.multipart(bodies).map_err(|error| format!("no mail can be made: {error}"))?;
    Ok(Rendering { content_type: Rendering::MAIL.to_owned(), headers: Vec::new(), body: mail.formatted() })
}

/// What happened, who, and the headline: what tells mails apart in a list of them.
fn subject(alert: &Alert, message: &Message) -> String {
    let speaker = alert.claim.as_ref().and_then(|claim| claim.speaker.as_ref());
    let title = speaker.map_or_else(
        || message.title.clone(),
        |speaker| format!("{}: {}", message.what, cut(&plain(&speaker.name), NAME_CHARACTERS_MAX)),
    );
    let headline = alert.document.as_ref().map(|document| plain(&document.headline)).filter(|text| !text.is_empty());
    let headline = headline.map(|headline| format!(" — {headline}")).unwrap_or_default();
    cut(&format!("[gainsay] {title}{headline}"), SUBJECT_CHARACTERS_MAX)
}

/// The alert's time, in the years that a date can name.
fn date(alert: &Alert) -> SystemTime {
    let second = u64::try_from(alert.time.as_second().clamp(0, LAST_SECOND)).unwrap_or_default();
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::sample;

    fn form() -> MailForm {
        MailForm {
            from: "gainsay <alerts@news.example>".parse().unwrap(),
            to: vec!["desk@news.example".parse().unwrap(), "Нова <nova@news.example>".parse().unwrap()],
        }
    }

    fn rendered(alert: &Alert) -> Rendering {
        let links = sample::links();
        render(alert, &form(), Sent { links: links.as_ref(), sink: "mail" }).unwrap()
    }

    /// Text and HTML.
    fn bodies(alert: &Alert) -> (String, String) {
        let links = sample::links();
        let sent = Sent { links: links.as_ref(), sink: "mail" };
        let message = message::of(alert, sent);
        let listed = message::entries(alert, sent, LISTED_MAX);
        let parts = Parts { alert, message: &message, listed: &listed };
        (mail_text::text(&parts), mail_text::html(&parts))
    }

    /// Head and body of a mail, the head unfolded.
    fn mail(alert: &Alert) -> (Vec<String>, String) {
        let rendering = rendered(alert);
        assert_eq!((rendering.content_type.as_str(), rendering.headers.len()), (Rendering::MAIL, 0));
        let text = String::from_utf8(rendering.body).unwrap();
        assert!(text.is_ascii(), "a server that knows ASCII alone must take it");
        assert!(text.lines().all(|line| line.len() <= 998), "longer lines are refused");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        (head.split("\r\n").map(str::to_owned).collect(), body.to_owned())
    }

    #[test]
    fn every_sample_is_a_mail_and_twice_the_same() {
        let known = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "In-Reply-To",
            "References",
            "MIME-Version",
            "Content-Type",
        ];
        for alert in sample::alerts() {
            let (once, twice) = (rendered(&alert), rendered(&alert));
            assert_eq!(once, twice);
            let (head, body) = mail(&alert);
            let names: Vec<&str> = head.iter().map(|line| line.split_once(": ").unwrap().0).collect();
            assert!(names.iter().all(|name| known.contains(name)), "{head:?}");
            let once: std::collections::BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(once.len(), names.len(), "{head:?}");
            assert!(head.contains(&format!("Message-ID: <{}@news.example>", alert.id)), "{head:?}");
            assert!(head.contains(&"Auto-Submitted: auto-generated".to_owned()));
            let thread = alert.thread.as_ref().map(|thread| format!("<thread.{}@news.example>", thread.id));
            for name in ["In-Reply-To", "References"] {
                let found = head.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                assert_eq!(found, thread.as_deref(), "{head:?}");
            }
            assert_eq!(body.matches(&format!("--gainsay-{}", alert.id)).count(), 3);
        }
    }

    #[test]
    fn nothing_of_a_feed_is_a_header_or_markup() {
        let mut alert = sample::test_alert(crate::model::AlertId::of(&[b"a"]), "2026-03-01T06:00:00Z".parse().unwrap());
        let hostile = "Eve\r\nBcc: all@news.example\r\n\r\n<script>alert(1)</script>\u{202e}\u{200b} \"x\" 'y' & é";
        hostile.clone_into(&mut alert.document.as_mut().unwrap().headline);
        hostile.clone_into(
            &mut alert
                .claim
                .as_mut()
                .unwrap()
                .speaker
                .get_or_insert_with(|| crate::model::ClaimSpeaker { name: String::new(), role: None, via: None })
                .name,
        );
        alert.document.as_mut().unwrap().url = Some("javascript:alert(1)".to_owned());
        let message = message::of(&alert, Sent::NONE);
        let (head, _) = mail(&alert);
        assert!(!head.iter().any(|line| line.to_lowercase().starts_with("bcc")), "{head:?}");
        let subject = subject(&alert, &message);
        assert!(subject.starts_with("[gainsay] Denial: Eve Bcc: all@news.example <script>"), "{subject}");
        let (text, html) = bodies(&alert);
        assert!(!html.contains("<script") && !html.contains("javascript:") && !html.contains('\u{202e}'), "{html}");
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &quot;x&quot; &#39;y&#39; &amp; é"), "{html}");
        assert!(!text.contains(['\r', '\u{202e}', '\u{200b}']), "{text}");
    }

    #[test]
    fn subjects_are_short_and_say_what_happened() {
        let alert = sample::test_alert(crate::model::AlertId::of(&[b"a"]), "1960-01-01T00:00:00Z".parse().unwrap());
        let message = message::of(&alert, Sent::NONE);
        let short = subject(&alert, &message);
        assert_eq!(short, "[gainsay] Denial — TEST ALERT of gainsay");
        assert_eq!(date(&alert), SystemTime::UNIX_EPOCH);
        let mut alert = alert;
        alert.document.as_mut().unwrap().headline = "word".repeat(5_000);
        let long = subject(&alert, &message);
        assert!(long.chars().count() <= SUBJECT_CHARACTERS_MAX && long.ends_with('…'), "{long}");
    }
}
