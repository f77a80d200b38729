import { expect, nameIn, rows, someRun, test } from "./fixtures";

test.beforeEach(async ({ page }) => {
  // The islands are ready once the live mark has been written by one of them.
  await page.goto("/");
  await expect(page.locator("#live")).toHaveAttribute("data-live", "on");
});

test("the palette opens by key and by click, and leads to jobs and pages", async ({ page, request }) => {
  const name = (await nameIn(rows(page).first()).textContent())!;
  await page.keyboard.press("/");
  await expect(page.locator("dialog.palette")).toBeVisible();
  await page.keyboard.type(name);
  await expect(page.locator(".palette li", { hasText: name }).first()).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/job=|configured-jobs/);
  await page.goto("/");
  await page.locator(".search input").click();
  await expect(page.locator("dialog.palette")).toBeVisible();
  await page.keyboard.type("status of");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/status/);
});

test("j and k move through the rows, Enter opens one, ? shows the keys", async ({ page }) => {
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await expect(rows(page).first()).toHaveClass(/at/);
  await page.keyboard.press("?");
  await expect(page.locator("dialog.keys")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await expect(page.locator(".run-head")).toBeVisible();
});

test("a chosen theme holds on every page, before anything is painted", async ({ page }) => {
  await page.locator(".settings summary").click();
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const dark = await page.evaluate(() => getComputedStyle(document.body).color);
  await page.goto("/status");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await page.evaluate(() => getComputedStyle(document.body).color)).toBe(dark);
});

test("exact times are shown in local time when asked for", async ({ page }) => {
  const time = page.locator("#runs time").first();
  await page.locator(".settings summary").click();
  await page.getByRole("button", { name: "Local" }).click();
  await expect(time).toHaveAttribute("title", /[+-]\d\d:\d\d$/);
  await page.getByRole("button", { name: "UTC" }).click();
  await expect(time).toHaveAttribute("title", /UTC$/);
});

test("a menu filters at once and leaves empty fields out of the address", async ({ page }) => {
  await page.locator('#filters select[name="state"]').selectOption("success");
  await expect(page).toHaveURL(/\/\?state=success$/);
});

test("a drag over the histogram selects a range, a click clears it", async ({ page }) => {
  const box = (await page.locator(".histogram svg").boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 20, { steps: 5 });
  await page.mouse.up();
  await expect(page).toHaveURL(/since=.*until=/);
  await expect(page.locator(".filters .chip")).toContainText("until");
  const narrowed = page.locator(".histogram svg");
  await page.waitForLoadState("load");
  await expect(page.locator(".histogram")).toHaveClass(/drags/);
  await narrowed.click();
  await expect(page).toHaveURL(/\/$/);
});

test("rerun in the list asks first and does nothing when the answer is no", async ({ page }) => {
  // A job that ends within seconds and is run at the server's start, whatever its result.
  await page.goto("/?job=sample-live-flaky");
  await expect(page.locator("#live")).toHaveAttribute("data-live", "on");
  const rerun = rows(page).getByRole("button", { name: "rerun" }).first();
  await rerun.click();
  await expect(page.locator("dialog.confirm")).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page).toHaveURL(/job=sample-live-flaky/);
  await rerun.click();
  await page.locator("dialog.confirm").getByRole("button", { name: "Rerun" }).click();
  await expect(page).toHaveURL(/\/(run|view)\//);
});

test("a line of the log has an address that leads to it", async ({ page }) => {
  const run = await someRun(page, "failure");
  await page.goto(`${run}?tab=log#L3`);
  await expect(page.locator("#L3")).toHaveClass(/chosen/);
  await expect(page.locator("#L3")).toBeInViewport();
  await page.locator("#L5 > a").click({ modifiers: ["Shift"] });
  await expect(page).toHaveURL(/#L3-L5$/);
});

test("the log wraps at a key and remembers it", async ({ page, viewport }) => {
  await page.goto(`${await someRun(page, "failure")}?tab=log`);
  const wrap = page.getByRole("button", { name: "wrap" });
  const narrow = viewport!.width < 700;
  await expect(wrap).toHaveAttribute("aria-pressed", String(narrow));
  await page.keyboard.press("w");
  await expect(wrap).toHaveAttribute("aria-pressed", String(!narrow));
  await page.reload();
  await expect(wrap).toHaveAttribute("aria-pressed", String(!narrow));
});

test("a name on which the pointer rests tells the last results of its job and where it leads", async ({ page, isMobile, viewport }) => {
  test.skip(isMobile || viewport!.width < 600, "a finger follows a name instead");
  await page.goto("/?state=failure");
  await expect(page.locator("#live")).toHaveAttribute("data-live", "on");
  const name = nameIn(rows(page).first());
  const job = (await name.textContent())!;
  await name.hover();
  const card = page.locator(".job-card");
  await expect(card).toBeVisible();
  await expect(card).toContainText(job);
  await expect(card).toContainText(/\d+ of \d+ passed/);
  const results = card.locator(".strip a");
  expect(await results.count()).toBeGreaterThan(0);
  expect(await results.count()).toBeLessThanOrEqual(20);
  await expect(card.locator(".strip a[aria-current]")).toHaveAttribute("href", (await name.getAttribute("href"))!);
  await card.hover();
  await expect(card).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(card).toBeHidden();
  await name.focus();
  await page.keyboard.press("j");
  await expect(card).toBeVisible();
  const box = (await card.boundingBox())!;
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.x + box.width).toBeLessThanOrEqual(viewport!.width);
  await card.getByRole("link", { name: "All its runs" }).click();
  await expect(page).toHaveURL(/\/\?job=/);
});
