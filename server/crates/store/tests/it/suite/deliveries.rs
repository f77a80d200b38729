use std::time::Duration;

use bytes::Bytes;
use go_compat::Timestamp;
use store::{
    Appended, DeliveryFilter, DeliveryId, DeliveryStatus, MAX_DELIVERY_ATTEMPTS, NewDelivery,
    StoreError,
};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    an_acknowledged_delivery_is_there_after_a_restart,
    only_the_same_id_with_the_same_body_is_a_duplicate,
    sixteen_copies_at_once_are_kept_once,
    deliveries_are_handed_out_oldest_first_and_to_one_taker_only,
    what_was_not_finished_before_a_restart_is_handed_out_again,
    an_expired_claim_is_handed_out_again_unless_it_was_renewed,
    a_delivery_that_is_never_finished_is_parked_in_the_end,
    a_delivery_to_be_retried_waits_for_its_time,
    only_finished_deliveries_with_a_body_can_be_replayed,
    the_log_is_newest_first_and_filtered,
    retention_spares_what_is_pending,
    bodies_come_back_byte_by_byte,
    arrivals_are_announced,
    a_pathological_delivery_id_is_refused,
    text_with_nul_bytes_is_storable,
    counts_show_the_backlog,
    the_total_is_all_that_the_journal_holds,
}

const LEASE: Duration = Duration::from_secs(60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn delivery(id: &str, body: &str) -> NewDelivery {
    NewDelivery {
        delivery_id: id.to_string(),
        event: "issue_comment".to_string(),
        repository: "kubernetes/test-infra".to_string(),
        headers: vec![("X-GitHub-Event".to_string(), "issue_comment".to_string())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        received: at(0),
    }
}

async fn an_acknowledged_delivery_is_there_after_a_restart(fixture: Fixture) {
    let store = fixture.open().await;
    let appended = store.deliveries().append(delivery("guid", "{\"a\":1}")).await.unwrap();
    let store = fixture.reopen(store).await;
    let journal = store.deliveries();
    let found = journal.get(appended.id()).await.unwrap().unwrap();
    assert_eq!(found.delivery_id, "guid");
    assert_eq!(found.event, "issue_comment");
    assert_eq!(found.repository, "kubernetes/test-infra");
    assert_eq!(found.headers, [("X-GitHub-Event".to_string(), "issue_comment".to_string())]);
    assert_eq!(found.body_bytes, 7);
    assert!(found.body_kept);
    assert_eq!(found.received, at(0));
    assert_eq!(found.status, DeliveryStatus::Pending);
    assert_eq!(found.attempts, 0);
    assert_eq!(
        found.body_sha256,
        "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    );
    assert_eq!(journal.body(appended.id()).await.unwrap().unwrap(), "{\"a\":1}");
}

async fn only_the_same_id_with_the_same_body_is_a_duplicate(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let first = journal.append(delivery("guid", "one")).await.unwrap();
    assert!(matches!(first, Appended::New(_)));
    let other_event = NewDelivery { event: "push".to_string(), ..delivery("guid", "one") };
    let pushed = journal.append(other_event.clone()).await.unwrap();
    assert!(matches!(pushed, Appended::New(_)));
    let again = journal.append(other_event).await.unwrap();
    assert!(matches!(again, Appended::Duplicate { id, .. } if id == pushed.id()));
    let other_body = journal.append(delivery("guid", "two")).await.unwrap();
    assert!(matches!(other_body, Appended::New(_)));
    let other_id = journal.append(delivery("guid-2", "one")).await.unwrap();
    assert!(matches!(other_id, Appended::New(_)));
    let again = journal.append(delivery("guid", "one")).await.unwrap();
    assert_eq!(again, Appended::Duplicate { id: first.id(), status: DeliveryStatus::Pending });
    journal.mark_handled(first.id(), at(1), "").await.unwrap();
    let store = fixture.reopen(store).await;
    let again = store.deliveries().append(delivery("guid", "one")).await.unwrap();
    assert_eq!(again, Appended::Duplicate { id: first.id(), status: DeliveryStatus::Handled });
}

async fn sixteen_copies_at_once_are_kept_once(fixture: Fixture) {
    let store = fixture.open().await;
    let mut tasks = Vec::new();
    for event in 0..20 {
        for _ in 0..16 {
            let journal = store.deliveries();
            let delivery = delivery(&format!("guid-{event}"), "body");
            tasks.push(tokio::spawn(async move { journal.append(delivery).await.unwrap() }));
        }
    }
    let mut new = 0;
    for task in tasks {
        new += usize::from(matches!(task.await.unwrap(), Appended::New(_)));
    }
    assert_eq!(new, 20);
    assert_eq!(store.deliveries().counts().await.unwrap().pending, 20);
}

async fn deliveries_are_handed_out_oldest_first_and_to_one_taker_only(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(journal.append(delivery(&number.to_string(), "x")).await.unwrap().id());
    }
    let first = journal.next_pending(at(1), LEASE, 4).await.unwrap();
    let taken: Vec<DeliveryId> = first.iter().map(|claim| claim.delivery.id).collect();
    assert_eq!(taken, ids[..4]);
    assert!(first.iter().all(|claim| claim.delivery.attempts == 1 && claim.until == at(61)));
    let (second, third) =
        tokio::join!(journal.next_pending(at(1), LEASE, 4), journal.next_pending(at(1), LEASE, 4));
    let mut rest: Vec<DeliveryId> =
        second.unwrap().into_iter().chain(third.unwrap()).map(|claim| claim.delivery.id).collect();
    rest.sort();
    assert_eq!(rest, ids[4..]);
    assert!(journal.next_pending(at(1), LEASE, 4).await.unwrap().is_empty());
}

async fn what_was_not_finished_before_a_restart_is_handed_out_again(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let done = journal.append(delivery("done", "x")).await.unwrap().id();
    let lost = journal.append(delivery("lost", "x")).await.unwrap().id();
    assert_eq!(journal.next_pending(at(1), LEASE, 10).await.unwrap().len(), 2);
    journal.mark_handled(done, at(2), "made 3 ProwJobs").await.unwrap();
    let store = fixture.reopen(store).await;
    // Another process of a PostgreSQL installation may still be at work on it.
    let now = if fixture.is_sqlite() { at(3) } else { at(61) };
    let again = store.deliveries().next_pending(now, LEASE, 10).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].delivery.id, lost);
    assert_eq!(again[0].delivery.attempts, 2);
    let done = store.deliveries().get(done).await.unwrap().unwrap();
    assert_eq!(done.status, DeliveryStatus::Handled);
    assert_eq!(done.finished, Some(at(2)));
    assert_eq!(done.note, "made 3 ProwJobs");
}

