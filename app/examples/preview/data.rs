//! Made-up data that shows every state a page can be in.

use std::convert::Infallible;
use std::time::Duration;

use app::backend::Backend;
use app::model::*;
use async_trait::async_trait;
use axum::extract::Query;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use axum::{Json, Router};
use tokio_stream::StreamExt;

use crate::histories;
use crate::log::{lines, log, log_stream, total};

/// The moment at which the made-up data stands still.
pub(crate) const NOW_MS: i64 = 1_795_222_800_000;

/// The made-up backend.
#[derive(Default)]
pub(crate) struct Preview;

/// The parts of the API that the islands use.
pub(crate) fn api() -> Router<leptos::prelude::LeptosOptions> {
    Router::new()
        .route("/api/v1/runs/{id}/log", get(log))
        .route("/api/v1/runs/{id}/log/stream", get(log_stream))
        .route("/api/v1/runs", get(|| async { Json(serde_json::json!({ "rows": runs() })) }))
        .route("/api/v1/runs/stream", get(stream))
        .route("/api/v1/suggest", get(suggest))
}

async fn stream() -> Sse<impl tokio_stream::Stream<Item = Result<Event, Infallible>>> {
    let ticks = tokio_stream::iter(0..200_u64).throttle(Duration::from_secs(4));
    Sse::new(ticks.map(|tick| {
        if tick == 0 {
            return Ok(Event::default().event("hello").data(format!("{{\"at\":{NOW_MS}}}")));
        }
        let mut row = runs().swap_remove(if tick == 1 { 1 } else { 5 });
        if tick == 1 {
            row.state = RunState::Success;
            row.finished_ms = Some(NOW_MS);
        } else {
            row.id = format!("new-{tick}");
        }
        Ok(Event::default().event("run").id(tick.to_string()).json_data(row).unwrap_or_default())
    }))
}

#[derive(serde::Deserialize)]
struct Search {
    q: String,
}

async fn suggest(Query(search): Query<Search>) -> Json<Vec<Suggestion>> {
    Json(found(&search.q))
}

fn found(text: &str) -> Vec<Suggestion> {
    JOBS.iter()
        .filter(|job| job.0.contains(text))
        .map(|job| Suggestion {
            label: job.0.to_owned(),
            kind: "job".to_owned(),
            href: format!("/?job={}", job.0),
        })
        .collect()
}

const JOBS: [(&str, &str, RunKind); 9] = [
    ("pull-pflag-unit", "spf13/pflag", RunKind::Presubmit),
    ("pull-cobra-unit", "spf13/cobra", RunKind::Presubmit),
    ("pull-cobra-race", "spf13/cobra", RunKind::Presubmit),
    ("ci-testify-unit", "", RunKind::Periodic),
    (
        "pull-kubernetes-e2e-gce-cos-alpha-features-canary",
        "kubernetes/kubernetes",
        RunKind::Presubmit,
    ),
    ("post-zap-unit", "uber-go/zap", RunKind::Postsubmit),
    ("post-go-cmp-unit", "google/go-cmp", RunKind::Postsubmit),
    ("ci-fsnotify-stress", "", RunKind::Periodic),
    ("batch-cobra-merge", "spf13/cobra", RunKind::Batch),
];

fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678_9ABC_DEF1);
    x ^= x >> 31;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ (x >> 29)
}

fn sha(n: u64) -> String {
    format!("{:016x}{:016x}{:08x}", mix(n), mix(n + 1), mix(n + 2) as u32)
}

pub(crate) fn runs() -> Vec<RunRow> {
    (0..250).map(run).collect()
}

