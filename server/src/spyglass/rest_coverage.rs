//! The restcoverage lens: how much of a REST API a run's requests reached.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Requests that are shown, the least covered first.
pub const SHOWN: usize = 1_000;

/// What a run reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestCoverage {
    /// Parameters that were used.
    pub hits: u64,
    /// Parameters that there are.
    pub expected: u64,
    /// The share in percent, as the report has it.
    pub percent: f64,
    /// The requests, the least covered first.
    pub requests: Vec<Request>,
    /// Requests that are not shown.
    pub left_out: usize,
}

/// A method of a path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The path, as `/api/v1/pods/{name}`.
    pub path: String,
    /// The method, in capitals.
    pub method: String,
    /// Parameters that were used.
    pub hits: u64,
    /// Parameters that there are.
    pub expected: u64,
    /// The share in percent.
    pub percent: f64,
    /// Whether the method was called at all.
    pub called: bool,
    /// Parameters that were never used, as `body: spec.name`.
    pub missing: Vec<String>,
}

/// Below which share a report is shown as bad or as wanting, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Wanting below this one.
    pub warning: f64,
    /// Bad below this one.
    pub error: f64,
}

impl Thresholds {
    /// As the lens is configured: `threshold_warning` and `threshold_error`. Without any settings 40 and
    /// 10; of settings that name one the other is 0, as Prow has it.
    ///
    /// # Errors
    /// The settings contradict each other, said in a sentence.
    pub fn of(config: Option<&Value>) -> Result<Thresholds, String> {
        let Some(config) = config.filter(|config| !config.is_null()) else {
            return Ok(Thresholds { warning: 40.0, error: 10.0 });
        };
        let number = |name: &str| config.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let found =
            Thresholds { warning: number("threshold_warning"), error: number("threshold_error") };
        if found.error > found.warning {
            return Err(format!(
                "deck.spyglass.lenses: threshold_error ({}) of restcoverage is larger than \
                 threshold_warning ({}).",
                found.error, found.warning
            ));
        }
        Ok(found)
    }

    /// `failure`, `flaky` or `success`: the state whose hue stands for a share.
    pub fn state(self, percent: f64) -> &'static str {
        if percent < self.error {
            "failure"
        } else if percent < self.warning {
            "flaky"
        } else {
            "success"
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Report {
    unique_hits: u64,
    expected_unique_hits: u64,
    percent: f64,
    endpoints: BTreeMap<String, BTreeMap<String, Endpoint>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    params: Params,
    unique_hits: u64,
    expected_unique_hits: u64,
    percent: f64,
    method_called: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Params {
    body: Option<Value>,
    query: Option<Value>,
}

/// Reads a report.
///
/// # Errors
/// It is none, said in a sentence.
pub fn read(name: &str, bytes: &[u8]) -> Result<RestCoverage, String> {
    // A list would be read as the fields in their order.
    let report: Report = serde_json::from_slice::<serde_json::Map<String, Value>>(bytes)
        .and_then(|fields| serde_json::from_value(Value::Object(fields)))
        .map_err(|error| format!("{name} is no report of REST coverage: {error}."))?;
    let mut requests: Vec<Request> = report
        .endpoints
        .into_iter()
        .flat_map(|(path, methods)| {
            methods.into_iter().map(move |(method, endpoint)| Request {
                path: path.clone(),
                method: method.to_uppercase(),
                hits: endpoint.unique_hits,
                expected: endpoint.expected_unique_hits,
                percent: endpoint.percent,
                called: endpoint.method_called,
                missing: missing(&endpoint.params),
            })
        })
        .collect();
    requests.sort_by(|a, b| {
        let names = |request: &Request| (request.path.clone(), request.method.clone());
        a.percent.total_cmp(&b.percent).then_with(|| names(a).cmp(&names(b)))
    });
    let left_out = requests.len().saturating_sub(SHOWN);
    requests.truncate(SHOWN);
    Ok(RestCoverage {
        hits: report.unique_hits,
        expected: report.expected_unique_hits,
        percent: report.percent,
        requests,
        left_out,
    })
}

/// Parameters of one request that are named.
const NAMED: usize = 20;
/// Parameters within each other.
const DEEP: usize = 32;

/// The leaves of the parameters that were never used.
fn missing(params: &Params) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, tree) in [("body", &params.body), ("query", &params.query)] {
        if let Some(root) = tree.as_ref().and_then(|tree| tree.get("root")) {
            unused(kind, &mut Vec::new(), root, &mut found);
        }
    }
    found
}

fn unused<'t>(kind: &str, path: &mut Vec<&'t str>, node: &'t Value, found: &mut Vec<String>) {
    if found.len() >= NAMED || path.len() > DEEP {
        return;
    }
    let items = node.get("items").and_then(Value::as_object).filter(|items| !items.is_empty());
    let Some(items) = items else {
        let hits = node.get("hits").and_then(Value::as_u64).unwrap_or(0);
        if hits == 0 && !path.is_empty() {
            found.push(format!("{kind}: {}", path.join(".")));
        }
        return;
    };
    for (name, item) in items {
        path.push(name);
        unused(kind, path, item, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_tells_what_was_never_used() {
        let report = json!({
            "uniqueHits": 3, "expectedUniqueHits": 4, "percent": 75.0,
            "threshold_warning": 0,
            "endpoints": {
                "/pets": {"post": {
                    "uniqueHits": 1, "expectedUniqueHits": 2, "percent": 50.0, "methodCalled": true,
                    "params": {"body": {"root": {"hits": 1, "items": {
                        "name": {"hits": 1, "items": {}},
                        "owner": {"hits": 0, "items": {"id": {"hits": 0, "items": {}}}},
                    }}}, "query": null},
                }},
                "/pets/{id}": {"get": {"uniqueHits": 0, "expectedUniqueHits": 1, "percent": 0.0}},
            },
        });
        let found = read("r.json", report.to_string().as_bytes()).unwrap();
        assert_eq!((found.hits, found.expected, found.percent), (3, 4, 75.0));
        let told: Vec<(&str, &str, bool)> = found
            .requests
            .iter()
            .map(|request| (request.path.as_str(), request.method.as_str(), request.called))
            .collect();
        assert_eq!(told, [("/pets/{id}", "GET", false), ("/pets", "POST", true)]);
        assert_eq!(found.requests[1].missing, ["body: owner.id"]);
        let error = read("r.json", b"[1]").unwrap_err();
        assert!(error.starts_with("r.json is no report of REST coverage"), "{error}");
    }

    #[test]
    fn thresholds_are_those_of_prow() {
        let of = |config: Value| Thresholds::of(Some(&config)).map(|t| (t.warning, t.error));
        assert_eq!(Thresholds::of(None), Ok(Thresholds { warning: 40.0, error: 10.0 }));
        assert_eq!(of(json!({"threshold_warning": 60})), Ok((60.0, 0.0)));
        assert!(of(json!({"threshold_error": 5})).is_err());
        let both = Thresholds { warning: 60.0, error: 20.0 };
        assert_eq!([10.0, 30.0, 60.0].map(|p| both.state(p)), ["failure", "flaky", "success"]);
    }
}
