//! What Deck's Spyglass is configured to show: which files of a run a lens gets, which lines of a log
//! stand out.

pub mod groups;
pub mod hint;
pub mod links;
pub mod markdown;
pub mod page_words;
pub mod pod_report;
pub mod preview;
pub mod rest_coverage;
pub mod select;

use std::sync::Arc;

use artifacts::log::search::{DEFAULT_HIGHLIGHTS, LinePattern, MAX_SEARCHED_LINE};
use config_load::Config;
use config_load::prow::deck::Spyglass;
use parking_lot::Mutex;
use serde_json::Value;

pub use select::files_of_lens;

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