fn run(n: u64) -> RunRow {
    let draw = mix(n / 2 + 7);
    let (job, repo, kind) = JOBS[(draw % JOBS.len() as u64) as usize];
    let state = match n {
        0 => RunState::Triggered,
        1 => RunState::Pending,
        2 => RunState::Scheduling,
        3 => RunState::Error,
        4 => RunState::Aborted,
        9 => RunState::Unknown,
        _ => match mix(n) % 10 {
            0..=2 => RunState::Failure,
            3 => RunState::Aborted,
            _ => RunState::Success,
        },
    };
    let started_ms = NOW_MS - (n * n * 1_900) as i64 - (n * 14_000) as i64;
    let (org, name) = repo.split_once('/').unwrap_or(("", ""));
    let pulls = match kind {
        RunKind::Presubmit => 1,
        RunKind::Batch => 3,
        _ => 0,
    };
    let refs = RunRefs {
        org: org.to_owned(),
        repo: name.to_owned(),
        repo_link: format!("https://github.com/{repo}"),
        base_ref: if repo.is_empty() { String::new() } else { "master".to_owned() },
        base_sha: if repo.is_empty() { String::new() } else { sha(draw) },
        base_link: format!("https://github.com/{repo}/commit/{}", sha(draw)),
        pulls: (0..pulls)
            .map(|pull| {
                let number = 1_000 + draw % 40 + pull;
                PullRef {
                    number,
                    author: ["release-bot", "mhutchinson", "octo-cat"][(draw % 3) as usize]
                        .to_owned(),
                    sha: sha(draw + pull + 9),
                    title: format!("Release v1.{}.0", draw % 9),
                    link: format!("https://github.com/{repo}/pull/{number}"),
                    commit_link: format!(
                        "https://github.com/{repo}/pull/{number}/commits/{}",
                        sha(draw + pull + 9)
                    ),
                    author_link: String::new(),
                }
            })
            .collect(),
    };
    let id = format!("{:08x}-{:04x}-11f0-8abc-{:012x}", mix(n) as u32, n, mix(n) >> 16);
    RunRow {
        href: format!("/run/{id}"),
        id,
        job: job.to_owned(),
        kind,
        state,
        refs,
        build_id: if n == 0 {
            String::new()
        } else {
            (1_990_000_000_000_000_000 + mix(n) % 10_000_000_000_000_000).to_string()
        },
        cluster: "default".to_owned(),
        started_ms,
        finished_ms: state.is_over().then(|| started_ms + (mix(n) % 900_000) as i64 + 4_000),
        description: match state {
            RunState::Failure => "Job failed.".to_owned(),
            RunState::Error => "Pod could not be created: image not found.".to_owned(),
            _ => String::new(),
        },
        has_prowjob: n < 200,
    }
}

fn facets(values: impl IntoIterator<Item = String>) -> Vec<Facet> {
    let mut counts = std::collections::BTreeMap::new();
    for value in values.into_iter().filter(|value| !value.is_empty()) {
        *counts.entry(value).or_insert(0) += 1;
    }
    counts.into_iter().map(|(value, count)| Facet { value, count }).collect()
}

#[async_trait]
impl Backend for Preview {
    fn frame(&self, _: &Viewer) -> Frame {
        Frame {
            now_ms: NOW_MS,
            banners: vec![Banner {
                severity: Severity::Error,
                text: "The configuration on disk does not load; the last good one stays in use."
                    .to_owned(),
                since_ms: Some(NOW_MS - 240_000),
                link: Some(Link {
                    text: "What is wrong".to_owned(),
                    href: "/status#configuration".to_owned(),
                    title: String::new(),
                }),
            }],
            data_ms: Some(NOW_MS - 12_000),
            version: "0.1.0-preview".to_owned(),
            links: vec![],
        }
    }

    async fn grid_index(&self, _: &Viewer, _: &str) -> Result<GridIndex, PageError> {
        Ok(crate::grid::index())
    }

    async fn grid_place(&self, _: &Viewer, _: &str, _: &str) -> Result<GridPlace, PageError> {
        Ok(crate::grid::place())
    }

    async fn grid_tab(
        &self,
        _: &Viewer,
        _: &str,
        tab: &str,
        query: &str,
    ) -> Result<TabPage, PageError> {
        Ok(crate::grid::tab(tab, query))
    }

    async fn grid_graph(
        &self,
        _: &Viewer,
        _: &str,
        _: &str,
        _: &str,
    ) -> Result<RowGraph, PageError> {
        Ok(RowGraph::default())
    }

