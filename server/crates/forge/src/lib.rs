//! The code host: what plugins and reporters may ask of GitHub, and the client that asks it.
//!
//! - [`Forge`] is the trait the rest of the program is written against; it is object safe, so a
//!   plugin holds an `Arc<dyn Forge>`.
//! - [`event`] holds the webhook payloads, with the fields that Prow's plugins read, tolerant of
//!   everything else.
//! - [`model`] holds the documents both of them share.
//! - [`GitHub`] is the implementation: credentials, limits, retries, kept answers.
//! - [`ForgeError`] says what failed, with the code host's own words and a class to decide by.
//!
//! Only this crate names octocrab, and no octocrab type crosses its boundary.

mod api;
mod error;
pub mod event;
pub mod github;
pub mod model;

pub use api::{BotUser, Forge};
pub use error::{ErrorClass, Failure, ForgeError};
pub use github::{Auth, GitHub, GitHubOptions};
pub use model::norm_login;
