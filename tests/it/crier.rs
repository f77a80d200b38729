//! What the process reports, and what it does where it cannot.

use tests::world::Setup;

#[tokio::test]
async fn without_credentials_nothing_is_reported_to_github_and_the_status_page_says_why() {
    let names = |world: &tests::world::World| -> Vec<&'static str> {
        world.process.deps.crier.reporters.iter().map(|reporter| reporter.name()).collect()
    };
    let world = Setup::default().without_token().start().await;
    assert_eq!(names(&world), ["gcsreporter"]);
    let page = world.get("/status").await.expect(200).text();
    assert!(page.contains("Results are not reported to GitHub"), "{page}");
    assert!(page.contains("--github-token-path"), "{page}");

    let world = Setup::default().start().await;
    assert_eq!(names(&world), ["github-reporter", "gcsreporter"]);
    let page = world.get("/status").await.expect(200).text();
    assert!(!page.contains("not reported to GitHub"), "{page}");
}