async fn an_expired_claim_is_handed_out_again_unless_it_was_renewed(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let slow = journal.append(delivery("slow", "x")).await.unwrap().id();
    let dead = journal.append(delivery("dead", "x")).await.unwrap().id();
    assert_eq!(journal.next_pending(at(0), LEASE, 10).await.unwrap().len(), 2);
    journal.renew(slow, at(120)).await.unwrap();
    assert!(journal.next_pending(at(59), LEASE, 10).await.unwrap().is_empty());
    let expired = journal.next_pending(at(60), LEASE, 10).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].delivery.id, dead);
}

async fn a_delivery_that_is_never_finished_is_parked_in_the_end(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let id = journal.append(delivery("poison", "x")).await.unwrap().id();
    let mut now = 0;
    for attempt in 1..=MAX_DELIVERY_ATTEMPTS {
        let claims = journal.next_pending(at(now), LEASE, 1).await.unwrap();
        assert_eq!(claims[0].delivery.attempts, attempt);
        now += 60;
    }
    assert!(journal.next_pending(at(now), LEASE, 1).await.unwrap().is_empty());
    let parked = journal.get(id).await.unwrap().unwrap();
    assert_eq!(parked.status, DeliveryStatus::Failed);
    assert!(parked.note.contains("replay it"), "{}", parked.note);
    // A person may insist.
    journal.replay(id).await.unwrap();
    assert_eq!(journal.next_pending(at(now), LEASE, 1).await.unwrap()[0].delivery.attempts, 1);
}

