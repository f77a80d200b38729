//! Tells of failing rows, stale tabs and flaky tests by mail.
//!
//! | | |
//! |---|---|
//! | Watches | the summaries of the test grid's tabs |
//! | Writes | mails; the delivery log; what was told of each tab, in the store |
//! | Period | half a minute |
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

use super::Heartbeat;
use crate::testgrid::TestGrid;

pub use decide::{Look, Told};
pub use message::Mail;
pub use run::{Alerts, run, sync_once};
pub use smtp::{DryRun, MailError, Mailer, Smtp, SmtpOptions};

/// What alerts by mail work with.
#[derive(Clone)]
pub struct Deps {
    /// The tabs and their summaries.
    pub grids: Arc<TestGrid>,
    /// What sends; nothing is told without it.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// The address of this server as its readers know it; without it mails have no links into the
    /// grid.
    pub external_url: Option<String>,
    /// Where it is kept what was told.
    pub state: Arc<dyn StateStore>,
    /// The delivery log.
    pub log: Arc<dyn MailStore>,
    /// Time.
    pub clock: SharedClock,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}
