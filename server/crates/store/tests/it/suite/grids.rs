use go_compat::Timestamp;
use store::{
    GridBuildKey, GridBuildRow, GridCursor, GridGroupRow, GridStore, GridSummaryRow,
    MAX_HIT_GROUPS, MailEntry, MailFilter, RowSearch, StoreError,
};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    builds_come_newest_first_and_page_by_page,
    a_build_that_is_read_again_replaces_itself,
    builds_without_cells_are_counted,
    rows_keep_their_numbers_over_a_restart,
    a_writer_that_knows_too_few_rows_changes_nothing,
    a_group_that_is_removed_takes_its_names_along_but_not_those_of_others,
    what_is_known_of_a_group_is_replaced_and_its_builds_stay,
    summaries_are_replaced_and_removed_by_tab,
    names_are_found_by_words_in_any_order_and_case,
    words_of_one_and_two_letters_are_found_also_at_the_end,
    odd_words_are_letters_and_no_syntax,
    a_search_gives_the_shortest_names_and_says_that_there_are_more,
    a_name_that_many_groups_have_lists_some_and_counts_all,
    rare_short_words_are_found_behind_many_names,
    mails_are_listed_newest_first_and_pruned_by_age,
}

fn build(number: i64, started_ms: i64) -> GridBuildRow {
    GridBuildRow {
        key: GridBuildKey {
            object: format!("gs://bucket/logs/job/{number}/"),
            build: number.to_string(),
            started_ms,
            running: false,
            read_ms: 7,
        },
        column: vec![number as u8; 3],
    }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

async fn put_rows(grids: &dyn GridStore, group: &str, names: &[&str]) {
    let first = grids.row_names(group).await.unwrap().len() as u32;
    grids.put_builds(group, first, texts(names), Vec::new()).await.unwrap();
}

async fn names(grids: &dyn GridStore, words: &[&str]) -> Vec<String> {
    let found = grids.search_rows(&texts(words), 50).await.unwrap();
    assert!(!found.more);
    found.hits.into_iter().map(|hit| hit.name).collect()
}

async fn builds_come_newest_first_and_page_by_page(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let builds = vec![build(1, 100), build(2, 300), build(10, 200), build(9, 200)];
    grids.put_builds("group", 0, Vec::new(), builds).await.unwrap();
    grids.put_builds("other", 0, Vec::new(), vec![build(1, 400)]).await.unwrap();
    let store = fixture.reopen(store).await;
    let grids = store.grid();
    let order = async |since, before: Option<&GridCursor>, limit| -> Vec<String> {
        let rows = grids.builds("group", since, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.key.build).collect()
    };
    assert_eq!(order(0, None, 9).await, ["2", "9", "10", "1"], "of one start the greater object");
    assert_eq!(order(200, None, 9).await, ["2", "9", "10"]);
    assert_eq!(order(0, None, 2).await, ["2", "9"]);
    let cursor = build(9, 200).key.cursor();
    assert_eq!(order(0, Some(&cursor), 9).await, ["10", "1"]);
    assert_eq!(order(200, Some(&cursor), 9).await, ["10"]);
    assert_eq!(grids.builds("group", 300, None, 9).await.unwrap(), [build(2, 300)]);
    assert_eq!(grids.builds("nobody", 0, None, 9).await.unwrap(), []);
    let objects = texts(&[
        "gs://bucket/logs/job/1/",
        "gs://bucket/logs/job/2/",
        "gs://bucket/logs/job/2/",
        "gs://bucket/logs/job/3/",
    ]);
    assert_eq!(grids.builds_of("group", &objects).await.unwrap(), [build(2, 300), build(1, 100)]);
    let keys = grids.build_keys("group").await.unwrap();
    assert_eq!(keys.len(), 4);
    assert_eq!(keys[0], build(2, 300).key);
    assert_eq!(grids.newest("group", 1).await.unwrap(), [build(2, 300).key]);
}

async fn a_build_that_is_read_again_replaces_itself(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let mut running = build(1, 100);
    running.key.running = true;
    grids.put_builds("group", 0, Vec::new(), vec![running.clone(), build(2, 50)]).await.unwrap();
    assert_eq!(grids.unfinished("group").await.unwrap(), [running.key]);
    let finished = GridBuildRow { column: b"more".to_vec(), ..build(1, 110) };
    grids.put_builds("group", 0, Vec::new(), vec![finished.clone()]).await.unwrap();
    assert_eq!(grids.unfinished("group").await.unwrap(), []);
    assert_eq!(grids.builds("group", 0, None, 9).await.unwrap(), [finished, build(2, 50)]);
}

async fn builds_without_cells_are_counted(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let unread = GridBuildRow { column: Vec::new(), ..build(1, 100) };
    let other = GridBuildRow { column: Vec::new(), ..build(2, 100) };
    grids.put_builds("group", 0, Vec::new(), vec![unread, build(3, 50)]).await.unwrap();
    grids.put_builds("other", 0, Vec::new(), vec![other]).await.unwrap();
    assert_eq!(grids.unread("group").await.unwrap(), 1);
    grids.put_builds("group", 0, Vec::new(), vec![build(1, 100)]).await.unwrap();
    assert_eq!(grids.unread("group").await.unwrap(), 0);
    assert_eq!(grids.unread("nobody").await.unwrap(), 0);
}

async fn rows_keep_their_numbers_over_a_restart(fixture: Fixture) {
    let store = fixture.open().await;
    let odd = ["Overall", "a", "", "A", "ünï · 試験", "nul\0", "'; DROP TABLE grid_rows; --"];
    put_rows(&*store.grid(), "group", &odd).await;
    let store = fixture.reopen(store).await;
    let grids = store.grid();
    put_rows(&*grids, "other", &["z", "Overall"]).await;
    put_rows(&*grids, "group", &["z", "b"]).await;
    let mut all = texts(&odd);
    all[5] = "nul\u{fffd}".to_string();
    all.extend(texts(&["z", "b"]));
    assert_eq!(grids.row_names("group").await.unwrap(), all);
    assert_eq!(grids.row_names("other").await.unwrap(), ["z", "Overall"]);
    assert_eq!(grids.row_names("nobody").await.unwrap(), texts(&[]));
    assert_eq!(grids.groups_of_row("z").await.unwrap(), ["group", "other"]);
    assert_eq!(grids.groups_of_row("nul\0").await.unwrap(), ["group"]);
    assert_eq!(grids.groups_of_row("Z").await.unwrap(), texts(&[]));
    // More names than one statement takes, each of them twice in the group.
    let many: Vec<String> = (0..1_300).map(|number| format!("test {}", number % 650)).collect();
    grids.put_builds("many", 0, many.clone(), Vec::new()).await.unwrap();
    assert_eq!(grids.row_names("many").await.unwrap(), many);
}

async fn a_writer_that_knows_too_few_rows_changes_nothing(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    grids.put_builds("group", 0, texts(&["a", "b"]), vec![build(1, 1)]).await.unwrap();
    for first_row in [0, 1, 3] {
        let late = grids.put_builds("group", first_row, texts(&["c"]), vec![build(2, 2)]).await;
        let error = late.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error}");
        assert!(error.to_string().contains("`group` has 2 rows and not"), "{error}");
    }
    assert_eq!(grids.row_names("group").await.unwrap(), ["a", "b"]);
    assert_eq!(grids.builds("group", 0, None, 9).await.unwrap(), [build(1, 1)]);
    // A group that could not be written is not left behind empty.
    grids.put_builds("new", 5, Vec::new(), vec![build(1, 1)]).await.unwrap_err();
    assert_eq!(grids.groups().await.unwrap().len(), 1);
}

