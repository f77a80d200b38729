//! The settings of single plugins.

use std::collections::BTreeMap;

use go_compat::{GoDuration, GoRegex};
use job_spec::go_struct;
use job_spec::go_struct::GoEmpty;

go_struct! {
    /// How OWNERS files are read.
    pub struct Owners {
        /// Organisations and repositories whose Markdown files may begin with OWNERS settings.
        pub mdyamlrepos: Vec<String> => "mdyamlrepos",
        /// Organisations and repositories where only OWNERS files give rights.
        pub skip_collaborators: Vec<String> => "skip_collaborators",
        /// Labels that OWNERS files may not name; `approved` and `lgtm` unless set.
        pub labels_denylist: Option<Vec<String>> => "labels_denylist",
        /// Other file names, by organisation or repository.
        pub filenames: BTreeMap<String, OwnersFilenames> => "filenames",
    }
}

go_struct! {
    /// Names of the files that give rights.
    pub struct OwnersFilenames {
        /// Instead of `OWNERS`.
        pub owners: String => "owners",
        /// Instead of `OWNERS_ALIASES`.
        pub owners_aliases: String => "owners_aliases",
    }
}

go_struct! {
    /// The approve plugin in some repositories.
    pub struct Approve {
        /// Organisations and repositories.
        pub repos: Vec<String> => "repos",
        /// An issue must be linked.
        pub issue_required: bool => "issue_required",
        /// Authors do not approve their own pull requests by opening them.
        pub require_self_approval: Option<bool> => "require_self_approval",
        /// `/lgtm` approves, too.
        pub lgtm_acts_as_approve: bool => "lgtm_acts_as_approve",
        /// GitHub's reviews do not count.
        pub ignore_review_state: Option<bool> => "ignore_review_state",
        /// Where commands are explained.
        pub command_help_link: String => "commandHelpLink",
        /// Where the process is explained.
        pub pr_process_link: String => "pr_process_link",
    }
}

impl Approve {
    /// Whether authors approve their own pull requests by opening them.
    pub fn has_self_approval(&self) -> bool {
        self.require_self_approval != Some(true)
    }

    /// Whether GitHub's reviews count.
    pub fn considers_review_state(&self) -> bool {
        self.ignore_review_state != Some(true)
    }
}

go_struct! {
    /// Paths that pull requests may not touch in some repositories.
    pub struct Blockade {
        /// Organisations and repositories.
        pub repos: Vec<String> => "repos",
        /// Pattern of base branches; unset means all.
        pub branchregexp: Option<String> => "branchregexp",
        /// Patterns of the paths.
        pub blockregexps: Vec<String> => "blockregexps",
        /// Patterns of paths that may be touched nevertheless.
        pub exceptionregexps: Vec<String> => "exceptionregexps",
        /// Why.
        pub explanation: String => "explanation",
    }
    skip {
        /// `branchregexp` compiled.
        pub branch_regex: Option<GoRegex>,
    }
}

/// How many reviewers are asked unless the configuration says otherwise.
pub const DEFAULT_REVIEWER_COUNT: i64 = 2;

go_struct! {
    /// How blunderbuss and rifle choose reviewers.
    pub struct ReviewerSelection {
        /// How many are asked; 2 unless set.
        pub request_count: Option<i64> => "request_count",
        /// How many at most; 0 is unlimited.
        pub max_request_count: i64 => "max_request_count",
        /// Never ask approvers.
        pub exclude_approvers: bool => "exclude_approvers",
        /// Do not ask people whose status on GitHub is busy.
        pub use_status_availability: bool => "use_status_availability",
        /// Not for drafts.
        pub ignore_drafts: bool => "ignore_drafts",
        /// Not for these authors.
        pub ignore_authors: Vec<String> => "ignore_authors",
        /// Only once a context says that reviews are what is missing.
        pub wait_for_status: Option<ContextMatch> => "wait_for_status",
    }
}

impl ReviewerSelection {
    /// How many reviewers are asked.
    pub fn request_count(&self) -> i64 {
        self.request_count.unwrap_or(DEFAULT_REVIEWER_COUNT)
    }
}

