use std::collections::BTreeSet;

use go_compat::{Timestamp, glob::deck_job_glob};
use serde_json::json;
use store::{BuildQuery, JobMatch, RunFilter, RunPull, RunRow, RunStore, StoreError};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    a_run_comes_back_as_it_was,
    a_late_report_never_undoes_a_completion,
    a_run_found_in_the_bucket_first_does_not_appear_twice,
    every_filter_selects_what_it_says,
    paging_shows_every_run_once,
    the_last_runs_of_jobs_are_found,
    the_builds_of_a_job_come_by_number,
    a_history_of_ten_thousand_runs_is_imported_and_read,
    a_run_without_an_id_is_refused,
    removed_runs_are_gone_with_their_pulls,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn pull(number: i64, author: &str) -> RunPull {
    RunPull {
        number,
        author: author.to_string(),
        title: format!("Mend {number}"),
        sha: "a".repeat(40),
    }
}

/// A varied history: everything about run `n` follows from `n`.
fn run(n: i64) -> RunRow {
    let states = ["success", "failure", "aborted", "error", "pending"];
    let state = states[(n % 5) as usize];
    let presubmit = n % 3 == 0;
    RunRow {
        id: format!("id-{n:06}"),
        job: format!("{}-unit-{}", if presubmit { "pull" } else { "ci" }, n % 7),
        job_type: if presubmit { "presubmit" } else { "periodic" }.to_string(),
        org: if n % 2 == 0 { "kubernetes" } else { "istio" }.to_string(),
        repo: format!("repo-{}", n % 4),
        base_ref: if n % 11 == 0 { "release/1.0" } else { "main" }.to_string(),
        base_sha: "b".repeat(40),
        pulls: if presubmit { vec![pull(n % 13, &format!("author-{}", n % 5))] } else { vec![] },
        state: state.to_string(),
        cluster: if n % 6 == 0 { "build" } else { "default" }.to_string(),
        build_id: (1_000 + n).to_string(),
        context: String::new(),
        // Several runs share a second, so that the order needs its second and third key.
        start: (n % 101 != 0).then(|| at(n / 3)),
        pending: Some(at(n / 3 + 1)),
        completion: (state != "pending").then(|| at(n / 3 + 60)),
        run_dir: format!("gs://bucket/logs/job/{n}"),
        url: format!("https://prow.example/view/gs/bucket/logs/job/{n}"),
        description: "Job succeeded.".to_string(),
        tenant: if n % 17 == 0 { "private" } else { "" }.to_string(),
        hidden: n % 19 == 0,
        refs: json!({"org": "x", "n": n}),
    }
}

async fn fill(store: &store::Store, count: i64) -> Vec<RunRow> {
    let rows: Vec<RunRow> = (1..=count).map(run).collect();
    store.runs().upsert(rows.clone()).await.unwrap();
    rows
}

/// The documented order: newest first, then by job and id.
fn sorted(mut rows: Vec<RunRow>) -> Vec<RunRow> {
    let start = |row: &RunRow| row.start.unwrap_or(Timestamp::EPOCH);
    rows.sort_by(|a, b| {
        start(b).cmp(&start(a)).then_with(|| a.job.cmp(&b.job)).then_with(|| a.id.cmp(&b.id))
    });
    rows
}

async fn all_pages(runs: &dyn RunStore, filter: &RunFilter, limit: usize) -> Vec<RunRow> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = runs.page(filter, after.as_ref(), limit).await.unwrap();
        assert!(page.rows.len() <= limit);
        all.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