async fn a_group_that_is_removed_takes_its_names_along_but_not_those_of_others(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    grids.put_builds("one", 0, texts(&["shared", "only-one"]), vec![build(1, 1)]).await.unwrap();
    grids.put_builds("two", 0, texts(&["only-two", "shared"]), vec![build(1, 1)]).await.unwrap();
    grids.remove_group("one").await.unwrap();
    grids.remove_group("one").await.unwrap();
    assert_eq!(grids.builds("one", 0, None, 9).await.unwrap(), []);
    assert_eq!(grids.row_names("one").await.unwrap(), texts(&[]));
    assert_eq!(grids.groups().await.unwrap().len(), 1);
    assert_eq!(grids.row_names("two").await.unwrap(), ["only-two", "shared"]);
    assert_eq!(names(&*grids, &["only"]).await, ["only-two"]);
    assert_eq!(names(&*grids, &["shared"]).await, ["shared"]);
    assert_eq!(names(&*grids, &["o"]).await, ["only-two"]);
    put_rows(&*grids, "one", &["only-one"]).await;
    assert_eq!(names(&*grids, &["only"]).await, ["only-two", "only-one"], "the older first");
}

async fn what_is_known_of_a_group_is_replaced_and_its_builds_stay(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    grids.put_builds("b", 0, texts(&["row"]), vec![build(1, 1)]).await.unwrap();
    let unknown = GridGroupRow { group: "b".to_string(), ..Default::default() };
    assert_eq!(grids.groups().await.unwrap(), [unknown]);
    let known = GridGroupRow {
        group: "b".to_string(),
        config: vec![1, 2],
        updated_ms: 5,
        swept_ms: 4,
        error: "no such bucket".to_string(),
        error_ms: Some(3),
    };
    grids.put_group(known.clone()).await.unwrap();
    let first = GridGroupRow { group: "a".to_string(), ..known.clone() };
    grids.put_group(first.clone()).await.unwrap();
    let store = fixture.reopen(store).await;
    let grids = store.grid();
    assert_eq!(grids.groups().await.unwrap(), [first.clone(), known]);
    let healed =
        GridGroupRow { group: "b".to_string(), error: String::new(), error_ms: None, ..first };
    grids.put_group(healed.clone()).await.unwrap();
    assert_eq!(grids.groups().await.unwrap()[1], healed);
    assert_eq!(grids.row_names("b").await.unwrap(), ["row"]);
    assert_eq!(grids.builds("b", 0, None, 9).await.unwrap(), [build(1, 1)]);
}

