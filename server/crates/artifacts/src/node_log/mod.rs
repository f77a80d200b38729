//! What the logs of a cluster's nodes say about one Pod, as Gubernator's node-log page shows it.
//!
//! A run that tests a cluster leaves the logs of its nodes among its artifacts. [`found`] says which of
//! them are a kubelet's or an API server's, [`pod_of`] which Pod a failure is about, [`ReferenceSearch`]
//! what else that Pod is called there, [`Filter`] which lines name it, [`Digest`] shows those with
//! their neighbours, and [`Weave`] puts the lines of several logs into the order of their times. All
//! of it takes lines one by one, so a log may have any size.

mod digest;
mod filter;
mod lines;
mod weave;

pub use digest::{Digest, Digested, NEIGHBOURS, Piece, ShownLine};
pub use filter::{ERROR_WORDS, Fields, Filter, ObjectReference, ReferenceSearch, words};
pub use lines::{Lines, RawLine};
pub use weave::{Weave, Woven};

/// The name of a kubelet's log.
const KUBELET: &str = "kubelet.log";
/// The name of an API server's log.
const APISERVER: &str = "kube-apiserver.log";

/// The logs of nodes among the files of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found<'f> {
    /// Those of kubelets.
    pub kubelets: Vec<&'f str>,
    /// Those of API servers.
    pub apiservers: Vec<&'f str>,
    /// All logs that one may choose from, those included.
    pub all: Vec<&'f str>,
}

impl Found<'_> {
    /// Whether there is no log of a node.
    pub fn is_empty(&self) -> bool {
        self.kubelets.is_empty() && self.apiservers.is_empty()
    }
}

/// Whether a file of a run is the log of a node, by its path below the run's folder.
pub fn is_node_log(file: &str) -> bool {
    matches!(name_of(file), KUBELET | APISERVER)
        && file.strip_prefix(crate::ARTIFACTS_DIR).is_some_and(|rest| rest.starts_with('/'))
}

/// The logs of nodes among the files of a run, by their paths below its folder. If a folder has a
/// file of results of the name `junit`, alone or with its path, beside the logs of a node, only the
/// logs of that folder count: the failure is from there. Otherwise all do that the run left.
pub fn found<'f>(files: impl IntoIterator<Item = &'f str>, junit: &str) -> Found<'f> {
    let below = format!("{}/", crate::ARTIFACTS_DIR);
    let files: Vec<&str> = files.into_iter().filter(|file| file.starts_with(&below)).collect();
    let is_junit = |file: &str| !junit.is_empty() && (file == junit || name_of(file) == junit);
    let own =
        files.iter().copied().filter(|file| is_junit(file)).map(folder_of).find(|folder| {
            files.iter().any(|file| is_node_log(file) && folder_of(file) == *folder)
        });
    let mut found = Found::default();
    for file in files {
        if !file.ends_with(".log") || own.is_some_and(|own| folder_of(file) != own) {
            continue;
        }
        match name_of(file) {
            KUBELET => found.kubelets.push(file),
            APISERVER => found.apiservers.push(file),
            _ => {}
        }
        found.all.push(file);
    }
    found
}

fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn folder_of(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The Pod that a failure's text is about: the first word behind ` pod ` that looks like a Pod's
/// name, since one also waits for a pod *to* be gone.
pub fn pod_of(text: &str) -> Option<&str> {
    const IN_NAMES: [char; 2] = ['-', '.'];
    text.split(" pod ").skip(1).find_map(|rest| {
        let word = rest.split_whitespace().next()?;
        let is_quoted = word.starts_with(['"', '\'', '`', '\\']);
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        // Messages name a Pod with its namespace in front of it.
        let name = word.rsplit('/').next()?;
        let is_name = !name.is_empty()
            && name.len() <= 253
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || IN_NAMES.contains(&c));
        let is_marked =
            is_quoted || name.contains('-') || name.contains(|c: char| c.is_ascii_digit());
        (is_name && is_marked).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_pod() {
        for (text, pod) in [
            ("start pod 'client-c6671' to", Some("client-c6671")),
            ("wait for pod \"pod-secrets-1\" to disappear", Some("pod-secrets-1")),
            ("expected pod e2e-tests-a/busy-2: gone", Some("busy-2")),
            ("waiting for pod to be gone, then pod web-0.", Some("web-0")),
            ("the pod \\\"web\\\" is not running", Some("web")),
            ("wait for pod to disappear", None),
            ("no pod", None),
            ("podium pods-1", None),
            ("the pod <script>-1", None),
        ] {
            assert_eq!(pod_of(text), pod, "{text}");
        }
    }

    #[test]
    fn the_logs_of_the_node_count_that_the_results_are_from() {
        const FILES: [&str; 8] = [
            "artifacts/junit_01.xml",
            "artifacts/tmp-node-2/kube-apiserver.log",
            "artifacts/tmp-node-2/kubelet.log",
            "artifacts/tmp-node-image/docker.log",
            "artifacts/tmp-node-image/junit_02.xml",
            "artifacts/tmp-node-image/kubelet.log",
            "artifacts/tmp-node-image/serial-1.txt",
            "build-log.txt",
        ];
        let all = found(FILES, "junit_01.xml");
        assert_eq!(all.kubelets, ["artifacts/tmp-node-2/kubelet.log", FILES[5]]);
        assert_eq!(all.apiservers, ["artifacts/tmp-node-2/kube-apiserver.log"]);
        assert_eq!(all.all.len(), 4);
        for junit in ["junit_02.xml", "artifacts/tmp-node-image/junit_02.xml"] {
            let own = found(FILES, junit);
            assert_eq!(own.kubelets, [FILES[5]], "{junit}");
            assert!(own.apiservers.is_empty());
            assert_eq!(own.all, [FILES[3], FILES[5]]);
        }
        assert!(found(["artifacts/junit_01.xml", "artifacts/etcd.log"], "").is_empty());
        assert!(found(["kubelet.log", "artifacts/x-kubelet.log"], "").is_empty());
    }
}
