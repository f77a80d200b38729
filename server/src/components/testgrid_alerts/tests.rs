//! Alerts against a mail server of this machine.

use std::sync::Arc;
use std::time::Duration;

use clock::SettableClock;
use go_compat::Timestamp;
use grid::proto::config::{Configuration, DashboardTab, DashboardTabAlertOptions};
use grid::proto::summary::{DashboardTabSummary, DashboardTabSummaryMetrics, FailingTestSummary};
use parking_lot::Mutex;
use secrecy::SecretString;
use store::{MailFilter, Store, StoreOptions};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::components::NoHeartbeat;
use crate::testgrid::TestGrid;
use crate::testgrid::config::{GridConfig, LiveGridConfig};

use super::{Alerts, Deps, DryRun, Look, Mailer, Smtp, SmtpOptions};

/// A mail server that keeps what it is sent.
struct Catcher {
    url: String,
    caught: Arc<Mutex<Vec<Caught>>>,
    /// Refuses every recipient while it is set.
    refuses: Arc<Mutex<bool>>,
}

/// A mail as it came.
#[derive(Clone, Debug, Default)]
struct Caught {
    from: String,
    to: Vec<String>,
    login: String,
    text: String,
}

impl Catcher {
    async fn start() -> Catcher {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let catcher = Catcher { url, caught: Arc::default(), refuses: Arc::default() };
        let (caught, refuses) = (catcher.caught.clone(), catcher.refuses.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, caught.clone(), refuses.clone()));
            }
        });
        catcher
    }

    fn mails(&self) -> Vec<Caught> {
        self.caught.lock().clone()
    }

    fn smtp(&self) -> Arc<dyn Mailer> {
        let from = "TestGrid <noreply+testgrid@example.com>".to_owned();
        let options = SmtpOptions { url: self.url.clone(), credentials: None, from };
        Arc::new(Smtp::new(&options).unwrap())
    }
}

async fn talk(stream: TcpStream, caught: Arc<Mutex<Vec<Caught>>>, refuses: Arc<Mutex<bool>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Caught::default();
    write.write_all(b"220 catcher\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let refused = *refuses.lock();
        let answer = match line.get(..4) {
            Some("EHLO") => "250-catcher\r\n250 AUTH PLAIN\r\n",
            Some("AUTH") => {
                mail.login = line;
                "235 welcome\r\n"
            }
            Some("MAIL") => {
                mail.from = line;
                "250 ok\r\n"
            }
            Some("RCPT") if refused => "550 no such person\r\n",
            Some("RCPT") => {
                mail.to.push(line);
                "250 ok\r\n"
            }
            Some("DATA") => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail.text.push_str(&line);
                    mail.text.push('\n');
                }
                caught.lock().push(std::mem::take(&mut mail));
                "250 caught\r\n"
            }
            Some("QUIT") => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

struct Place {
    _folder: TempDir,
    store: Store,
    clock: SettableClock,
}

impl Place {
    async fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
        let clock = SettableClock::new(Timestamp::from_seconds(1_790_000_000));
        Place { _folder: folder, store, clock }
    }

    async fn alerts(&self, mailer: Arc<dyn Mailer>) -> Alerts {
        let config = GridConfig::new(Configuration::default(), Vec::new(), 0, Timestamp::EPOCH);
        let (clock, grids) = (self.clock.shared(), self.store.grid());
        let deps = Deps {
            grids: Arc::new(TestGrid::new(LiveGridConfig::fixed(config), grids, clock.clone())),
            mailer: Some(mailer),
            external_url: Some("https://ci.example.com".to_owned()),
            state: self.store.state(),
            log: self.store.mails(),
            clock,
            heartbeat: Arc::new(NoHeartbeat),
        };
        Alerts::load(deps).await.unwrap()
    }

    /// The results of the delivery log, newest first.
    async fn log(&self) -> Vec<String> {
        let rows = self.store.mails().list(&MailFilter::default(), 100).await.unwrap();
        rows.into_iter().map(|row| row.entry.result).collect()
    }
}

