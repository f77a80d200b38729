//! Who may run a job again.

use crate::go_struct::go_struct;

go_struct! {
    /// A GitHub team by name.
    pub struct GitHubTeamSlug {
        /// The team's name in URLs.
        pub slug: String => "slug" always,
        /// The organisation that the team belongs to.
        pub org: String => "org" always,
    }
}

go_struct! {
    /// Who may run a job again, or abort it, from the pages.
    pub struct RerunAuthConfig {
        /// Everybody may.
        pub allow_anyone: bool => "allow_anyone",
        /// Members of the teams with these numbers may.
        pub github_team_ids: Vec<i64> => "github_team_ids",
        /// Members of these teams may.
        pub github_team_slugs: Vec<GitHubTeamSlug> => "github_team_slugs",
        /// These users may.
        pub github_users: Vec<String> => "github_users",
        /// Members of these organisations may.
        pub github_orgs: Vec<String> => "github_orgs",
    }
}

/// Everybody is allowed and somebody is listed, which contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "rerun_auth_config: allow anyone is set to true and permitted users or groups are specified"
)]
pub struct AllowAnyoneWithList;

impl RerunAuthConfig {
    /// Checks that `allow_anyone` stands alone, as Prow's configuration check does.
    pub fn validate(&self) -> Result<(), AllowAnyoneWithList> {
        let listed = !self.github_users.is_empty()
            || !self.github_team_ids.is_empty()
            || !self.github_team_slugs.is_empty()
            || !self.github_orgs.is_empty();
        if self.allow_anyone && listed { Err(AllowAnyoneWithList) } else { Ok(()) }
    }

    /// Whether the list of users names `login`, whatever its case and a leading `@`.
    pub fn lists_user(&self, login: &str) -> bool {
        let login = normalize_login(login);
        self.github_users.iter().any(|user| normalize_login(user) == login)
    }
}

/// A login as Prow compares logins: in lower case and without a leading `@`. The `[bot]` of an App's login stays,
/// since a person may have the name before it.
pub fn normalize_login(login: &str) -> String {
    let login = login.to_lowercase();
    match login.strip_prefix('@') {
        Some(name) => name.to_owned(),
        None => login,
    }
}
