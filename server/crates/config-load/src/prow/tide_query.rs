//! `tide.queries`: which pull requests may merge.

use std::collections::{BTreeMap, BTreeSet};

use job_spec::go_struct;

go_struct! {
    /// What pull requests of some organisations and repositories must be like to merge.
    pub struct TideQuery {
        /// Author's login.
        pub author: String => "author",
        /// Labels that must be there; alternatives within one entry are separated by commas.
        pub labels: Vec<String> => "labels",
        /// Labels that must not be there.
        pub missing_labels: Vec<String> => "missingLabels",
        /// Base branches that are not meant.
        pub excluded_branches: Vec<String> => "excludedBranches",
        /// Base branches that are meant; empty means all.
        pub included_branches: Vec<String> => "includedBranches",
        /// Milestone.
        pub milestone: String => "milestone",
        /// A review must approve.
        pub review_approved_required: bool => "reviewApprovedRequired",
        /// Organisations.
        pub orgs: Vec<String> => "orgs",
        /// Repositories, as `org/repo`.
        pub repos: Vec<String> => "repos",
        /// Repositories of the organisations that are not meant.
        pub excluded_repos: Vec<String> => "excludedRepos",
    }
}

impl TideQuery {
    /// Every rule that the query breaks, in Prow's words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let orgs: BTreeSet<&str> = self.orgs.iter().map(String::as_str).collect();
        for (index, org) in self.orgs.iter().enumerate() {
            if org.contains('/') {
                problems.push(format!("orgs[{index}]: {org:?} contains a '/' which is not valid"));
            }
            if org.is_empty() {
                problems.push(format!("orgs[{index}]: is an empty string"));
            }
        }
        for (index, repo) in self.repos.iter().enumerate() {
            match org_of(repo) {
                None => problems
                    .push(format!("repos[{index}]: {repo:?} is not of the form \"org/repo\"")),
                Some(org) if orgs.contains(org) => problems
                    .push(format!("repos[{index}]: {repo:?} is already included via org: {org:?}")),
                Some(_) => {}
            }
        }
        if self.orgs.is_empty() && self.repos.is_empty() {
            problems.push("'orgs' and 'repos' cannot both be empty".to_owned());
        }
        for (index, repo) in self.excluded_repos.iter().enumerate() {
            match org_of(repo) {
                None => problems.push(format!(
                    "excludedRepos[{index}]: {repo:?} is not of the form \"org/repo\""
                )),
                Some(org) if !orgs.contains(org) => problems.push(format!(
                    "excludedRepos[{index}]: {repo:?} has no effect because org {org:?} is not included"
                )),
                Some(_) => {}
            }
        }
        let forbidden: BTreeSet<&String> = self.missing_labels.iter().collect();
        let both: BTreeSet<&String> =
            self.labels.iter().filter(|label| forbidden.contains(label)).collect();
        if !both.is_empty() {
            let names: Vec<_> = both.iter().map(|label| format!("{label:?}")).collect();
            problems
                .push(format!("the labels: [{}] are both required and forbidden", names.join(" ")));
        }
        if !self.excluded_branches.is_empty() && !self.included_branches.is_empty() {
            problems.push(
                "both 'includedBranches' and 'excludedBranches' are specified ('excludedBranches' have no effect)"
                    .to_owned(),
            );
        }
        for (field, list) in [
            ("orgs", &self.orgs),
            ("repos", &self.repos),
            ("excludedRepos", &self.excluded_repos),
            ("labels", &self.labels),
            ("missingLabels", &self.missing_labels),
            ("includedBranches", &self.included_branches),
            ("excludedBranches", &self.excluded_branches),
        ] {
            problems.extend(duplicates(field, list));
        }
        problems
    }

    /// Whether the query is about a repository.
    pub fn is_for_repo(&self, org: &str, repo: &str) -> bool {
        let full = format!("{org}/{repo}");
        if self.orgs.iter().any(|candidate| candidate == org) {
            return !self.excluded_repos.contains(&full);
        }
        self.repos.contains(&full)
    }

    /// GitHub's search for the query, one for each organisation it is about.
    pub fn org_queries(&self) -> BTreeMap<String, String> {
        let condition = self.condition();
        self.targets()
            .into_iter()
            .map(|(org, targets)| (org, format!("{condition} {}", targets.join(" "))))
            .collect()
    }

    /// GitHub's search for the whole query.
    pub fn query(&self) -> String {
        let mut parts = vec![self.condition()];
        parts.extend(self.targets().into_values().flatten());
        parts.join(" ")
    }

    /// Organisation → the parts of the search that name it and its repositories.
    fn targets(&self) -> BTreeMap<String, Vec<String>> {
        let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for org in &self.orgs {
            targets.entry(org.clone()).or_insert_with(|| vec![format!("org:\"{org}\"")]);
        }
        for (repos, sign) in [(&self.repos, ""), (&self.excluded_repos, "-")] {
            for repo in repos {
                // GitHub's search ignores malformed names; so do we.
                if let Some(org) = org_of(repo) {
                    targets
                        .entry(org.to_owned())
                        .or_default()
                        .push(format!("{sign}repo:\"{repo}\""));
                }
            }
        }
        targets
    }

    fn condition(&self) -> String {
        let mut parts =
            vec!["is:pr".to_owned(), "state:open".to_owned(), "archived:false".to_owned()];
        if !self.author.is_empty() {
            parts.push(format!("author:\"{}\"", self.author));
        }
        parts.extend(self.excluded_branches.iter().map(|branch| format!("-base:\"{branch}\"")));
        parts.extend(self.included_branches.iter().map(|branch| format!("base:\"{branch}\"")));
        for label in &self.labels {
            let alternatives: Vec<_> =
                label.split(',').map(|alternative| format!("\"{alternative}\"")).collect();
            parts.push(format!("label:{}", alternatives.join(",")));
        }
        parts.extend(self.missing_labels.iter().map(|label| format!("-label:\"{label}\"")));
        if !self.milestone.is_empty() {
            parts.push(format!("milestone:\"{}\"", self.milestone));
        }
        if self.review_approved_required {
            parts.push("review:approved".to_owned());
        }
        parts.join(" ")
    }
}

