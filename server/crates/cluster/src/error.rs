//! What can go wrong between a component and the cluster.

use std::time::Duration;

/// Why the cluster did not do what was asked. The variants are the answers of a Kubernetes API
/// server, so that components decide alike whichever cluster they talk to.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClusterError {
    /// There is no such object (404).
    #[error("{kind} `{name}` does not exist")]
    NotFound {
        /// Kind of the object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An object of this name exists (409, reason AlreadyExists).
    #[error("{kind} `{name}` exists already")]
    AlreadyExists {
        /// Kind of the object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The object has changed since it was read, or is another one (409, reason Conflict): read
    /// it again and decide anew.
    #[error("{kind} `{name}` was not written: {message}")]
    Conflict {
        /// Kind of the object.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What does not agree.
        message: String,
    },
    /// The history no longer reaches back to the wanted version (410): list again.
    #[error("the watch cannot go on: {0}; list again")]
    Gone(String),
    /// The object is not acceptable as it is (400, 413, 422); trying again does not help.
    #[error("{0}")]
    Invalid(String),
    /// The cluster knows us but does not let us (401, 403); may change with its settings.
    #[error("{0}")]
    Forbidden(String),
    /// Too many requests (429): wait.
    #[error("the cluster asks to wait {} s before the next request", .retry_after.as_secs())]
    TooManyRequests {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The cluster did not answer, or with an error of its own (5xx): try again later.
    #[error("the cluster is not available: {0}")]
    Unavailable(String),
    /// No build cluster has this alias.
    #[error("there is no build cluster `{alias}` (known: {known})")]
    UnknownBuildCluster {
        /// The alias asked for.
        alias: String,
        /// The aliases there are, with commas.
        known: String,
    },
}

impl ClusterError {
    /// Whether the same request will fail again however often it is sent. Only 400, 413 and 422
    /// (and an unknown alias) are of this kind; 401, 403, 408, 409 and 429 are not.
    pub fn is_permanent(&self) -> bool {
        matches!(self, ClusterError::Invalid(_) | ClusterError::UnknownBuildCluster { .. })
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ClusterError::NotFound { .. })
    }

    /// Whether an object of the name exists already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, ClusterError::AlreadyExists { .. })
    }

    /// Whether the object was changed by somebody else in the meantime.
    pub fn is_conflict(&self) -> bool {
        matches!(self, ClusterError::Conflict { .. })
    }

    /// One word for metric labels and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            ClusterError::NotFound { .. } => "not_found",
            ClusterError::AlreadyExists { .. } => "already_exists",
            ClusterError::Conflict { .. } => "conflict",
            ClusterError::Gone(_) => "gone",
            ClusterError::Invalid(_) => "invalid",
            ClusterError::Forbidden(_) => "forbidden",
            ClusterError::TooManyRequests { .. } => "too_many_requests",
            ClusterError::Unavailable(_) => "unavailable",
            ClusterError::UnknownBuildCluster { .. } => "unknown_build_cluster",
        }
    }
}

impl From<store::StoreError> for ClusterError {
    fn from(error: store::StoreError) -> ClusterError {
        ClusterError::Unavailable(error.to_string())
    }
}
