//! Whose code runs on a machine that isolates nothing.

use job_spec::{ProwJob, Refs};

/// What is trusted on the embedded cluster, whose pods are processes of this machine.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Whether pods are processes of this machine; elsewhere the cluster isolates them.
    pub embedded: bool,
    /// Whether the operator said that everything may run.
    pub allow_untrusted: bool,
    /// Orgs and repositories (`org`, `org/repo`) that the operator named.
    pub repositories: Vec<String>,
}

/// The first repository of the job whose code must not run here, if any.
///
/// A repository is trusted if the operator named it or if it lies on this machine anyway: the
/// code host's link, or the job's `clone_uri`, is a path or a loopback address. A job may set
/// `clone_uri` itself, so that counts only where `central` says that the job stands in the
/// operator's own configuration, and not in the repository that is to be judged.
#[must_use]
pub fn untrusted_repository(job: &ProwJob, trust: &Trust, central: bool) -> Option<String> {
    if !trust.embedded || trust.allow_untrusted {
        return None;
    }
    job.spec
        .refs
        .iter()
        .chain(&job.spec.extra_refs)
        .find(|refs| !is_trusted(refs, trust, central))
        .map(Refs::org_repo)
}

fn is_trusted(refs: &Refs, trust: &Trust, central: bool) -> bool {
    let full = refs.org_repo();
    let named = trust.repositories.iter().any(|named| *named == full || *named == refs.org);
    named
        || (central && !refs.clone_uri.is_empty() && is_local(&refs.clone_uri))
        || (refs.clone_uri.is_empty() && !refs.repo_link.is_empty() && is_local(&refs.repo_link))
}

/// Whether a clone address is a path or names this machine.
fn is_local(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else {
        // `host:path` and `user@host:path` are ssh; a path has its slash before any colon.
        let path = address.split(':').next().unwrap_or_default();
        return address.starts_with(['/', '.']) && (path == address || path.contains('/'));
    };
    if scheme.eq_ignore_ascii_case("file") {
        return true;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
