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

test("chosen lines are copied without their numbers", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${LOG}&from=1`);
  await page.locator("#L2 > a").click();
  await page.locator("#L4 > a").click({ modifiers: ["Shift"] });
  await expect(page.locator(".lines li.chosen")).toHaveCount(3);
  await page.keyboard.press("c");
  await expect(page.locator(".log-note")).toHaveText("3 lines copied");
  const expected = await page.locator("#L2 code, #L3 code, #L4 code").allTextContents();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(expected.map((line) => `${line}\n`).join(""));
});

test("t shows when lines were written, and hides it again", async ({ page }) => {
  await page.goto(LOG);
  await page.locator(".log-scroll").focus();
  for (const [times, words] of [
    ["offset", "times since the run started"],
    ["time", "times in UTC"],
  ]) {
    await page.keyboard.press("t");
    await expect(page.locator("html")).toHaveAttribute("data-times", times);
    await expect(page.locator(".log-note")).toHaveText(words);
  }
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-times", "time");
  await page.locator(".log-scroll").focus();
  await expect(page.locator(".lines li.chosen")).toBeVisible();
  await page.keyboard.press("t");
  await expect(page.locator("html")).not.toHaveAttribute("data-times");
});

test("chosen lines are pinned for everybody, and unpinned", async ({ page }) => {
  await page.goto(`${LOG}&from=1`);
  await page.locator("#L3 > a").click();
  await page.locator("#L5 > a").click({ modifiers: ["Shift"] });
  await page.locator(".pin summary").click();
  await expect(page.locator(".pin [name=from]")).toHaveValue("3");
  await expect(page.locator(".pin [name=to]")).toHaveValue("5");
  await page.locator(".pin [name=note]").fill("look here");
  await page.locator(".pin button").click();
  await expect(page).toHaveURL(/#L3-L5$/);
  await expect(page.locator(".lines li.chosen")).toHaveCount(3);
  await page.goto(LOG.replace("?tab=log", "?tab=metadata"));
  const pin = page.locator(".pins li", { hasText: "look here" });
  await expect(pin.locator("a")).toHaveText("Lines 3–5");
  await pin.getByRole("button").click();
  await expect(page.locator(".pins li", { hasText: "look here" })).toHaveCount(0);
});

test("only the errors of a log, each with what stands around it", async ({ page }) => {
  await page.goto(LOG);
  await page.getByRole("link", { name: "errors only" }).click();
  await expect(page.locator(".lines .gap").first()).toContainText("lines without an error");
  await expect(page.locator(".lines li.error").first()).toBeVisible();
  await page.getByRole("link", { name: "whole log" }).click();
  await expect(page.locator(".lines .gap")).toHaveCount(0);
});

test("lines are chosen by keys, one or several", async ({ page }) => {
  await page.goto(`${LOG}&from=1#L3`);
  const chosen = page.locator(".lines li.chosen > a");
  await expect(chosen).toHaveText("3");
  await page.keyboard.press("j");
  await expect(chosen).toHaveText("4");
  await page.keyboard.press("J");
  await page.keyboard.press("J");
  await expect(chosen).toHaveText(["4", "5", "6"]);
  await expect(page).toHaveURL(/#L4-L6$/);
  await page.keyboard.press("K");
  await expect(chosen).toHaveText(["4", "5"]);
  await page.keyboard.press("K");
  await page.keyboard.press("K");
  await expect(chosen).toHaveText(["3", "4"]);
  await page.keyboard.press("k");
  await expect(chosen).toHaveText("2");
  // Beyond what is in sight the view goes along.
  for (let line = 3; line <= 120; line++) await page.keyboard.press("j");
  await expect(chosen).toHaveText("120");
  await expect(chosen).toBeInViewport();
});

test("the map beside a log shows where matches are, and leads there", async ({ page }) => {
  await page.goto(`${LOG}&from=1&find=^---%20FAIL`);
  await expect(page.locator(".log-found")).toHaveText(/30$/);
  const map = page.locator(".log-map");
  const inked = () =>
    map.evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      const rows = new Set<number>();
      for (let at = 3; at < data.length; at += 4) if (data[at]) rows.add(Math.floor(at / 4 / canvas.width));
      return rows.size / canvas.height;
    });
  const share = await inked();
  expect(share).toBeGreaterThan(0);
  expect(share).toBeLessThan(0.9);
  const box = (await map.boundingBox())!;
  await map.click({ position: { x: box.width / 2, y: box.height - 2 } });
  const total = Number(await page.locator("#log").getAttribute("data-total"));
  const last = async () => Number(await page.locator(".lines li > a").last().textContent());
  await expect.poll(last).toBeGreaterThan(total * 0.9);
});