async fn a_run_comes_back_as_it_was(fixture: Fixture) {
    let store = fixture.open().await;
    let mut whole = run(3);
    whole.pulls = vec![pull(2, "b"), pull(1, "a"), pull(2, "b")];
    whole.description = "quote ' and \u{0} and 漢字".to_string();
    store
        .runs()
        .upsert(vec![whole.clone(), RunRow { id: "bare".to_string(), ..Default::default() }])
        .await
        .unwrap();
    let store = fixture.reopen(store).await;
    let runs = store.runs();
    whole.description = "quote ' and \u{fffd} and 漢字".to_string();
    assert_eq!(runs.get("id-000003").await.unwrap(), Some(whole.clone()));
    let bare = runs.get("bare").await.unwrap().unwrap();
    assert_eq!(bare, RunRow { id: "bare".to_string(), ..Default::default() });
    assert_eq!(runs.build(&whole.job, "1003").await.unwrap(), Some(whole.clone()));
    assert_eq!(runs.build(&whole.job, "1").await.unwrap(), None);
    assert_eq!(runs.by_run_dir("gs://bucket/logs/job/3").await.unwrap(), Some(whole));
    assert_eq!(runs.by_run_dir("").await.unwrap(), None);
    let dirs: Vec<String> = (0..1_200).map(|n| format!("gs://bucket/logs/job/{n}")).collect();
    let found = runs.by_run_dirs(&dirs).await.unwrap();
    let found: BTreeSet<&str> = found.iter().map(|row| row.run_dir.as_str()).collect();
    assert!(found.contains("gs://bucket/logs/job/3"), "{found:?}");
    assert_eq!(runs.by_run_dirs(&["".to_owned(), "x".to_owned()]).await.unwrap(), []);
    assert_eq!(runs.by_run_dirs(&[]).await.unwrap(), []);
    assert_eq!(runs.get("none").await.unwrap(), None);
    assert_eq!(runs.count().await.unwrap(), 2);
}

async fn a_late_report_never_undoes_a_completion(fixture: Fixture) {
    let store = fixture.open().await;
    let runs = store.runs();
    let done = run(1);
    let mut pending = done.clone();
    pending.state = "pending".to_string();
    pending.completion = None;
    runs.upsert(vec![pending.clone()]).await.unwrap();
    assert_eq!(runs.get(&done.id).await.unwrap(), Some(pending.clone()));
    runs.upsert(vec![done.clone()]).await.unwrap();
    runs.upsert(vec![pending.clone()]).await.unwrap();
    assert_eq!(runs.get(&done.id).await.unwrap(), Some(done.clone()));
    // In one call, too, and whichever comes first.
    let mut later = done.clone();
    later.description = "Job failed.".to_string();
    runs.upsert(vec![later.clone(), pending]).await.unwrap();
    assert_eq!(runs.get(&done.id).await.unwrap(), Some(later));
}

async fn a_run_found_in_the_bucket_first_does_not_appear_twice(fixture: Fixture) {
    let store = fixture.open().await;
    let runs = store.runs();
    let mut found = run(3);
    found.id = "from-bucket".to_string();
    runs.upsert(vec![found.clone()]).await.unwrap();
    runs.upsert(vec![run(3)]).await.unwrap();
    assert_eq!(runs.get("from-bucket").await.unwrap(), None);
    assert_eq!(runs.count().await.unwrap(), 1);
    found.id = "again".to_string();
    runs.upsert(vec![run(3), found]).await.unwrap();
    assert_eq!(runs.count().await.unwrap(), 1);
    // Runs without a directory do not stand in each other's way.
    let bare = |id: &str| RunRow { id: id.to_string(), ..Default::default() };
    runs.upsert(vec![bare("x"), bare("y")]).await.unwrap();
    assert_eq!(runs.count().await.unwrap(), 3);
}

