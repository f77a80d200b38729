//! Names of ProwJobs that follow from their cause.

use sha2::{Digest, Sha256};
use uuid::Builder;

/// The name of the run that `cause` asks for: the same for the same parts, always.
///
/// Prow names a run by a random UUID, so what creates runs must never be done twice. Here a run
/// that is caused by an event (a webhook delivery, a tick of a schedule) is named after the event
/// and the job: whoever handles the event again after a crash creates the same names, and the
/// second creation fails with "already exists", which is success. It is a UUID because pods,
/// labels and tools take it for one: version 8, the one RFC 9562 leaves to name-based hashes of
/// one's own.
#[must_use]
pub fn run_name(cause: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in cause {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cause_has_one_name_and_another_cause_another() {
        let name = run_name(&["push", "abc", "job"]);
        assert_eq!(name, run_name(&["push", "abc", "job"]));
        assert_ne!(name, run_name(&["push", "abcjob"]));
        assert_ne!(name, run_name(&["push", "ab", "cjob"]));
        let uuid = uuid::Uuid::parse_str(&name).unwrap();
        assert_eq!(uuid.get_version_num(), 8);
        assert_eq!(name.len(), 36);
    }
}
