use go_compat::Timestamp;
use store::{MAX_TEXT_RUNS, ReferenceRow};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    a_run_is_found_in_the_texts_that_name_it_the_newest_first,
    a_text_names_what_it_named_last,
    the_texts_of_an_issue_have_its_title_and_state_and_go_with_it,
    a_text_names_no_more_runs_than_one_may,
    old_references_are_pruned,
}

fn text(number: i64, text: &str, at_ms: i64) -> ReferenceRow {
    ReferenceRow {
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        number,
        text: text.to_owned(),
        is_pr: number == 7,
        title: "It fails".to_owned(),
        state: "open".to_owned(),
        author: "alice".to_owned(),
        href: format!("https://host/{number}#{text}"),
        at_ms,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn a_run_is_found_in_the_texts_that_name_it_the_newest_first(fixture: Fixture) {
    let store = fixture.open().await;
    let references = store.references();
    references.put_text(text(7, "body", 5), names(&["a", "b", "a"])).await.unwrap();
    references.put_text(text(8, "comment 1", 9), names(&["b", "c"])).await.unwrap();
    let store = fixture.reopen(store).await;
    let references = store.references();
    let found = references.of_run(&names(&["b"])).await.unwrap();
    assert_eq!(found, [text(8, "comment 1", 9), text(7, "body", 5)]);
    // By two of its names it is the same text.
    assert_eq!(references.of_run(&names(&["a", "b"])).await.unwrap().len(), 2);
    assert!(references.of_run(&names(&["d"])).await.unwrap().is_empty());
    assert!(references.of_run(&[]).await.unwrap().is_empty());
}

async fn a_text_names_what_it_named_last(fixture: Fixture) {
    let store = fixture.open().await;
    let references = store.references();
    references.put_text(text(7, "body", 5), names(&["a"])).await.unwrap();
    references.put_text(text(7, "comment 1", 6), names(&["a"])).await.unwrap();
    references.put_text(text(7, "comment 1", 6), names(&["b"])).await.unwrap();
    assert_eq!(references.of_run(&names(&["a"])).await.unwrap(), [text(7, "body", 5)]);
    assert_eq!(references.of_run(&names(&["b"])).await.unwrap(), [text(7, "comment 1", 6)]);
    references.put_text(text(7, "body", 5), Vec::new()).await.unwrap();
    assert!(references.of_run(&names(&["a"])).await.unwrap().is_empty());
}

async fn the_texts_of_an_issue_have_its_title_and_state_and_go_with_it(fixture: Fixture) {
    let store = fixture.open().await;
    let references = store.references();
    references.put_text(text(7, "body", 5), names(&["a"])).await.unwrap();
    references.put_text(text(8, "body", 4), names(&["a"])).await.unwrap();
    references.put_state("org", "repo", 7, "It works", "merged").await.unwrap();
    let found = references.of_run(&names(&["a"])).await.unwrap();
    assert_eq!((found[0].title.as_str(), found[0].state.as_str()), ("It works", "merged"));
    assert_eq!(found[1], text(8, "body", 4), "another issue");
    // So it is with a later text of the same issue.
    references.put_text(text(7, "comment 1", 6), names(&["b"])).await.unwrap();
    assert_eq!(references.of_run(&names(&["a"])).await.unwrap()[0], text(7, "body", 5));
    references.forget("org", "repo", 7).await.unwrap();
    assert_eq!(references.of_run(&names(&["a", "b"])).await.unwrap(), [text(8, "body", 4)]);
}

async fn a_text_names_no_more_runs_than_one_may(fixture: Fixture) {
    let store = fixture.open().await;
    let references = store.references();
    let many: Vec<String> = (0..MAX_TEXT_RUNS + 5).map(|at| at.to_string()).collect();
    references.put_text(text(7, "body", 5), many.clone()).await.unwrap();
    assert_eq!(references.of_run(&many[MAX_TEXT_RUNS - 1..]).await.unwrap().len(), 1);
    assert!(references.of_run(&many[MAX_TEXT_RUNS..]).await.unwrap().is_empty());
}

async fn old_references_are_pruned(fixture: Fixture) {
    let store = fixture.open().await;
    store.references().put_text(text(7, "body", 5), names(&["a", "b"])).await.unwrap();
    assert_eq!(store.prune(Timestamp::from_seconds(100)).await.unwrap().references, 0);
    let later = Timestamp::from_seconds(1_000 * 24 * 3600);
    assert_eq!(store.prune(later).await.unwrap().references, 2);
}