async fn summaries_are_replaced_and_removed_by_tab(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let row = |dashboard: &str, tab: &str, summary: &[u8]| GridSummaryRow {
        dashboard: dashboard.to_string(),
        tab: tab.to_string(),
        summary: summary.to_vec(),
    };
    let (x, y) = (row("d", "x", b"1"), row("d", "y", b"2"));
    grids.put_summaries(vec![y.clone(), x.clone(), row("c", "x", b"")]).await.unwrap();
    grids.put_summaries(vec![row("d", "y", b"3")]).await.unwrap();
    let all = [row("c", "x", b""), x.clone(), row("d", "y", b"3")];
    assert_eq!(grids.summaries().await.unwrap(), all);
    let gone = |dashboard: &str, tab: &str| (dashboard.to_string(), tab.to_string());
    let tabs = vec![gone("d", "y"), gone("c", "x"), gone("c", "nowhere")];
    grids.remove_summaries(tabs).await.unwrap();
    assert_eq!(grids.summaries().await.unwrap(), [x]);
}

async fn names_are_found_by_words_in_any_order_and_case(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let rows = [
        "[sig-storage] CSI mock volume should expand",
        "[sig-storage] CSI mock volume",
        "[sig-network] Services should serve",
        "volumes",
    ];
    put_rows(&*grids, "group", &rows).await;
    assert_eq!(names(&*grids, &["VOLUME"]).await, ["volumes", rows[1], rows[0]]);
    assert_eq!(names(&*grids, &["should", "csi"]).await, [rows[0]]);
    assert_eq!(names(&*grids, &["should ser"]).await, [rows[2]]);
    assert_eq!(names(&*grids, &["[sig-storage]", "volume", "mo"]).await, [rows[1], rows[0]]);
    assert_eq!(names(&*grids, &["storages"]).await, texts(&[]));
    assert_eq!(names(&*grids, &["volume", "volume", ""]).await.len(), 3);
    for nothing in [&[][..], &[""][..]] {
        let found = grids.search_rows(&texts(nothing), 9).await.unwrap();
        assert_eq!(found, RowSearch::default());
    }
}

async fn words_of_one_and_two_letters_are_found_also_at_the_end(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    put_rows(&*grids, "group", &["ab", "b", "xyzAB", "xyz", "q"]).await;
    assert_eq!(names(&*grids, &["b"]).await, ["b", "ab", "xyzAB"]);
    assert_eq!(names(&*grids, &["aB"]).await, ["ab", "xyzAB"]);
    assert_eq!(names(&*grids, &["z", "x"]).await, ["xyz", "xyzAB"]);
    assert_eq!(names(&*grids, &["xyz", "b"]).await, ["xyzAB"]);
    assert_eq!(names(&*grids, &["q"]).await, ["q"]);
    assert_eq!(names(&*grids, &["ü"]).await, texts(&[]));
}

async fn odd_words_are_letters_and_no_syntax(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let rows = ["100% \"sure\" OR not", "a_b\\c*d", "(x) AND NEAR(y)", "aXb", "試験が通る"];
    put_rows(&*grids, "group", &rows).await;
    assert_eq!(names(&*grids, &["\"sure\""]).await, [rows[0]]);
    assert_eq!(names(&*grids, &["0% \"", "\""]).await, [rows[0]]);
    assert_eq!(names(&*grids, &["_b\\c*"]).await, [rows[1]]);
    assert_eq!(names(&*grids, &["_"]).await, [rows[1]]);
    assert_eq!(names(&*grids, &["%"]).await, [rows[0]]);
    assert_eq!(names(&*grids, &["a_b"]).await, [rows[1]]);
    assert_eq!(names(&*grids, &["near(", " and "]).await, [rows[2]]);
    assert_eq!(names(&*grids, &["試験", "通る"]).await, [rows[4]]);
    assert_eq!(names(&*grids, &["nul\0", "x"]).await, texts(&[]));
}

