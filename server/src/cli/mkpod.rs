//! `bowsprit mkpod`: prints the Pod that runs a ProwJob, as Prow's mkpod does.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clock::{Clock as _, SystemClock};
use config_load::yaml;
use go_compat::yaml_emit::to_yaml;
use job_spec::pod_decoration::{PlankPodOptions, prow_job_to_pod};
use job_spec::snowflake::BuildIds;
use job_spec::{PodSpec, ProwJob, labels};
use serde_json::{Map, Value, json};

use super::prompt::{ask, note, print};

/// The command's flags.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The file with the ProwJob to decorate, - for standard input.
    #[arg(long, value_name = "FILE")]
    pub prow_job: String,
    /// The build id of the run, or `snowflake` to make one.
    #[arg(long, value_name = "ID", default_value = "")]
    pub build_id: String,
    /// Let the pod utilities copy to a folder on the host instead of uploading, so that no
    /// credentials are needed. Works well with kind.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub local: bool,
    /// With --local: the folder on the host to copy to; a new temporary one if not given.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
}

/// Prints the Pod.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if !args.local && args.out_dir.is_some() {
        anyhow::bail!("--out-dir may only be specified in --local mode");
    }
    let mut job = read_prow_job(&args.prow_job)?;
    let build_id = choose_build_id(&args.build_id, &job);
    job.status.build_id.clone_from(&build_id);
    let local_output_dir = match args.local {
        true => Some(local_output_dir(args.out_dir.as_deref(), &job)?),
        false => None,
    };
    let options = PlankPodOptions { local_output_dir, ..PlankPodOptions::default() };
    print(&pod_yaml(&job, &options, ask)?)?;
    Ok(ExitCode::SUCCESS)
}

fn read_prow_job(source: &str) -> anyhow::Result<ProwJob> {
    let (bytes, name) = if source == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("could not read standard input")?;
        (bytes, "standard input")
    } else {
        let bytes = std::fs::read(source).with_context(|| format!("could not read {source}"))?;
        (bytes, source)
    };
    let text = yaml::decode(bytes).with_context(|| format!("{name} is not text"))?;
    parse_prow_job(&text).with_context(|| format!("{name} does not hold a ProwJob"))
}

pub(super) fn parse_prow_job(text: &str) -> anyhow::Result<ProwJob> {
    let place = |mark: yaml::Mark| format!("line {}, column {}", mark.line, mark.column);
    let node = yaml::read(text).map_err(|e| anyhow::anyhow!("{}: {e}", place(e.mark)))?;
    yaml::de::from_node(&node).map_err(|e| anyhow::anyhow!("{e}"))
}

/// The id asked for, else the one that the ProwJob carries.
fn choose_build_id(asked: &str, job: &ProwJob) -> String {
    let build_id = match asked {
        "" => job.status.build_id.clone(),
        asked if asked.eq_ignore_ascii_case("snowflake") => {
            let build_id = BuildIds::new().next(SystemClock.now().millis());
            note(&format!("Generated build-id for job: {build_id}"));
            build_id
        }
        asked => asked.to_owned(),
    };
    if build_id.is_empty() {
        note(
            "No build id found in the ProwJob's status or given with --build-id: uploads will not \
             find their place.",
        );
    }
    build_id
}

/// The folder on the host that a local run copies to: a folder of its own for this build.
fn local_output_dir(asked: Option<&Path>, job: &ProwJob) -> anyhow::Result<String> {
    let build_id = &job.status.build_id;
    let dir = match asked {
        Some(dir) => dir.join(build_id),
        None => new_temp_dir(&format!("prowjob-out-{}-{build_id}", job.spec.job))?,
    };
    let dir = dir.to_str().context("the output folder's name is not text")?.to_owned();
    note(&format!(
        "Pod utilities are set up for local mode: files will be copied to {dir} on the node \
         instead of being uploaded."
    ));
    Ok(dir)
}

/// A new folder that nobody else can have prepared.
fn new_temp_dir(prefix: &str) -> anyhow::Result<PathBuf> {
    let name = format!("{prefix}{}", uuid::Uuid::new_v4().simple());
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir(&dir)
        .with_context(|| format!("could not create the output folder {}", dir.display()))?;
    Ok(dir)
}

/// The Pod as Prow's mkpod prints it, the empty line at the end included.
fn pod_yaml(
    job: &ProwJob,
    options: &PlankPodOptions,
    ask: impl FnMut(&str) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let mut pod = prow_job_to_pod(job, &job.status.build_id, options)
        .context("could not decorate the pod spec")?;
    // Sinker deletes Pods with this label whose ProwJob is not in the cluster.
    pod.metadata.labels.remove(labels::CREATED_BY_PROW);
    if options.local_output_dir.is_some() {
        let mut spec = pod.spec.to_value();
        replace_volumes(&mut spec, ask)?;
        pod.spec = PodSpec::from_value(&spec);
    }
    let pod = serde_json::to_value(&pod).context("could not write the Pod as JSON")?;
    Ok(format!("{}\n", to_yaml(&pod)))
}