async fn every_filter_selects_what_it_says(fixture: Fixture) {
    let store = fixture.open().await;
    let rows = sorted(fill(&store, 400).await);
    type Wanted = Box<dyn Fn(&RunRow) -> bool>;
    let some = |text: &str| Some(text.to_string());
    let visible =
        |wanted: fn(&RunRow) -> bool| -> Wanted { Box::new(move |row| !row.hidden && wanted(row)) };
    let cases: Vec<(&str, RunFilter, Wanted)> = vec![
        ("nothing", RunFilter::default(), visible(|_| true)),
        ("hidden", RunFilter { include_hidden: true, ..Default::default() }, Box::new(|_| true)),
        (
            "type",
            RunFilter { job_types: vec!["presubmit".to_string()], ..Default::default() },
            visible(|row| row.job_type == "presubmit"),
        ),
        (
            "org and repo",
            RunFilter { org: some("kubernetes"), repo: some("repo-2"), ..Default::default() },
            visible(|row| row.org == "kubernetes" && row.repo == "repo-2"),
        ),
        (
            "author",
            RunFilter { author: some("author-3"), ..Default::default() },
            visible(|row| row.pulls.iter().any(|pull| pull.author == "author-3")),
        ),
        (
            "pull",
            RunFilter { pull: Some(6), ..Default::default() },
            visible(|row| row.pulls.iter().any(|pull| pull.number == 6)),
        ),
        (
            "base ref",
            RunFilter { base_ref: some("release/1.0"), ..Default::default() },
            visible(|row| row.base_ref == "release/1.0"),
        ),
        (
            "exact job",
            RunFilter { job: Some(JobMatch::Exact("ci-unit-2".to_string())), ..Default::default() },
            visible(|row| row.job == "ci-unit-2"),
        ),
        (
            "states",
            RunFilter {
                states: vec!["failure".to_string(), "pending".to_string()],
                ..Default::default()
            },
            visible(|row| row.state == "failure" || row.state == "pending"),
        ),
        (
            "cluster",
            RunFilter { cluster: some("build"), ..Default::default() },
            visible(|row| row.cluster == "build"),
        ),
        (
            "time range",
            RunFilter { since: Some(at(50)), until: Some(at(90)), ..Default::default() },
            visible(|row| row.start.is_some_and(|start| start >= at(50) && start < at(90))),
        ),
        (
            "tenants",
            RunFilter { tenants: Some(vec!["private".to_string()]), ..Default::default() },
            visible(|row| row.tenant == "private"),
        ),
        (
            "no tenants",
            RunFilter { tenants: Some(Vec::new()), ..Default::default() },
            visible(|_| false),
        ),
        (
            "all together",
            RunFilter {
                job_types: vec!["presubmit".to_string(), "batch".to_string()],
                org: some("istio"),
                states: vec!["success".to_string()],
                job: Some(JobMatch::Glob("pull-*".to_string())),
                since: Some(at(1)),
                ..Default::default()
            },
            visible(|row| {
                row.job_type == "presubmit"
                    && row.org == "istio"
                    && row.state == "success"
                    && row.start.is_some_and(|start| start >= at(1))
            }),
        ),
    ];
    for (name, filter, wanted) in cases {
        let expected: Vec<&RunRow> = rows.iter().filter(|row| wanted(row)).collect();
        let found = all_pages(&*store.runs(), &filter, 37).await;
        assert!(found.iter().eq(expected.iter().copied()), "filter `{name}`");
    }
    let odd = RunRow { id: "odd".to_string(), job: "a?[b]%_\\c".to_string(), ..run(1) };
    let odd = RunRow { run_dir: String::new(), hidden: false, ..odd };
    store.runs().upsert(vec![odd.clone()]).await.unwrap();
    let names: BTreeSet<String> = rows.iter().chain([&odd]).map(|row| row.job.clone()).collect();
    for glob in ["*", "ci-*", "*-3", "*unit*", "ci-unit-2", "CI-*", "a?[b]*", "*%_\\c", "?i-*", ""]
    {
        let job = Some(JobMatch::Glob(glob.to_string()));
        let filter = RunFilter { job, include_hidden: true, ..Default::default() };
        let found: BTreeSet<String> =
            all_pages(&*store.runs(), &filter, 500).await.into_iter().map(|row| row.job).collect();
        let wanted: BTreeSet<String> =
            names.iter().filter(|name| deck_job_glob(glob, name)).cloned().collect();
        assert_eq!(found, wanted, "glob `{glob}`");
    }
    let fuzzy = |text: &str| RunFilter {
        job: Some(JobMatch::Fuzzy(text.to_string())),
        include_hidden: true,
        ..Default::default()
    };
    let found = all_pages(&*store.runs(), &fuzzy("PU 3"), 500).await;
    assert!(!found.is_empty() && found.iter().all(|row| row.job == "pull-unit-3"));
    assert_eq!(all_pages(&*store.runs(), &fuzzy("%_"), 500).await, [odd]);
}

async fn paging_shows_every_run_once(fixture: Fixture) {
    let store = fixture.open().await;
    let rows = sorted(fill(&store, 500).await);
    let everything = RunFilter { include_hidden: true, ..Default::default() };
    for limit in [1, 7, 250, 499, 500, 1_000] {
        let found = all_pages(&*store.runs(), &everything, limit).await;
        assert!(found == rows, "pages of {limit}");
    }
    assert_eq!(store.runs().newest(9).await.unwrap(), rows[..9]);
    assert_eq!(store.runs().newest(10_000).await.unwrap().len(), 500);
}

