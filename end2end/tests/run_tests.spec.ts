// The tests of a run and its log at the first error.

import { expect, test } from "./fixtures";

const FAILED = "/view/gs/sample-ci/logs/ci-testify-unit/2089267003519930368";

test("a run that failed opens on its failed tests, with text, command and last results", async ({ page }) => {
  await page.goto(FAILED);
  await expect(page.locator(".tabs a[aria-current]")).toContainText("30 of 910 failed");
  const first = page.locator(".test").first();
  await expect(first.locator(".test-name")).toHaveText("TestDidPanic");
  await expect(first.locator(".test-text").first()).toContainText("didPanic should return true");
  await expect(first.locator("[data-copy]")).toHaveText(
    "go test -count=1 -run '^TestDidPanic$' github.com/stretchr/testify/assert",
  );
  // The results of the runs before are known once the grids have been brought up to date.
  await expect(async () => {
    await page.goto(FAILED);
    await expect(first.locator(".test-history td").first()).toHaveText("F", { timeout: 500 });
  }).toPass();
  await first.locator(".test-name").click();
  await expect(page).toHaveURL(/\/test\?name=/);
  await expect(page.locator("h1")).toContainText("TestDidPanic");
});

test("tests are found by words and sorted by time", async ({ page }) => {
  await page.goto(`${FAILED}?tab=tests&q=TestDirExists`);
  await expect(page.locator(".tests-section h2").first()).toContainText("1 of 30 failed");
  await page.goto(`${FAILED}?tab=tests&only=passed&sort=duration`);
  await expect(page.locator(".tests-section")).toHaveCount(1);
  await expect(page.locator(".pager").first()).toContainText("Page 1 of 2");
});

test("the output of a test is text, all of it", async ({ page, request }) => {
  await page.goto(FAILED);
  const output = await page.locator(".outputs a").first().getAttribute("href");
  const answer = await request.get(output!);
  expect(answer.headers()["content-type"]).toContain("text/plain");
  expect(await answer.text()).toContain("TestDidPanic");
});

test("the log of a run that failed opens at its first error", async ({ page, javaScriptEnabled }) => {
  await page.goto(`${FAILED}?tab=log`);
  // Without script the page has a link to it.
  if (!javaScriptEnabled) await page.getByRole("link", { name: "first error" }).click();
  await expect(page.locator(".lines li.error").first()).toBeInViewport();
});
