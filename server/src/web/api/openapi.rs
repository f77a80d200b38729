//! `/api/v1/openapi.json`: the API's description, made from the handlers.

use app::model::RunRow;
use axum::Json;
use utoipa::OpenApi;

use super::stream::{Gone, Hello};
use crate::web::cache::CachePolicy;

/// The document; `server/openapi.json` is a copy of it, which a test compares.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bowsprit",
        description = "Runs, their logs and files, their histories, webhook deliveries, coverage, and the test grid. Times are milliseconds since 1970 in UTC. What changes something (POST) is for those who may press the buttons of the pages, and is refused to scripts of other sites.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        super::runs::runs,
        super::start::start,
        super::stream::stream,
        super::log::lines,
        super::log::folds,
        super::log::search,
        super::tests::tests,
        super::log::stream,
        super::pins::list,
        super::pins::pin,
        super::pins::remove,
        super::references::references,
        super::artifacts::artifact,
        super::histories::compare,
        super::histories::job,
        super::histories::pull,
        super::suggest::suggest,
        super::deliveries::replay,
        super::coverage::index,
        super::coverage::job,
        super::coverage::file,
        super::coverage::compare,
        super::coverage::table,
        super::coverage::profile,
        super::testgrid::data::dashboards,
        super::testgrid::data::dashboard_groups,
        super::testgrid::data::dashboard_group,
        super::testgrid::data::dashboard_summaries,
        super::testgrid::data::dashboard,
        super::testgrid::data::tabs,
        super::testgrid::data::tab,
        super::testgrid::data::headers,
        super::testgrid::data::rows,
        super::testgrid::data::tab_summaries,
        super::testgrid::data::tab_summary,
        super::testgrid::data::summary,
        super::testgrid::data::grid,
        super::testgrid::export::csv,
        super::testgrid::export::metrics,
        super::testgrid::junit::junit,
        super::testgrid::status::status,
        super::testgrid::page::columnar,
        super::testgrid::page::view_of,
        super::testgrid::page::names,
        super::testgrid::page::cell,
        super::testgrid::page::open,
        super::testgrid::page::diff,
        super::testgrid::page::metric,
        super::testgrid::page::clusters,
        super::testgrid::stream::stream,
        openapi,
    ),
    components(schemas(Hello, Gone, RunRow)),
    tags(
        (name = "runs", description = "Runs of jobs."),
        (name = "deliveries", description = "Webhook deliveries."),
        (name = "coverage", description = "Coverage profiles of runs: the newest of each job, heatmaps, files line by line, comparisons."),
        (name = "testgrid", description = "The test grid: TestGrid's own documents, and what the page of a tab works with. Names in paths are percent-encoded; errors are text, 404 for what is not there."),
        (name = "about", description = "The API itself."),
    ),
)]
pub struct ApiDoc;

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "about",
    responses((status = 200, description = "The API's description, OpenAPI 3.1.", body = Object)),
)]
pub async fn openapi() -> (CachePolicy, Json<utoipa::openapi::OpenApi>) {
    (CachePolicy::Short, Json(ApiDoc::openapi()))
}