/// Asks what should stand in for each volume that a cluster at hand may lack.
fn replace_volumes(
    spec: &mut Value,
    mut ask: impl FnMut(&str) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) else {
        return Ok(());
    };
    let is_local = |volume: &Map<String, Value>| {
        volume.contains_key("hostPath") || volume.contains_key("emptyDir")
    };
    let foreign = volumes.iter_mut().filter_map(Value::as_object_mut).filter(|v| !is_local(v));
    for (i, volume) in foreign.enumerate() {
        if i == 0 {
            note(
                "For each of the following volumes specify one of:\n \
                 - 'empty' to use an emptyDir;\n \
                 - a path on the host to use hostPath;\n \
                 - '' (nothing) to use the existing volume source and assume it is available in the cluster",
            );
        }
        let name = volume.get("name").cloned().unwrap_or_default();
        let (key, source) = match ask(&format!("Volume {name}: "))?.as_str() {
            "" => continue,
            choice if choice == "empty" || choice.eq_ignore_ascii_case("emptydir") => {
                ("emptyDir", json!({}))
            }
            path => ("hostPath", json!({ "path": path })),
        };
        volume.clear();
        volume.insert("name".to_owned(), name);
        volume.insert(key.to_owned(), source);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const PROW_JOB: &str = r#"
apiVersion: prow.k8s.io/v1
kind: ProwJob
metadata:
  name: 942f904f-41f8-4d6f-971b-a8bdd18110c7
  labels:
    created-by-prow: "true"
spec:
  agent: kubernetes
  job: nightly
  type: periodic
  pod_spec:
    containers:
    - image: golang:1.26
    volumes:
    - name: cache
      secret:
        secretName: s
    - name: scratch
      emptyDir: {}
    - name: sources
      configMap:
        name: c
    - name: data
      persistentVolumeClaim:
        claimName: d
status:
  state: triggered
  build_id: 17
"#;

    fn no_questions(question: &str) -> anyhow::Result<String> {
        anyhow::bail!("asked {question}")
    }

    #[test]
    fn the_pod_is_printed_as_prow_prints_it() {
        let mut job = parse_prow_job(PROW_JOB).unwrap();
        job.status.build_id = choose_build_id("42", &job);
        let pod = pod_yaml(&job, &PlankPodOptions::default(), no_questions).unwrap();
        let expected = r#"apiVersion: v1
kind: Pod
metadata:
  annotations:
    prow.k8s.io/context: ""
    prow.k8s.io/job: nightly
  labels:
    prow.k8s.io/build-id: "42"
    prow.k8s.io/context: ""
    prow.k8s.io/id: 942f904f-41f8-4d6f-971b-a8bdd18110c7
    prow.k8s.io/job: nightly
    prow.k8s.io/type: periodic
  name: 942f904f-41f8-4d6f-971b-a8bdd18110c7
spec:
  automountServiceAccountToken: false
  containers:
  - env:
    - name: BUILD_ID
      value: "42"
    - name: BUILD_NUMBER
      value: "42"
    - name: CI
      value: "true"
    - name: JOB_NAME
      value: nightly
    - name: JOB_SPEC
      value: '{"type":"periodic","job":"nightly","buildid":"42","prowjobid":"942f904f-41f8-4d6f-971b-a8bdd18110c7"}'
    - name: JOB_TYPE
      value: periodic
    - name: PROW_JOB_ID
      value: 942f904f-41f8-4d6f-971b-a8bdd18110c7
    image: golang:1.26
    name: test
    resources: {}
    terminationMessagePolicy: FallbackToLogsOnError
  restartPolicy: Never
  volumes:
  - name: cache
    secret:
      secretName: s
  - emptyDir: {}
    name: scratch
  - configMap:
      name: c
    name: sources
  - name: data
    persistentVolumeClaim:
      claimName: d
status: {}

"#;
        assert_eq!(pod, expected);
    }

    #[test]
    fn the_build_id_is_the_one_asked_for_else_the_one_of_the_prow_job() {
        let mut job = parse_prow_job(PROW_JOB).unwrap();
        assert_eq!(choose_build_id("", &job), "17", "a number stands for its text");
        assert_eq!(choose_build_id("42", &job), "42");
        let made = choose_build_id("Snowflake", &job);
        assert!(made.len() > 15 && made.bytes().all(|b| b.is_ascii_digit()), "{made}");
        job.status.build_id.clear();
        assert_eq!(choose_build_id("", &job), "");
    }

    #[test]
    fn local_mode_asks_for_volumes_that_a_cluster_may_lack() {
        let job = parse_prow_job(PROW_JOB).unwrap();
        let mut spec = job.spec.pod_spec.unwrap().to_value();
        let mut answers = VecDeque::from(["/srv/cache", "EmptyDir", ""]);
        let mut questions = Vec::new();
        let ask = |question: &str| {
            questions.push(question.to_owned());
            Ok(answers.pop_front().unwrap_or_default().to_owned())
        };
        replace_volumes(&mut spec, ask).unwrap();
        assert_eq!(questions, ["Volume \"cache\": ", "Volume \"sources\": ", "Volume \"data\": "]);
        let expected = json!([
            {"name": "cache", "hostPath": {"path": "/srv/cache"}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "sources", "emptyDir": {}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "d"}},
        ]);
        assert_eq!(spec["volumes"], expected);
    }

    #[test]
    fn what_is_no_prow_job_is_refused_with_its_place() {
        let error = parse_prow_job("spec:\n  job: [unfinished").unwrap_err().to_string();
        assert!(error.contains("line "), "{error}");
        let error = read_prow_job("no/such/file.yaml").unwrap_err();
        assert_eq!(error.to_string(), "could not read no/such/file.yaml");
    }

    #[tokio::test]
    async fn an_output_folder_needs_local_mode() {
        let args = Args {
            prow_job: "-".to_owned(),
            build_id: String::new(),
            local: false,
            out_dir: Some("/tmp".into()),
        };
        let error = run(args).await.unwrap_err();
        assert_eq!(error.to_string(), "--out-dir may only be specified in --local mode");
    }
}