async fn a_delivery_to_be_retried_waits_for_its_time(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let id = journal.append(delivery("retry", "x")).await.unwrap().id();
    journal.next_pending(at(0), LEASE, 1).await.unwrap();
    journal.retry_later(id, at(30), "GitHub answered 502").await.unwrap();
    assert_eq!(journal.next_due().await.unwrap(), Some(at(30)));
    assert!(journal.next_pending(at(29), LEASE, 1).await.unwrap().is_empty());
    let claim = &journal.next_pending(at(30), LEASE, 1).await.unwrap()[0];
    assert_eq!(claim.delivery.attempts, 2);
    assert_eq!(claim.delivery.note, "GitHub answered 502");
    journal.mark_failed(id, at(31), "gave up").await.unwrap();
    assert_eq!(journal.next_due().await.unwrap(), None);
    // Whoever still held it cannot change its end.
    journal.mark_handled(id, at(32), "").await.unwrap();
    assert_eq!(journal.get(id).await.unwrap().unwrap().status, DeliveryStatus::Failed);
    let unknown = journal.mark_handled(DeliveryId(4_711), at(32), "").await.unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound(_)), "{unknown}");
}

async fn only_finished_deliveries_with_a_body_can_be_replayed(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let id = journal.append(delivery("guid", "x")).await.unwrap().id();
    let pending = journal.replay(id).await.unwrap_err();
    assert!(matches!(pending, StoreError::Conflict(_)), "{pending}");
    journal.mark_handled(id, at(1), "").await.unwrap();
    let replayed = journal.replay(id).await.unwrap();
    assert_eq!(replayed.status, DeliveryStatus::Pending);
    assert_eq!((replayed.replays, replayed.attempts, replayed.finished), (1, 0, None));
    assert_eq!(journal.next_pending(at(2), LEASE, 1).await.unwrap()[0].delivery.id, id);
    journal.mark_handled(id, at(3), "").await.unwrap();
    store.prune(at(3 + 8 * 24 * 3600)).await.unwrap();
    let gone = journal.replay(id).await.unwrap_err();
    assert!(gone.to_string().contains("no longer kept"), "{gone}");
    let unknown = journal.replay(DeliveryId(4_711)).await.unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound(_)), "{unknown}");
}

async fn the_log_is_newest_first_and_filtered(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let mut ids = Vec::new();
    for number in 0..6 {
        let mut new = delivery(&format!("guid-{number}"), "x");
        if number % 2 == 0 {
            new.event = "push".to_string();
            new.repository = "kubernetes/kubernetes".to_string();
        }
        ids.push(journal.append(new).await.unwrap().id());
    }
    journal.mark_failed(ids[3], at(1), "no").await.unwrap();
    let list = async |filter: DeliveryFilter, limit| -> Vec<DeliveryId> {
        let found = journal.list(&filter, limit).await.unwrap();
        found.into_iter().map(|delivery| delivery.id).collect()
    };
    let all = list(DeliveryFilter::default(), 4).await;
    assert_eq!(all, [ids[5], ids[4], ids[3], ids[2]]);
    let before = DeliveryFilter { before: Some(ids[2]), ..Default::default() };
    assert_eq!(list(before, 4).await, [ids[1], ids[0]]);
    let event = DeliveryFilter { event: Some("push".to_string()), ..Default::default() };
    assert_eq!(list(event, 10).await, [ids[4], ids[2], ids[0]]);
    let repository = Some("kubernetes/test-infra".to_string());
    let repository = DeliveryFilter { repository, ..Default::default() };
    assert_eq!(list(repository, 10).await, [ids[5], ids[3], ids[1]]);
    let failed = DeliveryFilter { status: Some(DeliveryStatus::Failed), ..Default::default() };
    assert_eq!(list(failed, 10).await, [ids[3]]);
    let one = DeliveryFilter { delivery_id: Some("guid-4".to_string()), ..Default::default() };
    assert_eq!(list(one, 10).await, [ids[4]]);
}

async fn retention_spares_what_is_pending(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let pending = journal.append(delivery("pending", "x")).await.unwrap().id();
    let handled = journal.append(delivery("handled", "x")).await.unwrap().id();
    journal.mark_handled(handled, at(0), "").await.unwrap();
    let days = |days: i64| at(days * 24 * 3600 + 1);
    assert_eq!(journal.prune(days(6)).await.unwrap(), (0, 0));
    assert_eq!(journal.prune(days(7)).await.unwrap(), (1, 0));
    assert!(!journal.get(handled).await.unwrap().unwrap().body_kept);
    assert_eq!(journal.body(handled).await.unwrap(), None);
    let pruned = store.prune(days(30)).await.unwrap();
    assert_eq!((pruned.delivery_bodies, pruned.deliveries), (0, 1));
    assert_eq!(journal.get(handled).await.unwrap(), None);
    assert_eq!(journal.body(pending).await.unwrap().unwrap(), "x");
    assert_eq!(journal.next_pending(days(30), LEASE, 9).await.unwrap().len(), 1);
}