    async fn test_search(&self, _: &Viewer, _: &str) -> Result<TestSearch, PageError> {
        Ok(TestSearch::default())
    }

    async fn alert_mails(&self, _: &Viewer, _: Option<i64>) -> Result<AlertMails, PageError> {
        Ok(AlertMails::default())
    }

    async fn coverage_index(&self, _: &Viewer) -> Result<CoverageIndex, PageError> {
        Ok(crate::coverage::index())
    }

    async fn coverage_job(
        &self,
        _: &Viewer,
        job: &str,
        _: &str,
    ) -> Result<CoverageHeatmap, PageError> {
        Ok(crate::coverage::heatmap(job))
    }

    async fn coverage_file(
        &self,
        _: &Viewer,
        job: &str,
        _: &str,
    ) -> Result<CoverageFile, PageError> {
        Ok(crate::coverage::file(job))
    }

    async fn coverage_compare(
        &self,
        _: &Viewer,
        job: &str,
        _: &str,
    ) -> Result<CoverageComparison, PageError> {
        Ok(crate::coverage::comparison(job))
    }

    async fn test(&self, _: &Viewer, _: &str, _: usize) -> Result<TestPage, PageError> {
        Ok(TestPage::default())
    }

    async fn runs(&self, _: &Viewer, filter: &RunFilter) -> Result<RunPage, PageError> {
        let all = runs();
        let rows: Vec<RunRow> = all
            .iter()
            .filter(|run| filter.state.is_none_or(|state| run.state == state))
            .filter(|run| filter.kind.is_none_or(|kind| run.kind == kind))
            .filter(|run| filter.job.as_ref().is_none_or(|job| run.job.contains(job.as_str())))
            .take(filter.limit.unwrap_or(RunPage::LIMIT))
            .cloned()
            .collect();
        let mut counts = [0; RunState::COUNT];
        let mut buckets = vec![[0; RunState::COUNT]; 60];
        let oldest = all.last().map_or(NOW_MS, |run| run.started_ms);
        let bucket_ms = (NOW_MS - oldest) / 60 + 1;
        for run in &rows {
            counts[run.state as usize] += 1;
            buckets[((run.started_ms - oldest) / bucket_ms).min(59) as usize]
                [run.state as usize] += 1;
        }
        let rate = |window_ms| SuccessRate {
            window_ms,
            succeeded: 330 + window_ms as u64 % 7,
            failed: 61,
        };
        Ok(RunPage {
            now_ms: NOW_MS,
            older: Some("1795000000000.x".to_owned()),
            newer: filter.before.clone().map(|_| "1795000000001.x".to_owned()),
            matching: rows.len() as u64,
            total: 22_000,
            counts,
            rates: vec![rate(0), rate(3 * 3_600_000), rate(12 * 3_600_000), rate(48 * 3_600_000)],
            histogram: Histogram { start_ms: oldest, bucket_ms, buckets },
            facets: Facets {
                kinds: facets(all.iter().map(|run| run.kind.word().to_owned())),
                repos: facets(all.iter().filter_map(|run| run.refs.full_name())),
                authors: facets(
                    all.iter()
                        .flat_map(|run| run.refs.pulls.iter().map(|pull| pull.author.clone())),
                ),
                bases: facets(all.iter().map(|run| run.refs.base_ref.clone())),
                states: facets(all.iter().map(|run| run.state.word().to_owned())),
                clusters: facets(all.iter().map(|run| run.cluster.clone())),
            },
            rerun: Permission::yes(),
            abort: Permission::yes(),
            stream_id: String::new(),
            rows,
        })
    }