/// The organisation of `org/repo`; None if the text has another form.
fn org_of(repo: &str) -> Option<&str> {
    let (org, name) = repo.split_once('/')?;
    (!org.is_empty() && !name.is_empty() && !name.contains('/')).then_some(org)
}

fn duplicates(field: &str, list: &[String]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let repeated: BTreeSet<&str> =
        list.iter().filter(|entry| !seen.insert(*entry)).map(String::as_str).collect();
    let count = list.len() - seen.len();
    (count > 0).then(|| {
        let names: Vec<_> = repeated.into_iter().collect();
        format!("{field:?} contains {count} duplicate entries: {}", names.join(", "))
    })
}

/// What some queries cover: whole organisations without some repositories, and single repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Organisation → its repositories that are not covered.
    pub orgs: BTreeMap<String, BTreeSet<String>>,
    /// Repositories that are covered.
    pub repos: BTreeSet<String>,
}

/// What a set of queries covers together.
pub fn coverage<'a>(queries: impl IntoIterator<Item = &'a TideQuery>) -> Coverage {
    let mut coverage = Coverage::default();
    for query in queries {
        for org in &query.orgs {
            let prefix = format!("{org}/");
            let excepted: BTreeSet<String> = query
                .excluded_repos
                .iter()
                .filter(|repo| repo.starts_with(&prefix))
                .cloned()
                .collect();
            coverage
                .orgs
                .entry(org.clone())
                .and_modify(|earlier| earlier.retain(|repo| excepted.contains(repo)))
                .or_insert(excepted);
        }
        coverage.repos.extend(query.repos.iter().cloned());
    }
    for excepted in coverage.orgs.values_mut() {
        excepted.retain(|repo| !coverage.repos.contains(repo));
    }
    coverage
}

/// Joins queries that ask for the same of different repositories, as Prow does to save searches.
/// Queries of different tenants stay apart: `tenants` names those of a query.
pub fn deduplicate(
    queries: Vec<TideQuery>,
    tenants: impl Fn(&TideQuery) -> Vec<String>,
) -> Vec<TideQuery> {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let mut joined: BTreeMap<(String, Vec<String>), TideQuery> = BTreeMap::new();
    for query in queries {
        let condition = TideQuery {
            author: query.author.clone(),
            labels: sorted(&query.labels),
            missing_labels: sorted(&query.missing_labels),
            excluded_branches: sorted(&query.excluded_branches),
            included_branches: sorted(&query.included_branches),
            milestone: query.milestone.clone(),
            review_approved_required: query.review_approved_required,
            ..TideQuery::default()
        };
        let key = (json(&condition), tenants(&query));
        let target = joined.entry(key).or_insert(condition);
        target.orgs.extend(query.orgs);
        target.repos.extend(query.repos);
        target.excluded_repos.extend(query.excluded_repos);
    }
    let mut queries: Vec<_> = joined.into_values().collect();
    queries.sort_by_cached_key(json);
    queries
}

fn json(query: &TideQuery) -> String {
    serde_json::to_string(query).unwrap_or_default()
}
