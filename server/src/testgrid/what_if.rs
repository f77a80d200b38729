//! What the status of a tab would be with other options.

use std::sync::Arc;

use grid::summarizer::options::{StatusOptions, WrongOption};

use super::service::{GridError, TestGrid, first_look};
use super::state::TabState;

/// A tab with its status, and what it would be otherwise.
#[derive(Debug)]
pub struct WhatIf {
    /// The options in effect.
    pub options: StatusOptions,
    /// How the tab stands, if it was summarized.
    pub now: Option<Arc<TabState>>,
    /// The options that were asked for, and how the tab would stand with them; nothing if none were.
    pub then: Result<Option<(StatusOptions, TabState)>, WrongOption>,
}

impl TestGrid {
    /// What the status of a tab would be with the options that a query names, by the rules and from
    /// the builds of the one that it has. Nothing is changed by asking.
    ///
    /// # Errors
    /// There is no such tab, or the store does not answer.
    pub async fn what_if(
        &self,
        dashboard: &str,
        tab: &str,
        query: &[(String, String)],
    ) -> Result<WhatIf, GridError> {
        let config = self.config.get();
        let (board, tab, group) = config.tab(dashboard, tab)?;
        let options = StatusOptions::of(tab, group, self.features());
        let now = self.tab(&board.name, &tab.name);
        let asked = options.read(query.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let asked = match asked {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(WhatIf { options, now, then: Ok(None) }),
            Err(error) => return Ok(WhatIf { options, now, then: Err(error) }),
        };
        let (tab, group, features) = asked.applied(tab, group);
        // Of several groups the columns say how many are recent, unless another number is asked for.
        let same_recent = asked.num_columns_recent == options.num_columns_recent;
        let tabs = vec![(board.name.clone(), tab)];
        let first_look = first_look(&tabs, &group);
        let made = self.look(&group, tabs, first_look, None, Some((features, same_recent))).await;
        let state = made.map_err(GridError::Store)?.states.into_iter().next();
        Ok(WhatIf { options, now, then: Ok(state.map(|(_, state)| (asked, state))) })
    }
}