fn tab() -> DashboardTab {
    let options = DashboardTabAlertOptions {
        alert_mail_to_addresses: "team@example.com".to_owned(),
        ..DashboardTabAlertOptions::default()
    };
    DashboardTab {
        name: "unit".to_owned(),
        alert_options: Some(Box::new(options)),
        ..DashboardTab::default()
    }
}

fn summary(failing: &[&str]) -> DashboardTabSummary {
    let row = |name: &&str| FailingTestSummary {
        display_name: (*name).to_owned(),
        test_name: (*name).to_owned(),
        fail_count: 3,
        fail_build_id: "0123abc".to_owned(),
        ..FailingTestSummary::default()
    };
    DashboardTabSummary {
        failing_test_summaries: failing.iter().map(row).collect(),
        summary_metrics: Some(DashboardTabSummaryMetrics::default()),
        ..DashboardTabSummary::default()
    }
}

async fn look(alerts: &Alerts, summary: &DashboardTabSummary) -> usize {
    let tab = tab();
    let look = Look { dashboard: "sig-a", tab: &tab, summary, flakiness: None, is_known: true };
    alerts.look(&[look]).await.unwrap()
}

#[tokio::test]
async fn a_failure_is_told_by_mail_once_also_over_a_restart() {
    let (place, catcher) = (Place::new().await, Catcher::start().await);
    let alerts = place.alerts(catcher.smtp()).await;
    assert_eq!(look(&alerts, &summary(&["TestÄ"])).await, 1);
    assert_eq!(look(&alerts, &summary(&["TestÄ"])).await, 0);
    let alerts = place.alerts(catcher.smtp()).await;
    assert_eq!(look(&alerts, &summary(&["TestÄ"])).await, 0);
    assert_eq!(look(&alerts, &summary(&["TestÄ", "TestB"])).await, 1);
    assert_eq!(look(&alerts, &summary(&[])).await, 0);
    assert_eq!(look(&alerts, &summary(&["TestB"])).await, 1);
    let mails = catcher.mails();
    assert_eq!(mails.len(), 3);
    assert!(mails[0].from.contains("<noreply+testgrid@example.com>"), "{mails:?}");
    assert_eq!(mails[0].to, ["RCPT TO:<team@example.com>"]);
    let text = &mails[1].text;
    assert!(text.contains("Subject: New TestGrid alerts at sig-a#unit since commit/0123abc."));
    assert!(text.contains("Date: Mon, 21 Sep 2026 14:13:20"), "{text}");
    assert!(text.contains("Auto-Submitted: auto-generated") && text.contains("Message-ID: <"));
    assert!(text.contains("https://ci.example.com/testgrid/sig-a/unit?include-filter-by-regex="));
    assert!(text.contains("TestB") && !text.contains("Test=C3"), "{text}");
    assert_eq!(place.log().await, ["sent", "sent", "sent"]);
    let row = &place.store.mails().list(&MailFilter::default(), 1).await.unwrap()[0].entry;
    assert_eq!((row.kind.as_str(), row.recipients.as_str()), ("failures", "team@example.com"));
}

