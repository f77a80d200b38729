//! Rate limits, errors that pass, and what is asked how often.

use std::{collections::HashMap, sync::Arc, time::Duration};

use clock::{Clock, SettableClock};
use forge::{
    Auth, Forge, ForgeError, GitHub, GitHubOptions,
    github::{Counters, Throttle},
};
use futures::future::join_all;
use tests::fake_github::{Fault, FaultKind, Gate, app_private_key};

use super::{BOT, ORG, REPO, Setup, class, run_on, start_time, until_waiting};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const SECONDARY: &str = "You have exceeded a secondary rate limit. Please wait a few minutes.";

#[tokio::test]
async fn a_spent_budget_holds_calls_back_until_it_is_full_again() {
    let setup = Setup::new().await;
    setup.fake.set_budget(BOT, "core", 0, secs(60));
    let (sha, took) = setup.timed(setup.github.get_ref(ORG, REPO, "heads/main")).await;
    assert_eq!(sha.expect("a commit"), setup.fake.head(ORG, REPO, "main").await);
    assert_eq!(took, secs(61));
    assert_eq!(setup.timeline("GET", "/git/ref/"), [0, 61]);
}

#[tokio::test]
async fn the_last_request_of_a_budget_is_noticed_without_being_refused() {
    let setup = Setup::new().await;
    setup.fake.set_budget(BOT, "core", 1, secs(60));
    setup.github.get_ref(ORG, REPO, "heads/main").await.expect("the last of the budget");
    let (result, _) = setup.timed(setup.github.get_repo(ORG, REPO)).await;
    result.expect("a repository");
    let statuses: Vec<u16> = setup.fake.requests().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [200, 200]);
    assert_eq!(setup.timeline("GET", "/repos/org/repo"), [0, 61]);
}

