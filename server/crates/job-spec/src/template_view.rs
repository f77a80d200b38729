//! ProwJobs as Go templates see them.
//!
//! Prow's `job_url_template` and report templates name Go's fields: `{{.Spec.Refs.Org}}`, not
//! `spec.refs.org`. Every field is present, since a template that reads an empty one is no mistake.

use serde_json::{Value, json};

use crate::prow_job::ProwJob;
use crate::refs::{Pull, Refs};

/// The value that a template over a ProwJob is rendered with.
pub fn prow_job(job: &ProwJob) -> Value {
    let meta = json!({
        "Name": job.metadata.name,
        "Namespace": job.metadata.namespace,
        "UID": job.metadata.uid,
        "Labels": job.metadata.labels,
        "Annotations": job.metadata.annotations,
        "CreationTimestamp": job.metadata.creation_timestamp,
    });
    let spec = &job.spec;
    let status = &job.status;
    let mut view = json!({
        "APIVersion": job.api_version,
        "Kind": job.kind,
        "Spec": {
            "Type": spec.job_type,
            "Agent": spec.agent,
            "Cluster": spec.cluster,
            "Namespace": spec.namespace,
            "Job": spec.job,
            "Refs": spec.refs.as_ref().map(refs),
            "ExtraRefs": spec.extra_refs.iter().map(refs).collect::<Vec<_>>(),
            "Report": spec.report,
            "Context": spec.context,
            "RerunCommand": spec.rerun_command,
            "MaxConcurrency": spec.max_concurrency,
            "ErrorOnEviction": spec.error_on_eviction,
            "PodSpec": spec.pod_spec,
            "JenkinsSpec": spec.jenkins_spec.as_ref().map(|jenkins| {
                json!({"GitHubBranchSourceJob": jenkins.github_branch_source_job})
            }),
            "DecorationConfig": spec.decoration_config,
            "ReporterConfig": spec.reporter_config,
            "Hidden": spec.hidden,
            "JobQueueName": spec.job_queue_name,
        },
        "Status": {
            "StartTime": status.start_time,
            "PendingTime": status.pending_time,
            "CompletionTime": status.completion_time,
            "State": status.state,
            "Description": status.description,
            "URL": status.url,
            "PodRevivalCount": status.pod_revival_count,
            "PodName": status.pod_name,
            "BuildID": status.build_id,
            "JenkinsBuildID": status.jenkins_build_id,
            "PrevReportStates": status.prev_report_states,
        },
    });
    // Go promotes the fields of the embedded metadata, and has it under its own name too.
    if let (Value::Object(view), Value::Object(fields)) = (&mut view, &meta) {
        view.extend(fields.clone());
        view.insert("ObjectMeta".to_owned(), meta);
    }
    view
}

fn refs(refs: &Refs) -> Value {
    json!({
        "Org": refs.org,
        "Repo": refs.repo,
        "RepoLink": refs.repo_link,
        "BaseRef": refs.base_ref,
        "BaseSHA": refs.base_sha,
        "BaseLink": refs.base_link,
        "Pulls": refs.pulls.iter().map(pull).collect::<Vec<_>>(),
        "PathAlias": refs.path_alias,
        "WorkDir": refs.workdir,
        "Auxiliary": refs.auxiliary,
        "CloneURI": refs.clone_uri,
        "SkipSubmodules": refs.skip_submodules,
        "CloneDepth": refs.clone_depth,
        "SkipFetchHead": refs.skip_fetch_head,
        "BloblessFetch": refs.blobless_fetch,
        "SparseCheckoutFiles": refs.sparse_checkout_files,
    })
}

fn pull(pull: &Pull) -> Value {
    json!({
        "Number": pull.number,
        "Author": pull.author,
        "SHA": pull.sha,
        "Title": pull.title,
        "Ref": pull.r#ref,
        "HeadRef": pull.head_ref,
        "Link": pull.link,
        "CommitLink": pull.commit_link,
        "AuthorLink": pull.author_link,
    })
}
