//! The pages of signed links as markup: what is known of the matter, and the form. Whatever comes from feeds is on one line, without what
//! hides or turns it round, and escaped.

use std::fmt::Write as _;

use super::matter::{KINDS, Matter};
use crate::model::{ClaimRecord, FeedbackAct, Kind};
use crate::template::{LinkAct, html, one_line, shortened_line};

/// Characters of a text of a feed.
const TEXT_CHARACTERS_MAX: usize = 600;

/// A whole page.
pub(super) fn document(heading: &str, below: &str) -> String {
    let heading = html(heading);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{heading} · gainsay</title>\n\
         <link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n<main>\n<h1>{heading}</h1>\n{below}</main>\n\
         <footer>gainsay</footer>\n</body>\n</html>\n"
    )
}

/// A paragraph of plain words.
pub(super) fn paragraph(words: &str) -> String {
    format!("<p>{}</p>\n", html(words))
}

/// What a link asks: the heading, and what stands below it.
pub(super) fn question(matter: &Matter) -> (String, String) {
    let mut below = String::new();
    if let Some(claim) = &matter.claim {
        below += &shown(claim);
    } else if let Some(thread) = &matter.thread {
        below += &quote(&thread.proposition);
    }
    let heading = match matter.act {
        LinkAct::Follow => follow(matter, &mut below),
        LinkAct::Mute => mute(matter, &mut below),
        LinkAct::Wrong => wrong(matter, &mut below),
    };
    (heading.to_owned(), below)
}

/// What was done, in words.
pub(super) fn done(act: &FeedbackAct) -> String {
    match act {
        FeedbackAct::Follow { .. } => "This thread is followed: its alerts are more urgent.".to_owned(),
        FeedbackAct::Unfollow { .. } => "This thread is followed no longer.".to_owned(),
        FeedbackAct::Mute { .. } => {
            "This thread is muted: it gives no alerts, but for what takes back what was sent.".to_owned()
        }
        FeedbackAct::Unmute { .. } => "This thread gives alerts again.".to_owned(),
        FeedbackAct::MuteSpeaker { speaker } => format!("What {} says gives no alerts.", name(speaker)),
        FeedbackAct::UnmuteSpeaker { speaker } => format!("What {} says gives alerts again.", name(speaker)),
        FeedbackAct::WrongKind { kind: None, .. } => "This is no claim.".to_owned(),
        FeedbackAct::WrongKind { kind: Some(kind), .. } => format!("This is of another kind: {}.", word(*kind)),
        FeedbackAct::WrongSpeaker { speaker: None, .. } => "Nobody is named who says this.".to_owned(),
        FeedbackAct::WrongSpeaker { speaker: Some(speaker), .. } => format!("{} says this.", name(speaker)),
        FeedbackAct::WrongLink { .. } => "This does not answer that allegation.".to_owned(),
        _ => "That is said.".to_owned(),
    }
}

fn follow(matter: &Matter, below: &mut String) -> &'static str {
    if matter.is_followed {
        *below += &paragraph(
            "The thread is followed: its alerts are more urgent, for everybody who gets alerts of this gainsay.",
        );
        *below += &one_button("unfollow", "Follow it no longer");
        return "This thread is followed";
    }
    *below += &paragraph("Its alerts will be more urgent, for everybody who gets alerts of this gainsay.");
    *below += &one_button("follow", "Follow");
    "Follow this thread?"
}

fn mute(matter: &Matter, below: &mut String) -> &'static str {
    if matter.is_muted {
        *below += &paragraph("The thread is muted: it gives no alerts to anybody.");
        *below += &one_button("unmute", "Let it give alerts again");
    } else {
        *below += &paragraph(
            "It will give no more alerts to anybody, but for what takes back what was sent. Nothing is forgotten.",
        );
        *below += &one_button("mute", "Mute this thread");
    }
    if let Some(speaker) = matter.speaker() {
        let speaker = name(speaker);
        *below += &if matter.is_speaker_muted {
            one_button("unmute_speaker", &format!("Let what {speaker} says give alerts again"))
        } else {
            one_button("mute_speaker", &format!("Mute all that {speaker} says"))
        };
    }
    if matter.is_muted { "This thread is muted" } else { "Mute this thread?" }
}

fn wrong(matter: &Matter, below: &mut String) -> &'static str {
    // What was taken for no claim may be what it was after all.
    let known = matter.claim.as_ref().filter(|claim| !claim.is_no_claim()).map(|claim| claim.kind);
    let mut form = "<form method=\"post\">\n".to_owned();
    let mut choice = |value: &str, words: &str, more: &str| {
        // A string takes every write.
        writeln!(
            form,
            "<p><label><input type=\"radio\" name=\"do\" value=\"{}\" required> {}</label>{more}</p>",
            html(value),
            html(words)
        )
        .ok();
    };
    choice("no_claim", "Nobody alleges or answers anything here", "");
    let option = |kind: Kind| format!("<option value=\"{}\">{}</option>", kind.as_str(), html(word(kind)));
    let options: Vec<String> = KINDS.into_iter().filter(|kind| Some(*kind) != known).map(option).collect();
    let options = options.concat();
    choice("kind", "It is of another kind:", &format!(" <select name=\"kind\" aria-label=\"kind\">{options}</select>"));
    let field = " <input type=\"text\" name=\"speaker\" aria-label=\"name\" maxlength=\"200\" placeholder=\"empty: nobody is named\">";
    choice("speaker", "Somebody else says so:", field);
    for answer in &matter.answers {
        choice(&format!("link_{}", answer.id), &format!("It does not answer {}", in_short(answer)), "");
    }
    form += "<p><button>Say so</button></p>\n</form>\n";
    *below += &form;
    *below += &paragraph(
        "Who was alerted of it hears of the correction. The last word counts: it can be said otherwise at any time.",
    );
    "What is wrong with this?"
}

fn one_button(act: &str, words: &str) -> String {
    format!("<form method=\"post\"><button name=\"do\" value=\"{act}\">{}</button></form>\n", html(words))
}

/// A claim: what it is, who speaks, and the words.
fn shown(claim: &ClaimRecord) -> String {
    let who = claim.speaker.as_ref().map(|speaker| name(&speaker.name)).filter(|name| !name.is_empty());
    let who = who.map(|who| format!(" · <bdi>{}</bdi>", html(&who))).unwrap_or_default();
    let what = if claim.is_no_claim() { "taken for no claim" } else { word(claim.kind) };
    format!("<p class=\"what\">{}{who}</p>\n{}", html(what), quote(&claim.proposition.text))
}

fn quote(text: &str) -> String {
    format!("<blockquote dir=\"auto\">{}</blockquote>\n", html(&shortened_line(text, TEXT_CHARACTERS_MAX)))
}

fn in_short(claim: &ClaimRecord) -> String {
    let who = claim.speaker.as_ref().map(|speaker| format!("{}: ", name(&speaker.name))).unwrap_or_default();
    format!("{who}{}", shortened_line(&claim.proposition.text, TEXT_CHARACTERS_MAX / 3))
}

fn name(name: &str) -> String {
    shortened_line(&one_line(name), TEXT_CHARACTERS_MAX / 5)
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Allegation => "allegation",
        Kind::Denial => "denial",
        Kind::Confirmation => "confirmation",
        Kind::NoComment => "refusal to comment",
        Kind::Retraction => "retraction",
        Kind::Statement => "statement",
    }
}