#[tokio::test]
async fn no_request_is_sent_while_the_credential_is_held_back() {
    let setup = Setup::new().await;
    setup.fake.set_budget(BOT, "core", 0, secs(60));
    let call = || setup.github.get_ref(ORG, REPO, "heads/main");
    let calls = join_all((0..20).map(|_| call()));
    let results = run_on(&setup.clock, async {
        let first = call();
        tokio::pin!(first);
        tokio::select! {
            biased;
            result = &mut first => panic!("{result:?}"),
            () = until_waiting(&setup.clock, 1) => {}
        }
        let (first, mut rest) = tokio::join!(first, calls);
        rest.push(first);
        rest
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let early = setup.timeline("GET", "/git/ref/").into_iter().filter(|&at| at < 61).count();
    assert_eq!(early, 1, "one request met the limit and no other was sent");
}

#[tokio::test]
async fn a_limit_beyond_the_longest_wait_is_an_error_that_says_until_when() {
    let setup = Setup::new().await;
    setup.fake.set_budget(BOT, "core", 0, secs(1_800));
    let call = || setup.github.get_ref(ORG, REPO, "heads/main");
    for _ in 0..3 {
        let (result, took) = setup.timed(call()).await;
        let error = result.expect_err("limited");
        let ForgeError::RateLimited { until, .. } = error else { panic!("{error}") };
        assert_eq!(until.since(start_time()), secs(1_801));
        assert_eq!(took, secs(0), "it does not wait for what it cannot wait for");
    }
    assert_eq!(setup.timeline("GET", "/git/ref/"), [0], "the limit was met once");
    let error = call().await.expect_err("limited").to_string();
    assert_eq!(
        error,
        "GET /repos/org/repo/git/ref/heads/main got no answer: it was not sent, the budget of \
         this credential is spent; the rate limit is spent until 2026-11-21T00:30:01Z"
    );
    setup.clock.advance(secs(1_801));
    call().await.expect("the budget is full again");
}

#[tokio::test]
async fn retry_after_is_obeyed_for_403_and_429() {
    for status in [403, 429] {
        let setup = Setup::new().await;
        setup.fake.fail(Fault::limit(status, &[("retry-after", "30")], SECONDARY).times(2));
        let (result, _) = setup.timed(setup.github.get_ref(ORG, REPO, "heads/main")).await;
        result.expect("a commit");
        assert_eq!(setup.timeline("GET", "/git/ref/"), [0, 31, 62], "{status}");
    }
}

#[tokio::test]
async fn a_secondary_limit_without_a_time_waits_a_minute_and_then_twice_as_long() {
    let setup = Setup::new().await;
    setup.fake.fail(Fault::limit(403, &[], SECONDARY).times(3));
    let (result, _) = setup.timed(setup.github.get_ref(ORG, REPO, "heads/main")).await;
    // The third wait would be four minutes, which is more than a call waits.
    let ForgeError::RateLimited { until, .. } = result.expect_err("limited") else { panic!() };
    assert_eq!(until.since(start_time()), secs(60 + 120 + 240));
    assert_eq!(setup.timeline("GET", "/git/ref/"), [0, 60, 180]);
}

#[tokio::test]
async fn after_a_secondary_limit_one_request_goes_ahead_of_the_others() {
    let setup = Setup::new().await;
    setup.fake.fail(Fault::limit(403, &[("retry-after", "9")], SECONDARY).times(3));
    let call = || setup.github.get_ref(ORG, REPO, "heads/main");
    // The first meets the limit, waits, meets it again, and the others come after it.
    let results = run_on(&setup.clock, async {
        let first = call();
        tokio::pin!(first);
        tokio::select! {
            biased;
            result = &mut first => panic!("{result:?}"),
            () = until_waiting(&setup.clock, 1) => {}
        }
        let rest = join_all((0..10).map(|_| call()));
        let (first, mut rest) = tokio::join!(first, rest);
        rest.push(first);
        rest
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let timeline = setup.timeline("GET", "/git/ref/");
    assert_eq!(timeline[..4], [0, 10, 20, 30], "one at a time while in doubt");
    assert_eq!(timeline.len(), 14);
}

#[tokio::test]
async fn a_missing_permission_is_no_limit_and_is_not_asked_again() {
    let setup = Setup::new().await;
    setup.fake.fail(Fault::limit(403, &[], "Resource not accessible by integration"));
    let result = setup.github.get_ref(ORG, REPO, "heads/main").await;
    let error = result.expect_err("forbidden");
    assert_eq!(error.class().label(), "forbidden");
    assert_eq!(error.message(), "Resource not accessible by integration");
    assert_eq!(setup.fake.requests().len(), 1);
}

#[tokio::test]
async fn other_organizations_go_on_while_one_is_held_back() {
    let setup = Setup::new().await;
    setup.fake.add_org("other", &[]);
    setup.fake.add_repo("other", REPO, &[("x", "y")]).await;
    setup.fake.add_app("77", "robot", &[ORG, "other"]);
    let github = app_client(&setup, &setup.clock);
    for org in [ORG, "other"] {
        github.get_repo(org, REPO).await.expect("a repository");
    }
    let installation = setup.fake.installation(ORG).expect("an installation");
    setup.fake.set_budget(&format!("installation {installation}"), "core", 0, secs(100));
    let held = github.get_ref(ORG, REPO, "heads/main");
    tokio::pin!(held);
    tokio::select! {
        biased;
        result = &mut held => panic!("{result:?}"),
        () = until_waiting(&setup.clock, 1) => {}
    }
    github.get_ref("other", REPO, "heads/main").await.expect("the other goes on");
    assert_eq!(setup.clock.now(), start_time(), "without any wait");
    run_on(&setup.clock, held).await.expect("held back, then answered");
}

fn app_client(setup: &Setup, clock: &SettableClock) -> GitHub {
    let key = setup.token_file().with_extension("pem");
    std::fs::write(&key, app_private_key()).expect("a key file");
    let auth = Auth::App { id: "77".into(), private_key_file: key };
    let mut options = GitHubOptions::new(auth, clock.shared());
    options.endpoints = vec![setup.fake.url().to_owned()];
    GitHub::new(options).expect("a client")
}

#[tokio::test]
async fn search_has_a_budget_of_its_own() {
    let setup = Setup::new().await;
    setup.fake.set_budget(BOT, "search", 0, secs(50));
    let search = setup.github.search_merged_count(ORG, "member");
    tokio::pin!(search);
    tokio::select! {
        biased;
        result = &mut search => panic!("{result:?}"),
        () = until_waiting(&setup.clock, 1) => {}
    }
    setup.github.get_repo(ORG, REPO).await.expect("the core budget is full");
    assert_eq!(run_on(&setup.clock, search).await, Ok(0));
    assert_eq!(setup.timeline("GET", "/search/"), [0, 51]);
}

#[tokio::test]
async fn server_errors_are_tried_again_with_doubling_pauses() {
    for status in [500, 502, 503, 504] {
        let setup = Setup::new().await;
        setup.fake.fail(Fault::status(status).times(3));
        let (result, _) = setup.timed(setup.github.get_ref(ORG, REPO, "heads/main")).await;
        result.expect("a commit");
        assert_eq!(setup.timeline("GET", "/git/ref/"), [0, 2, 6, 14], "{status}");
    }
}

#[tokio::test]
async fn an_outage_ends_in_an_error_after_eight_tries() {
    let setup = Setup::new().await;
    setup.fake.fail(Fault::status(502).times(100));
    let (result, took) = setup.timed(setup.github.get_ref(ORG, REPO, "heads/main")).await;
    let error = result.expect_err("an outage");
    assert_eq!(error.class().label(), "transient");
    assert!(!error.is_permanent());
    assert!(error.to_string().contains("GET /repos/org/repo/git/ref/heads/main answered 502"));
    assert_eq!(setup.fake.requests().len(), 8);
    assert_eq!(took, secs(2 + 4 + 8 + 16 + 32 + 64 + 120));
}

#[tokio::test]
async fn connections_that_break_are_tried_again() {
    for kind in [FaultKind::DropRequest, FaultKind::DropReply, FaultKind::CutReply] {
        let setup = Setup::new().await;
        setup.fake.fail(Fault::new(kind.clone()).times(2));
        let (result, _) = setup.timed(setup.github.get_ref(ORG, REPO, "heads/main")).await;
        result.expect("a commit");
        assert_eq!(setup.timeline("GET", "/git/ref/"), [0, 2, 6], "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let setup = Setup::with(|options| {
        options.limits.request_timeout = Duration::from_millis(200);
        options.limits.max_tries = 1;
    })
    .await;
    let gate = Gate::default();
    setup.fake.fail(Fault::new(FaultKind::Hold(gate)));
    let error = setup.github.get_repo(ORG, REPO).await.expect_err("no answer");
    assert_eq!(error.class().label(), "transient");
    assert!(error.message().contains("no answer within 0.2 s"), "{error}");
}

#[tokio::test]
async fn a_pull_request_that_github_does_not_know_yet_is_asked_for_again() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    setup.fake.fail(Fault::status(404).times(2));
    let (result, _) = setup.timed(setup.github.get_pull_request(ORG, REPO, number)).await;
    assert_eq!(result.expect("a pull request").number, number);
    assert_eq!(setup.timeline("GET", "/pulls/"), [0, 2, 6]);

    let (result, took) = setup.timed(setup.github.get_pull_request(ORG, REPO, 999)).await;
    assert_eq!(class(result), "not_found");
    assert_eq!(took, secs(6), "two more tries, no more");
}

#[tokio::test]
async fn questions_whose_answer_may_be_no_are_asked_once() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    setup.fake.clear_requests();
    let github = &setup.github;
    assert_eq!(github.is_member(ORG, "stranger").await, Ok(false));
    assert_eq!(github.is_collaborator(ORG, REPO, "stranger").await, Ok(false));
    assert_eq!(github.remove_label(ORG, REPO, number, "nothing").await, Ok(()));
    assert_eq!(github.delete_comment(ORG, REPO, 424_242).await, Ok(()));
    assert_eq!(setup.fake.requests().len(), 4);
    assert_eq!(setup.clock.now(), start_time());
}

#[tokio::test]
async fn requests_that_are_wrong_are_not_repeated_and_say_why() {
    let setup = Setup::new().await;
    let status = forge::model::Status {
        state: "success".into(),
        context: "ci/unit".into(),
        description: "x".repeat(141),
        ..Default::default()
    };
    let head = setup.fake.head(ORG, REPO, "main").await;
    let error = setup.github.create_status(ORG, REPO, &head, &status).await.expect_err("wrong");
    assert_eq!(error.class().label(), "invalid");
    assert!(error.is_permanent());
    assert_eq!(
        error.message(),
        "Validation Failed: description is too long (maximum is 140 characters)"
    );
    let gone = "0".repeat(39) + "1";
    let error = setup.github.create_status(ORG, REPO, &gone, &status).await.expect_err("wrong");
    assert_eq!(error.message(), format!("No commit found for SHA: {gone}"));
    assert_eq!(setup.fake.requests().len(), 2);
}

#[tokio::test]
async fn the_next_endpoint_takes_over_at_once_and_the_first_comes_back() {
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let dead_url = format!("http://{}", dead.local_addr().expect("an address"));
    drop(dead);
    let setup = Setup::with(|options| options.endpoints.insert(0, dead_url.clone())).await;
    let (result, took) = setup.timed(setup.github.get_repo(ORG, REPO)).await;
    result.expect("from the second endpoint");
    assert_eq!(took, secs(0));

    // Now the first endpoint lives, as a second fake, and is preferred again after a while.
    let address = dead_url.trim_start_matches("http://").parse().expect("an address");
    let options = tests::fake_github::FakeOptions { listen: address, clock: setup.clock.shared() };
    let first = tests::fake_github::FakeGitHub::start_with(options).await.expect("a fake");
    first.add_org(ORG, &[]);
    first.add_token(super::TOKEN, BOT);
    first.add_repo(ORG, REPO, &[("x", "y")]).await;
    setup.github.get_repo(ORG, REPO).await.expect("still the second");
    assert_eq!((first.requests().len(), setup.fake.requests().len()), (0, 2));
    setup.clock.advance(secs(300));
    setup.github.get_repo(ORG, REPO).await.expect("the first again");
    assert_eq!((first.requests().len(), setup.fake.requests().len()), (1, 2));
}

#[tokio::test]
async fn comments_keep_below_what_github_takes_for_a_flood() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let comment = |n: usize| {
        let github = setup.github.clone();
        async move { github.create_comment(ORG, REPO, number, &format!("comment {n}")).await }
    };
    let mut calls: Vec<_> = (0..100).map(|n| tokio::spawn(comment(n))).collect();
    until_waiting(&setup.clock, 20).await;
    for call in calls.drain(..80) {
        call.await.expect("no panic").expect("a comment at once");
    }
    assert_eq!(setup.timeline("POST", "/comments"), [0; 80]);
    setup.clock.advance(secs(60));
    for call in calls {
        call.await.expect("no panic").expect("a comment a minute later");
    }
    assert_eq!(setup.timeline("POST", "/comments")[80..], [60; 20]);
}

#[tokio::test]
async fn a_throttle_of_our_own_spreads_requests_but_not_free_ones() {
    let throttle = Throttle { hourly_tokens: 360, allowed_burst: 2 };
    let setup = Setup::with(|options| options.throttle = Some(throttle)).await;
    let (results, took) = setup
        .timed(async {
            for path in ["heads/main", "heads/main", "heads/main", "heads/main"] {
                setup.github.get_ref(ORG, REPO, path).await.expect("a commit");
            }
            setup.github.get_repo(ORG, REPO).await.expect("a repository");
            setup.github.get_user("member").await
        })
        .await;
    results.expect("a user");
    // Three that cost, of which two are in the burst; three were answered from what is kept.
    assert_eq!(took, secs(10));
}

#[tokio::test]
async fn organizations_may_have_throttles_of_their_own_under_an_app() {
    let setup = Setup::new().await;
    setup.fake.add_app("77", "robot", &[ORG]);
    let key = setup.token_file().with_extension("pem");
    std::fs::write(&key, app_private_key()).expect("a key file");
    let auth = Auth::App { id: "77".into(), private_key_file: key };
    let mut options = GitHubOptions::new(auth, setup.clock.shared());
    options.endpoints = vec![setup.fake.url().to_owned()];
    let throttle = Throttle { hourly_tokens: 3_600, allowed_burst: 1 };
    options.org_throttles = HashMap::from([("ORG".to_owned(), throttle)]);
    let github = GitHub::new(options).expect("a client");
    let (_, took) = setup
        .timed(async {
            github.get_repo(ORG, REPO).await.expect("a repository");
            github.get_ref(ORG, REPO, "heads/main").await.expect("a commit");
        })
        .await;
    assert_eq!(took, secs(1));
}

#[tokio::test]
async fn an_observer_is_told_about_exchanges_and_waits() {
    let counters = Arc::new(Counters::default());
    let setup = Setup::with(|options| options.observer = counters.clone()).await;
    setup.fake.fail(Fault::status(502));
    let (result, _) = setup.timed(setup.github.get_repo(ORG, REPO)).await;
    result.expect("a repository");
    setup.github.get_repo(ORG, REPO).await.expect("a repository");
    let count =
        |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(count(&counters.requests), 3);
    assert_eq!(count(&counters.errors), 1);
    assert_eq!(count(&counters.revalidated), 1);
    assert_eq!(count(&counters.waited_millis), 2_000);
}
