// Folders of buckets, and links that were made elsewhere.

import { barriers, expect, test } from "./fixtures";

const RUN = "/gcs/sample-ci/logs/ci-testify-unit/2089267003519930368";

test("a folder lists what is in it, and leads up, down and to the run", async ({ page, javaScriptEnabled }) => {
  await page.goto(`${RUN}/`);
  await expect(page.locator("h1")).toHaveText("2089267003519930368");
  await expect(page.locator(".folder")).toContainText("build-log.txt");
  if (javaScriptEnabled) expect(await barriers(page)).toEqual([]);
  await page.locator(".folder").getByRole("link", { name: "artifacts/" }).click();
  await expect(page).toHaveURL(/artifacts\/$/);
  await page.locator(".folder").getByRole("link", { name: "../" }).click();
  await page.getByRole("link", { name: "The run's page" }).click();
  await expect(page.locator("h1")).toContainText("ci-testify-unit");
});

test("a file is read and saved", async ({ request }) => {
  const part = await request.get(`${RUN}/build-log.txt`, { headers: { range: "bytes=0-9" } });
  expect(part.status()).toBe(206);
  expect((await part.body()).length).toBe(10);
  const saved = await request.get(`${RUN}/build-log.txt?download`);
  expect(saved.headers()["content-disposition"]).toContain("build-log.txt");
});

test("links of Gubernator and of Spyglass to lines lead to the log", async ({ page, javaScriptEnabled }) => {
  await page.goto("/build/sample-ci/logs/ci-testify-unit/2089267003519930368");
  await expect(page.locator("h1")).toContainText("ci-testify-unit");
  test.skip(!javaScriptEnabled, "a fragment is known to script alone");
  await page.goto("/view/gs/sample-ci/logs/ci-testify-unit/2089267003519930368#1:build-log.txt%3A12-14");
  await expect(page).toHaveURL(/tab=log#L12-L14$/);
  await expect(page.locator("#L13")).toHaveClass(/chosen/);
});