    async fn run(&self, _: &Viewer, key: &RunKey) -> Result<RunDetail, PageError> {
        let RunKey::Id(id) = key else {
            return Err(PageError::Unavailable {
                message: "The bucket `sample-ci` does not answer.".to_owned(),
                since_ms: Some(NOW_MS - 90_000),
            });
        };
        if id == "secret" {
            return Err(PageError::Forbidden {
                reason: "This run belongs to a repository that is hidden here.".to_owned(),
            });
        }
        let all = runs();
        let at = all.iter().position(|run| run.id == *id).ok_or_else(|| PageError::NotFound {
            message: format!("No run has the id `{id}`. It may have been deleted, or it has not been created yet."),
        })?;
        let row = all[at].clone();
        let allowed = at % 2 == 1;
        let permission = |word: &str| {
            if allowed {
                Permission::yes()
            } else {
                Permission::no(format!("{word} works only from this machine until login exists."))
            }
        };
        Ok(RunDetail {
            now_ms: NOW_MS,
            extra_refs: vec![],
            attempts: [3, 4, at as u64]
                .into_iter()
                .map(|n| {
                    let attempt = run(n);
                    Attempt {
                        current: attempt.id == row.id,
                        id: attempt.id,
                        href: attempt.href,
                        state: attempt.state,
                        started_ms: attempt.started_ms,
                    }
                })
                .collect(),
            hint: if row.state == RunState::Error {
                "The Pod could not start because the image `golang:nope` could not be pulled: manifest unknown.".to_owned()
            } else {
                String::new()
            },
            rerun: permission("Rerun"),
            rerun_latest: Permission::no("The job is no longer configured."),
            abort: permission("Abort"),
            metadata: vec![
                ("node".to_owned(), "k8s-node-17".to_owned()),
                ("repo-commit".to_owned(), sha(3)),
                ("module".to_owned(), "github.com/spf13/cobra@v1.8.0".to_owned()),
            ],
            links: vec![Link {
                text: "Pull request".to_owned(),
                href: "https://github.com/".to_owned(),
                title: String::new(),
            }],
            configured_job: "/configured-jobs/spf13/cobra?job=pull-cobra-unit".to_owned(),
            configured_at: "jobs/cobra.yaml:12".to_owned(),
            usual: Some(UsualDuration { median_ms: 154_000, runs: 50 }),
            older: run(at as u64 + 1).href,
            newer: if at > 0 { run(at as u64 - 1).href } else { String::new() },
            log: (row.state != RunState::Triggered && row.state != RunState::Error)
                .then_some(LogHead { size_bytes: total(id) * 66, complete: row.state.is_over() }),
            pins: vec![LogPin {
                id: 1,
                from: 1_041,
                to: 1_044,
                note: "The expectation that fails since Tuesday".to_owned(),
                who: "localhost".to_owned(),
                at_ms: NOW_MS - 7_200_000,
            }],
            may_pin: permission("Pin"),
            announcement: String::new(),
            references: histories::references(),
            artifacts: Some(if row.state.is_over() {
                [
                    "build-log.txt",
                    "finished.json",
                    "prowjob.json",
                    "started.json",
                    "artifacts/junit_01.xml",
                    "artifacts/profile.out",
                ]
                .into_iter()
                .enumerate()
                .map(|(at, name)| Artifact {
                    name: name.to_owned(),
                    size_bytes: mix(at as u64) % 3_000_000,
                    href: format!("/artifacts/{name}?preview"),
                    raw: format!("/artifacts/{name}"),
                    updated_ms: row.finished_ms,
                })
                .collect()
            } else {
                vec![]
            }),
            artifacts_cut: false,
            folder_href: "/gcs/sample-ci/logs/".to_owned(),
            folder: format!("gs://sample-ci/logs/{}/{}", row.job, row.build_id),
            pod: Some(PodView {
                name: row.id.clone(),
                namespace: "test-pods".to_owned(),
                phase: if row.state.is_over() { "Succeeded" } else { "Running" }.to_owned(),
                reason: String::new(),
                node: "this machine".to_owned(),
                containers: ["clonerefs", "initupload", "place-entrypoint", "test", "sidecar"]
                    .into_iter()
                    .enumerate()
                    .map(|(at, name)| PodContainer {
                        name: name.to_owned(),
                        init: at < 3,
                        image: format!("us-docker.pkg.dev/k8s-infra-prow/images/{name}:v20260821"),
                        state: if row.state.is_over() || at < 3 {
                            "terminated: Completed"
                        } else {
                            "running"
                        }
                        .to_owned(),
                        exit_code: (row.state.is_over() || at < 3).then_some(0),
                        message: String::new(),
                        started_ms: Some(row.started_ms + at as i64 * 1_000),
                        finished_ms: row.finished_ms,
                        ..PodContainer::default()
                    })
                    .collect(),
                ..PodView::default()
            }),
            lenses: vec![],
            places: vec![],
            notes: vec![],
            row,
        })
    }

