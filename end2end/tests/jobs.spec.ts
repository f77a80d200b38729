import { expect, rows, test } from "./fixtures";

test("the index leads to a repository's jobs, and a job to its definition", async ({ page }) => {
  await page.goto("/configured-jobs");
  const repo = page.locator(".repos a").first();
  const name = (await repo.textContent())!;
  await repo.click();
  await expect(page.locator("h1")).toContainText(name);
  const job = page.locator(".jobs a.name").first();
  const jobName = (await job.textContent())!;
  await job.click();
  await expect(page.locator(".opened pre")).toContainText(jobName);
  await page.locator(".jobs").getByRole("link", { name: "history" }).first().click();
  await expect(page).toHaveURL(/\?job=/);
});

test("a search finds jobs wherever they are configured", async ({ page }) => {
  await page.goto("/configured-jobs");
  await page.locator(".filters .job").fill("unit");
  await page.locator(".filters .job").press("Enter");
  await expect(page).toHaveURL(/q=unit/);
  for (const name of await page.locator(".jobs a.name").allTextContents()) expect(name).toContain("unit");
  expect(await page.locator(".jobs a.name").count()).toBeGreaterThan(1);
});

test("periodics say when they run next", async ({ page }) => {
  await page.goto("/configured-jobs?type=periodic");
  await expect(page.locator(".jobs tbody tr").first()).toContainText(/every|\*|@|next/);
});

test("the status page names components, configuration and data", async ({ page }) => {
  await page.goto("/status");
  await expect(page.locator("h1")).toContainText(/Ready|Not ready/);
  for (const name of ["plank", "horologium", "sinker", "crier", "hook"]) {
    await expect(page.locator(".components")).toContainText(name);
  }
  await expect(page.locator(".config").first()).toContainText(/jobs?/);
});

test("the sections are reached from everywhere", async ({ page, viewport }) => {
  await page.goto("/");
  if (viewport!.width < 700) await page.getByRole("button", { name: "Sections" }).click();
  await page.locator("#sections").getByRole("link", { name: "Jobs" }).click();
  await expect(page).toHaveURL(/configured-jobs/);
  await page.locator(".brand").click();
  expect(await rows(page).count()).toBeGreaterThan(0);
});
