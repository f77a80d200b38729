//! Flags about mails.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;

use crate::components::testgrid_alerts::{DryRun, Mailer, Smtp, SmtpOptions};

/// How alerts of the test grid are sent.
#[derive(Args, Clone, Debug, Default)]
pub struct MailOptions {
    /// The address of this server as its readers know it, such as https://prow.example.com; mails
    /// link to it.
    #[arg(long, value_name = "URL")]
    pub external_url: Option<String>,
    /// Send alerts of the test grid by this mail server: smtps://host, smtp://host?tls=required or
    /// smtp://host:25. Without it none are sent.
    #[arg(long, value_name = "URL", requires = "testgrid_mail_from")]
    pub testgrid_smtp: Option<String>,
    /// A file with name and password for the mail server, with a colon between.
    #[arg(long, value_name = "FILE", requires = "testgrid_smtp")]
    pub testgrid_smtp_credentials_file: Option<PathBuf>,
    /// Whom alerts of the test grid are from, such as 'TestGrid <noreply@example.com>'.
    #[arg(long, value_name = "ADDRESS")]
    pub testgrid_mail_from: Option<String>,
    /// Print alerts of the test grid instead of sending them.
    #[arg(long)]
    pub testgrid_mail_dry_run: bool,
}

impl MailOptions {
    /// What sends alerts, if anything does.
    ///
    /// # Errors
    /// An address is none, or the file of credentials cannot be used.
    pub fn mailer(&self) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
        if self.testgrid_mail_dry_run {
            return Ok(Some(Arc::new(DryRun::new(std::io::stdout()))));
        }
        let Some(url) = &self.testgrid_smtp else { return Ok(None) };
        let options = SmtpOptions {
            url: url.clone(),
            credentials: self.credentials()?,
            from: self.testgrid_mail_from.clone().unwrap_or_default(),
        };
        Ok(Some(Arc::new(Smtp::new(&options)?)))
    }

    fn credentials(&self) -> anyhow::Result<Option<(String, SecretString)>> {
        let Some(path) = &self.testgrid_smtp_credentials_file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("could not read {}", path.display()))?;
        let (name, password) = text
            .trim_end_matches(['\r', '\n'])
            .split_once(':')
            .with_context(|| format!("{} does not hold `name:password`", path.display()))?;
        Ok(Some((name.to_owned(), SecretString::from(password.to_owned()))))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn mails_are_printed_sent_or_not_made_as_the_flags_say() {
        let nothing = MailOptions::default();
        assert!(nothing.mailer().unwrap().is_none());
        let dry = MailOptions { testgrid_mail_dry_run: true, ..nothing.clone() };
        assert_eq!(dry.mailer().unwrap().map(|mailer| mailer.done()), Some("dry run"));
        let smtp = MailOptions {
            testgrid_smtp: Some("smtp://127.0.0.1:25".to_owned()),
            testgrid_mail_from: Some("a@example.com".to_owned()),
            ..nothing
        };
        assert_eq!(smtp.mailer().unwrap().map(|mailer| mailer.done()), Some("sent"));
        let bad = MailOptions { testgrid_mail_from: Some("nobody".to_owned()), ..smtp };
        assert!(bad.mailer().is_err());
    }

    #[test]
    fn credentials_are_read_from_a_file_and_may_hold_colons() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        std::fs::write(&path, "robot:a:b\n").unwrap();
        let options = MailOptions {
            testgrid_smtp_credentials_file: Some(path.clone()),
            ..MailOptions::default()
        };
        let (name, password) = options.credentials().unwrap().unwrap();
        assert_eq!((name.as_str(), password.expose_secret()), ("robot", "a:b"));
        std::fs::write(&path, "hunter2").unwrap();
        let error = format!("{:#}", options.credentials().unwrap_err());
        assert!(error.contains("`name:password`") && !error.contains("hunter2"), "{error}");
    }
}