go_struct! {
    /// A context in a state.
    pub struct ContextMatch {
        /// Its name; `tide` unless set.
        pub context: String => "context",
        /// Pattern of its description.
        pub description: String => "description",
        /// Its state; `pending` unless set.
        pub state: String => "state",
    }
    skip {
        /// `description` compiled.
        pub description_regex: Option<GoRegex>,
    }
}

go_struct! {
    /// The branchcleaner plugin.
    pub struct BranchCleaner {
        /// Names or patterns of branches that stay, by organisation or repository.
        pub preserved_branches: BTreeMap<String, Vec<String>> => "preserved_branches",
    }
}

impl BranchCleaner {
    /// Whether a branch stays.
    pub fn is_preserved(&self, org: &str, repo: &str, branch: &str) -> bool {
        [format!("{org}/{repo}"), org.to_owned()]
            .iter()
            .filter_map(|key| self.preserved_branches.get(key))
            .flatten()
            .any(|kept| {
                kept == branch || GoRegex::new(kept).is_ok_and(|regex| regex.is_match(branch))
            })
    }
}

go_struct! {
    /// Where a plugin finds its API key.
    pub struct KeyFile {
        /// Path of the file.
        pub key_path: String => "key_path",
    }
}

go_struct! {
    /// The cherry-pick-approved plugin in one repository.
    pub struct CherryPickApproved {
        /// Organisation.
        pub org: String => "org",
        /// Repository.
        pub repo: String => "repo",
        /// Pattern of base branches; `^release-.*$` unless set.
        pub branchregexp: String => "branchregexp",
        /// Who may approve.
        pub approvers: Vec<String> => "approvers",
        /// Approve without the label `approved`.
        pub allow_missing_approved_label: bool => "allow_missing_approved_label",
        /// Approve without the label `lgtm`.
        pub allow_missing_lgtm_label: bool => "allow_missing_lgtm_label",
    }
    skip {
        /// `branchregexp` compiled.
        pub branch_regex: Option<GoRegex>,
    }
}

go_struct! {
    /// The cherry-pick-unapproved plugin.
    pub struct CherryPickUnapproved {
        /// Pattern of base branches; `^release-.*$` unless set.
        pub branchregexp: String => "branchregexp",
        /// What is written on the pull request.
        pub comment: String => "comment",
    }
    skip {
        /// `branchregexp` compiled.
        pub branch_regex: Option<GoRegex>,
    }
}

go_struct! {
    /// The dco plugin in one place.
    pub struct Dco {
        /// Members' commits need no sign-off.
        pub skip_dco_check_for_members: bool => "skip_dco_check_for_members",
        /// Apps whose commits need no sign-off, without `[bot]`.
        pub trusted_apps: Vec<String> => "trusted_apps",
        /// Whose members are meant; the repository's organisation unless set.
        pub trusted_org: String => "trusted_org",
        /// Collaborators' commits need no sign-off.
        pub skip_dco_check_for_collaborators: bool => "skip_dco_check_for_collaborators",
        /// Repository of the contributing guide.
        pub contributing_repo: String => "contributing_repo",
        /// Branch of the contributing guide.
        pub contributing_branch: String => "contributing_branch",
        /// Path of the contributing guide.
        pub contributing_path: String => "contributing_path",
    }
}

go_struct! {
    /// The golint plugin.
    pub struct Golint {
        /// Smallest confidence that is reported; 0.8 unless set.
        pub minimum_confidence: Option<serde_json::Value> => "minimum_confidence",
    }
}

go_struct! {
    /// The heart plugin.
    pub struct Heart {
        /// Whose comments get a heart.
        pub adorees: Vec<String> => "adorees",
        /// Pattern of the comments that do.
        pub commentregexp: String => "commentregexp",
    }
    skip {
        /// `commentregexp` compiled.
        pub comment_regex: Option<GoRegex>,
    }
}

go_struct! {
    /// The help plugin.
    pub struct Help {
        /// Where the labels are explained.
        pub help_guidelines_url: String => "help_guidelines_url",
        /// Their explanation in short.
        pub help_guidelines_summary: String => "help_guidelines_summary",
    }
}

