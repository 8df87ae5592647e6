//! Whether what came instead of an article is one: walls, doors and dead ends are known by their structure, and only then by their words.

use url::Url;

use super::page_facts::Facts;
use super::page_scan::Scan;

/// Bytes of text up to which a page is looked at with suspicion. A wall says little; what is longer is an article with a wall's remains.
const WALL_BYTES_MAX: usize = 1_500;
/// Bytes up to which a page's title is believed rather than its text: headlines speak of cookies and of things not found, too.
const TITLE_BYTES_MAX: usize = 500;
/// Bytes below which there is no article at all.
const ARTICLE_BYTES_MIN: usize = 140;
/// Words of consent in a thousand from which a text speaks of nothing else. Notices have 100 to 200, reports on privacy law seldom 50.
const CONSENT_PER_MILLE: usize = 80;
/// Bytes of scripts from which an empty page is a program.
const PROGRAM_BYTES_MIN: usize = 500;

/// Words of a notice on cookies and data, by their beginnings.
const CONSENT: [&str; 14] = [
    "cookie",
    "consent",
    "privacy",
    "partner",
    "vendor",
    "purpose",
    "preferences",
    "personalis",
    "personaliz",
    "gdpr",
    "datenschutz",
    "zustimm",
    "einwillig",
    "consentement",
];
/// Parts of a path or host at which doors stand, as whole words.
const DOORS: [(&str, Unfit); 16] = [
    ("consent", Unfit::Consent),
    ("guce", Unfit::Consent),
    ("cookiewall", Unfit::Consent),
    ("privacygate", Unfit::Consent),
    ("login", Unfit::Login),
    ("signin", Unfit::Login),
    ("sso", Unfit::Login),
    ("oauth", Unfit::Login),
    ("authorize", Unfit::Login),
    ("account", Unfit::Login),
    ("captcha", Unfit::Challenge),
    ("challenge", Unfit::Challenge),
    ("subscribe", Unfit::Paywall),
    ("subscription", Unfit::Paywall),
    ("paywall", Unfit::Paywall),
    ("abo", Unfit::Paywall),
];
/// Beginnings and parts of titles.
const TITLES: [(&str, Unfit); 19] = [
    ("just a moment", Unfit::Challenge),
    ("attention required", Unfit::Challenge),
    ("access denied", Unfit::Challenge),
    ("are you a robot", Unfit::Challenge),
    ("are you human", Unfit::Challenge),
    ("verify you are", Unfit::Challenge),
    ("security check", Unfit::Challenge),
    ("pardon our interruption", Unfit::Challenge),
    ("before you continue", Unfit::Consent),
    ("your privacy", Unfit::Consent),
    ("cookie", Unfit::Consent),
    ("log in", Unfit::Login),
    ("sign in", Unfit::Login),
    ("anmelden", Unfit::Login),
    ("404", Unfit::Gone),
    ("not found", Unfit::Gone),
    ("page cannot be found", Unfit::Gone),
    ("no longer available", Unfit::Gone),
    ("nicht gefunden", Unfit::Gone),
];
/// Words of short texts.
const WORDS: [(&str, Unfit); 16] = [
    ("unusual traffic", Unfit::Challenge),
    ("not a robot", Unfit::Challenge),
    ("checking your browser", Unfit::Challenge),
    ("verify you are human", Unfit::Challenge),
    ("verifying you are human", Unfit::Challenge),
    ("subscribe to continue", Unfit::Paywall),
    ("subscribe to read", Unfit::Paywall),
    ("subscribers only", Unfit::Paywall),
    ("already a subscriber", Unfit::Paywall),
    ("to continue reading", Unfit::Paywall),
    ("start your free trial", Unfit::Paywall),
    ("enable javascript", Unfit::NeedsScript),
    ("javascript is disabled", Unfit::NeedsScript),
    ("page you are looking for", Unfit::Gone),
    ("page you requested", Unfit::Gone),
    ("page not found", Unfit::Gone),
];

