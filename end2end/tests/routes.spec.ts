import { barriers, everyRoute, expect, test } from "./fixtures";

test("every page answers with its own status, one heading, a title, and fits the screen", async ({ page }) => {
  for (const [path, status] of await everyRoute(page)) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(status);
    await expect(page, path).toHaveTitle(/\S/);
    await expect(page.locator("h1"), path).toHaveCount(1);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(over, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
  }
});

test("every page is kept to its own files by a strict policy", async ({ page }) => {
  for (const [path] of await everyRoute(page)) {
    const answer = await page.goto(path);
    const policy = answer?.headers()["content-security-policy"] ?? "";
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).not.toContain("unsafe-inline");
    const html = (await answer?.text()) ?? "";
    expect(html.match(/ style="/g), `${path} has inline styles`).toBeNull();
    expect(html.match(/ on[a-z]+="/g), `${path} has inline handlers`).toBeNull();
  }
});

test("every page is without barriers in every theme", async ({ page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "axe needs script");
  test.setTimeout(300_000);
  // What holds for forty rows holds for all of them, and axe takes its time for each.
  const routes = (await everyRoute(page)).map(([path]) => (path === "/" ? "/?limit=40" : path));
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const path of routes) {
      await page.goto(path);
      found.push(...(await barriers(page)));
    }
  }
  await page.emulateMedia({ colorScheme: "light", contrast: "more" });
  await page.goto("/?limit=40");
  found.push(...(await barriers(page)));
  expect(found).toEqual([]);
});

test("an address that leads nowhere says so and shows a way on", async ({ page }) => {
  await page.goto("/no/such/page");
  await expect(page.locator("h1")).toHaveText("Nothing here");
  await page.locator("main").getByRole("link", { name: "Runs" }).click();
  await expect(page).toHaveURL(/\/$/);
});