go_struct! {
    /// The invalidcommitmsg plugin in some repositories.
    pub struct InvalidCommitMsg {
        /// Organisations and repositories.
        pub repos: Vec<String> => "repos",
        /// Checks that are turned on or off.
        pub checks: Vec<InvalidCommitMsgCheck> => "checks",
    }
}

go_struct! {
    /// One check of commit messages.
    pub struct InvalidCommitMsgCheck {
        /// `fixupPrefix` or `issueClosingKeywords`.
        pub name: String => "name" always,
        /// Not made.
        pub disabled: bool => "disabled",
    }
}

impl InvalidCommitMsg {
    /// Whether a check is turned off.
    pub fn is_check_disabled(&self, name: &str) -> bool {
        self.checks.iter().find(|check| check.name == name).is_some_and(|check| check.disabled)
    }
}

go_struct! {
    /// The jira plugin.
    pub struct Jira {
        /// Projects whose issues are not linked.
        pub disabled_jira_projects: Vec<String> => "disabled_jira_projects",
    }
}

go_struct! {
    /// The label plugin.
    pub struct Label {
        /// Labels beside those with the usual prefixes.
        pub additional_labels: Vec<String> => "additional_labels",
        /// Labels that not everybody may set, by `*`, organisation or repository.
        pub restricted_labels: BTreeMap<String, Vec<RestrictedLabel>> => "restricted_labels",
    }
}

go_struct! {
    /// A label that not everybody may set.
    pub struct RestrictedLabel {
        /// The label.
        pub label: String => "label" always,
        /// Teams that may.
        pub allowed_teams: Vec<String> => "allowed_teams",
        /// Users that may.
        pub allowed_users: Vec<String> => "allowed_users",
        /// Labels that make the users assignees.
        pub assign_on: Vec<AssignOnLabel> => "assign_on",
    }
}

go_struct! {
    /// A label that makes users assignees.
    pub struct AssignOnLabel {
        /// The label.
        pub label: String => "label" always,
    }
}

impl Label {
    /// The restricted labels of a repository by lower-case name: those of `*`, its organisation and
    /// its own together.
    pub fn restricted_labels_for(
        &self,
        org: &str,
        repo: &str,
    ) -> BTreeMap<String, RestrictedLabel> {
        let mut found: BTreeMap<String, RestrictedLabel> = BTreeMap::new();
        for key in ["*".to_owned(), org.to_owned(), format!("{org}/{repo}")] {
            for label in self.restricted_labels.get(&key).into_iter().flatten() {
                found
                    .entry(label.label.to_lowercase())
                    .and_modify(|earlier| earlier.add(label))
                    .or_insert_with(|| label.clone());
            }
        }
        found
    }
}

impl RestrictedLabel {
    fn add(&mut self, other: &RestrictedLabel) {
        let add = |own: &mut Vec<String>, more: &[String]| {
            own.extend(more.iter().cloned());
            own.sort();
            own.dedup();
        };
        add(&mut self.allowed_users, &other.allowed_users);
        add(&mut self.allowed_teams, &other.allowed_teams);
        for label in &other.assign_on {
            if !self.assign_on.contains(label) {
                self.assign_on.push(label.clone());
            }
        }
    }
}

go_struct! {
    /// The lgtm plugin in some repositories.
    pub struct Lgtm {
        /// Organisations and repositories.
        pub repos: Vec<String> => "repos",
        /// GitHub's reviews set and remove the label.
        pub review_acts_as_lgtm: bool => "review_acts_as_lgtm",
        /// Keep the label when commits are only squashed.
        pub store_tree_hash: bool => "store_tree_hash",
        /// Name of a team whose members keep the label over changes.
        pub trusted_team_for_sticky_lgtm: String => "trusted_team_for_sticky_lgtm",
    }
}

