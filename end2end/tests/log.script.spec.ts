// The log viewer's tools.

import { expect, test } from "./fixtures";

const LOG = "/view/gs/sample-ci/logs/ci-testify-unit/2089267003519930368?tab=log";

test("a search finds lines in the whole log and walks through them", async ({ page }) => {
  await page.goto(LOG);
  await expect(page.locator(".lines li.chosen")).toBeVisible();
  await page.keyboard.press("f");
  await page.keyboard.type("^--- FAIL");
  await expect(page.locator(".log-found")).toHaveText(/^\d+\/30$/);
  await expect(page.locator(".lines li.chosen")).toContainText("--- FAIL");
  const before = await page.locator(".lines li.chosen a").textContent();
  await page.locator(".log-search").press("Enter");
  await expect(page.locator(".lines li.chosen a")).not.toHaveText(before!);
  await expect(page.locator(".log-map")).toBeVisible();
  await page.locator(".log-search").fill("no line has this");
  await expect(page.locator(".log-found")).toHaveText("no match");
});

test("e goes from error to error", async ({ page }) => {
  await page.goto(LOG);
  const first = await page.locator(".lines li.chosen a").textContent();
  await page.locator(".log-scroll").focus();
  await page.keyboard.press("e");
  await expect(page.locator(".log-note")).toContainText(/error \d+ of \d+/);
  await expect(page.locator(".lines li.chosen a")).not.toHaveText(first!);
});

test("the command of a test is copied by a click", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(LOG.replace("?tab=log", ""));
  await page.locator("button.copy").first().click();
  await expect(page.locator("button.copy").first()).toHaveText("copied");
});
