//! A test that begins to fail is told by mail.

use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};

use server::components::testgrid_alerts::{self, DryRun};
use server::components::{grid_updater, testgrid_alerts::Deps};
use store::MailFilter;
use tests::world::{Setup, World};

const GRIDS: &str = "\
test_groups:
- name: unit
  gcs_prefix: file://results/logs/unit
  days_of_results: 10000
  num_failures_to_alert: 2
  num_passes_to_disable_alert: 1
  disable_prowjob_analysis: true
dashboards:
- name: main
  dashboard_tab:
  - name: unit tests
    test_group_name: unit
    alert_options:
      alert_mail_to_addresses: team@example.com
";

/// Keeps what is printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the paper").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn build(world: &World, id: i64, failed: bool) {
    let folder = world.data_dir().join(format!("buckets/results/logs/unit/{id}"));
    fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect(name);
    let started = 1_790_000_000 + id * 3_600;
    write("started.json", format!("{{\"timestamp\":{started}}}"));
    write("finished.json", format!("{{\"timestamp\":{},\"passed\":{}}}", started + 60, !failed));
    let failure = if failed { "<failure message='expected 1, got 2'/>" } else { "" };
    write(
        "junit.xml",
        format!("<testsuite><testcase name='TestA'>{failure}</testcase></testsuite>"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_fails_often_enough_is_told_once_with_a_link_to_this_host() {
    let world = Setup::default().testgrid(GRIDS).by_hand().start().await;
    let paper = Paper::default();
    let deps = &world.process.deps;
    let alerts = Deps {
        mailer: Some(Arc::new(DryRun::new(paper.clone()))),
        external_url: Some("https://ci.example.com".to_owned()),
        ..deps.testgrid_alerts.clone()
    };
    let look = async || {
        grid_updater::sync_once(&deps.grid_updater).await.expect("an update");
        testgrid_alerts::sync_once(&alerts).await.expect("a look")
    };
    build(&world, 1, false);
    build(&world, 2, true);
    assert_eq!(look().await, 0, "one failure is not enough");
    build(&world, 3, true);
    assert_eq!(look().await, 1);
    build(&world, 4, true);
    assert_eq!(look().await, 0, "it was told");
    build(&world, 5, false);
    assert_eq!(look().await, 0);
    build(&world, 6, true);
    build(&world, 7, true);
    assert_eq!(look().await, 1, "it had recovered");
    let text = String::from_utf8(paper.0.lock().expect("the paper").clone()).expect("a text");
    assert!(
        text.starts_with("To: team@example.com\nSubject: New TestGrid alerts at main#unit tests")
    );
    assert!(text.contains("TestA\n  failed 2 times\n"), "{text}");
    assert!(
        text.contains("https://ci.example.com/testgrid/main/unit%20tests?include-filter-by-regex=")
    );
    let log = deps.testgrid_alerts.log.list(&MailFilter::default(), 10).await.expect("the log");
    let results: Vec<&str> = log.iter().map(|row| row.entry.result.as_str()).collect();
    assert_eq!(results, ["dry run", "dry run"]);
}
