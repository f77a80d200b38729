//! The tests of a run: those that failed first, with their text.

use leptos::prelude::*;

use crate::islands::CopyButtons;
use crate::model::{ResultRun, RunTests, Source, TestResult, TestsGroup, Verdict, encode, time};
use crate::pages::testgrid::glyph;
use crate::ui::{Empty, Shape, bytes, count, plural, prose};

/// Lines of a failure that stand there before one asks for the rest.
const SHOWN_LINES: usize = 12;

/// The tests, by verdict. `href` is the page of the run, `source` what it tests.
#[component]
pub(crate) fn Tests(tests: RunTests, href: String, source: Option<Source>) -> impl IntoView {
    let RunTests {
        counts,
        all: _,
        groups,
        matching,
        ms,
        query,
        row,
        slowest,
        whole,
        page,
        pages,
        tests,
        files,
        problems,
    } = tests;
    let total: u64 = counts.iter().sum();
    let group = groups.iter().find(|group| group.current).map(|group| group.number);
    let link = Address { href, query: query.clone(), slowest, group };
    let mut by_verdict: [Vec<TestResult>; 4] = Default::default();
    for test in tests {
        by_verdict[test.verdict as usize].push(test);
    }
    let alone = !row.is_empty();
    // Where all tests are in groups, these say what there is.
    let in_groups = groups.iter().any(|group| !group.tests.is_empty())
        || query.is_empty() && !groups.is_empty();
    let nothing = matching.iter().sum::<u64>() == 0 && (alone || !in_groups);
    let folded = match group.is_none() && whole.is_none() && !alone {
        true => groups.clone(),
        false => Vec::new(),
    };
    let sections = Verdict::ALL
        .into_iter()
        .zip(by_verdict)
        .filter(|(verdict, _)| matching[*verdict as usize] > 0)
        .filter(|(verdict, _)| whole.is_none_or(|whole| whole == *verdict))
        .map(|(verdict, tests)| {
            // A page of one verdict has its pager.
            let all = if whole.is_some() { tests.len() as u64 } else { matching[verdict as usize] };
            let shown = matching[verdict as usize];
            let open = whole.is_some() || alone;
            view! { <Section verdict tests all shown total=counts[verdict as usize] open link=link.clone() source=source.clone()/> }
        })
        .collect_view();
    let only = alone.then(|| {
        let all = format!("{}?tab=tests", link.href);
        view! { <p>"Of the test " <code>{row}</code> " alone. " <a href=all>"All tests of the run"</a></p> }
    });
    let back = whole.map(|_| view! { <p><a href=link.of(None, 1)>"All tests of the run"</a></p> });
    let pager = whole.filter(|_| pages > 1).map(|verdict| {
        view! {
            <nav class="pager" aria-label="Pages of tests">
                {(page > 1).then(|| view! { <a href=link.of(Some(verdict), page - 1) rel="prev">"← Previous"</a> })}
                <span>{format!("Page {} of {}", count(page), count(pages))}</span>
                {(page < pages).then(|| view! { <a href=link.of(Some(verdict), page + 1) rel="next">"Next →"</a> })}
            </nav>
        }
    });
    view! {
        <div class="tests" data-moves="links">
            <form class="filters" method="get" role="search" aria-label="Which tests are shown">
                <input type="hidden" name="tab" value="tests"/>
                {group.map(|group| view! { <input type="hidden" name="group" value=group.to_string()/> })}
                <input type="search" name="q" class="job" aria-label="Words in the name, or /pattern/" placeholder="words or /regex/" autocomplete="off" spellcheck="false" value=query.clone()/>
                <label><input type="checkbox" name="sort" value="duration" checked=slowest/>" slowest first"</label>
                <button type="submit">"Show"</button>
                <span class="quiet">
                    {plural(total, "test", "tests")} " in " {plural(files, "file", "files")} ", " {time::duration(ms as i64)} " together"
                </span>
            </form>
            <Groups groups link=link.clone()/>
            {problems.into_iter().map(|problem| view! { <p class="note-line">{prose(&problem)}</p> }).collect_view()}
            {only}
            {back}
            {if nothing {
                view! { <Empty title="No test is shown.">"No test of this run has such a name."</Empty> }.into_any()
            } else {
                sections.into_any()
            }}
            {folded.into_iter().map(|group| view! { <Group group link=link.clone() source=source.clone()/> }).collect_view()}
            {pager}
            <CopyButtons/>
        </div>
    }
}

