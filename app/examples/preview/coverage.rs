//! Made-up coverage.

use app::model::{
    CoverageChange, CoverageComparison, CoverageFile, CoverageHeatmap, CoverageIndex, CoverageLine,
    CoverageLink, CoverageProfile, CoverageRow, CoverageSeries, CoverageShare, CoverageState,
};

use crate::data::NOW_MS;

const DAY_MS: i64 = 24 * 3_600_000;

fn share(covered: u64, total: u64, change: i8) -> CoverageShare {
    CoverageShare {
        covered,
        total,
        percent: format!("{:.1}", covered as f64 * 100.0 / total as f64),
        step: (covered * 10 / total) as u8,
        change,
        below: covered * 10 < total * 6,
    }
}

fn profile(id: i64) -> CoverageProfile {
    CoverageProfile {
        id,
        version: format!("v1.{id}.0"),
        build: (1_990_000_000_000 + id).to_string(),
        started_ms: NOW_MS - (20 - id) * DAY_MS,
        run_href: "/".to_owned(),
        share: share(4_100 + id as u64 * 30, 5_000, 1),
        problem: String::new(),
    }
}

fn job_link(job: &str) -> CoverageLink {
    CoverageLink { text: job.to_owned(), href: format!("/coverage/{job}") }
}

pub(crate) fn index() -> CoverageIndex {
    let series =
        ["ci-testify-unit", "ci-logrus-unit", "pull-cobra-unit"].map(|job| CoverageSeries {
            job: job.to_owned(),
            path: "artifacts/coverage/profile.out".to_owned(),
            href: format!("/coverage/{job}"),
            profiles: 12,
            newest: profile(12),
        });
    CoverageIndex { now_ms: NOW_MS, series: series.into() }
}

pub(crate) fn heatmap(job: &str) -> CoverageHeatmap {
    let row = |name: &str, base: u64| CoverageRow {
        name: name.to_owned(),
        href: format!("/coverage/{job}?dir={name}"),
        cells: (0..12_u64)
            .map(|at| {
                (name != "mock/" || at < 7)
                    .then(|| share(base + 9 * (12 - at), 1_000, (at % 3) as i8 - 1))
            })
            .collect(),
        trend: "▁▁▂▃▃▄▅▅▆▆▇█".to_owned(),
    };
    CoverageHeatmap {
        now_ms: NOW_MS,
        job: job.to_owned(),
        path: "artifacts/coverage/profile.out".to_owned(),
        by_version: true,
        by_run_href: format!("/coverage/{job}?by=runs"),
        by_version_href: format!("/coverage/{job}?by=versions"),
        threshold: "60".to_owned(),
        columns: (1..=12).rev().map(profile).collect(),
        all: row("all", 800),
        rows: vec![row("assert/", 880), row("mock/", 410), row("require/", 60), row("doc.go", 0)],
        above: vec![job_link(job)],
        ..CoverageHeatmap::default()
    }
}

pub(crate) fn file(job: &str) -> CoverageFile {
    let states =
        [CoverageState::None, CoverageState::Ran, CoverageState::Partly, CoverageState::Missed];
    CoverageFile {
        now_ms: NOW_MS,
        job: job.to_owned(),
        name: "github.com/stretchr/testify/assert/doc.go".to_owned(),
        above: vec![job_link(job)],
        profile: profile(12),
        share: share(40, 60, 0),
        counts: true,
        lines: (1..=24_u32)
            .map(|line| CoverageLine {
                first: line,
                last: line,
                state: states[line as usize % states.len()],
                count: u64::from(line) * 7,
                text: Some(format!("    statement({line})")),
            })
            .collect(),
        ..CoverageFile::default()
    }
}

pub(crate) fn comparison(job: &str) -> CoverageComparison {
    CoverageComparison {
        now_ms: NOW_MS,
        job: job.to_owned(),
        href: format!("/coverage/{job}"),
        new: profile(12),
        old: profile(11),
        changes: vec![CoverageChange {
            name: "assert/doc.go".to_owned(),
            href: format!("/coverage/{job}/file"),
            old: Some(share(50, 100, 0)),
            new: Some(share(71, 100, 1)),
            delta: "21.0".to_owned(),
        }],
        document_href: "/".to_owned(),
        ..CoverageComparison::default()
    }
}
