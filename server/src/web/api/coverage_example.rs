//! The examples of the API of coverage.

use app::model::{
    CoverageChange, CoverageComparison, CoverageFile, CoverageHeatmap, CoverageIndex, CoverageLine,
    CoverageLink, CoverageProfile, CoverageRow, CoverageSeries, CoverageShare, CoverageState,
};
use axum::http::StatusCode;

use crate::web::error::{ErrorBody, ErrorDocument};

/// 2026-11-21 06:00:00 UTC, when everything in the examples happens.
const NOW_MS: i64 = 1_795_240_800_000;
const HOUR_MS: i64 = 3_600_000;
const PATH: &str = "artifacts/cover.out";

fn error(status: StatusCode, message: &str) -> ErrorDocument {
    ErrorDocument { error: ErrorBody { status: status.as_u16(), message: message.to_owned() } }
}

pub(super) fn bad() -> ErrorDocument {
    error(StatusCode::BAD_REQUEST, "threshold=high is no percentage from 0 to 100.")
}

pub(super) fn missing() -> ErrorDocument {
    let message = "The job unit has no coverage profile number 7, or it was removed.";
    error(StatusCode::NOT_FOUND, message)
}

pub(super) fn away() -> ErrorDocument {
    error(StatusCode::SERVICE_UNAVAILABLE, "The coverage could not be read.")
}

fn share(covered: u64, change: i8) -> CoverageShare {
    CoverageShare {
        covered,
        total: 1_000,
        percent: format!("{}.{}", covered / 10, covered % 10),
        step: (covered / 100) as u8,
        change,
        below: covered < 800,
    }
}

fn profile(id: i64, covered: u64, change: i8) -> CoverageProfile {
    CoverageProfile {
        id,
        version: format!("v1.{id}.0"),
        build: (1_991_745_000 + id).to_string(),
        started_ms: NOW_MS - (20 - id) * HOUR_MS,
        run_href: format!("/view/gs/results/logs/unit/{}", 1_991_745_000 + id),
        share: share(covered, change),
        problem: String::new(),
    }
}

fn link(text: &str, href: &str) -> CoverageLink {
    CoverageLink { text: text.to_owned(), href: href.to_owned() }
}

pub(super) fn index() -> CoverageIndex {
    CoverageIndex {
        now_ms: NOW_MS,
        series: vec![CoverageSeries {
            job: "unit".to_owned(),
            path: PATH.to_owned(),
            href: "/coverage/unit".to_owned(),
            profiles: 12,
            newest: profile(12, 841, 1),
        }],
    }
}

pub(super) fn heatmap() -> CoverageHeatmap {
    let query = "path=artifacts%2Fcover.out&by=versions&threshold=80";
    let here = format!("/coverage/unit?{query}");
    CoverageHeatmap {
        now_ms: NOW_MS,
        job: "unit".to_owned(),
        path: PATH.to_owned(),
        profiles: vec![link(PATH, "/coverage/unit?path=artifacts%2Fcover.out")],
        by_version: true,
        by_run_href: "/coverage/unit?path=artifacts%2Fcover.out&by=runs&threshold=80&dir=pkg%2F"
            .to_owned(),
        by_version_href: format!("{here}&dir=pkg%2F"),
        threshold: "80".to_owned(),
        directory: "pkg/".to_owned(),
        above: vec![link("unit", &format!("{here}&dir=%2F"))],
        columns: vec![profile(12, 841, 1), profile(11, 839, 0)],
        all: CoverageRow {
            name: "Everything here".to_owned(),
            href: String::new(),
            cells: vec![Some(share(841, 1)), Some(share(839, 0))],
            trend: "▄▄".to_owned(),
        },
        rows: vec![CoverageRow {
            name: "api/".to_owned(),
            href: format!("{here}&dir=pkg%2Fapi%2F"),
            cells: vec![Some(share(498, 0)), None],
            trend: " ▄".to_owned(),
        }],
        more_rows: 0,
        older: None,
        trend_src: format!("/coverage/unit/trend.svg?{query}&dir=pkg%2F&of=12-11"),
        tree_src: format!("/coverage/unit/tree.svg?{query}&dir=pkg%2F&of=12-11"),
    }
}

pub(super) fn file() -> CoverageFile {
    CoverageFile {
        now_ms: NOW_MS,
        job: "unit".to_owned(),
        name: "pkg/api/a.go".to_owned(),
        above: vec![link("unit", "/coverage/unit?path=artifacts%2Fcover.out&dir=%2F")],
        profile: profile(12, 841, 0),
        share: share(498, 0),
        others: vec![link(
            "v1.11.0 49.6 %",
            "/coverage/unit/file?profile=11&name=pkg%2Fapi%2Fa.go",
        )],
        counts: true,
        lines: vec![CoverageLine {
            first: 7,
            last: 9,
            state: CoverageState::Partly,
            count: 3,
            text: None,
        }],
        source_href: "https://github.com/org/repo/blob/v1.12.0/pkg/api/a.go".to_owned(),
        more_lines: 0,
    }
}

pub(super) fn comparison() -> CoverageComparison {
    CoverageComparison {
        now_ms: NOW_MS,
        job: "unit".to_owned(),
        href: "/coverage/unit?path=artifacts%2Fcover.out".to_owned(),
        new: profile(12, 841, 1),
        old: profile(11, 839, 0),
        threshold: "80".to_owned(),
        is_low: true,
        choices: vec![profile(12, 841, 0), profile(11, 839, 0)],
        changes: vec![CoverageChange {
            name: "pkg/api/a.go".to_owned(),
            href: "/coverage/unit/file?profile=12&name=pkg%2Fapi%2Fa.go".to_owned(),
            old: Some(share(480, 0)),
            new: Some(share(498, 1)),
            delta: "1.8".to_owned(),
        }],
        more_changes: 0,
        document_href: "/api/v1/coverage/unit/table?new=12&old=11&threshold=80".to_owned(),
    }
}
