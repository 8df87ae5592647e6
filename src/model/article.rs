//! `Article`: what a page on the web says of itself and tells; made by `intake`, merged with a feed's entry by `text::document`.

use jiff::Timestamp;

use super::Markup;

/// The article of a page. Everything in it is hostile, as in an [`Item`](super::Item).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Its text, without what stands around it.
    pub body: Markup,
    /// Its headline, as the page's metadata give it.
    pub headline: Option<String>,
    /// When its publisher says it was published.
    pub published: Option<Timestamp>,
    /// When its publisher says it was last changed.
    pub updated: Option<Timestamp>,
    /// Byline.
    pub author: Option<String>,
    /// Who published it; a wire service where the page credits one.
    pub publisher: Option<String>,
    /// Its canonical address, where the page may speak for it.
    pub url: Option<String>,
}
