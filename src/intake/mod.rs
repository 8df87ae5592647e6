//! Feeds in, items out.
mod charset;
mod entity;
mod markup;
pub mod decompress;
pub mod fetch;
pub mod guard;