go_struct! {
    /// The milestone plugins in one repository.
    pub struct Milestone {
        /// Number of the team that may set milestones; deprecated.
        pub maintainers_id: i64 => "maintainers_id",
        /// Slug of that team.
        pub maintainers_team: String => "maintainers_team",
        /// What the team is called in answers; `SIG Chairs/TLs` unless set.
        pub maintainers_friendly_name: String => "maintainers_friendly_name",
    }
}

go_struct! {
    /// The override plugin.
    pub struct Override {
        /// Owners at the top of a repository may override, too.
        pub allow_top_level_owners: bool => "allow_top_level_owners",
        /// Slugs of teams that may override, by organisation or repository.
        pub allowed_github_teams: BTreeMap<String, Vec<String>> => "allowed_github_teams",
    }
}

go_struct! {
    /// The project plugin.
    pub struct ProjectConfig {
        /// By organisation.
        pub project_org_configs: BTreeMap<String, ProjectOrgConfig> => "project_org_configs",
    }
}

go_struct! {
    /// The project plugin in an organisation.
    pub struct ProjectOrgConfig {
        /// Number of the team that may.
        pub org_maintainers_team_id: i64 => "org_maintainers_team_id",
        /// Project → column that is used if none is named.
        pub org_default_column_map: BTreeMap<String, String> => "org_default_column_map",
        /// By repository.
        pub project_repo_configs: BTreeMap<String, ProjectRepoConfig> => "project_repo_configs",
    }
}

go_struct! {
    /// The project plugin in a repository.
    pub struct ProjectRepoConfig {
        /// Number of the team that may.
        pub repo_maintainers_team_id: i64 => "repo_maintainers_team_id",
        /// Project → column that is used if none is named.
        pub repo_default_column_map: BTreeMap<String, String> => "repo_default_column_map",
    }
}

go_struct! {
    /// The project-manager plugin.
    pub struct ProjectManager {
        /// By organisation or repository.
        pub orgs_repos: BTreeMap<String, ManagedOrgRepo> => "orgsRepos",
    }
}

go_struct! {
    /// The projects of an organisation or repository.
    pub struct ManagedOrgRepo {
        /// By name.
        pub projects: BTreeMap<String, ManagedProject> => "projects",
    }
}

go_struct! {
    /// A project that cards are added to.
    pub struct ManagedProject {
        /// Its columns.
        pub columns: Vec<ManagedColumn> => "columns",
    }
}

go_struct! {
    /// A column and the pull requests that belong there.
    pub struct ManagedColumn {
        /// Its number; this or the name is needed.
        pub id: Option<i64> => "id",
        /// Its name.
        pub name: String => "name",
        /// `open`, `closed` or `all`.
        pub state: String => "state",
        /// Labels that must all be there.
        pub labels: Vec<String> => "labels",
        /// Organisation of the pull request.
        pub org: String => "org",
    }
}

go_struct! {
    /// The releasenote plugin.
    pub struct ReleaseNote {
        /// Where release notes are explained.
        pub guidelines_url: String => "guidelines_url",
    }
}

go_struct! {
    /// A label that says that another one is missing.
    pub struct RequireMatchingLabel {
        /// Organisation.
        pub org: String => "org",
        /// Repository; empty means all of the organisation.
        pub repo: String => "repo",
        /// Base branch; empty means all.
        pub branch: String => "branch",
        /// For pull requests.
        pub prs: bool => "prs",
        /// For issues.
        pub issues: bool => "issues",
        /// Pattern of the labels of which one is needed.
        pub regexp: String => "regexp",
        /// The label that says that none is there.
        pub missing_label: String => "missing_label",
        /// What is written then.
        pub missing_comment: String => "missing_comment",
        /// Time for others to set labels first; 5 seconds unless set.
        pub grace_period: String => "grace_period",
    }
    skip {
        /// `regexp` compiled.
        pub regex: Option<GoRegex>,
        /// `grace_period` as a duration.
        pub grace_period_duration: Option<GoDuration>,
    }
}

go_struct! {
    /// The retitle plugin.
    pub struct Retitle {
        /// Closed issues and pull requests, too.
        pub allow_closed_issues: bool => "allow_closed_issues",
    }
}

