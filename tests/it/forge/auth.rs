//! Tokens that rotate, Apps whose tokens expire, clocks that differ.

use std::{fs, time::Duration};

use clock::{Clock, SettableClock};
use forge::{Auth, Forge, GitHub, GitHubOptions};
use tests::fake_github::app_private_key;

use super::{BOT, ORG, REPO, Setup, class, run_on, start_time};

const APP_ID: &str = "77";

/// A client that is the App, on a clock of its own.
fn app(setup: &Setup, clock: &SettableClock) -> GitHub {
    let key = setup.token_file().with_extension("pem");
    fs::write(&key, app_private_key()).expect("a key file");
    let auth = Auth::App { id: APP_ID.into(), private_key_file: key };
    let mut options = GitHubOptions::new(auth, clock.shared());
    options.endpoints = vec![setup.fake.url().to_owned()];
    GitHub::new(options).expect("a client")
}

async fn setup_with_app() -> Setup {
    let setup = Setup::new().await;
    setup.fake.add_app(APP_ID, "robot", &[ORG]);
    setup
}

#[tokio::test]
async fn a_rotated_token_is_used_without_a_restart() {
    let setup = Setup::new().await;
    assert_eq!(setup.github.bot_user().await.expect("the bot").login, BOT);
    setup.fake.add_token("next", "other-robot");
    setup.fake.revoke_token(super::TOKEN);
    fs::write(setup.token_file(), "next\n").expect("a new token");
    assert_eq!(setup.github.bot_user().await.expect("the bot").login, "other-robot");
    setup.github.get_repo(ORG, REPO).await.expect("a repository");
}

#[tokio::test]
async fn a_revoked_token_is_an_error_until_the_file_holds_a_good_one() {
    let setup = Setup::new().await;
    setup.fake.revoke_token(super::TOKEN);
    let error = setup.github.get_repo(ORG, REPO).await.expect_err("revoked");
    assert_eq!(error.class().label(), "unauthorized");
    assert!(error.to_string().ends_with("check the GitHub token or App key"), "{error}");
    assert_eq!(setup.fake.requests().len(), 1, "a bad token is not tried again");
    setup.fake.add_token("good", BOT);
    fs::write(setup.token_file(), "good").expect("a new token");
    setup.github.get_repo(ORG, REPO).await.expect("a repository");
}

#[tokio::test]
async fn an_app_buys_one_token_per_organization_and_uses_it_until_shortly_before_it_expires() {
    let setup = setup_with_app().await;
    let github = app(&setup, &setup.clock);
    let bought = || setup.fake.requests_to("POST", "/access_tokens").len();
    let calls = (0..10).map(|_| github.get_ref(ORG, REPO, "heads/main"));
    let results = futures::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(bought(), 1);
    setup.clock.advance(Duration::from_secs(54 * 60));
    github.get_repo(ORG, REPO).await.expect("a repository");
    assert_eq!(bought(), 1);
    setup.clock.advance(Duration::from_secs(2 * 60));
    github.get_repo(ORG, REPO).await.expect("a repository");
    assert_eq!(bought(), 2, "renewed five minutes before its hour is over");
}

#[tokio::test]
async fn an_app_knows_itself_with_and_without_its_suffix() {
    let setup = setup_with_app().await;
    let github = app(&setup, &setup.clock);
    let bot = github.bot_user().await.expect("the bot");
    assert_eq!(bot.login, "robot");
    let number = setup.pull().await;
    let comment = github.create_comment(ORG, REPO, number, "Hello.").await.expect("a comment");
    assert_eq!(comment.user.login, "robot[bot]");
    assert!(bot.is(&comment.user.login));
    // What belongs to no organization is asked with the token of one.
    assert_eq!(github.get_user("stranger").await.expect("a user").login, "stranger");
}

#[tokio::test]
async fn a_revoked_installation_token_is_replaced_in_the_middle_of_a_call() {
    let setup = setup_with_app().await;
    let github = app(&setup, &setup.clock);
    github.get_repo(ORG, REPO).await.expect("a repository");
    setup.fake.revoke_installation_tokens();
    github.get_ref(ORG, REPO, "heads/main").await.expect("with a new token");
    assert_eq!(setup.fake.requests_to("POST", "/access_tokens").len(), 2);
}

#[tokio::test]
async fn clocks_that_differ_by_two_minutes_do_no_harm() {
    for seconds in [-120, -30, 30, 120] {
        let setup = setup_with_app().await;
        let ours = SettableClock::new(start_time());
        let shift = Duration::from_secs(u64::try_from(i64::abs(seconds)).expect("seconds"));
        if seconds < 0 {
            ours.set(start_time().saturating_sub(shift));
        } else {
            ours.advance(shift);
        }
        let github = app(&setup, &ours);
        github.get_repo(ORG, REPO).await.unwrap_or_else(|error| panic!("{seconds} s: {error}"));
        // Expiry is counted by GitHub's clock, too.
        for clock in [&ours, &setup.clock] {
            clock.advance(Duration::from_secs(58 * 60));
        }
        setup.fake.clear_requests();
        github.get_repo(ORG, REPO).await.unwrap_or_else(|error| panic!("{seconds} s: {error}"));
        assert_eq!(setup.fake.requests_to("POST", "/access_tokens").len(), 1, "{seconds} s");
    }
}

#[tokio::test]
async fn an_organization_without_the_app_is_named_and_works_once_it_is_installed() {
    let setup = setup_with_app().await;
    setup.fake.add_repo("late", REPO, &[("x", "y")]).await;
    let github = app(&setup, &setup.clock);
    let error = github.get_repo("late", REPO).await.expect_err("not installed");
    assert_eq!(error.class().label(), "credentials");
    assert!(error.to_string().contains("the GitHub App is not installed in late"), "{error}");
    // A flood of such calls does not become a flood of requests.
    for _ in 0..5 {
        assert_eq!(class(github.get_repo("late", REPO).await), "credentials");
    }
    assert_eq!(setup.fake.requests_to("GET", "/app/installations").len(), 1);
    setup.fake.install_app("late");
    setup.clock.advance(Duration::from_secs(60));
    github.get_repo("late", REPO).await.expect("a repository");
}

#[tokio::test]
async fn a_wrong_key_is_an_error_and_not_a_loop() {
    let setup = setup_with_app().await;
    setup.fake.add_app("another", "robot", &[ORG]);
    let github = app(&setup, &setup.clock);
    let result = run_on(&setup.clock, github.get_repo(ORG, REPO)).await;
    assert_eq!(class(result), "unauthorized");
    assert_eq!(setup.clock.now(), start_time());
    assert!(setup.fake.requests().len() <= 2);
}
