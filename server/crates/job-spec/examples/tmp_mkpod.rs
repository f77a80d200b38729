#![allow(missing_docs, clippy::print_stdout)]
use job_spec::pod_decoration::*;
fn main() {
    let text = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let jobs: Vec<job_spec::ProwJob> = serde_json::from_str(&text).unwrap();
    let local = std::env::args().nth(2);
    let opts = PlankPodOptions { local_output_dir: local.clone(), ..Default::default() };
    let pods: Vec<serde_json::Value> = jobs
        .iter()
        .map(|j| match prow_job_to_pod(j, &j.status.build_id, &opts) {
            Ok(mut p) => {
                p.metadata.labels.remove("created-by-prow");
                serde_json::to_value(&p).unwrap()
            }
            Err(e) => serde_json::json!({"error": e.to_string()}),
        })
        .collect();
    println!("{}", serde_json::to_string(&pods).unwrap());
}