    async fn log(&self, _: &Viewer, id: &str, range: LogRange) -> Result<LogLines, PageError> {
        let total = total(id);
        Ok(match range {
            LogRange::From { line, count } | LogRange::Errors { line, count } => {
                lines(line, count, total)
            }
            LogRange::FirstError(count) | LogRange::Last(count) => {
                lines(total.saturating_sub(count), count, total)
            }
        })
    }

    async fn job_history(&self, _: &Viewer, _: &str, _: &str) -> Result<JobHistory, PageError> {
        Ok(histories::job())
    }

    async fn pull_history(&self, _: &Viewer, _: &str) -> Result<PullHistory, PageError> {
        Ok(histories::pull())
    }

    async fn compare_runs(&self, _: &Viewer, _: &str) -> Result<RunComparison, PageError> {
        Ok(histories::comparison())
    }

    async fn file(&self, _: &Viewer, _: &str, path: &str) -> Result<FilePage, PageError> {
        Ok(FilePage {
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            view: FileView::Text("{\n  \"passed\": true\n}".to_owned()),
            ..FilePage::default()
        })
    }

    async fn lens(&self, _: &Viewer, _: &str, key: &str) -> Result<LensPage, PageError> {
        Err(PageError::NotFound { message: format!("There is no lens `{key}` here.") })
    }

    async fn log_folds(&self, _: &Viewer, _: &str) -> Result<Vec<LogFold>, PageError> {
        let fold = |n: u64, last: u64, name: &str, depth: u8| LogFold {
            n,
            last,
            name: name.to_owned(),
            depth,
            took_ms: Some((last - n) * 37),
            collapsed: false,
        };
        Ok(vec![
            fold(1, 40, "Clone", 0),
            fold(41, 9_000, "go test ./...", 0),
            fold(60, 80, "vet", 1),
        ])
    }

    async fn node_log(&self, _: &Viewer, _: &RunKey, _: &str) -> Result<NodeLogPage, PageError> {
        Ok(NodeLogPage { run: run(5), missing: true, ..NodeLogPage::default() })
    }

    async fn folder(&self, _: &Viewer, _: &str, _: &str, _: &str) -> Result<FolderPage, PageError> {
        Ok(FolderPage::default())
    }

    async fn run_tests(&self, _: &Viewer, _: &str, _: &str) -> Result<Option<RunTests>, PageError> {
        Ok(None)
    }

