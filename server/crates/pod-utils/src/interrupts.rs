//! Requests to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// A signal that asks a utility to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// SIGINT.
    Interrupt,
    /// SIGTERM, which Kubernetes sends before it kills.
    Terminate,
}

impl Interrupt {
    /// The name that Go prints, which people search logs for.
    pub fn as_str(self) -> &'static str {
        match self {
            Interrupt::Interrupt => "interrupt",
            Interrupt::Terminate => "terminated",
        }
    }
}

/// The signals that this process receives, or those that a test sends.
#[derive(Debug)]
pub struct Interrupts {
    receiver: mpsc::UnboundedReceiver<Interrupt>,
}

impl Interrupts {
    /// Catches SIGINT and SIGTERM from now on; the process no longer ends by them.
    ///
    /// # Errors
    /// The system refuses to install a handler.
    pub fn of_this_process() -> std::io::Result<Interrupts> {
        let mut int = signal(SignalKind::interrupt())?;
        let mut term = signal(SignalKind::terminate())?;
        let (sender, interrupts) = Interrupts::by_hand();
        tokio::spawn(async move {
            loop {
                let interrupt = tokio::select! {
                    got = int.recv() => got.map(|()| Interrupt::Interrupt),
                    got = term.recv() => got.map(|()| Interrupt::Terminate),
                };
                let Some(interrupt) = interrupt else { break };
                if sender.send(interrupt).is_err() {
                    break;
                }
            }
        });
        Ok(interrupts)
    }

    /// Interrupts that come from the sender alone.
    pub fn by_hand() -> (mpsc::UnboundedSender<Interrupt>, Interrupts) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Interrupts { receiver })
    }

    /// Waits for the next one; for ever if none can come any more.
    pub async fn next(&mut self) -> Interrupt {
        match self.receiver.recv().await {
            Some(interrupt) => interrupt,
            None => std::future::pending().await,
        }
    }
}
