//! Which artifacts of a run are coverage profiles, by their names.

/// Endings of profiles' names: Go's usual ones, those of Kubernetes' components, and LCOV's.
const ENDINGS: [&str; 4] = [".cov", ".coverprofile", ".lcov", ".cobertura.xml"];

/// Whole names of profiles: what the commands of Go's, LCOV's and Cobertura's documentation write,
/// and the coverage robot's.
const NAMES: [&str; 13] = [
    "c.out",
    "cobertura-coverage.xml",
    "cobertura.xml",
    "cov.out",
    "cover.out",
    "coverage-profile",
    "coverage.info",
    "coverage.out",
    "coverage.txt",
    "coverage.xml",
    "lcov.info",
    "profile.cov",
    "profile.out",
];

/// Whether a file of this path is named like a coverage profile, upper and lower case alike. What it
/// holds may still be something else.
pub fn is_profile_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// Orders profiles of one run: the one that Prow's coverage lens shows first, then by path.
pub fn profile_order(path: &str) -> (bool, &str) {
    (path != "artifacts/filtered.cov", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_known_by_their_names() {
        for name in [
            "artifacts/filtered.cov",
            "artifacts/coverage/profile.out",
            "artifacts/node-1/kubelet.cov",
            "artifacts/LCOV.info",
            "coverage-profile",
        ] {
            assert!(is_profile_name(name), "{name}");
        }
        for name in ["artifacts/filtered.html", "artifacts/junit_01.xml", ".cov", "profile.outer"] {
            assert!(!is_profile_name(name), "{name}");
        }
        let mut paths = ["artifacts/a.cov", "artifacts/filtered.cov"];
        paths.sort_by_key(|path| profile_order(path));
        assert_eq!(paths[0], "artifacts/filtered.cov");
    }
}