    async fn configured_jobs(
        &self,
        _: &Viewer,
        filter: &JobFilter,
    ) -> Result<ConfiguredJobs, PageError> {
        let jobs: Vec<ConfiguredJob> = JOBS
            .iter()
            .enumerate()
            .filter(|(_, job)| filter.repo.as_ref().is_none_or(|repo| job.1.ends_with(repo.as_str())))
            .filter(|(_, job)| filter.kind.is_none_or(|kind| job.2 == kind))
            .filter(|(_, job)| filter.search.as_ref().is_none_or(|words| job.0.contains(words.as_str())))
            .filter(|(_, job)| filter.job.as_ref().is_none_or(|name| job.0 == name))
            .map(|(at, (name, repo, kind))| {
                let (org, repo) = repo.split_once('/').unwrap_or(("", ""));
                let periodic = *kind == RunKind::Periodic;
                ConfiguredJob {
                    name: (*name).to_owned(),
                    kind: *kind,
                    org: org.to_owned(),
                    repo: repo.to_owned(),
                    branches: if at == 1 { vec!["main".to_owned(), "release-.*".to_owned()] } else { vec![] },
                    skip_branches: if at == 2 { vec!["gh-pages".to_owned()] } else { vec![] },
                    trigger: if periodic { String::new() } else { "when files match ^pkg/.*\\.go$".to_owned() },
                    rerun_command: format!("/test {name}"),
                    context: (*name).to_owned(),
                    optional: at == 2,
                    schedule: if periodic { "every 6h".to_owned() } else { String::new() },
                    next_run_ms: periodic.then_some(NOW_MS + 5_400_000),
                    last_run: Some(LastRun { href: run(at as u64).href, state: run(at as u64 + 5).state, started_ms: NOW_MS }),
                    cluster: "default".to_owned(),
                    max_concurrency: 4,
                    source: format!("config/jobs/sample.yaml:{}", 10 + at * 31),
                    yaml: filter.job.as_ref().map(|_| format!("name: {name}\nalways_run: true\ndecorate: true\nspec:\n  containers:\n  - image: golang:1.26\n    command: [\"go\", \"test\", \"./...\"]\n")),
                }
            })
            .collect();
        Ok(ConfiguredJobs {
            now_ms: NOW_MS,
            orgs: if filter.repo.is_some() {
                vec![]
            } else {
                ["spf13", "google", "uber-go", "kubernetes"]
                    .into_iter()
                    .filter(|org| filter.org.as_ref().is_none_or(|wanted| wanted == org))
                    .map(|org| OrgJobs {
                        org: org.to_owned(),
                        repos: [
                            "cobra",
                            "pflag",
                            "viper",
                            "api",
                            "kubernetes",
                            "test-infra",
                            "a-repository-with-a-long-name",
                        ]
                        .into_iter()
                        .enumerate()
                        .map(|(at, repo)| RepoJobs {
                            repo: repo.to_owned(),
                            presubmits: at as u64 * 13,
                            postsubmits: 2,
                            periodics: 1,
                        })
                        .collect(),
                    })
                    .collect()
            },
            without_repo: 2,
            matching: jobs.len() as u64,
            total: 3_849,
            page_size: 100,
            loaded_ms: Some(NOW_MS - 3_600_000),
            jobs,
        })
    }

    async fn status(&self, _: &Viewer) -> Result<StatusPage, PageError> {
        let component = |name: &str, does: &str, state, error: Option<&str>| ComponentStatus {
            name: name.to_owned(),
            does: does.to_owned(),
            state,
            since_ms: Some(NOW_MS - 7_200_000),
            last_ok_ms: Some(NOW_MS - 15_000),
            last_error: error
                .map(|text| PastError { at_ms: NOW_MS - 60_000, text: text.to_owned() }),
            restarts: u64::from(error.is_some()),
            note: String::new(),
        };
        Ok(StatusPage {
            now_ms: NOW_MS,
            started_ms: NOW_MS - 7_200_000,
            version: "0.1.0-preview".to_owned(),
            ready: true,
            metrics: true,
            components: vec![
                component("crier", "reports runs to the code host", ComponentState::Retrying, Some("GitHub answered 502 to a status of spf13/cobra; tried 3 times, next in 40 s")),
                component("plank", "turns ProwJobs into Pods", ComponentState::Running, None),
                component("horologium", "starts periodics", ComponentState::Running, Some("Could not write a ProwJob: the database was locked")),
                component("sinker", "collects old ProwJobs and Pods", ComponentState::Off, None),
            ],
            configs: vec![
                ConfigState {
                    name: "Prow configuration".to_owned(),
                    path: "config/config.yaml and config/jobs".to_owned(),
                    loaded_ms: Some(NOW_MS - 3_600_000),
                    holds: "3 849 jobs from 602 files".to_owned(),
                    failing_since_ms: Some(NOW_MS - 240_000),
                    failures: 4,
                    findings: vec![
                        ConfigFinding { severity: Severity::Error, file: "config/jobs/sample.yaml".to_owned(), line: 41, message: "job `pull-cobra-unit` is configured twice for branch `main`".to_owned(), rule: "unique-name-per-branch".to_owned() },
                        ConfigFinding { severity: Severity::Warning, file: "config/config.yaml".to_owned(), line: 7, message: "unknown key `plnk`".to_owned(), rule: "unknown-fields".to_owned() },
                    ],
                    more_findings: 3,
                },
                ConfigState { name: "Plugins".to_owned(), path: "config/plugins.yaml".to_owned(), loaded_ms: Some(NOW_MS - 3_600_000), holds: "2 organisations".to_owned(), ..ConfigState::default() },
            ],
            data: vec![
                DataAge { name: "ProwJobs".to_owned(), holds: "22 000".to_owned(), updated_ms: Some(NOW_MS - 2_000), stale: false },
                DataAge { name: "Run history".to_owned(), holds: "271 runs".to_owned(), updated_ms: Some(NOW_MS - 7_000_000), stale: true },
            ],
            notes: vec!["Jobs run as processes of this machine, without isolation: run only what you trust.".to_owned()],
        })
    }

