import { expect, nameIn, rows, rowWith, someRun, test } from "./fixtures";

test("the first page is full of runs", async ({ page }) => {
  const answer = await page.goto("/");
  expect(await rows(page).count()).toBeGreaterThan(50);
  expect(await rows(page).count()).toBeLessThanOrEqual(250);
  expect((await answer!.body()).length).toBeLessThanOrEqual(200_000);
  await expect(page.locator(".histogram svg")).toBeVisible();
  await expect(page.locator(".rates")).toContainText("% ok");
});

test("a state leads to exactly the runs of this state, and back", async ({ page }) => {
  await page.goto("/");
  const chip = page.locator(".states .chip:has(.failure)");
  await chip.click();
  await expect(page).toHaveURL(/state=failure/);
  // A run that ends meanwhile is counted on the page that lists it.
  await expect(async () => {
    const failed = Number((await chip.textContent())!.replace(/\D/g, ""));
    expect(await rows(page).count()).toBe(Math.min(failed, 250));
    expect(await rowWith(page, "failure").count()).toBe(await rows(page).count());
  }).toPass({ timeout: 10_000 });
  await page.locator(".states .chip[aria-current]").click();
  await expect(page).toHaveURL(/\/$/);
});

test("the form filters by type and name, and keeps what was chosen", async ({ page, javaScriptEnabled }) => {
  await page.goto("/");
  await page.locator("#filters .job").fill("*-unit");
  await page.locator("#filters .job").press("Enter");
  await expect(page).toHaveURL(/job=\*-unit/);
  for (const name of await rows(page).locator("td:nth-child(2)").allTextContents()) {
    expect(name).toMatch(/-unit$/);
  }
  await page.locator('#filters select[name="type"]').selectOption("periodic");
  if (!javaScriptEnabled) await page.getByRole("button", { name: "Filter" }).click();
  await expect(page).toHaveURL(/type=periodic/);
  await expect(page.locator("#filters .job")).toHaveValue("*-unit");
  await expect(page.locator('#filters select[name="type"]')).toHaveValue("periodic");
  expect(await rows(page).count()).toBeGreaterThan(0);
});

test("a selection without runs says why and leads back", async ({ page }) => {
  await page.goto("/?job=no-such-job-anywhere");
  await expect(page.locator(".empty")).toContainText("No run matches.");
  await page.locator(".empty a").click();
  expect(await rows(page).count()).toBeGreaterThan(0);
});

test("older and newer pages are reached by links and do not overlap", async ({ page }) => {
  await page.goto("/?limit=40");
  const first = await nameIn(rows(page)).evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  expect(first).toHaveLength(40);
  await page.locator(".pager a[rel=next]").click();
  const second = await nameIn(rows(page)).evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  expect(second.length).toBeGreaterThan(0);
  expect(second.filter((href) => first.includes(href))).toEqual([]);
  await page.locator(".pager a[rel=prev]").click();
  const again = await nameIn(rows(page)).evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  expect(again.filter((href) => first.includes(href)).length).toBeGreaterThan(30);
});

test("a row leads to its run, its log, its YAML and its history", async ({ page, request }) => {
  await page.goto("/?state=success");
  const row = rows(page).first();
  const job = (await nameIn(row).textContent())!;
  const yaml = row.getByRole("link", { name: "yaml" });
  if (await yaml.count()) {
    const answer = await request.get((await yaml.getAttribute("href"))!);
    expect(await answer.text()).toContain(`job: ${job}`);
  }
  const history = (await row.locator("a[href^='/job-history/']").getAttribute("href"))!;
  await nameIn(row).click();
  await expect(page.locator("h1")).toContainText(job);
  await page.goto(history);
  await expect(page.locator("h1")).toHaveText(job);
});

test("a repository's runs are found by its name", async ({ page }) => {
  await page.goto("/?type=presubmit");
  const repo = rows(page).first().locator("td:nth-child(3) a");
  const name = (await repo.textContent())!;
  await repo.click();
  await expect(page).toHaveURL(new RegExp(`repo=${name}`));
  await expect(page.locator('#filters select[name="repo"]')).toHaveValue(name);
});

test("Deck's addresses of runs still lead to them", async ({ page, request }) => {
  const href = await someRun(page, "success", "failure");
  const answer = await request.get(`/api/v1/runs?limit=50&state=success`);
  const run = ((await answer.json()) as { rows: { job: string; build_id: string; href: string }[] }).rows.find((r) => r.build_id);
  expect(href).toBeTruthy();
  const opened = await page.goto(`/view/prowjob/${run!.job}/${run!.build_id}`);
  expect(opened?.status()).toBe(200);
  await expect(page.locator("h1")).toContainText(run!.job);
});
