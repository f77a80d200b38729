//! `/configured-jobs`: which jobs are configured, where, and what makes them run.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use crate::model::{ConfiguredJob, ConfiguredJobs, JobFilter, OrgJobs, RunFilter, RunKind};
use crate::ui::{Ago, Choice, Crumbs, Empty, FormSelect, StateIcon, count, load, middle, plural};

/// The index, the jobs of an owner or of a repository, or what a search found.
#[component]
pub(crate) fn ConfiguredJobsPage() -> impl IntoView {
    let params = use_params_map().get_untracked();
    let search = use_location().search.get_untracked();
    let filter = JobFilter::read(params.get("org"), params.get("repo"), &search);
    load(
        {
            let filter = filter.clone();
            async move |context| context.backend.configured_jobs(&context.viewer, &filter).await
        },
        move |jobs| view! { <Jobs filter jobs/> },
    )
}

#[component]
fn Jobs(filter: JobFilter, jobs: ConfiguredJobs) -> impl IntoView {
    let ConfiguredJobs { now_ms, orgs, without_repo, jobs, matching, total, page_size, loaded_ms } =
        jobs;
    let place = match (&filter.org, &filter.repo) {
        (Some(org), Some(repo)) => format!("{org}/{repo}"),
        (Some(org), None) => org.clone(),
        _ => "Configured jobs".to_owned(),
    };
    let title = if filter.org.is_some() {
        format!("{place} · Configured jobs · Bowsprit")
    } else {
        "Configured jobs · Bowsprit".to_owned()
    };
    let mut steps = Vec::new();
    if filter.org.is_some() {
        steps.push(("Jobs".to_owned(), "/configured-jobs".to_owned()));
    }
    if let (Some(org), Some(_)) = (&filter.org, &filter.repo) {
        let of_org = JobFilter { org: Some(org.clone()), ..JobFilter::default() };
        steps.push((org.clone(), of_org.href()));
    }
    let everywhere = filter.org.is_none();
    let searching = filter.search.is_some() || filter.kind.is_some() || filter.job.is_some();
    let shows_jobs = !everywhere || searching;
    let nothing = jobs.is_empty() && (orgs.is_empty() || searching);
    view! {
        <Title text=title/>
        <Crumbs steps/>
        <div class="page-head">
            <h1>{place}</h1>
            <p class="quiet">
                {plural(total, "job", "jobs")} " configured"
                {loaded_ms.map(|ms| view! { ", loaded " <Ago ms now_ms/> })}
            </p>
        </div>
        <SearchForm filter=filter.clone()/>
        {(!orgs.is_empty() && !searching && filter.repo.is_none())
            .then(|| view! { <Index orgs without_repo everywhere/> })}
        {if nothing {
            view! { <NoJobs filter=filter.clone() total/> }.into_any()
        } else if shows_jobs && !jobs.is_empty() {
            view! { <JobTable filter=filter.clone() jobs matching now_ms/> }.into_any()
        } else {
            ().into_any()
        }}
        <Pager filter matching page_size/>
    }
}

#[component]
fn SearchForm(filter: JobFilter) -> impl IntoView {
    let action = JobFilter { org: filter.org, repo: filter.repo, ..JobFilter::default() }.href();
    let kinds = [RunKind::Presubmit, RunKind::Postsubmit, RunKind::Periodic]
        .map(|kind| Choice { value: kind.word().to_owned(), label: kind.word().to_owned() });
    view! {
        <form class="filters" action=action method="get" role="search" aria-label="Search configured jobs">
            <input
                type="search"
                name="q"
                class="job"
                aria-label="Job name: words or a pattern with *"
                placeholder="job name or pull-*-unit"
                autocomplete="off"
                spellcheck="false"
                value=filter.search
            />
            <FormSelect
                name="type"
                any="any type"
                choices=kinds.into()
                chosen=filter.kind.map(|kind| kind.word().to_owned())
            />
            <button type="submit">"Search"</button>
        </form>
    }
}

/// Owners and their repositories with the number of jobs.
#[component]
fn Index(orgs: Vec<OrgJobs>, without_repo: u64, everywhere: bool) -> impl IntoView {
    let orgs = orgs
        .into_iter()
        .map(|OrgJobs { org, repos }| {
            let href = JobFilter { org: Some(org.clone()), ..JobFilter::default() }.href();
            let repos = repos
                .into_iter()
                .map(|of| {
                    let filter = JobFilter {
                        org: Some(org.clone()),
                        repo: Some(of.repo.clone()),
                        ..JobFilter::default()
                    };
                    let title = format!(
                        "{} presubmits, {} postsubmits, {} periodics",
                        of.presubmits, of.postsubmits, of.periodics
                    );
                    let all = of.presubmits + of.postsubmits + of.periodics;
                    view! {
                        <li>
                            <a href=filter.href() title=title>{of.repo}</a>
                            <span class="num">{count(all)}</span>
                        </li>
                    }
                })
                .collect_view();
            let heading = everywhere.then(|| view! { <h2><a href=href>{org.clone()}</a></h2> });
            view! { <section>{heading}<ul class="repos">{repos}</ul></section> }
        })
        .collect_view();
    let periodics = JobFilter { kind: Some(RunKind::Periodic), ..JobFilter::default() }.href();
    view! {
        <div class="index" class:all=everywhere data-moves="links">
            {orgs}
            {(everywhere && without_repo > 0)
                .then(|| {
                    view! {
                        <section>
                            <h2>"No repository"</h2>
                            <p>
                                <a href=periodics>{plural(without_repo, "periodic", "periodics")}</a>
                                " without a repository"
                            </p>
                        </section>
                    }
                })}
        </div>
    }
}