    async fn deliveries(
        &self,
        _: &Viewer,
        filter: &DeliveryFilter,
    ) -> Result<Deliveries, PageError> {
        let rows: Vec<DeliveryRow> = (0..40)
            .map(delivery)
            .filter(|row| filter.state.is_none_or(|state| row.state == state))
            .filter(|row| filter.event.as_ref().is_none_or(|event| row.event == *event))
            .collect();
        Ok(Deliveries {
            now_ms: NOW_MS,
            older: Some("1".to_owned()),
            total: 1_204,
            pending: 1,
            events: vec!["issue_comment".to_owned(), "pull_request".to_owned(), "push".to_owned()],
            replay: Permission::yes(),
            rows,
        })
    }

    async fn delivery(&self, _: &Viewer, id: i64) -> Result<DeliveryDetail, PageError> {
        Ok(DeliveryDetail {
            now_ms: NOW_MS,
            row: delivery(id),
            headers: vec![("x-github-event".to_owned(), "pull_request".to_owned()), ("user-agent".to_owned(), "GitHub-Hookshot/abc".to_owned())],
            payload: "{\n  \"action\": \"opened\",\n  \"number\": 1007,\n  \"pull_request\": {\n    \"title\": \"<script>alert(1)</script>\"\n  }\n}".to_owned(),
            cut_bytes: 12_000,
            runs: vec![Link { text: "pull-pflag-unit".to_owned(), href: run(5).href, title: String::new() }],
            replay: if id % 2 == 0 { Permission::yes() } else { Permission::no("Replay works only from this machine until login exists.") },
        })
    }

    async fn suggest(
        &self,
        _: &Viewer,
        text: &str,
        _: usize,
    ) -> Result<Vec<Suggestion>, PageError> {
        Ok(found(text))
    }
}

fn delivery(id: i64) -> DeliveryRow {
    let state = match id % 7 {
        0 => DeliveryState::Pending,
        3 => DeliveryState::Failed,
        _ => DeliveryState::Handled,
    };
    DeliveryRow {
        id,
        guid: format!("{:08x}-11f0-8abc-{:012x}", mix(id as u64) as u32, mix(id as u64) >> 16),
        event: ["pull_request", "issue_comment", "push"][(id % 3) as usize].to_owned(),
        action: ["opened", "created", ""][(id % 3) as usize].to_owned(),
        repo: "spf13/pflag".to_owned(),
        sender: "release-bot".to_owned(),
        received_ms: NOW_MS - id * 61_000,
        handled_ms: (state != DeliveryState::Pending).then_some(NOW_MS - id * 61_000 + 40),
        size_bytes: 2_000 + mix(id as u64) % 23_000,
        state,
        note: match state {
            DeliveryState::Pending => String::new(),
            DeliveryState::Handled => "trigger started 2 jobs".to_owned(),
            DeliveryState::Failed => {
                "trigger: GitHub answered 403 to the list of changed files".to_owned()
            }
        },
        attempts: 1 + u64::from(state == DeliveryState::Failed) * 2,
    }
}
