//! The words of a mail, as plain text and as simple HTML: without styles, pictures and anything that is fetched. Called by `mail`.

use std::fmt::Write as _;

use super::escape::html as escaped;
use super::message::{Entry, Message, Named};
use crate::model::Alert;

/// What a mail is made of.
pub(super) struct Parts<'a> {
    pub(super) alert: &'a Alert,
    pub(super) message: &'a Message,
    /// The alerts that it lists, where it is a digest.
    pub(super) listed: &'a [Entry],
}

impl Parts<'_> {
    /// How many more the digest has.
    fn more(&self) -> usize {
        (self.message.entries.len() + self.message.more).saturating_sub(self.listed.len())
    }
}

fn answered(answer: &str) -> &str {
    if answer.is_empty() { "an earlier claim" } else { answer }
}

pub(super) fn text(parts: &Parts<'_>) -> String {
    let Parts { alert, message, listed } = parts;
    let quote = &message.quote;
    let mut text = format!("{}\n\n    {}{}{}\n", message.title, quote.before, quote.cue, quote.after);
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(String::new());
    for answer in &message.answers {
        line(format!("Answers: {}", answered(answer)));
    }
    for (number, entry) in listed.iter().enumerate() {
        let who = if entry.who.is_empty() { String::new() } else { format!(": {}", entry.who) };
        line(format!("{}. {}{who}", number + 1, entry.what));
        line(format!("    {}", entry.said));
        if !entry.outlets.is_empty() {
            line(format!("    {}", entry.outlets));
        }
        for Named { name, url } in &entry.links {
            line(format!("    {name}: {url}"));
        }
        line(String::new());
    }
    if parts.more() > 0 {
        line(format!("… and {} more", parts.more()));
    }
    for fact in &message.facts {
        line(format!("{}: {}", fact.name, fact.value));
    }
    for Named { name, url } in &message.links {
        line(format!("{name}: {url}"));
    }
    line(format!("\n-- \ngainsay, alert {}", alert.id));
    text
}

pub(super) fn html(parts: &Parts<'_>) -> String {
    let Parts { alert, message, listed } = parts;
    let quote = &message.quote;
    let mut html = format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n<h3>{}</h3>\n<blockquote dir=\"auto\">{}<b>{}</b>{}</blockquote>\n",
        escaped(&message.title),
        escaped(&quote.before),
        escaped(&quote.cue),
        escaped(&quote.after)
    );
    for answer in &message.answers {
        let answer = escaped(answered(answer));
        line(&mut html, format_args!("<p><b>Answers</b> <span dir=\"auto\">{answer}</span></p>"));
    }
    if !listed.is_empty() {
        html.push_str("<ol>\n");
        listed.iter().for_each(|entry| item(&mut html, entry));
        html.push_str("</ol>\n");
    }
    if parts.more() > 0 {
        line(&mut html, format_args!("<p>… and {} more</p>", parts.more()));
    }
    html.push_str("<p>\n");
    for fact in &message.facts {
        line(&mut html, format_args!("<b>{}</b> <span dir=\"auto\">{}</span><br>", fact.name, escaped(&fact.value)));
    }
    html.push_str("</p>\n");
    if !message.links.is_empty() {
        line(&mut html, format_args!("<p>{}</p>", linked(&message.links)));
    }
    line(&mut html, format_args!("<p><small>gainsay, alert {}</small></p>\n</body></html>", alert.id));
    html
}

/// An alert that a digest lists.
fn item(html: &mut String, entry: &Entry) {
    let who = if entry.who.is_empty() { String::new() } else { format!(": {}", escaped(&entry.who)) };
    line(html, format_args!("<li><b>{}</b><span dir=\"auto\">{who}</span>", entry.what));
    line(html, format_args!("<blockquote dir=\"auto\">{}</blockquote>", escaped(&entry.said)));
    let outlets = Some(escaped(&entry.outlets)).filter(|outlets| !outlets.is_empty());
    let below: Vec<String> =
        outlets.into_iter().chain(Some(linked(&entry.links)).filter(|links| !links.is_empty())).collect();
    line(html, format_args!("<p><small>{}</small></p></li>", below.join(" · ")));
}

fn linked(links: &[Named]) -> String {
    let link = |Named { name, url }: &Named| format!("<a href=\"{}\">{name}</a>", escaped(url));
    links.iter().map(link).collect::<Vec<_>>().join(" · ")
}

fn line(html: &mut String, line: std::fmt::Arguments<'_>) {
    // A string takes every write.
    writeln!(html, "{line}").ok();
}
