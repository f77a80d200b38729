//! What Deck's Spyglass is configured to show: which files of a run a lens gets, which lines of a log
//! stand out.

pub mod hint;
pub mod pod_report;

use std::sync::Arc;

use artifacts::log::search::{DEFAULT_HIGHLIGHTS, LinePattern, MAX_SEARCHED_LINE};
use config_load::Config;
use config_load::prow::deck::Spyglass;
use go_compat::GoRegex;
use parking_lot::Mutex;
use serde_json::Value;

/// The built-in lenses with the files that they show where the configuration has no lens at all.
const BUILT_IN: [(&str, &[&str], &[&str]); 9] = [
    ("metadata", &["^(?:started|finished)\\.json$"], &["^(?:podinfo|prowjob)\\.json$"]),
    ("restcoverage", &["^artifacts/rest-coverage\\.json$"], &[]),
    ("html", &["^artifacts/[^/]+\\.html$"], &[]),
    ("junit", &["^artifacts(/.*/|/)junit.*\\.xml$"], &[]),
    ("markdown", &["^artifacts/[^/]+\\.md$"], &[]),
    ("coverage", &["^artifacts/filtered\\.cov$"], &["^artifacts/filtered\\.html$"]),
    ("buildlog", &["^.*build-log\\.txt$"], &[]),
    ("podinfo", &["^podinfo\\.json$"], &["^prowjob\\.json$"]),
    ("links", &["artifacts/.*\\.link\\.txt$"], &[]),
];

/// The files that a lens shows, in the order of their names; nothing if the lens is not configured or
/// a file that it requires is not there. Each required pattern must match some name; all names that a
/// required or an optional pattern matches are shown.
pub fn files_of_lens<'n>(
    spyglass: &Spyglass,
    lens: &str,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Option<Vec<&'n str>> {
    if spyglass.lenses.is_empty() {
        let (_, required, optional) = BUILT_IN.iter().find(|(name, ..)| *name == lens)?;
        // The patterns are constants, which a test compiles.
        let compiled = |patterns: &[&str]| -> Vec<GoRegex> {
            patterns.iter().filter_map(|pattern| GoRegex::new(pattern).ok()).collect()
        };
        return matching(&compiled(required), &compiled(optional), names);
    }
    let entry = spyglass.lenses.iter().find(|entry| entry.lens.name == lens)?;
    let compiled = |patterns: &[String]| -> Vec<GoRegex> {
        patterns.iter().filter_map(|pattern| spyglass.regex_cache.get(pattern).cloned()).collect()
    };
    matching(&compiled(&entry.required_files), &compiled(&entry.optional_files), names)
}

fn matching<'n>(
    required: &[GoRegex],
    optional: &[GoRegex],
    names: impl Iterator<Item = &'n str> + Clone,
) -> Option<Vec<&'n str>> {
    let is_there = |pattern: &GoRegex| names.clone().any(|name| pattern.is_match(name));
    if !required.iter().all(is_there) {
        return None;
    }
    let is_shown = |name: &&str| required.iter().chain(optional).any(|p| p.is_match(name));
    let mut shown: Vec<&str> = names.clone().filter(is_shown).collect();
    shown.sort_unstable();
    shown.dedup();
    Some(shown)
}

/// The pattern of lines that look like errors, kept for the configuration in use.
#[derive(Debug, Default)]
pub struct Highlights {
    kept: Mutex<Option<(String, Arc<LinePattern>)>>,
}

impl Highlights {
    /// As the buildlog lens is configured. A configured expression that cannot be used costs the
    /// configured ones: the built-in ones hold, as Prow has it.
    pub fn of(&self, config: &Config) -> Arc<LinePattern> {
        let mut kept = self.kept.lock();
        if let Some((sha, pattern)) = &*kept
            && *sha == config.sha
        {
            return pattern.clone();
        }
        let pattern = Arc::new(highlights(&config.prow.deck.spyglass));
        *kept = Some((config.sha.clone(), pattern.clone()));
        pattern
    }
}

fn highlights(spyglass: &Spyglass) -> LinePattern {
    let lens = spyglass.lenses.iter().find(|entry| entry.lens.name == "buildlog");
    let settings = lens.and_then(|entry| entry.lens.config.as_ref());
    let field = |name: &str| settings.and_then(|settings| settings.get(name));
    let longest = field("highlight_line_length_max").and_then(Value::as_u64);
    let longest =
        longest.map_or(MAX_SEARCHED_LINE, |longest| usize::try_from(longest).unwrap_or(usize::MAX));
    let configured: Vec<&str> = field("highlight_regexes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !configured.is_empty() {
        match LinePattern::any(&configured, longest) {
            Ok(pattern) => return pattern,
            Err(error) => tracing::warn!(
                "deck.spyglass.lenses: highlight_regexes of buildlog cannot be used, the built-in \
                 expressions are: {error}"
            ),
        }
    }
    LinePattern::any(&DEFAULT_HIGHLIGHTS, longest).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use config_load::prow::deck::{LensConfig, LensFileConfig};

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

    #[test]
    fn the_built_in_patterns_hold_where_nothing_is_configured() {
        for (_, required, optional) in BUILT_IN {
            for pattern in required.iter().chain(optional) {
                GoRegex::new(pattern).expect(pattern);
            }
        }
        let none = Spyglass::default();
        assert_eq!(
            files(&none, "junit"),
            Some(vec!["artifacts/deep/er/junit.xml", "artifacts/junit_01.xml"])
        );
        assert_eq!(files(&none, "podinfo"), None);
        assert_eq!(files(&none, "nonsense"), None);
    }

    #[test]
    fn every_required_pattern_must_match_and_optional_ones_add() {
        let entry = |required: &[&str], optional: &[&str]| {
            let owned =
                |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
            let patterns = required.iter().chain(optional);
            Spyglass {
                regex_cache: patterns
                    .map(|p| ((*p).to_owned(), GoRegex::new(p).unwrap()))
                    .collect(),
                lenses: vec![LensFileConfig {
                    required_files: owned(required),
                    optional_files: owned(optional),
                    lens: LensConfig { name: "junit".to_owned(), config: None },
                    ..LensFileConfig::default()
                }],
                ..Spyglass::default()
            }
        };
        let both = entry(&["junit_", "finished"], &["build"]);
        assert_eq!(
            files(&both, "junit"),
            Some(vec!["artifacts/junit_01.xml", "build-log.txt", "finished.json"])
        );
        assert_eq!(files(&both, "buildlog"), None, "a lens that is not configured shows nothing");
        assert_eq!(files(&entry(&["junit_", "missing"], &["build"]), "junit"), None);
    }

    #[test]
    fn configured_highlights_hold_and_wrong_ones_leave_the_built_in_ones() {
        let with = |config: Value| Spyglass {
            lenses: vec![LensFileConfig {
                lens: LensConfig { name: "buildlog".to_owned(), config: Some(config) },
                ..LensFileConfig::default()
            }],
            ..Spyglass::default()
        };
        let own = highlights(&with(serde_json::json!({
            "highlight_regexes": ["^boom", "x*"], "highlight_line_length_max": 20,
        })));
        assert!(own.matches(b"boom") && !own.matches(b"panic now") && !own.matches(b"xx"));
        assert!(!own.matches(b"boom and much more text"));
        let wrong = highlights(&with(serde_json::json!({"highlight_regexes": ["("]})));
        assert!(wrong.matches(b"panic now") && !wrong.matches(b"boom"));
    }
}
