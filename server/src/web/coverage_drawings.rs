//! `/coverage/{job}/trend.svg` and `/coverage/{job}/tree.svg`: the drawings of a heatmap.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use coverage::Ratio;

use super::backend_impl::coverage::Query;
use super::backend_impl::coverage::job::{Chosen, choose};
use super::drawings::{refused, svg};
use super::error::HttpResult;
use super::state::{SharedWeb, Web};
use crate::coverage::chart;
use crate::coverage::heatmap::heatmap;

/// Which drawing.
#[derive(Clone, Copy)]
enum Drawing {
    Trend,
    Tree,
}

/// The share over the columns of the heatmap.
pub async fn trend(
    State(web): State<SharedWeb>,
    Path(job): Path<String>,
    uri: Uri,
) -> HttpResult<Response> {
    drawn(&web, &job, uri.query().unwrap_or_default(), Drawing::Trend).await
}

/// The entries of the directory in its newest profile.
pub async fn tree(
    State(web): State<SharedWeb>,
    Path(job): Path<String>,
    uri: Uri,
) -> HttpResult<Response> {
    drawn(&web, &job, uri.query().unwrap_or_default(), Drawing::Tree).await
}

async fn drawn(web: &Web, job: &str, query: &str, drawing: Drawing) -> HttpResult<Response> {
    let query = Query::of(query);
    let threshold = query.threshold().map_err(refused)?;
    let chosen = choose(web, job, &query).await.map_err(refused)?;
    let coverage = super::backend_impl::coverage::coverage(web).map_err(refused)?;
    let ids: Vec<String> = chosen.keys.iter().map(|key| key.id.to_string()).collect();
    let kind = match drawing {
        Drawing::Trend => "trend",
        Drawing::Tree => "tree",
    };
    // Profiles never change, so their numbers and the directory say what is drawn.
    let name = format!("{kind} {} {:?} {}", ids.join(","), threshold, chosen.directory);
    let made = coverage.drawing(&name, || draw(&chosen, threshold, drawing));
    Ok(svg(&made))
}

fn draw(chosen: &Chosen, threshold: Option<f64>, drawing: Drawing) -> String {
    let profiles = chosen.summaries.iter().map(AsRef::as_ref);
    match drawing {
        Drawing::Trend => {
            let map = heatmap(profiles, &chosen.directory);
            let shares: Vec<f64> =
                map.all.iter().flatten().map(|ratio| ratio.share() * 100.0).collect();
            let named = |at: Option<usize>| {
                let key = at.and_then(|at| chosen.keys.get(at));
                key.map_or("", |key| if key.version.is_empty() { &key.build } else { &key.version })
            };
            let oldest = map.all.iter().rposition(Option::is_some);
            let newest = map.all.iter().position(Option::is_some);
            let ends = (named(oldest), named(newest));
            chart::trend(&shares, threshold, ends)
        }
        Drawing::Tree => {
            let map = heatmap(profiles.take(1), &chosen.directory);
            let newest = |cells: Vec<Option<Ratio>>| cells.into_iter().next().flatten();
            let entries: Vec<(String, Ratio)> = map
                .rows
                .into_iter()
                .filter_map(|(name, cells)| Some((name, newest(cells)?)))
                .collect();
            chart::tree(&entries)
        }
    }
}
