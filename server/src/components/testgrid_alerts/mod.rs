//! Tells of failing rows and stale tabs by mail.
//!
//! | | |
//! |---|---|
//! | Watches | summaries of tabs, which whoever makes them gives to [`Alerts::look`] |
//! | Writes | mails; the delivery log; what was told of each tab, in the store |
//! | Period | none: a tab is looked at whenever it is summarized, so also now and then without news |
//! | Leadership | one per installation; a second one sends every mail twice |
//! | Metrics | none |

pub mod decide;
mod message;
mod run;
mod smtp;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use clock::SharedClock;
use store::{MailStore, StateStore};

pub use decide::{Look, Told};
pub use message::Mail;
pub use run::Alerts;
pub use smtp::{DryRun, MailError, Mailer, Smtp, SmtpOptions};

/// What alerts by mail work with.
#[derive(Clone)]
pub struct Deps {
    /// Where it is kept what was told.
    pub state: Arc<dyn StateStore>,
    /// The delivery log.
    pub log: Arc<dyn MailStore>,
    /// What sends.
    pub mailer: Arc<dyn Mailer>,
    /// The address of this server as its readers know it; without it mails have no links into the
    /// grid.
    pub external_url: Option<String>,
    /// Time.
    pub clock: SharedClock,
}