async fn the_last_runs_of_jobs_are_found(fixture: Fixture) {
    let store = fixture.open().await;
    let rows = sorted(fill(&store, 300).await);
    let jobs = ["ci-unit-2".to_string(), "none".to_string(), "pull-unit-6".to_string()];
    let mut expected = Vec::new();
    for job in &jobs {
        expected.extend(rows.iter().filter(|row| row.job == *job).take(3).cloned());
    }
    assert_eq!(store.runs().last_of_jobs(&jobs, 3).await.unwrap(), expected);
}

async fn the_builds_of_a_job_come_by_number(fixture: Fixture) {
    let store = fixture.open().await;
    let build = |id: &str, folder: &str| RunRow {
        id: format!("{folder}{id}"),
        job: "nightly".to_string(),
        build_id: id.to_string(),
        run_dir: format!("{folder}{id}"),
        ..run(id.len() as i64)
    };
    const HERE: &str = "gs://b_1/logs/nightly/";
    let ids = ["9", "10", "99", "100", "2089267003519930368"];
    let mut rows: Vec<RunRow> = ids.iter().map(|id| build(id, HERE)).collect();
    rows.push(build("50", "gs://bx1/logs/nightly/"));
    rows.push(RunRow { build_id: String::new(), ..build("51", HERE) });
    rows.push(RunRow { job: "other".to_string(), ..build("52", HERE) });
    store.runs().upsert(rows).await.unwrap();
    let found = async |query: BuildQuery| -> Vec<String> {
        let (job, within) = ("nightly".to_string(), HERE.to_string());
        let query = BuildQuery { job, within, limit: query.limit.max(3), ..query };
        let rows = store.runs().builds(&query).await.unwrap();
        rows.into_iter().map(|row| row.build_id).collect()
    };
    let all = BuildQuery::default();
    assert_eq!(found(all.clone()).await, ["2089267003519930368", "100", "99"]);
    assert_eq!(found(BuildQuery { up_to: Some(99), ..all.clone() }).await, ["99", "10", "9"]);
    assert_eq!(found(BuildQuery { up_to: Some(98), ..all.clone() }).await, ["10", "9"]);
    assert_eq!(
        found(BuildQuery { above: Some(10), ..all.clone() }).await,
        ["99", "100", "2089267003519930368"]
    );
    // The states follow from the number of digits.
    let states = vec!["aborted".to_string()];
    assert_eq!(found(BuildQuery { states, ..all.clone() }).await, ["99", "10"]);
    let job_types = vec!["presubmit".to_string()];
    assert_eq!(found(BuildQuery { job_types, ..all }).await, ["100"]);
}

async fn a_history_of_ten_thousand_runs_is_imported_and_read(fixture: Fixture) {
    let store = fixture.open().await;
    let rows: Vec<RunRow> = (1..=10_000).map(run).collect();
    for part in rows.chunks(2_000) {
        store.runs().upsert(part.to_vec()).await.unwrap();
    }
    assert_eq!(store.runs().count().await.unwrap(), 10_000);
    let filter = RunFilter { author: Some("author-1".to_string()), ..Default::default() };
    let expected = rows
        .iter()
        .filter(|row| !row.hidden && row.pulls.iter().any(|pull| pull.author == "author-1"))
        .count();
    assert_eq!(all_pages(&*store.runs(), &filter, 1_000).await.len(), expected);
}

async fn a_run_without_an_id_is_refused(fixture: Fixture) {
    let store = fixture.open().await;
    let nameless = RunRow { job: "ci-unit".to_string(), ..Default::default() };
    let error = store.runs().upsert(vec![run(1), nameless]).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error}");
    assert_eq!(store.runs().count().await.unwrap(), 0);
    store.runs().upsert(Vec::new()).await.unwrap();
}

async fn removed_runs_are_gone_with_their_pulls(fixture: Fixture) {
    let store = fixture.open().await;
    let runs = store.runs();
    fill(&store, 30).await;
    runs.remove(vec!["id-000003".to_string(), "unknown".to_string()]).await.unwrap();
    assert_eq!(runs.count().await.unwrap(), 29);
    let filter = RunFilter { pull: Some(3), include_hidden: true, ..Default::default() };
    let left = all_pages(&*runs, &filter, 10).await;
    assert!(left.iter().all(|row| row.id != "id-000003"));
    assert_eq!(runs.prune(at(0)).await.unwrap(), 0);
}