#[tokio::test]
async fn a_mail_that_is_refused_is_logged_and_tried_again_later() {
    let (place, catcher) = (Place::new().await, Catcher::start().await);
    *catcher.refuses.lock() = true;
    let alerts = place.alerts(catcher.smtp()).await;
    let failing = summary(&["TestA"]);
    assert_eq!(look(&alerts, &failing).await, 0);
    *catcher.refuses.lock() = false;
    assert_eq!(look(&alerts, &failing).await, 0, "too early");
    let log = place.log().await;
    assert_eq!(log.len(), 1);
    assert!(log[0].starts_with("failed: the mail server did not take the mail"), "{log:?}");
    assert!(log[0].contains("no such person"), "{log:?}");
    place.clock.advance(Duration::from_secs(60));
    assert_eq!(look(&place.alerts(catcher.smtp()).await, &failing).await, 1);
    assert_eq!(place.log().await[0], "sent");
    assert_eq!(catcher.mails().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_and_an_address_that_is_none_are_told() {
    let place = Place::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let options = SmtpOptions { url, credentials: None, from: "a@example.com".to_owned() };
    let alerts = place.alerts(Arc::new(Smtp::new(&options).unwrap())).await;
    assert_eq!(look(&alerts, &summary(&["TestA"])).await, 0);
    assert!(place.log().await[0].starts_with("failed: the mail server did not take the mail"));

    let catcher = Catcher::start().await;
    let alerts = place.alerts(catcher.smtp()).await;
    let mut own = summary(&["TestB"]);
    own.failing_test_summaries[0].email_addresses = vec!["no address\r\nBcc: x@y".to_owned()];
    let other = DashboardTab::default();
    let look =
        Look { dashboard: "sig-a", tab: &other, summary: &own, flakiness: None, is_known: true };
    assert_eq!(alerts.look(&[look]).await.unwrap(), 0);
    assert!(place.log().await[0].contains("is not a mail address"), "{:?}", place.log().await);
    assert!(catcher.mails().is_empty());
}

#[tokio::test]
async fn credentials_are_given_to_the_server_and_never_stand_in_its_address() {
    let catcher = Catcher::start().await;
    let password = SecretString::from("hunter2".to_owned());
    let options = SmtpOptions {
        url: catcher.url.clone(),
        credentials: Some(("robot".to_owned(), password)),
        from: "a@example.com".to_owned(),
    };
    assert!(!format!("{options:?}").contains("hunter2"));
    let place = Place::new().await;
    let alerts = place.alerts(Arc::new(Smtp::new(&options).unwrap())).await;
    assert_eq!(look(&alerts, &summary(&["TestA"])).await, 1);
    // The base64 of "\0robot\0hunter2".
    assert_eq!(catcher.mails()[0].login, "AUTH PLAIN AHJvYm90AGh1bnRlcjI=");
    let url = "smtp://robot:hunter2@mail.example.com".to_owned();
    let error = Smtp::new(&SmtpOptions { url, ..options.clone() }).err().unwrap().to_string();
    assert!(error.contains("credentials") && !error.contains("hunter2"), "{error}");
    for (url, from) in [("mail.example.com", "a@example.com"), ("smtp://localhost", "nobody")] {
        let options = SmtpOptions { url: url.to_owned(), from: from.to_owned(), ..options.clone() };
        assert!(Smtp::new(&options).is_err(), "{url} {from}");
    }
}

/// Keeps what is printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_dry_run_prints_and_logs_what_it_would_send() {
    let (place, paper) = (Place::new().await, Paper::default());
    let alerts = place.alerts(Arc::new(DryRun::new(paper.clone()))).await;
    assert_eq!(look(&alerts, &summary(&["TestA"])).await, 1);
    assert_eq!(look(&alerts, &summary(&["TestA"])).await, 0);
    let text = String::from_utf8(paper.0.lock().clone()).unwrap();
    assert!(text.starts_with("To: team@example.com\nSubject: New TestGrid alerts at sig-a#unit"));
    assert!(text.contains("\n\nNew Test Failures in unit\n\nTestA\n"), "{text}");
    assert_eq!(place.log().await, ["dry run"]);
}

#[tokio::test]
async fn what_was_told_of_tabs_that_are_gone_is_forgotten() {
    let (place, paper) = (Place::new().await, Paper::default());
    let alerts = place.alerts(Arc::new(DryRun::new(paper))).await;
    look(&alerts, &summary(&["TestA"])).await;
    alerts.keep_only(&[("sig-a", "unit")]).await.unwrap();
    assert_eq!(place.store.state().list("testgrid-alerts/").await.unwrap().len(), 1);
    alerts.keep_only(&[("sig-a", "other")]).await.unwrap();
    assert_eq!(place.store.state().list("").await.unwrap(), []);
    assert_eq!(look(&alerts, &summary(&["TestA"])).await, 1);
}