/// What a page is that is no article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Only for those who pay.
    Paywall,
    /// A question for consent.
    Consent,
    /// A log-in.
    Login,
    /// A test for robots.
    Challenge,
    /// A program that would show it.
    NeedsScript,
    /// There is no such page, whatever its status says.
    Gone,
    /// No text that is an article.
    NoArticle,
}

impl Unfit {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Paywall, Self::Consent, Self::Login, Self::Challenge, Self::NeedsScript, Self::Gone, Self::NoArticle];

    /// Its name, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paywall => "paywall",
            Self::Consent => "consent",
            Self::Login => "login",
            Self::Challenge => "challenge",
            Self::NeedsScript => "needs_script",
            Self::Gone => "gone",
            Self::NoArticle => "no_article",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Paywall => "shows the article only to those who pay",
            Self::Consent => "asks for consent instead of showing the article",
            Self::Login => "asks for a log-in instead of showing the article",
            Self::Challenge => "asks whether we are a robot, which we are",
            Self::NeedsScript => "shows the article only by a script",
            Self::Gone => "says that there is no such page",
            Self::NoArticle => "holds no text that looks like an article",
        }
    }
}

/// What is wrong with the page at `last`, to which the link to `first` led, if its text is no article.
pub(super) fn verdict(scan: &Scan, facts: &Facts, text: &str, first: &Url, last: &Url) -> Option<Unfit> {
    if first != last
        && !facts.is_article
        && let Some(door) = door(first, last)
    {
        return Some(door);
    }
    if text.len() > WALL_BYTES_MAX {
        return (!facts.is_article && consent_per_mille(text) >= CONSENT_PER_MILLE).then_some(Unfit::Consent);
    }
    let title = scan.title.trim().to_lowercase();
    let short_text = text.to_lowercase();
    let noscript = scan.noscript.to_lowercase();
    let by = |texts: &str, table: &[(&str, Unfit)]| {
        table.iter().find(|(words, _)| texts.contains(words)).map(|(_, unfit)| *unfit)
    };
    let is_believed = !facts.is_article && text.len() <= TITLE_BYTES_MAX;
    let by_title = || if is_believed { by(&title, &TITLES) } else { None };
    if facts.is_free == Some(false) || scan.has_wall {
        return Some(Unfit::Paywall);
    }
    if let Some(unfit) = by_title().or_else(|| by(&short_text, &WORDS)) {
        return Some(unfit);
    }
    if !facts.is_article && consent_per_mille(text) >= CONSENT_PER_MILLE {
        return Some(Unfit::Consent);
    }
    if text.len() >= ARTICLE_BYTES_MIN {
        return None;
    }
    if scan.has_password {
        return Some(Unfit::Login);
    }
    let is_program = noscript.contains("javascript") || scan.script_bytes >= PROGRAM_BYTES_MIN;
    Some(if is_program && !facts.is_article { Unfit::NeedsScript } else { Unfit::NoArticle })
}

/// Whether a link was led to another place that is called after a door, or to the front page.
fn door(first: &Url, last: &Url) -> Option<Unfit> {
    if last.path() == "/" && last.query().is_none() && first.path() != "/" {
        return Some(Unfit::Gone);
    }
    let words = |url: &Url| -> Vec<String> {
        let place = format!("{} {}", url.host_str().unwrap_or_default(), url.path());
        place.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect()
    };
    let (before, after) = (words(first), words(last));
    let is_door =
        |(word, _): &&(&str, Unfit)| after.iter().any(|one| one == word) && !before.iter().any(|one| one == word);
    DOORS.iter().find(is_door).map(|(_, unfit)| *unfit)
}

/// How many of a thousand words are those of a notice on cookies.
fn consent_per_mille(text: &str) -> usize {
    let (mut all, mut found) = (0_usize, 0_usize);
    for word in text.split_whitespace() {
        let word = word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        all += 1;
        found += usize::from(CONSENT.iter().any(|start| word.starts_with(start)));
    }
    found * 1_000 / all.max(1)
}
