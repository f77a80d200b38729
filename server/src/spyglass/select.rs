//! Which lenses a run has, by the names of its files: as Prow's Deck chooses them.

use std::sync::LazyLock;

use config_load::prow::deck::{LensFileConfig, LensRemoteConfig, Spyglass};
use go_compat::GoRegex;
use serde_json::Value;

/// Where Deck serves its own lenses; an entry that names this place means a built-in one.
const LOCAL_ENDPOINT: &str = "http://127.0.0.1:1234/dynamic/";

/// A lens that is part of this program. Its title and place do not come from the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Lower numbers come first.
    pub priority: i64,
    /// Whether Deck shows no title above it.
    pub hide_title: bool,
    /// The files that it needs where the configuration has no lens at all.
    required: &'static [&'static str],
    /// The files that it also gets then.
    optional: &'static [&'static str],
}

/// Names of coverage profiles; those that `coverage::is_profile_name` knows.
const PROFILES: &str = "^artifacts/(?:.*/)?(?:[^/]+\\.(?:cov|coverprofile|lcov|cobertura\\.xml)\
    |(?:c|cov|cover|coverage|profile)\\.out|(?:coverage|lcov)\\.info|coverage\\.(?:txt|xml)\
    |coverage-profile|cobertura(?:-coverage)?\\.xml)$";

const fn built_in(
    name: &'static str,
    title: &'static str,
    priority: i64,
    required: &'static [&'static str],
) -> BuiltIn {
    BuiltIn { name, title, priority, hide_title: false, required, optional: &[] }
}

/// The built-in lenses.
pub const BUILT_IN: [BuiltIn; 9] = [
    BuiltIn {
        hide_title: true,
        optional: &["^(?:podinfo|prowjob)\\.json$"],
        ..built_in("metadata", "Metadata", 0, &["^(?:started|finished)\\.json$"])
    },
    built_in("restcoverage", "REST API coverage report", 0, &["^artifacts/rest-coverage\\.json$"]),
    BuiltIn { hide_title: true, ..built_in("html", "HTML", 3, &["^artifacts/[^/]+\\.html$"]) },
    built_in("junit", "JUnit", 5, &["^artifacts(/.*/|/)junit.*\\.xml$"]),
    built_in("markdown", "Summary", 5, &["^artifacts/[^/]+\\.md$"]),
    BuiltIn {
        optional: &["^artifacts/filtered\\.html$"],
        ..built_in("coverage", "Coverage", 7, &[PROFILES])
    },
    built_in("buildlog", "Build Log", 10, &["^.*build-log\\.txt$"]),
    BuiltIn {
        optional: &["^prowjob\\.json$"],
        ..built_in("podinfo", "Job Pod Info", 20, &["^podinfo\\.json$"])
    },
    built_in("links", "Debugging links", 20, &["^artifacts/.*\\.link\\.(?:txt|json)$"]),
];

/// The patterns of the built-in lenses, which are constants that a test compiles.
static COMPILED: LazyLock<Vec<(Vec<GoRegex>, Vec<GoRegex>)>> = LazyLock::new(|| {
    let compiled = |patterns: &[&str]| -> Vec<GoRegex> {
        patterns.iter().filter_map(|pattern| GoRegex::new(pattern).ok()).collect()
    };
    BUILT_IN.iter().map(|lens| (compiled(lens.required), compiled(lens.optional))).collect()
});

/// A lens that a run has.
#[derive(Clone, Debug)]
pub struct Chosen<'c> {
    /// What names it in addresses: its name, with a number where several have it.
    pub key: String,
    /// Its place in the configuration, by which Deck's addresses go; 0 where nothing is configured.
    pub index: usize,
    /// Its name.
    pub name: &'c str,
    /// What people read.
    pub title: String,
    /// Lower numbers come first.
    pub priority: i64,
    /// Whether no title is shown above it.
    pub hide_title: bool,
    /// Its settings.
    pub config: Option<&'c Value>,
    /// How to reach it, if another server offers it.
    pub remote: Option<&'c LensRemoteConfig>,
    /// The files that it shows, in the order of their names.
    pub files: Vec<&'c str>,
}