async fn a_search_gives_the_shortest_names_and_says_that_there_are_more(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let rows: Vec<String> = (0..40).map(|n| format!("test {}", "x".repeat(40 - n))).collect();
    grids.put_builds("group", 0, rows.clone(), Vec::new()).await.unwrap();
    for words in [&["test"][..], &["x"][..], &["st xx", "t"][..]] {
        let found = grids.search_rows(&texts(words), 3).await.unwrap();
        assert!(found.more);
        let found: Vec<usize> = found.hits.iter().map(|hit| hit.name.len()).collect();
        let first = if words[0] == "st xx" { 7 } else { 6 };
        assert_eq!(found, [first, first + 1, first + 2]);
    }
    let found = grids.search_rows(&texts(&["test"]), 40).await.unwrap();
    assert_eq!((found.hits.len(), found.more), (40, false));
}

async fn a_name_that_many_groups_have_lists_some_and_counts_all(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let groups: Vec<String> = (0..MAX_HIT_GROUPS + 5).map(|n| format!("group-{n:03}")).collect();
    for group in &groups {
        put_rows(&*grids, group, &["Overall", "Overall"]).await;
    }
    let found = grids.search_rows(&texts(&["overall"]), 1).await.unwrap();
    assert_eq!(found.hits[0].groups, groups[..MAX_HIT_GROUPS]);
    assert_eq!(found.hits[0].group_count, groups.len());
    assert_eq!(grids.groups_of_row("Overall").await.unwrap(), groups);
}

async fn rare_short_words_are_found_behind_many_names(fixture: Fixture) {
    let store = fixture.open().await;
    let grids = store.grid();
    let mut rows: Vec<String> = (0..21_000).map(|n| format!("test {n:05}")).collect();
    rows.push("the longest of them all is Qj".to_string());
    grids.put_builds("group", 0, rows, Vec::new()).await.unwrap();
    assert_eq!(names(&*grids, &["qJ"]).await, ["the longest of them all is Qj"]);
    assert_eq!(names(&*grids, &["j", "t"]).await, ["the longest of them all is Qj"]);
    assert_eq!(names(&*grids, &["qk"]).await, texts(&[]));
}

async fn mails_are_listed_newest_first_and_pruned_by_age(fixture: Fixture) {
    let store = fixture.open().await;
    let entry = |at: i64, dashboard: &str, tab: &str| MailEntry {
        at: Timestamp::from_seconds(at),
        dashboard: dashboard.to_string(),
        tab: tab.to_string(),
        kind: "failures".to_string(),
        recipients: "team@example.com".to_string(),
        subject: "New failures".to_string(),
        body: "TestA\nTestB".to_string(),
        result: "sent".to_string(),
    };
    let mails = store.mails();
    let first = mails.record(entry(1, "a", "x")).await.unwrap();
    let second = mails.record(entry(2, "a", "y")).await.unwrap();
    let third = mails.record(entry(3, "b", "x")).await.unwrap();
    let store = fixture.reopen(store).await;
    let mails = store.mails();
    let list = async |filter: MailFilter, limit| -> Vec<i64> {
        mails.list(&filter, limit).await.unwrap().into_iter().map(|row| row.id).collect()
    };
    assert_eq!(list(MailFilter::default(), 2).await, [third, second]);
    let before = MailFilter { before: Some(second), ..Default::default() };
    assert_eq!(list(before, 9).await, [first]);
    let of = |dashboard: &str, tab: Option<&str>| MailFilter {
        dashboard: Some(dashboard.to_string()),
        tab: tab.map(str::to_string),
        ..Default::default()
    };
    assert_eq!(list(of("a", None), 9).await, [second, first]);
    assert_eq!(list(of("a", Some("x")), 9).await, [first]);
    let newest = &mails.list(&MailFilter::default(), 1).await.unwrap()[0];
    assert_eq!(newest.entry, entry(3, "b", "x"));
    let pruned = store.prune(Timestamp::from_seconds(100 * 24 * 3600 + 3)).await.unwrap();
    assert_eq!(pruned.mails, 2);
    assert_eq!(list(MailFilter::default(), 9).await, [third]);
}