async fn bodies_come_back_byte_by_byte(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let mut noise = 1_u32;
    let mut bytes = |count: usize| -> Vec<u8> {
        let next = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        };
        std::iter::repeat_with(next).take(count).collect()
    };
    for (number, size) in [0, 1, 2_000, 25_000, 300_000, 3_000_000].into_iter().enumerate() {
        let body = Bytes::from(bytes(size));
        let mut new = delivery(&number.to_string(), "");
        new.body = body.clone();
        let id = journal.append(new).await.unwrap().id();
        assert_eq!(journal.body(id).await.unwrap(), Some(body));
    }
}

async fn arrivals_are_announced(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let mut arrivals = journal.arrivals();
    assert!(!arrivals.has_changed().unwrap());
    let id = journal.append(delivery("guid", "x")).await.unwrap().id();
    arrivals.changed().await.unwrap();
    journal.append(delivery("guid", "x")).await.unwrap();
    assert!(!arrivals.has_changed().unwrap(), "a duplicate is no news");
    journal.mark_handled(id, at(0), "").await.unwrap();
    journal.replay(id).await.unwrap();
    arrivals.changed().await.unwrap();
    journal.retry_later(id, at(1), "").await.unwrap();
    arrivals.changed().await.unwrap();
}

async fn a_pathological_delivery_id_is_refused(fixture: Fixture) {
    let store = fixture.open().await;
    let error = store.deliveries().append(delivery(&"x".repeat(10_000), "")).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error}");
    assert!(!error.is_transient());
}

async fn text_with_nul_bytes_is_storable(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    let mut new = delivery("a\0b", "\0");
    new.headers.push(("X-Odd".to_string(), "a\0b".to_string()));
    let id = journal.append(new).await.unwrap().id();
    journal.mark_failed(id, at(0), "nul: \0").await.unwrap();
    let found = journal.get(id).await.unwrap().unwrap();
    assert_eq!(found.delivery_id, "a\u{fffd}b");
    assert_eq!(found.headers[1].1, "a\0b");
    assert_eq!(found.note, "nul: \u{fffd}");
    assert_eq!(journal.body(id).await.unwrap().unwrap(), "\0");
}

async fn counts_show_the_backlog(fixture: Fixture) {
    let store = fixture.open().await;
    let journal = store.deliveries();
    assert_eq!(journal.counts().await.unwrap(), Default::default());
    let first = journal.append(delivery("1", "x")).await.unwrap().id();
    let mut second = delivery("2", "x");
    second.received = at(5);
    journal.append(second).await.unwrap();
    let counts = journal.counts().await.unwrap();
    assert_eq!((counts.pending, counts.failed, counts.oldest_pending), (2, 0, Some(at(0))));
    journal.mark_failed(first, at(6), "no").await.unwrap();
    let counts = journal.counts().await.unwrap();
    assert_eq!((counts.pending, counts.failed, counts.oldest_pending), (1, 1, Some(at(5))));
}

async fn the_total_is_all_that_the_journal_holds(fixture: Fixture) {
    let total = async |store: &store::Store| store.deliveries().counts().await.unwrap().total;
    {
        let store = fixture.open().await;
        let journal = store.deliveries();
        let first = journal.append(delivery("1", "x")).await.unwrap().id();
        journal.append(delivery("1", "x")).await.unwrap();
        journal.append(delivery("2", "x")).await.unwrap();
        assert_eq!(total(&store).await, 2, "a duplicate is not one more");
        journal.mark_handled(first, at(1), "").await.unwrap();
        assert_eq!(total(&store).await, 2, "a handled one still counts");
    }
    let store = fixture.open().await;
    assert_eq!(total(&store).await, 2, "after a restart too");
    store.deliveries().prune(at(2 + 31 * 24 * 3600)).await.unwrap();
    assert_eq!(total(&store).await, 1, "what retention removes does not");
}
