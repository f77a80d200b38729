//! Answers that are kept and confirmed at no cost.

use std::fs;

use forge::Forge;

use super::{BOT, ORG, REPO, Setup};

#[tokio::test]
async fn an_answer_that_did_not_change_costs_nothing() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    for n in 0..3 {
        setup.fake.comment("member", ORG, REPO, number, &format!("comment {n}")).await;
    }
    let first = setup.github.list_issue_comments(ORG, REPO, number).await.expect("comments");
    setup.fake.set_budget(BOT, "core", 10, std::time::Duration::from_secs(3_000));
    for _ in 0..20 {
        let again = setup.github.list_issue_comments(ORG, REPO, number).await.expect("comments");
        assert_eq!(again, first);
    }
    let statuses: Vec<u16> =
        setup.fake.requests_to("GET", "/comments").iter().map(|seen| seen.status).collect();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|&status| status == 304), "{statuses:?}");
}

#[tokio::test]
async fn a_change_is_seen_at_once() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let count = || async {
        setup.github.list_issue_comments(ORG, REPO, number).await.expect("comments").len()
    };
    assert_eq!(count().await, 0);
    setup.fake.comment("member", ORG, REPO, number, "one").await;
    assert_eq!(count().await, 1);
    setup.github.create_comment(ORG, REPO, number, "two").await.expect("a comment");
    assert_eq!(count().await, 2);
}

#[tokio::test]
async fn all_pages_are_read_from_what_is_kept_too() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    for n in 0..250 {
        setup.fake.comment("member", ORG, REPO, number, &format!("comment {n}")).await;
    }
    for statuses in [[200; 3], [304; 3]] {
        setup.fake.clear_requests();
        let all = setup.github.list_issue_comments(ORG, REPO, number).await.expect("comments");
        assert_eq!(all.len(), 250);
        assert_eq!(all[249].body, "comment 249");
        let seen: Vec<u16> = setup.fake.requests().iter().map(|seen| seen.status).collect();
        assert_eq!(seen, statuses);
    }
}

#[tokio::test]
async fn an_answer_is_never_shown_to_another_credential() {
    let setup = Setup::new().await;
    setup.fake.make_private(ORG, REPO);
    setup.github.get_repo(ORG, REPO).await.expect("the bot is a member");
    setup.fake.add_token("outside", "stranger");
    fs::write(setup.token_file(), "outside").expect("a new token");
    let (result, _) = setup.timed(setup.github.get_repo(ORG, REPO)).await;
    assert!(result.expect_err("hidden").is_not_found());
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let setup = Setup::with(|options| options.cache_bytes = 100).await;
    for _ in 0..3 {
        setup.github.get_repo(ORG, REPO).await.expect("a repository");
    }
    let statuses: Vec<u16> = setup.fake.requests().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [200, 200, 200], "nothing fits, so nothing is kept");
}
