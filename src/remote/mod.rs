//! A running daemon's API as another process asks it: where the daemon is and what opens it (`place`), and its answers (`client`). Called by
//! `watch` and by the listings of `look`.

mod client;
mod place;

pub(crate) use client::{Client, ClientError, Page, address_of};
pub use place::RemoteArgs;
pub(crate) use place::{Place, Remote, token};
