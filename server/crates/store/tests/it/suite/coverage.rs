use go_compat::Timestamp;
use store::{CoverageKey, CoverageRow, CoverageStore, MAX_SERIES_BLOCKS, MAX_SERIES_PROFILES};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    profiles_come_newest_first_and_page_by_page,
    a_run_that_is_read_again_replaces_its_profiles,
    a_run_without_a_profile_is_not_looked_through_again,
    a_series_that_grows_loses_its_oldest_blocks_and_profiles,
}

fn row(job: &str, path: &str, run: i64) -> CoverageRow {
    CoverageRow {
        key: CoverageKey {
            id: 0,
            job: job.to_owned(),
            path: path.to_owned(),
            run: format!("{job}-{run}"),
            build: run.to_string(),
            started_ms: run * 10,
            version: format!("v1.{run}"),
            format: "Go".to_owned(),
            files: 2,
            covered: run,
            total: 1_000,
            problem: String::new(),
            read_ms: 7,
        },
        summary: vec![1, run as u8],
        profile: vec![2, run as u8, 0],
    }
}

async fn put(coverage: &dyn CoverageStore, rows: Vec<CoverageRow>) {
    let run = rows[0].key.run.clone();
    coverage.put_run(&run, Timestamp::from_millis(5), rows).await.unwrap();
}

async fn builds(coverage: &dyn CoverageStore, job: &str, path: &str, limit: usize) -> Vec<String> {
    let page = coverage.page(job, path, None, limit).await.unwrap();
    page.into_iter().map(|key| key.build).collect()
}

async fn profiles_come_newest_first_and_page_by_page(fixture: Fixture) {
    let store = fixture.open().await;
    let coverage = store.coverage();
    for run in [2, 1, 3] {
        put(
            &*coverage,
            vec![row("unit", "artifacts/b.cov", run), row("unit", "artifacts/a.cov", run)],
        )
        .await;
    }
    put(&*coverage, vec![row("other", "artifacts/a.cov", 9)]).await;
    let store = fixture.reopen(store).await;
    let coverage = store.coverage();
    let series: Vec<_> = coverage.series(None).await.unwrap();
    let series: Vec<_> =
        series.iter().map(|one| (&one.job[..], &one.path[..], one.profiles)).collect();
    assert_eq!(
        series,
        [
            ("other", "artifacts/a.cov", 1),
            ("unit", "artifacts/a.cov", 3),
            ("unit", "artifacts/b.cov", 3)
        ]
    );
    assert_eq!(coverage.series(Some("unit")).await.unwrap().len(), 2);
    assert_eq!(coverage.series(Some("nobody")).await.unwrap(), []);
    assert_eq!(builds(&*coverage, "unit", "artifacts/a.cov", 2).await, ["3", "2"]);
    let first = coverage.page("unit", "artifacts/a.cov", None, 2).await.unwrap();
    let rest = coverage.page("unit", "artifacts/a.cov", Some(first[1].cursor()), 9).await.unwrap();
    assert_eq!(rest.len(), 1);
    let mut expected = row("unit", "artifacts/a.cov", 1);
    expected.key.id = rest[0].id;
    assert_eq!(rest[0], expected.key);
    assert_eq!(coverage.key(rest[0].id).await.unwrap(), Some(expected.key));
    let ids = [rest[0].id, first[0].id, -1];
    let mut summaries = coverage.summaries(&ids).await.unwrap();
    summaries.sort();
    let mut both = [(rest[0].id, vec![1, 1]), (first[0].id, vec![1, 3])];
    both.sort();
    assert_eq!(summaries, both);
    assert_eq!(coverage.blocks(first[0].id).await.unwrap(), Some(vec![2, 3, 0]));
    assert_eq!(coverage.blocks(-1).await.unwrap(), None);
    assert_eq!(coverage.key(-1).await.unwrap(), None);
    let of_run = coverage.of_run("unit-2").await.unwrap();
    let paths: Vec<_> = of_run.iter().map(|key| &key.path[..]).collect();
    assert_eq!(paths, ["artifacts/a.cov", "artifacts/b.cov"]);
}

async fn a_run_that_is_read_again_replaces_its_profiles(fixture: Fixture) {
    let store = fixture.open().await;
    let coverage = store.coverage();
    put(&*coverage, vec![row("unit", "a.cov", 1), row("unit", "b.cov", 1)]).await;
    put(&*coverage, vec![row("unit", "a.cov", 1)]).await;
    assert_eq!(coverage.of_run("unit-1").await.unwrap().len(), 1);
    assert_eq!(coverage.series(None).await.unwrap().len(), 1);
}

async fn a_run_without_a_profile_is_not_looked_through_again(fixture: Fixture) {
    let store = fixture.open().await;
    let coverage = store.coverage();
    coverage.put_run("empty", Timestamp::from_seconds(10), Vec::new()).await.unwrap();
    put(&*coverage, vec![row("unit", "a.cov", 1)]).await;
    let asked = ["empty", "unit-1", "new"].map(str::to_owned);
    let mut looked = coverage.looked(&asked).await.unwrap();
    looked.sort();
    assert_eq!(looked, ["empty", "unit-1"]);
    assert_eq!(coverage.looked(&[]).await.unwrap(), [""; 0]);
    let later = Timestamp::from_seconds(1_000 * 24 * 3600);
    assert_eq!(coverage.prune(later).await.unwrap(), 1);
    assert_eq!(coverage.looked(&asked).await.unwrap(), ["unit-1"]);
}

async fn a_series_that_grows_loses_its_oldest_blocks_and_profiles(fixture: Fixture) {
    let store = fixture.open().await;
    let coverage = store.coverage();
    let newest = MAX_SERIES_PROFILES as i64 + 2;
    for run in 1..=newest {
        put(&*coverage, vec![row("unit", "a.cov", run)]).await;
    }
    assert_eq!(coverage.of_run("unit-2").await.unwrap(), []);
    let oldest = &coverage.of_run("unit-3").await.unwrap()[0];
    assert_eq!(coverage.blocks(oldest.id).await.unwrap(), Some(Vec::new()));
    assert_eq!(coverage.summaries(&[oldest.id]).await.unwrap().len(), 1);
    let kept = format!("unit-{}", newest - MAX_SERIES_BLOCKS as i64 + 1);
    let kept = &coverage.of_run(&kept).await.unwrap()[0];
    assert!(!coverage.blocks(kept.id).await.unwrap().unwrap().is_empty());
}