/// The ways to the groups of the job's configuration, and to the tests of none.
#[component]
fn Groups(groups: Vec<TestsGroup>, link: Address) -> impl IntoView {
    if groups.is_empty() {
        return ().into_any();
    }
    let others = Address { group: None, ..link.clone() }.of(None, 1);
    let here = link.group.is_none().then_some("page");
    let links = groups
        .into_iter()
        .map(|group| {
            let href = Address { group: Some(group.number), ..link.clone() }.of(None, 1);
            let found = found(&group);
            view! {
                <a href=href aria-current=group.current.then_some("page")>
                    {group.name} " " <span class="note">{found}</span>
                </a>
            }
        })
        .collect_view();
    view! {
        <nav class="tabs" aria-label="Groups of tests">
            <a href=others aria-current=here>"Of no group"</a>
            {links}
        </nav>
    }
    .into_any()
}

/// How many of each verdict a group has.
fn found(group: &TestsGroup) -> String {
    let there = Verdict::ALL.into_iter().filter(|verdict| group.counts[*verdict as usize] > 0);
    there
        .map(|verdict| format!("{} {}", count(group.counts[verdict as usize]), verdict.word()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A group beside the tests of none: what failed in it, folded at first if it is configured so.
#[component]
fn Group(group: TestsGroup, link: Address, source: Option<Source>) -> impl IntoView {
    let found = found(&group);
    let TestsGroup { name, number, collapsed, tests, .. } = group;
    let href = Address { group: Some(number), ..link }.of(None, 1);
    view! {
        <details class="tests-section tests-group" open=!collapsed>
            <summary><h2>{name.clone()} " " <span class="quiet">{found}</span></h2></summary>
            <ul class="test-list">{tests.into_iter().map(|test| view! { <Test test source=source.clone()/> }).collect_view()}</ul>
            <p class="more"><a href=href>"All tests of " {name}</a></p>
        </details>
    }
}

/// Addresses of the same tests in other ways.
#[derive(Clone)]
struct Address {
    href: String,
    query: String,
    slowest: bool,
    group: Option<u64>,
}

impl Address {
    fn of(&self, only: Option<Verdict>, page: u64) -> String {
        let mut address = format!("{}?tab=tests", self.href);
        if !self.query.is_empty() {
            address.push_str(&format!("&q={}", encode(&self.query)));
        }
        if self.slowest {
            address.push_str("&sort=duration");
        }
        if let Some(group) = self.group {
            address.push_str(&format!("&group={group}"));
        }
        if let Some(only) = only {
            address.push_str(&format!("&only={}", only.word()));
        }
        if page > 1 {
            address.push_str(&format!("&page={page}"));
        }
        address
    }
}

#[component]
fn Section(
    verdict: Verdict,
    tests: Vec<TestResult>,
    all: u64,
    shown: u64,
    total: u64,
    open: bool,
    link: Address,
    source: Option<Source>,
) -> impl IntoView {
    let more = all.saturating_sub(tests.len() as u64);
    let open = open || matches!(verdict, Verdict::Failed | Verdict::Flaky);
    let heading = match shown == total {
        true => format!("{} {}", count(total), verdict.word()),
        false => format!("{} of {} {}", count(shown), count(total), verdict.word()),
    };
    let more = (more > 0).then(|| {
        let rest = format!("and {} more", count(more));
        view! { <p class="more"><a href=link.of(Some(verdict), 1)>{rest}</a></p> }
    });
    view! {
        <details class="tests-section" open=open>
            <summary><h2><Shape shape=verdict.shape() word=verdict.word()/> " " {heading}</h2></summary>
            <ul class="test-list">{tests.into_iter().map(|test| view! { <Test test source=source.clone()/> }).collect_view()}</ul>
            {more}
        </details>
    }
}

#[component]
fn Test(test: TestResult, source: Option<Source>) -> impl IntoView {
    let TestResult {
        name,
        group,
        verdict: _,
        ms,
        href,
        runs,
        command,
        pod,
        node_log,
        history,
        tab,
    } = test;
    let name_view = match href.as_str() {
        "" => view! { <span class="test-name">{name.clone()}</span> }.into_any(),
        _ => view! { <a class="test-name" href=href title="This test over all tabs of the test grid">{name.clone()}</a> }
            .into_any(),
    };
    let several = runs.len() > 1;
    let history = (!history.is_empty()).then(|| {
        // The cells are too small to be links; the test's page has them large.
        let cells = history
            .into_iter()
            .map(|cell| {
                let title = (!cell.title.is_empty()).then_some(cell.title);
                let text = if cell.icon.is_empty() { glyph(cell.status).to_owned() } else { cell.icon };
                view! { <td class=format!("c{}", cell.status) title=title>{text}</td> }
            })
            .collect_view();
        view! {
            <table class="cells test-history" aria-label="Its last results, newest first"><tbody><tr>{cells}</tr></tbody></table>
        }
    });
    let runs = runs
        .into_iter()
        .enumerate()
        .map(
            |(at, run)| view! { <Ran run number=several.then_some(at + 1) source=source.clone()/> },
        )
        .collect_view();
    view! {
        <li class="test">
            <div class="test-head">
                {name_view}
                {(!group.is_empty()).then(|| view! { <span class="quiet test-group">{group}</span> })}
                <span class="num quiet">{time::duration(ms as i64)}</span>
                {(!tab.is_empty()).then(|| view! { <a class="quiet" href=tab>"in the test grid"</a> })}
                {history}
            </div>
            {runs}
            {(!node_log.is_empty())
                .then(|| view! { <p><a href=node_log>"Find " <code>{pod}</code> " in the logs of the nodes"</a></p> })}
            {(!command.is_empty())
                .then(|| view! { <p class="command"><span class="quiet">"Run it alone: "</span><code data-copy>{command}</code></p> })}
        </li>
    }
}

/// One run of a test: its text, folded where it is long, and the ways to its output.
#[component]
fn Ran(run: ResultRun, number: Option<usize>, source: Option<Source>) -> impl IntoView {
    let ResultRun { verdict, ms, text, cut, href, out, err } = run;
    let lines = text.lines().count();
    let text_view = if text.is_empty() {
        ().into_any()
    } else if lines <= SHOWN_LINES {
        view! { <pre class="test-text">{linked(text, &source)}</pre> }.into_any()
    } else {
        let start: String = text.split_inclusive('\n').take(SHOWN_LINES).collect();
        let rest: String = text.split_inclusive('\n').skip(SHOWN_LINES).collect();
        view! {
            <pre class="test-text">{linked(start, &source)}</pre>
            <details class="rest">
                <summary>{format!("{} more lines", count((lines - SHOWN_LINES) as u64))}</summary>
                <pre class="test-text">{linked(rest, &source)}</pre>
            </details>
        }
        .into_any()
    };
    let links = [("output", out), ("error output", err)]
        .into_iter()
        .filter(|(_, href)| !href.is_empty())
        .map(|(text, href)| view! { <a href=href>{text}</a> " " })
        .collect_view();
    view! {
        {number
            .map(|number| view! { <p class="ran"><Shape shape=verdict.shape() word=verdict.word()/> {format!(" Run {number}, ")} {time::duration(ms as i64)}</p> })}
        {text_view}
        {(cut > 0).then(|| view! { <p class="quiet">{bytes(cut)} " of the text are not here: " <a href=href>"all of it"</a></p> })}
        <p class="outputs">{links}</p>
    }
}

/// A text whose stack traces lead to the source.
fn linked(text: String, source: &Option<Source>) -> AnyView {
    let places = source.as_ref().map(|source| source.places(&text)).unwrap_or_default();
    if places.is_empty() {
        return text.into_any();
    }
    let mut at = 0;
    let mut pieces = Vec::new();
    for (place, href) in places {
        pieces.push(text[at..place.start].to_owned().into_any());
        let named = text[place.clone()].to_owned();
        pieces.push(view! { <a href=href rel="noreferrer">{named}</a> }.into_any());
        at = place.end;
    }
    pieces.push(text[at..].to_owned().into_any());
    pieces.into_any()
}
