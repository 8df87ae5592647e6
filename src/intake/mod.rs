//! Feeds in, items out.
pub mod batch;
mod charset;
mod date;
pub mod decompress;
mod entity;
pub mod fetch;
pub mod guard;
mod identity;
mod markup;
pub mod parse;
pub mod recover;
mod vocabulary;
