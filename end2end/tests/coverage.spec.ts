import { expect, fits, test } from "./fixtures";
import type { Page } from "@playwright/test";

const JOB = "/coverage/ci-logrus-unit";

/** The list, once the server has read the profiles of the sample's history. */
async function listed(page: Page): Promise<void> {
  await expect(async () => {
    await page.goto("/coverage");
    await expect(page.locator(".coverage-index tbody tr")).toHaveCount(4, { timeout: 500 });
  }).toPass({ timeout: 60_000 });
}

test("the list leads to a heatmap, a directory, a file and its lines", async ({ page }) => {
  await listed(page);
  await page.locator(".coverage-index").getByRole("link", { name: "ci-logrus-unit" }).click();
  await expect(page).toHaveURL(/\/coverage\/ci-logrus-unit/);
  await expect(page.locator("h1")).toContainText("logrus");
  const columns = await page.locator(".heatmap thead th").count();
  expect(columns).toBeGreaterThan(10);
  const files = page.locator(".heatmap tbody a", { hasText: ".go" });
  do {
    const directory = page.locator(".heatmap tbody a", { hasText: /\/$/ }).first();
    const name = (await directory.textContent())!;
    await directory.click();
    await expect(page.locator("h1")).toHaveText(name.slice(0, -1));
  } while ((await files.count()) === 0);
  await expect(page.locator(".crumbs")).toContainText("ci-logrus-unit");
  await files.first().click();
  await expect(page.locator("h1")).toContainText(".go");
  await expect(page.locator(".coverage-file tbody tr.ran").first()).toBeVisible();
});

test("every cell has its number, and arrows stand where the share moved", async ({ page }) => {
  await listed(page);
  await page.goto(JOB);
  const texts = await page.locator(".heatmap td[class^='s']").allTextContents();
  expect(texts.length).toBeGreaterThan(20);
  for (const text of texts) expect(text).toMatch(/^([▲▼] )?\d+\.\d$/);
  expect(texts.some((text) => text.startsWith("▲"))).toBe(true);
  expect(texts.some((text) => text.startsWith("▼"))).toBe(true);
});

test("a threshold marks what is below, and two runs are compared", async ({ page }) => {
  await listed(page);
  await page.goto(JOB);
  await page.getByRole("spinbutton", { name: "Threshold" }).fill("99.9");
  await page.getByRole("button", { name: "Mark" }).click();
  await expect(page).toHaveURL(/threshold=99\.9/);
  expect(await page.locator(".heatmap td.below").count()).toBeGreaterThan(0);
  const old = page.locator("select[name=old]");
  await old.selectOption({ index: (await old.locator("option").count()) - 1 });
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.locator("h1")).toHaveText("Two runs compared");
  expect(await page.locator(".coverage-changes tbody tr").count()).toBeGreaterThan(0);
  await expect(page.locator(".page-head")).toContainText("below 99.9 %");
});

test("the drawings come, and tables say the same", async ({ page, request }) => {
  await listed(page);
  await page.goto(JOB);
  for (const image of await page.locator(".charts img").all()) {
    const answer = await request.get((await image.getAttribute("src"))!);
    expect(answer.status()).toBe(200);
    expect(answer.headers()["content-type"]).toBe("image/svg+xml");
    expect(await answer.text()).toContain("<svg");
  }
});

test("coverage fits the screen and is without barriers", async ({ page, javaScriptEnabled }) => {
  test.setTimeout(180_000);
  await listed(page);
  await page.goto(JOB);
  const file = await page.locator(".heatmap tbody a", { hasText: ".go" }).first().getAttribute("href");
  const ids = await page.locator("select[name=new] option").evaluateAll((options) =>
    options.map((option) => (option as HTMLOptionElement).value),
  );
  const compare = `${JOB}/compare?new=${ids[0]}&old=${ids.at(-1)}&threshold=80`;
  await fits(page, ["/coverage", `${JOB}?threshold=80`, file!, compare], javaScriptEnabled!);
});
