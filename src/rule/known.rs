//! What an expression can ask about: the variables with their types, and their values for one claim.

use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;

/// What is known of a claim and the event that it is in. Texts that are absent are empty.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// Type of the alert.
    pub alert_type: &'a str,
    /// Kind of claim.
    pub kind: &'a str,
    /// Who speaks.
    pub speaker: &'a str,
    /// Office or description.
    pub role: &'a str,
    /// For whom the speaker speaks.
    pub affiliation: &'a str,
    /// Through whom the words came.
    pub via: &'a str,
    /// The accused party.
    pub target: &'a str,
    /// What the allegation rests on.
    pub basis: &'a str,
    /// What is alleged or denied.
    pub content: String,
    /// The sentence of the cue.
    pub sentence: &'a str,
    /// The document's headline.
    pub headline: &'a str,
    /// Who publishes it.
    pub outlet: &'a str,
    /// The wire service that wrote it.
    pub agency: &'a str,
    /// ISO 639-3.
    pub language: &'a str,
    /// The document's address.
    pub url: &'a str,
    /// 0 to 1.
    pub confidence: f64,
    /// An old act, retold.
    pub is_background: bool,
    /// Outlets that carry the story so far.
    pub outlets: i64,
    /// Copies of the story so far.
    pub copies: i64,
    /// Where the thread stands.
    pub state: &'a str,
    /// The thread had no answer before.
    pub is_first_answer: bool,
    /// It answers, or is answered by, a claim of another document.
    pub is_cross_document: bool,
    /// Outlets disagree on the same speech act.
    pub is_contradicted: bool,
    /// The priority before rules and watch lists add to it.
    pub score: i64,
    /// Names on watch lists of any rule that are in it.
    pub watched: &'a [String],
    /// The document's topics.
    pub topics: &'a [String],
}

/// What a variable or a part of an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    Double,
    Text,
    List(Box<Type>),
    /// An element of an empty list: it may be anything.
    Any,
}

impl Type {
    pub(super) fn texts() -> Self {
        Self::List(Box::new(Self::Text))
    }

    /// As people say it.
    pub(super) fn in_words(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Double => "a number",
            Self::Text => "a text",
            Self::List(_) => "a list",
            Self::Any => "anything",
        }
    }
}

/// The form of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// True or false.
    Bool,
    /// A list of texts.
    Texts,
}

impl Variable {
    pub(super) fn type_of(self) -> Type {
        match self {
            Self::Text => Type::Text,
            Self::Int => Type::Int,
            Self::Double => Type::Double,
            Self::Bool => Type::Bool,
            Self::Texts => Type::texts(),
        }
    }
}

/// Every variable, in the order in which it is told which there are.
pub const VARIABLES: [(&str, Variable); 26] = [
    ("type", Variable::Text),
    ("kind", Variable::Text),
    ("speaker", Variable::Text),
    ("role", Variable::Text),
    ("affiliation", Variable::Text),
    ("via", Variable::Text),
    ("target", Variable::Text),
    ("basis", Variable::Text),
    ("content", Variable::Text),
    ("sentence", Variable::Text),
    ("headline", Variable::Text),
    ("outlet", Variable::Text),
    ("agency", Variable::Text),
    ("language", Variable::Text),
    ("url", Variable::Text),
    ("confidence", Variable::Double),
    ("background", Variable::Bool),
    ("outlets", Variable::Int),
    ("copies", Variable::Int),
    ("state", Variable::Text),
    ("first_answer", Variable::Bool),
    ("cross_document", Variable::Bool),
    ("contradiction", Variable::Bool),
    ("score", Variable::Int),
    ("watched", Variable::Texts),
    ("topics", Variable::Texts),
];

impl VariableResolver for Known<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let text = |text: &'b str| Some(CowVal::owned(CelString::from(text)));
        let truth = |truth: bool| Some(CowVal::owned(CelBool::from(truth)));
        let count = |count: i64| Some(CowVal::owned(CelInt::from(count)));
        let texts = |texts: &[String]| {
            let texts: Vec<cel::Value> = texts.iter().map(|text| cel::Value::from(text.as_str())).collect();
            cel::Value::from(texts).try_into().ok().map(CowVal::Owned)
        };
        match variable {
            "type" => text(self.alert_type),
            "kind" => text(self.kind),
            "speaker" => text(self.speaker),
            "role" => text(self.role),
            "affiliation" => text(self.affiliation),
            "via" => text(self.via),
            "target" => text(self.target),
            "basis" => text(self.basis),
            "content" => text(&self.content),
            "sentence" => text(self.sentence),
            "headline" => text(self.headline),
            "outlet" => text(self.outlet),
            "agency" => text(self.agency),
            "language" => text(self.language),
            "url" => text(self.url),
            "confidence" => Some(CowVal::owned(CelDouble::from(self.confidence))),
            "background" => truth(self.is_background),
            "outlets" => count(self.outlets),
            "copies" => count(self.copies),
            "state" => text(self.state),
            "first_answer" => truth(self.is_first_answer),
            "cross_document" => truth(self.is_cross_document),
            "contradiction" => truth(self.is_contradicted),
            "score" => count(self.score),
            "watched" => texts(self.watched),
            "topics" => texts(self.topics),
            _ => None,
        }
    }
}

impl<'a> Known<'a> {
    /// A claim of which nothing is known.
    pub(super) fn nothing() -> Self {
        Self {
            alert_type: "allegation.new",
            kind: "allegation",
            speaker: "",
            role: "",
            affiliation: "",
            via: "",
            target: "",
            basis: "",
            content: String::new(),
            sentence: "",
            headline: "",
            outlet: "",
            agency: "",
            language: "eng",
            url: "",
            confidence: 0.5,
            is_background: false,
            outlets: 1,
            copies: 1,
            state: "alleged",
            is_first_answer: false,
            is_cross_document: false,
            is_contradicted: false,
            score: 0,
            watched: &[],
            topics: &[],
        }
    }

    /// A claim of which everything is known.
    pub(super) fn sample(names: &'a [String]) -> Self {
        Self {
            alert_type: "denial.new",
            kind: "denial",
            speaker: "Orsa Lind",
            role: "defence minister",
            affiliation: "Varland",
            via: "Andes",
            target: "Corvane Lines",
            basis: "report",
            content: "that it hid a leak".to_owned(),
            sentence: "Orsa Lind, the defence minister, denied that it hid a leak.",
            headline: "Minister denies leak",
            outlet: "Daily Tide",
            agency: "Andes",
            language: "eng",
            url: "https://tide.example/1",
            confidence: 0.92,
            is_background: false,
            outlets: 2,
            copies: 3,
            state: "answered",
            is_first_answer: true,
            is_cross_document: true,
            is_contradicted: false,
            score: 64,
            watched: names,
            topics: names,
        }
    }
}
