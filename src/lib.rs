//! gainsay: watches newswires and says, once and reliably, who alleged what and who denied it.

pub mod clock;
pub mod config;
pub mod dedup;
pub mod extract;
pub mod intake;
pub mod link;
pub mod model;
pub mod sink;
pub mod store;
pub mod text;
