//! What sends mails: an SMTP server, or nobody.

use std::io::Write;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use go_compat::Timestamp;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};

use super::message::Mail;

/// The longest that one step of a conversation with the server takes.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address is none.
    #[error("`{address}` is not a mail address: {reason}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The mail cannot be written.
    #[error("the mail cannot be written: {0}")]
    Message(String),
    /// The address of the server is none.
    #[error(
        "`{url}` is not the address of a mail server: {reason}; write smtp://host:25 or smtps://host"
    )]
    Server {
        /// The address, without a password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server cannot be reached or refuses the mail.
    #[error("the mail server did not take the mail: {0}")]
    Refused(String),
}

/// What sends mails.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends a mail, which is dated `at`.
    ///
    /// # Errors
    /// It was not sent: why.
    async fn send(&self, mail: &Mail, at: Timestamp) -> Result<(), MailError>;

    /// The word of the delivery log for a mail that was sent.
    fn done(&self) -> &'static str {
        "sent"
    }
}

/// How to reach a mail server.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// `smtps://host` (TLS from the start), `smtp://host?tls=required` (STARTTLS), `smtp://host:25`.
    pub url: String,
    /// Name and password.
    pub credentials: Option<(String, SecretString)>,
    /// Whom mails are from, such as `TestGrid <noreply@example.com>`.
    pub from: String,
}

/// Sends by SMTP.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The server's address or that of the sender is none.
    pub fn new(options: &SmtpOptions) -> Result<Smtp, MailError> {
        let refused = |reason: String| MailError::Server { url: options.url.clone(), reason };
        if options.url.contains('@') {
            // What stands on a command line is seen by everybody on the machine.
            let url = options.url.split("://").next().unwrap_or_default();
            let reason = "name and password belong into the file of credentials".to_owned();
            return Err(MailError::Server { url: format!("{url}://…"), reason });
        }
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&options.url)
            .map_err(|error| refused(error.to_string()))?
            .timeout(Some(STEP_TIMEOUT));
        if let Some((name, password)) = &options.credentials {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(name.clone(), password));
        }
        Ok(Smtp { transport: builder.build(), from: mailbox(&options.from)? })
    }
}

fn mailbox(address: &str) -> Result<Mailbox, MailError> {
    Mailbox::from_str(address).map_err(|error| MailError::Address {
        address: address.to_owned(),
        reason: error.to_string(),
    })
}

/// Tells programs that answer mails not to answer this one (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail, at: Timestamp) -> Result<(), MailError> {
        let since_epoch = Duration::from_millis(u64::try_from(at.millis()).unwrap_or(0));
        let mut message = Message::builder()
            .from(self.from.clone())
            .date(UNIX_EPOCH + since_epoch)
            .message_id(None)
            .header(ContentType::TEXT_PLAIN)
            .header(AutoSubmitted)
            .subject(mail.subject.as_str());
        for address in &mail.to {
            message = message.to(mailbox(address)?);
        }
        let message = message
            .body(mail.body.clone())
            .map_err(|error| MailError::Message(error.to_string()))?;
        self.transport.send(message).await.map(drop).map_err(|error| {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                let more = error.to_string();
                if !text.contains(&more) {
                    text.push_str(": ");
                    text.push_str(&more);
                }
                cause = error.source();
            }
            MailError::Refused(text)
        })
    }
}

/// Prints mails instead of sending them.
pub struct DryRun<W> {
    out: Mutex<W>,
}

impl<W: Write + Send> DryRun<W> {
    /// Prints here.
    pub fn new(out: W) -> DryRun<W> {
        DryRun { out: Mutex::new(out) }
    }
}

#[async_trait]
impl<W: Write + Send> Mailer for DryRun<W> {
    async fn send(&self, mail: &Mail, _at: Timestamp) -> Result<(), MailError> {
        let text =
            format!("To: {}\nSubject: {}\n\n{}\n", mail.to.join(", "), mail.subject, mail.body);
        let mut out = self.out.lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| MailError::Message(error.to_string()))
    }

    fn done(&self) -> &'static str {
        "dry run"
    }
}