go_struct! {
    /// The slackevents plugin.
    pub struct Slack {
        /// Channels that hear of mentions.
        pub mentionchannels: Vec<String> => "mentionchannels",
        /// Who hears of manual merges.
        pub mergewarnings: Vec<MergeWarning> => "mergewarnings",
    }
}

go_struct! {
    /// Who hears of manual merges in some repositories.
    pub struct MergeWarning {
        /// Organisations and repositories.
        pub repos: Vec<String> => "repos",
        /// Channels.
        pub channels: Vec<String> => "channels",
        /// Who may merge by hand.
        pub exempt_users: Vec<String> => "exempt_users",
        /// Who may merge by hand to a branch.
        pub exempt_branches: BTreeMap<String, Vec<String>> => "exempt_branches",
    }
}

go_struct! {
    /// The sigmention plugin.
    pub struct SigMention {
        /// Pattern of mentions; Kubernetes' teams unless set.
        pub regexp: String => "regexp",
    }
    skip {
        /// `regexp` compiled.
        pub regex: Option<GoRegex>,
    }
}

go_struct! {
    /// The size plugin: changed lines from which a pull request has a size. 0 is the default.
    pub struct Size {
        /// From here S; 10 unless set.
        pub s: i64 => "s" always,
        /// From here M; 30 unless set.
        pub m: i64 => "m" always,
        /// From here L; 100 unless set.
        pub l: i64 => "l" always,
        /// From here XL; 500 unless set.
        pub xl: i64 => "xl" always,
        /// From here XXL; 1000 unless set.
        pub xxl: i64 => "xxl" always,
    }
}

go_struct! {
    /// The trigger plugin in some repositories.
    pub struct Trigger {
        /// Organisations and repositories.
        pub repos: Vec<String> => "repos",
        /// Apps whose pull requests are trusted, without `[bot]`.
        pub trusted_apps: Vec<String> => "trusted_apps",
        /// Organisation whose members are trusted; the repository's unless set. Deprecated.
        pub trusted_org: String => "trusted_org",
        /// Where people read how to join.
        pub join_org_url: String => "join_org_url",
        /// Collaborators are not trusted, only members.
        pub only_org_members: bool => "only_org_members",
        /// `/ok-to-test` does nothing.
        pub ignore_ok_to_test: bool => "ignore_ok_to_test",
        /// GitHub's workflows are approved and run again, too.
        pub trigger_github_workflows: bool => "trigger_github_workflows",
        /// What contributors from outside are told about joining.
        pub org_invite: OrgInvite => "org_invite",
    }
}

go_struct! {
    /// What contributors from outside are told about joining.
    pub struct OrgInvite {
        /// For those who contribute often.
        pub prominent: ProminentOrgInvite => "prominent",
    }
}

go_struct! {
    /// What frequent contributors from outside are told about joining.
    pub struct ProminentOrgInvite {
        /// Nothing more than the others.
        pub disabled: bool => "disabled",
        /// Merged pull requests that make somebody frequent; 3 unless set.
        pub merged_pr_threshold: Option<i64> => "merged_pr_threshold",
        /// What is written, with `{join_org_url}`.
        pub message: String => "message",
    }
}

// Prow leaves these groups out when they say nothing (`omitzero`).
impl GoEmpty for OrgInvite {
    fn is_go_empty(&self) -> bool {
        *self == OrgInvite::default()
    }
}

impl GoEmpty for ProminentOrgInvite {
    fn is_go_empty(&self) -> bool {
        *self == ProminentOrgInvite::default()
    }
}

impl ProminentOrgInvite {
    /// Merged pull requests that make somebody frequent.
    pub fn merged_pr_threshold(&self) -> i64 {
        self.merged_pr_threshold.unwrap_or(3)
    }
}

go_struct! {
    /// The welcome plugin in some repositories.
    pub struct Welcome {
        /// Organisations and repositories.
        pub repos: Vec<String> => "repos",
        /// Go template over the pull request.
        pub message_template: String => "message_template",
        /// For everybody, not only for new contributors.
        pub always_post: bool => "always_post",
    }
}