/// The document as it lies in the repository.
pub fn document() -> String {
    let mut text = ApiDoc::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use app::model::{
        CoverageComparison, CoverageFile, CoverageHeatmap, CoverageIndex, JobHistory, LogFold,
        LogHits, LogLines, LogPin, PullHistory, RunComparison, RunFilter, RunPage, RunReference,
        Suggestion,
    };
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Method, Request, StatusCode, header};
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::super::deliveries::Replayed;
    use super::super::pins::Unpinned;
    use super::super::start::{Start, Started};
    use super::*;
    use crate::web::error::ErrorDocument;
    use crate::web::router::api_routes;
    use crate::web::testing::pages;

    fn json() -> Value {
        serde_json::to_value(ApiDoc::openapi()).unwrap()
    }

    /// Every operation of the document: its path, its method, and what stands there.
    fn operations(document: &Value) -> Vec<(String, String, Value)> {
        let paths = document["paths"].as_object().unwrap();
        let of_path = |(path, item): (&String, &Value)| {
            let path = path.clone();
            let each = item.as_object().unwrap().clone().into_iter();
            each.map(move |(method, operation)| (path.clone(), method, operation))
        };
        paths.iter().flat_map(of_path).collect()
    }

    #[tokio::test]
    async fn every_route_is_described_and_everything_described_is_routed() {
        let described: BTreeSet<(String, String)> = operations(&json())
            .into_iter()
            .map(|(path, method, _)| (path, method.to_uppercase()))
            .collect();
        let web = pages("{}", &[]);
        let mut routed = BTreeSet::new();
        for (path, handlers) in api_routes() {
            let path = path.replace("{*", "{");
            // A method that no handler takes is refused with those that are taken.
            let router = Router::new().route("/", handlers).with_state(web.clone());
            let asked = Request::builder().method(Method::TRACE).uri("/").body(Body::empty());
            let answer = router.oneshot(asked.unwrap()).await.unwrap();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            let allowed = answer.headers()[header::ALLOW].to_str().unwrap();
            // axum answers HEAD wherever it answers GET.
            let methods = allowed.split(',').filter(|method| *method != "HEAD");
            routed.extend(methods.map(|method| (path.clone(), method.to_owned())));
        }
        assert_eq!(described, routed);
    }

    #[test]
    fn every_parameter_of_a_path_is_described() {
        for (path, method, operation) in operations(&json()) {
            let described: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let named: BTreeSet<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(described, named, "{method} {path}");
        }
    }

    #[test]
    fn every_described_filter_of_the_run_list_is_one() {
        let document = json();
        for parameter in document["paths"]["/api/v1/runs"]["get"]["parameters"].as_array().unwrap()
        {
            let name = parameter["name"].as_str().unwrap();
            let value = match name {
                "type" => "periodic",
                "state" => "failure",
                "since" | "until" => "3h",
                _ => "7",
            };
            let filter = RunFilter::from_pairs([(name, value)]);
            assert_ne!(filter, RunFilter::default(), "{name} is described and does not filter");
        }
    }

    /// The examples of an operation, each with its schema.
    fn examples(operation: &Value) -> Vec<(String, Value, Value)> {
        let responses = operation["responses"].as_object().unwrap();
        let of_response = |(status, response): (&String, &Value)| {
            let status = status.clone();
            let content = response["content"].as_object().cloned().unwrap_or_default();
            content.into_iter().map(move |(media, content)| {
                (format!("{status} {media}"), content["schema"].clone(), content["example"].clone())
            })
        };
        let asked = ("asked".to_owned(), operation["requestBody"].clone());
        responses.iter().chain([(&asked.0, &asked.1)]).flat_map(of_response).collect()
    }

    /// Reads an example as the type that the name of its schema stands for, and writes it again.
    fn again(schema: &str, example: &Value) -> Value {
        fn of<T: Serialize + DeserializeOwned>(example: &Value) -> Value {
            serde_json::to_value(serde_json::from_value::<T>(example.clone()).unwrap()).unwrap()
        }
        match schema {
            "CoverageIndex" => of::<CoverageIndex>(example),
            "CoverageHeatmap" => of::<CoverageHeatmap>(example),
            "CoverageFile" => of::<CoverageFile>(example),
            "CoverageComparison" => of::<CoverageComparison>(example),
            "RunPage" => of::<RunPage>(example),
            "JobHistory" => of::<JobHistory>(example),
            "PullHistory" => of::<PullHistory>(example),
            "RunComparison" => of::<RunComparison>(example),
            "LogFold" => of::<Vec<LogFold>>(example),
            "LogPin" if example.is_array() => of::<Vec<LogPin>>(example),
            "LogPin" => of::<LogPin>(example),
            "RunReference" => of::<Vec<RunReference>>(example),
            "Unpinned" => of::<Unpinned>(example),
            "LogHits" => of::<LogHits>(example),
            "LogLines" => of::<LogLines>(example),
            "Suggestion" => of::<Vec<Suggestion>>(example),
            "Replayed" => of::<Replayed>(example),
            "Start" => of::<Start>(example),
            "Started" => of::<Started>(example),
            "ErrorDocument" => of::<ErrorDocument>(example),
            other => panic!("no type is known for the schema {other}"),
        }
    }

    #[test]
    fn every_json_example_is_read_by_its_model_and_fits_its_schema() {
        let document = json();
        let mut seen = BTreeMap::new();
        for (path, method, operation) in operations(&document) {
            for (what, schema, example) in examples(&operation) {
                let place = format!("{method} {path} {what}");
                if example.is_null() || !what.ends_with("application/json") {
                    let whole_document = path == "/api/v1/openapi.json";
                    let other = !what.ends_with("application/json");
                    assert!(whole_document || other, "{place} has no example");
                    continue;
                }
                let named = schema["$ref"].as_str().or(schema["items"]["$ref"].as_str());
                let named = named.and_then(|name| name.rsplit('/').next()).unwrap_or_default();
                assert_eq!(again(named, &example), example, "{place}");
                fits(&document, &schema, &example, &place);
                seen.insert(named.to_owned(), place);
            }
        }
        let seen: Vec<&str> = seen.keys().map(String::as_str).collect();
        assert_eq!(
            seen,
            [
                "CoverageComparison",
                "CoverageFile",
                "CoverageHeatmap",
                "CoverageIndex",
                "ErrorDocument",
                "JobHistory",
                "LogFold",
                "LogHits",
                "LogLines",
                "LogPin",
                "PullHistory",
                "Replayed",
                "RunComparison",
                "RunPage",
                "RunReference",
                "Start",
                "Started",
                "Suggestion",
                "Unpinned"
            ]
        );
    }

    /// That a value has what its schema says and nothing that it does not say.
    fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            let target = document.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null);
            assert!(target.is_object(), "{place}: {name} is not described");
            return fits(document, target, value, place);
        }
        // What is optional is null or what it is.
        if let Some(either) = schema["oneOf"].as_array() {
            let is_null = |schema: &&Value| schema["type"] == "null";
            let fitting = either.iter().find(|schema| is_null(schema) == value.is_null());
            return fits(document, fitting.unwrap(), value, place);
        }
        if let Some(words) = schema["enum"].as_array() {
            assert!(words.contains(value), "{place}: {value} is none of {words:?}");
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(types.iter().any(|t| t == is), "{place}: {value} should be {types:?}");
        if let Some(items) = value.as_array() {
            for item in items {
                fits(document, &schema["items"], item, place);
            }
        }
        if let Some(fields) = value.as_object() {
            let properties = schema["properties"].as_object().unwrap();
            for (name, field) in fields {
                let property = properties.get(name).unwrap_or(&Value::Null);
                assert!(property.is_object(), "{place}: {name} is not described");
                fits(document, property, field, &format!("{place}.{name}"));
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(name.as_str().unwrap()), "{place} has no {name}");
            }
        }
    }
}
