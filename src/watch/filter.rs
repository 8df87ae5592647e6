//! Which alerts are shown: by kind, speaker and text, held ones here as those that the daemon is asked for.

use crate::look::Needle;
use crate::model::{Alert, Kind};

/// Kinds that can be asked for, in the order in which a key leads through them.
const KINDS: [Kind; 5] = [Kind::Allegation, Kind::Denial, Kind::Confirmation, Kind::NoComment, Kind::Retraction];

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) kind: Option<Kind>,
    /// Part of a speaker's name or role.
    pub(super) speaker: String,
    /// Part of what is said, of headline, matter or outlet.
    pub(super) text: String,
}

impl Filter {
    /// Nothing is left out.
    pub(super) fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Goes on to the next kind; from the last to all of them.
    pub(super) fn turn_kind(&mut self) {
        let at = self.kind.and_then(|kind| KINDS.iter().position(|known| *known == kind));
        self.kind = KINDS.get(at.map_or(0, |at| at + 1)).copied();
    }

    /// Whether an alert is shown.
    pub(super) fn fits(&self, alert: &Alert) -> bool {
        if self.is_open() {
            return true;
        }
        let claim = alert.claim.as_ref();
        let speaker = claim.and_then(|claim| claim.speaker.as_ref());
        let needle = |text: &str| Needle::new(Some(text).filter(|text| !text.is_empty()));
        let names = speaker.into_iter().flat_map(|one| [Some(one.name.as_str()), one.role.as_deref()]).flatten();
        self.kind.is_none_or(|kind| claim.is_some_and(|claim| claim.kind == kind))
            && needle(&self.speaker).is_in(names.clone())
            && needle(&self.text).is_in(texts(alert).chain(names))
    }

    /// The same as parameters of the API.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let text = |name, text: &String| (!text.is_empty()).then(|| (name, text.clone()));
        let kind = self.kind.map(|kind| ("kind", kind.as_str().to_owned()));
        [kind, text("speaker", &self.speaker), text("q", &self.text)].into_iter().flatten().collect()
    }

    /// In words, nothing where it is open.
    pub(super) fn words(&self) -> String {
        let part = |name: &str, text: &str| (!text.is_empty()).then(|| format!("{name} {text}"));
        let kind = self.kind.map(|kind| format!("kind {}", kind.as_str().replace('_', " ")));
        let parts = [kind, part("speaker", &self.speaker), part("text", &self.text)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Where words are looked for.
fn texts(alert: &Alert) -> impl Iterator<Item = &str> {
    let claim = alert
        .claim
        .iter()
        .flat_map(|claim| claim.content.iter().map(|quote| quote.text.as_str()).chain(claim.target.as_deref()));
    let evidence = alert.evidence.iter().map(|evidence| evidence.sentence.as_str());
    let document = alert.document.iter().flat_map(|document| [document.headline.as_str(), document.outlet.as_str()]);
    let matter = alert.thread.iter().map(|thread| thread.proposition.as_str());
    let outlets = alert.story.iter().flat_map(|story| story.outlets.iter().map(String::as_str));
    let feed = alert.feed.iter().flat_map(|feed| [feed.outlet.as_str(), feed.detail.as_str(), feed.id.as_str()]);
    let sink = alert.sink.iter().flat_map(|sink| [sink.name.as_str(), sink.detail.as_str()]);
    claim.chain(evidence).chain(document).chain(matter).chain(outlets).chain(feed).chain(sink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::sample::denial;

    #[test]
    fn parts_add_up() {
        let alert = denial(7).alert;
        let fits = |kind, speaker: &str, text: &str| {
            Filter { kind, speaker: speaker.to_owned(), text: text.to_owned() }.fits(&alert)
        };
        assert!(fits(None, "", "") && fits(Some(Kind::Denial), "ILVES", "ferries") && fits(None, "chief exec", ""));
        assert!(fits(None, "", "coastal courier") && fits(None, "", "ilves"));
        assert!(!fits(Some(Kind::Allegation), "", "") && !fits(None, "courier", "") && !fits(None, "ilves", "bribes"));
    }

    #[test]
    fn a_key_leads_through_the_kinds() {
        let mut filter = Filter::default();
        let mut seen = Vec::new();
        for _ in 0..=KINDS.len() {
            filter.turn_kind();
            seen.push(filter.words());
        }
        let kinds = ["kind allegation", "kind denial", "kind confirmation", "kind no comment", "kind retraction", ""];
        assert_eq!(seen, kinds);
        assert!(filter.is_open() && filter.query().is_empty());
        let filter = Filter { kind: Some(Kind::NoComment), speaker: "a".to_owned(), text: "b c".to_owned() };
        assert_eq!(
            filter.query(),
            [("kind", "no_comment".to_owned()), ("speaker", "a".to_owned()), ("q", "b c".to_owned())]
        );
    }
}
