// The past of a job and of a pull request, and two runs compared.

import { expect, fits, nameIn, rows, test } from "./fixtures";
import type { Page } from "@playwright/test";

/** The history of a job of this type that ran often. */
async function jobHistory(page: Page, type: "periodic" | "presubmit"): Promise<string> {
  await page.goto(`/?job=${type === "periodic" ? "ci-testify-unit" : "pull-pflag-unit"}`);
  const href = await rows(page).first().locator("a[href^='/job-history/']").getAttribute("href");
  return href!;
}

/** The history of the pull request of some run. */
async function pullHistory(page: Page): Promise<string> {
  await page.goto("/?type=presubmit");
  await nameIn(rows(page).first()).click();
  return (await page.getByRole("link", { name: /^History of #/ }).first().getAttribute("href"))!;
}

const lines = (page: Page) => page.locator("table.history tbody tr");

test("a job's history goes from build to build, older and newer", async ({ page }) => {
  await page.goto(`${await jobHistory(page, "periodic")}?limit=3`);
  const build = (at: number) => lines(page).nth(at).locator(".build").textContent();
  expect(await lines(page).count()).toBe(3);
  const [first, last] = [await build(0), await build(2)];
  expect(BigInt(first!)).toBeGreaterThan(BigInt(last!));
  await page.locator(".pager a[rel=next]").click();
  expect(BigInt((await build(0))!)).toBeLessThan(BigInt(last!));
  await page.locator(".pager a[rel=prev]").click();
  expect(await build(0)).toBe(first);
  await lines(page).first().locator(".build").click();
  await expect(page.locator("h1")).toContainText(first!);
  await page.getByRole("link", { name: "Job history" }).click();
  await expect(page).toHaveURL(/\/job-history\//);
});

test("a history is filtered by state and begins where one says", async ({ page }) => {
  const history = await jobHistory(page, "periodic");
  await page.goto(history);
  const from = (await lines(page).nth(1).locator(".build").textContent())!;
  await page.getByLabel("from build").fill(from);
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(lines(page).first().locator(".build")).toHaveText(from);
  await page.goto(`${history}?state=success`);
  for (const state of await lines(page).locator(".s").allTextContents()) expect(state).toBe("success");
});

test("the drawings come, and a table says the same", async ({ page, request }) => {
  await page.goto(await jobHistory(page, "periodic"));
  expect(await page.locator("table.periods tbody tr").count()).toBeGreaterThan(0);
  for (const image of await page.locator(".charts img").all()) {
    const answer = await request.get((await image.getAttribute("src"))!);
    expect(answer.status()).toBe(200);
    expect(answer.headers()["content-type"]).toBe("image/svg+xml");
    expect(await answer.text()).toContain("<svg");
  }
});

test("two runs of a history are chosen and compared", async ({ page }) => {
  await page.goto(await jobHistory(page, "periodic"));
  await page.getByRole("checkbox").nth(0).check();
  await page.getByRole("checkbox").nth(1).check();
  await page.getByRole("button", { name: "Compare the two chosen" }).click();
  await expect(page.locator("h1")).toContainText("compared");
  for (const part of ["Tests", "Parameters"]) await expect(page.getByRole("heading", { name: part, exact: true })).toBeVisible();
});

test("a pull request shows every run of each job by commit", async ({ page }) => {
  await page.goto(await pullHistory(page));
  await expect(page.locator("h1")).toContainText("#");
  const mark = page.locator(".pull-runs .mark").first();
  await expect(mark).toHaveAttribute("title", /build \d+/);
  await mark.click();
  await expect(page.getByRole("link", { name: /^History of #/ }).first()).toBeVisible();
});

test("histories fit the screen and are without barriers", async ({ page, javaScriptEnabled }) => {
  test.setTimeout(180_000);
  const job = await jobHistory(page, "periodic");
  const presubmit = await jobHistory(page, "presubmit");
  const pull = await pullHistory(page);
  const list = (await (await page.request.get("/api/v1/runs?job=ci-testify-unit&state=failure&limit=1")).json()) as { rows: { id: string }[] };
  const compare = `/compare?new=${list.rows[0].id}`;
  await fits(page, [job, presubmit, pull, compare], javaScriptEnabled!);
});
