import { barriers, expect, nameIn, rows, someRun, test } from "./fixtures";
import { delivery } from "../webhook.mjs";

test("a failed run shows how it ended, what it tested and the end of its log", async ({ page }) => {
  await page.goto(`${await someRun(page, "failure")}?tab=log`);
  await expect(page.locator(".verdict")).toContainText("failed after");
  await expect(page.locator(".tabs a[aria-current]")).toContainText("Log");
  await expect(page.locator(".lines li").last()).toBeVisible();
  expect(await page.locator(".lines li").count()).toBeGreaterThan(0);
});

test("every part of a run has an address of its own", async ({ page }) => {
  const run = await someRun(page, "success", "failure");
  await page.goto(run);
  await page.locator(".tabs").getByRole("link", { name: /Metadata/ }).click();
  await expect(page).toHaveURL(/tab=metadata/);
  await expect(page.locator(".pairs").first()).toContainText("ProwJob");
  await page.locator(".tabs").getByRole("link", { name: /Artifacts/ }).click();
  await expect(page.locator(".tab")).toContainText("finished.json");
});

test("the log is read from its first line by links or by the viewer", async ({ page, javaScriptEnabled }) => {
  await page.goto(`${await someRun(page, "failure")}?tab=log&from=1`);
  await expect(page.locator("#L1")).toBeVisible();
  if (!javaScriptEnabled) await expect(page.locator(".log-pages").first()).toContainText("Lines 1–");
});

test("the raw log is text and nothing else", async ({ page, request }) => {
  await page.goto(`${await someRun(page, "failure")}?tab=log`);
  const raw = (await page.locator(".log-bar a", { hasText: "raw" }).getAttribute("href"))!;
  const answer = await request.get(raw);
  expect(answer.ok()).toBeTruthy();
  expect(answer.headers()["content-type"]).toContain("text/plain");
});

test("Rerun starts a new run and leads to it; Abort stops it", async ({ page }) => {
  test.setTimeout(120_000);
  await page.goto("/?type=periodic");
  await nameIn(rows(page).first()).click();
  const before = page.url();
  await page.locator(".menu:not(.settings) summary", { hasText: "Rerun" }).click();
  await page.getByRole("button", { name: "Rerun", exact: true }).click();
  await expect(page).not.toHaveURL(before);
  await expect(page).toHaveURL(/\/(run\/[0-9a-f-]{36}|view\/.+\/\d+)/);
  await expect(page.locator(".verdict")).toContainText(/waiting|running|passed|failed|could not/);
});

test("an issue that names a run stands on its page until it no longer does", async ({
  page,
  request,
  javaScriptEnabled,
}, of) => {
  test.skip(!!process.env.BOWSPRIT_URL, "the secret of that server is not known here");
  const run = await someRun(page, "failure");
  // One issue for each screen: they have the same server.
  const number = 1000 + of.config.projects.findIndex((project) => project.name === of.project.name);
  const name = `sample/hello#${number}`;
  const comment = (body: string) => ({
    action: body ? "created" : "edited",
    repository: { name: "hello", full_name: "sample/hello", owner: { login: "sample" } },
    issue: { number, title: "It <b>fails</b> every night", state: "open" },
    comment: {
      id: number,
      body,
      user: { login: "ann" },
      html_url: `https://github.com/sample/hello/issues/${number}#issuecomment-${number}`,
      created_at: new Date().toISOString(),
    },
  });
  const hears = async (body: string) =>
    expect((await request.post("/hook", delivery("issue_comment", comment(body)))).status()).toBe(200);
  const reference = page.locator(".references li", { hasText: name });
  const shows = (count: number) =>
    expect(async () => {
      await page.goto(run);
      await expect(reference).toHaveCount(count, { timeout: 100 });
    }).toPass();
  await hears(`see ${new URL(run, page.url()).href}, please`);
  await shows(1);
  await expect(reference).toContainText("It <b>fails</b> every night");
  await expect(reference).toContainText("open issue");
  await expect(reference.getByRole("link")).toHaveAttribute("href", /issues\/\d+#issuecomment-\d+$/);
  if (javaScriptEnabled) expect(await barriers(page)).toEqual([]);
  await hears("");
  await shows(0);
});