/// The lenses of a run with files of these names: those all of whose required patterns match some
/// name. Lower priority first, then by name.
pub fn chosen<'c>(spyglass: &'c Spyglass, names: &[&'c str]) -> Vec<Chosen<'c>> {
    let mut found: Vec<Chosen<'c>> = if spyglass.lenses.is_empty() {
        let lenses = BUILT_IN.iter().zip(COMPILED.iter());
        lenses
            .filter_map(|(lens, (required, optional))| {
                let required: Vec<&GoRegex> = required.iter().collect();
                let files = matching(&required, &optional.iter().collect::<Vec<_>>(), names)?;
                Some(of_built_in(lens, 0, None, files))
            })
            .collect()
    } else {
        let entries = spyglass.lenses.iter().enumerate();
        entries.filter_map(|(index, entry)| of_entry(spyglass, index, entry, names)).collect()
    };
    found.sort_by(|a, b| a.priority.cmp(&b.priority).then_with(|| a.name.cmp(b.name)));
    for at in 0..found.len() {
        let before = found[..at].iter().filter(|other| other.name == found[at].name).count();
        if before > 0 {
            found[at].key = format!("{}-{}", found[at].name, before + 1);
        }
    }
    found
}

/// The files that a lens shows, in the order of their names; nothing if the lens is not configured or
/// a file that it requires is not there. Of several entries of one lens the first that matches counts.
pub fn files_of_lens<'n>(
    spyglass: &Spyglass,
    lens: &str,
    names: impl Iterator<Item = &'n str>,
) -> Option<Vec<&'n str>> {
    let names: Vec<&str> = names.collect();
    if spyglass.lenses.is_empty() {
        let at = BUILT_IN.iter().position(|known| known.name == lens)?;
        let (required, optional) = &COMPILED[at];
        let required: Vec<&GoRegex> = required.iter().collect();
        return matching(&required, &optional.iter().collect::<Vec<_>>(), &names);
    }
    let mut entries = spyglass.lenses.iter().filter(|entry| entry.lens.name == lens);
    entries.find_map(|entry| {
        let (required, optional) = patterns(spyglass, entry);
        matching(&required, &optional, &names)
    })
}

fn of_entry<'c>(
    spyglass: &'c Spyglass,
    index: usize,
    entry: &'c LensFileConfig,
    names: &[&'c str],
) -> Option<Chosen<'c>> {
    let (required, optional) = patterns(spyglass, entry);
    let files = matching(&required, &optional, names)?;
    let config = entry.lens.config.as_ref();
    let Some(remote) = remote_of(entry) else {
        let lens = BUILT_IN.iter().find(|lens| lens.name == entry.lens.name)?;
        return Some(of_built_in(lens, index, config, files));
    };
    let title = if remote.title.is_empty() { &entry.lens.name } else { &remote.title };
    Some(Chosen {
        key: entry.lens.name.clone(),
        index,
        name: &entry.lens.name,
        title: title.clone(),
        priority: remote.priority.unwrap_or(0),
        hide_title: remote.hide_title.unwrap_or(false),
        config,
        remote: Some(remote),
        files,
    })
}

fn of_built_in<'c>(
    lens: &'static BuiltIn,
    index: usize,
    config: Option<&'c Value>,
    files: Vec<&'c str>,
) -> Chosen<'c> {
    Chosen {
        key: lens.name.to_owned(),
        index,
        name: lens.name,
        title: lens.title.to_owned(),
        priority: lens.priority,
        hide_title: lens.hide_title,
        config,
        remote: None,
        files,
    }
}

/// How to reach the lens of an entry, if another server offers it.
pub fn remote_of(entry: &LensFileConfig) -> Option<&LensRemoteConfig> {
    let remote = entry.remote_config.as_ref()?;
    let is_here = remote.endpoint.is_empty() || remote.endpoint.starts_with(LOCAL_ENDPOINT);
    (!is_here).then_some(remote)
}

fn patterns<'c>(
    spyglass: &'c Spyglass,
    entry: &LensFileConfig,
) -> (Vec<&'c GoRegex>, Vec<&'c GoRegex>) {
    let compiled = |patterns: &[String]| {
        patterns.iter().filter_map(|pattern| spyglass.regex_cache.get(pattern)).collect()
    };
    (compiled(&entry.required_files), compiled(&entry.optional_files))
}

fn matching<'n>(
    required: &[&GoRegex],
    optional: &[&GoRegex],
    names: &[&'n str],
) -> Option<Vec<&'n str>> {
    let is_there = |pattern: &&GoRegex| names.iter().any(|name| pattern.is_match(name));
    if !required.iter().all(is_there) {
        return None;
    }
    let is_shown = |name: &&&str| required.iter().chain(optional).any(|p| p.is_match(name));
    let mut shown: Vec<&str> = names.iter().filter(is_shown).copied().collect();
    shown.sort_unstable();
    shown.dedup();
    Some(shown)
}

#[cfg(test)]
mod tests {
    use config_load::prow::deck::LensConfig;

    use super::*;

    const NAMES: [&str; 5] = [
        "artifacts/junit_01.xml",
        "artifacts/deep/er/junit.xml",
        "artifacts/notjunit.xml",
        "build-log.txt",
        "finished.json",
    ];