#[component]
fn JobTable(
    filter: JobFilter,
    jobs: Vec<ConfiguredJob>,
    matching: u64,
    now_ms: i64,
) -> impl IntoView {
    let with_repo = filter.repo.is_none();
    let rows = jobs
        .into_iter()
        .map(|job| {
            let filter = filter.clone();
            view! { <JobRow filter job with_repo now_ms/> }
        })
        .collect_view();
    view! {
        <p class="quiet">{plural(matching, "job", "jobs")}</p>
        <table class="jobs" data-moves="rows">
            <caption class="v">"Configured jobs, by name"</caption>
            <thead>
                <tr>
                    <th class="state"><span class="v">"Last run"</span></th>
                    <th class="job">"Job"</th>
                    <th class="kind">"Type"</th>
                    {with_repo.then(|| view! { <th class="repo">"Repository"</th> })}
                    <th class="branches">"Branches"</th>
                    <th class="trigger">"Runs"</th>
                    <th class="acts"><span class="v">"Links"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

/// One job, and its definition under it when it was asked for.
#[component]
fn JobRow(filter: JobFilter, job: ConfiguredJob, with_repo: bool, now_ms: i64) -> impl IntoView {
    let history = RunFilter { job: Some(job.name.clone()), ..RunFilter::default() }.href();
    let open = job.yaml.is_some();
    let mut place = JobFilter { job: Some(job.name.clone()), ..filter };
    if !job.repo.is_empty() {
        (place.org, place.repo) = (Some(job.org.clone()), Some(job.repo.clone()));
    }
    let definition = if open { JobFilter { job: None, ..place.clone() } } else { place };
    let last = job.last_run.map(|run| {
        view! { <a href=run.href title="Last run"><StateIcon state=run.state/></a> }
    });
    let repository = with_repo.then(|| {
        let name = if job.repo.is_empty() {
            "–".to_owned()
        } else {
            format!("{}/{}", job.org, job.repo)
        };
        view! { <td class="repo">{name}</td> }
    });
    let columns = if with_repo { "7" } else { "6" };
    let details = job.yaml.map(|yaml| {
        let facts = [
            ("Context", job.context),
            ("Command", job.rerun_command),
            ("Cluster", job.cluster),
            (
                "At once",
                if job.max_concurrency > 0 { format!("at most {}", job.max_concurrency) } else { String::new() },
            ),
            ("Defined in", job.source),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(word, value)| view! { <tr><th scope="row">{word}</th><td><code>{value}</code></td></tr> })
        .collect_view();
        view! {
            <tr class="opened">
                <td colspan=columns>
                    <table class="pairs"><tbody>{facts}</tbody></table>
                    <pre class="code" tabindex="0"><code>{yaml}</code></pre>
                </td>
            </tr>
        }
    });
    view! {
        <tr id=format!("job-{}", job.name)>
            <td>{last}</td>
            <td class="job">
                <a class="name" href=definition.href() title=job.name.clone()>{middle(&job.name)}</a>
                {job.optional.then(|| view! { " " <span class="tag">"optional"</span> })}
            </td>
            <td>{job.kind.word()}</td>
            {repository}
            <td class="branches">{branches(&job.branches, &job.skip_branches)}</td>
            <td>
                {if job.schedule.is_empty() { job.trigger } else { job.schedule }}
                {job.next_run_ms.map(|ms| view! { <span class="quiet">", next " <Ago ms now_ms/></span> })}
            </td>
            <td><a href=history>"history"</a></td>
        </tr>
        {details}
    }
}

/// `all`, `main, release-.*`, `all but gh-pages`.
fn branches(only: &[String], but: &[String]) -> String {
    let only_words = if only.is_empty() { "all".to_owned() } else { only.join(", ") };
    if but.is_empty() { only_words } else { format!("{only_words} but {}", but.join(", ")) }
}

/// Why there is no job and what to do about it.
#[component]
fn NoJobs(filter: JobFilter, total: u64) -> impl IntoView {
    if total == 0 {
        return view! {
            <Empty title="No job is configured.">
                "Jobs come from the files of " <code>"--job-config-path"</code>
                ". If there are some, " <a href="/status">"the status page"</a>
                " says why they did not load."
            </Empty>
        }
        .into_any();
    }
    let wider = JobFilter { org: filter.org, repo: filter.repo, ..JobFilter::default() };
    view! {
        <Empty title="No job matches.">
            "Jobs that a repository keeps in its own " <code>".prow.yaml"</code>
            " are read when they are triggered and are not listed here. "
            <a href=wider.href()>"Clear the search"</a> " or "
            <a href="/configured-jobs">"see every repository"</a> "."
        </Empty>
    }
    .into_any()
}

#[component]
fn Pager(filter: JobFilter, matching: u64, page_size: u64) -> impl IntoView {
    let page = filter.page.unwrap_or(1).max(1);
    let pages = if page_size == 0 { 1 } else { matching.div_ceil(page_size) };
    if pages < 2 {
        return ().into_any();
    }
    let at = |page: u64| JobFilter { page: Some(page), ..filter.clone() }.href();
    view! {
        <nav class="pager" aria-label="Pages">
            {(page > 1).then(|| view! { <a href=at(page - 1) rel="prev">"← Previous"</a> })}
            <span>{format!("Page {page} of {pages}")}</span>
            {(page < pages).then(|| view! { <a href=at(page + 1) rel="next">"Next →"</a> })}
        </nav>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_said_in_words() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(branches(&[], &[]), "all");
        assert_eq!(branches(&list(&["main", "release-.*"]), &[]), "main, release-.*");
        assert_eq!(branches(&[], &list(&["gh-pages"])), "all but gh-pages");
    }
}
