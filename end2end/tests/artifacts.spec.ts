// Files of a run as pages, a folder as one zip, and the lenses of a run.

import { barriers, expect, test } from "./fixtures";

const RUN = "/gcs/sample-ci/logs/ci-testify-unit/2089267003519930368";

test("a file has a page with its text and the ways to copy it", async ({ page, javaScriptEnabled }) => {
  await page.goto(`${RUN}/`);
  await page.locator(".folder").getByRole("link", { name: "finished.json" }).first().click();
  await expect(page).toHaveURL(/finished\.json\?preview$/);
  await expect(page.locator("h1")).toHaveText("finished.json");
  await expect(page.locator(".file-text")).toContainText('"timestamp"');
  await expect(page.locator(".commands")).toContainText("curl -fLO");
  await expect(page.locator(".commands")).toContainText("gsutil cp gs://sample-ci/logs/");
  if (javaScriptEnabled) expect(await barriers(page)).toEqual([]);
});

test("the files of a run lead to their pages and are had as one zip", async ({ page, request }) => {
  await page.goto(`${RUN.replace("/gcs/", "/view/gs/")}?tab=artifacts`);
  await page.locator(".tab").getByRole("link", { name: "build-log.txt", exact: true }).click();
  await expect(page.locator("h1")).toHaveText("build-log.txt");
  const zip = await request.get(`${RUN}/?zip`);
  expect(zip.status()).toBe(200);
  expect(zip.headers()["content-type"]).toBe("application/zip");
  expect((await zip.body()).subarray(0, 2).toString()).toBe("PK");
});

test("a run with a coverage profile has a lens for it", async ({ page, javaScriptEnabled }) => {
  await page.goto("/coverage");
  const job = page.locator("main a[href^='/coverage/']").first();
  test.skip((await job.count()) === 0, "the sample has no coverage");
  await job.click();
  await page.locator(".heatmap thead a").first().click();
  await page.locator(".tabs").getByRole("link", { name: "Coverage" }).click();
  await expect(page).toHaveURL(/tab=lens-coverage/);
  await expect(page.locator(".lens")).toContainText("statements ran");
  if (javaScriptEnabled) expect(await barriers(page)).toEqual([]);
});
