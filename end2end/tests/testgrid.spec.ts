// The test grid as everybody gets it, with script and without.

import { expect, test } from "./fixtures";
import { hiddenLine, rowsShown, tab } from "./testgrid";

test("the first click shows the dashboards, a dashboard its summary, a tab its grid", async ({ page, viewport }) => {
  await page.goto("/");
  if (viewport!.width > 700) {
    await page.locator("#sections").getByRole("link", { name: "Test grid" }).click();
  } else {
    await page.goto("/testgrid");
  }
  await expect(page.locator("h1")).toHaveText("Test grid");
  await page.getByRole("link", { name: "sample-ci-unit" }).first().click();
  await expect(page.locator("h1")).toHaveText("sample-ci-unit");
  await expect(page.locator(".card").filter({ hasText: "testify assert only" })).toContainText("FAILING");
  await page.locator(".card h2 a", { hasText: /^testify$/ }).click();
  await expect(page.locator("h1")).toHaveText("testify");
  await expect(page).toHaveTitle(/testify/);
  await expect(page.locator("#grid table")).toContainText("TestImports");
  await expect(page.locator("#grid table")).toContainText("v1.12.1");
});

test("a search finds tabs by a few letters", async ({ page }) => {
  await page.goto("/testgrid?q=logr");
  await expect(page.locator(".hits")).toContainText("logrus never stale");
});

test("filters leave rows out and say how many", async ({ page }) => {
  await tab(page, "testify");
  const all = await rowsShown(page);
  await tab(page, "testify", "include-filter-by-regex=TestCompare&include-filter-by-regex=assert");
  const some = await rowsShown(page);
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(all);
  await expect(hiddenLine(page)).toContainText(/\d rows filtered/);
  await expect(page.locator("#grid table tbody")).toContainText("TestCompare");
  await tab(page, "testify", "exclude-filter-by-regex=assert");
  expect(await rowsShown(page)).toBeLessThan(all);
  await expect(page.locator("#grid table tbody")).not.toContainText("testify/assert");
});

test("stale rows and rows that never failed are hidden or shown as the options say", async ({ page }) => {
  await tab(page, "testify");
  const all = await rowsShown(page);
  await expect(hiddenLine(page)).toContainText(/stale rows? hidden/);
  await tab(page, "testify", "show-stale-tests=");
  expect(await rowsShown(page)).toBeGreaterThan(all);
  await expect(hiddenLine(page)).not.toContainText("stale");
  await tab(page, "testify", "exclude-non-failed-tests=");
  const failed = await rowsShown(page);
  expect(failed).toBeLessThan(all);
  await tab(page, "testify", "exclude-non-failed-tests=1");
  expect(await rowsShown(page)).toBeLessThanOrEqual(failed);
  await expect(hiddenLine(page)).toContainText("without a failure hidden");
});

test("rows come in the order that the options ask for", async ({ page }) => {
  const first = page.locator("#grid table tbody th").first();
  await tab(page, "testify", "sort-by-name=");
  const byName = await first.textContent();
  await tab(page, "testify", "sort-by-failures=");
  await expect(first).toContainText("Overall");
  await tab(page, "testify", "sort-by-flakiness=");
  expect(await first.textContent()).not.toBe(byName);
});

test("rows are grouped in four ways", async ({ page }) => {
  for (const option of [
    "group-by-directory=",
    "group-by-target=",
    "group-by-regex-mask=%5C.Test.*",
    "group-by-hierarchy-pattern=%5B%5E%2F%5D%2B",
  ]) {
    await tab(page, "testify", option);
    await expect(page.locator("#grid-options select[name=group]"), option).not.toHaveValue("");
    await expect(page.locator("#grid table tbody tr").first(), option).toBeAttached();
  }
  await tab(page, "testify", "group-by-regex-mask=%5C.Test.*");
  const closed = await page.locator("#grid table tbody tr").count();
  await tab(page, "testify", "group-by-regex-mask=%5C.Test.*&expand-groups=");
  expect(await page.locator("#grid table tbody tr").count()).toBeGreaterThan(closed);
});

test("what a tab sets itself holds without any option", async ({ page }) => {
  await tab(page, "testify");
  const all = await rowsShown(page);
  await tab(page, "testify assert only");
  expect(await rowsShown(page)).toBeLessThan(all);
  await expect(page.locator("#grid table tbody th").first()).toContainText("testify/assert");
  await tab(page, "go-toml by hierarchy");
  await expect(page.locator("#grid-options select[name=width]")).toHaveValue("20");
  await expect(page.locator("#grid-options select[name=group]")).toHaveValue("hierarchy-pattern");
});

test("options that leave all rows out say so", async ({ page }) => {
  await page.goto("/testgrid/sample-ci-unit/testify?include-filter-by-regex=no-such-test");
  await expect(page.locator("#grid")).toContainText("No row is shown");
  expect(await rowsShown(page)).toBe(0);
});

test("a pattern that does not compile is told, and the tab stays", async ({ page }) => {
  await page.goto("/testgrid/sample-ci-unit/testify?include-filter-by-regex=(");
  await expect(page.getByRole("alert").first()).toContainText("include-filter-by-regex");
  await expect(page.locator("#grid table")).toBeAttached();
});

test("a tab says what its status would be with other options", async ({ page }) => {
  await tab(page, "testify assert only");
  await expect(page.locator(".tab-head .verdict")).toContainText("FAILING");
  await page.locator(".why > summary").click();
  await page.locator("input[name=num_failures_to_alert]").fill("0");
  await page.locator(".what-if button").click();
  const verdicts = page.locator(".what-if-table tbody tr").first().locator("td");
  await expect(verdicts.first()).toContainText("FAILING");
  await expect(verdicts.last()).toContainText("FLAKY");
  await expect(page).toHaveURL(/num_failures_to_alert=0/);
});

test("the numbers of a test are drawn and stand in a table", async ({ page }) => {
  const answer = await page.request.get("/api/v1/dashboards/sample-ci-unit/tabs/testify/rows?columns=0-3");
  const { rows } = (await answer.json()) as { rows: { name: string }[] };
  const row = rows.find(({ name }) => name.endsWith(".Overall"))!;
  await page.goto(`/testgrid/sample-ci-unit/testify/graph?row=${encodeURIComponent(row.name)}`);
  await expect(page.locator("figure img")).toBeVisible();
  await expect(page.locator(".graph-values thead")).toContainText("test-duration-minutes");
});