    fn files(spyglass: &Spyglass, lens: &str) -> Option<Vec<&'static str>> {
        files_of_lens(spyglass, lens, NAMES.into_iter())
    }

    /// An entry: name, required and optional patterns, and of a remote lens title and priority.
    fn entry(
        name: &str,
        required: &[&str],
        optional: &[&str],
        remote: Option<(&str, i64)>,
    ) -> LensFileConfig {
        let owned = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect();
        LensFileConfig {
            required_files: owned(required),
            optional_files: owned(optional),
            lens: LensConfig { name: name.to_owned(), config: None },
            remote_config: remote.map(|(title, priority)| LensRemoteConfig {
                endpoint: "https://lens.example/".to_owned(),
                title: title.to_owned(),
                priority: Some(priority),
                ..LensRemoteConfig::default()
            }),
        }
    }

    fn spyglass(lenses: Vec<LensFileConfig>) -> Spyglass {
        let patterns = lenses.iter().flat_map(|e| e.required_files.iter().chain(&e.optional_files));
        let regex_cache = patterns.map(|p| (p.clone(), GoRegex::new(p).unwrap())).collect();
        Spyglass { regex_cache, lenses, ..Spyglass::default() }
    }

    #[test]
    fn the_built_in_patterns_hold_where_nothing_is_configured() {
        for (lens, (required, optional)) in BUILT_IN.iter().zip(COMPILED.iter()) {
            let compiled = (required.len(), optional.len());
            assert_eq!(compiled, (lens.required.len(), lens.optional.len()), "{}", lens.name);
        }
        let none = Spyglass::default();
        assert_eq!(
            files(&none, "junit"),
            Some(vec!["artifacts/deep/er/junit.xml", "artifacts/junit_01.xml"])
        );
        assert_eq!(files(&none, "podinfo"), None);
        assert_eq!(files(&none, "nonsense"), None);
        let names = [&NAMES[..], &["artifacts/cover.out", "artifacts/page.html"]].concat();
        let keys: Vec<String> = chosen(&none, &names).into_iter().map(|lens| lens.key).collect();
        assert_eq!(keys, ["metadata", "html", "junit", "coverage", "buildlog"]);
    }

    #[test]
    fn every_required_pattern_must_match_and_optional_ones_add() {
        let both = spyglass(vec![entry("junit", &["junit_", "finished"], &["build"], None)]);
        assert_eq!(
            files(&both, "junit"),
            Some(vec!["artifacts/junit_01.xml", "build-log.txt", "finished.json"])
        );
        assert_eq!(files(&both, "buildlog"), None, "a lens that is not configured shows nothing");
        let missing = spyglass(vec![entry("junit", &["junit_", "missing"], &["build"], None)]);
        assert_eq!(files(&missing, "junit"), None);
        assert!(chosen(&missing, &NAMES).is_empty());
    }

    #[test]
    fn lenses_stand_by_priority_and_name_and_one_may_be_configured_twice() {
        let configured = spyglass(vec![
            entry("buildlog", &["build-log"], &[], None),
            entry("zoo", &["finished"], &[], Some(("The zoo", 5))),
            entry("junit", &["junit_"], &[], Some(("Ignored", 99))),
            entry("markdown", &["build-log"], &[], None),
            entry("markdown", &["finished"], &[], None),
            entry("unknown", &["finished"], &[], None),
        ]);
        let found = chosen(&configured, &NAMES);
        let told: Vec<(&str, usize, &str)> =
            found.iter().map(|lens| (lens.key.as_str(), lens.index, lens.title.as_str())).collect();
        assert_eq!(
            told,
            [
                ("markdown", 3, "Summary"),
                ("markdown-2", 4, "Summary"),
                ("zoo", 1, "The zoo"),
                ("buildlog", 0, "Build Log"),
                ("junit", 2, "Ignored"),
            ]
        );
        let junit = found.iter().find(|lens| lens.name == "junit").unwrap();
        assert!(junit.remote.is_some(), "another server may offer a lens of a known name");
    }

    #[test]
    fn an_entry_that_names_decks_own_server_is_a_built_in_lens() {
        let mut own = entry("junit", &["junit_"], &[], Some(("Ignored", 99)));
        own.remote_config.as_mut().unwrap().endpoint = format!("{LOCAL_ENDPOINT}junit");
        let configured = spyglass(vec![own]);
        let found = chosen(&configured, &NAMES);
        assert_eq!((found[0].title.as_str(), found[0].priority), ("JUnit", 5));
        assert!(found[0].remote.is_none());
    }
}
