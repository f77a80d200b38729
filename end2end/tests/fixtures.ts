// What every test has: a page whose complaints fail the test, and the ways to places.

import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Locator, type Page } from "@playwright/test";

/** A run in the list: the link to its page, and its row. */
export const rows = (page: Page): Locator => page.locator("#runs tbody tr");
export const nameIn = (row: Locator): Locator => row.locator("td:nth-child(2) > a");
export const rowWith = (page: Page, state: string): Locator =>
  page.locator(`#runs tbody tr:has(> td:first-child > .s.${state})`);

/** The address of some run of that state, or of any run. */
export async function someRun(page: Page, ...states: string[]): Promise<string> {
  for (const state of states) {
    await page.goto(`/?state=${state}`);
    if ((await rows(page).count()) > 0) return (await nameIn(rows(page).first()).getAttribute("href"))!;
  }
  throw new Error(`the sample has no run that is ${states.join(" or ")}`);
}

/** Every address that has a page of its own, with the status it answers. */
export async function everyRoute(page: Page): Promise<[string, number][]> {
  const run = await someRun(page, "failure", "success");
  const routes: [string, number][] = [
    ["/", 200],
    ["/?state=failure&since=30d", 200],
    ["/?job=no-such-job-anywhere", 200],
    [run, 200],
    [`${run}?tab=metadata`, 200],
    [`${run}?tab=artifacts`, 200],
    ["/configured-jobs", 200],
    ["/configured-jobs?q=no-such-job-anywhere", 200],
    ["/deliveries", 200],
    ["/status", 200],
    ["/testgrid", 200],
    ["/testgrid?q=no-such-tab-anywhere", 200],
    ["/testgrid/sample-ci", 200],
    ["/testgrid/sample-ci-unit", 200],
    ["/testgrid/sample-ci-unit/testify", 200],
    ["/testgrid/sample-ci-unit/testify?num_failures_to_alert=1", 200],
    ["/testgrid/sample-ci-unit/testify/graph?row=ci-testify-unit.Overall", 200],
    ["/testgrid/sample-ci-unit/testify/graph?row=no-such-test", 404],
    ["/testgrid/sample-ci-unit/no-such-tab", 404],
    ["/testgrid/no-such-dashboard", 404],
    ["/coverage", 200],
    ["/job-history/gs/sample-ci/logs/ci-testify-unit", 200],
    ["/job-history/nonsense", 400],
    ["/pr-history/", 400],
    ["/compare", 400],
    ["/coverage/no-such-job", 404],
    ["/no/such/page", 404],
    ["/run/no-such-run", 404],
    ["/view/nonsense", 400],
  ];
  await page.goto("/configured-jobs");
  const repo = page.locator(".repos a").first();
  const places = [page.locator(".index h2 a").first(), repo];
  for (const place of places) if (await place.count()) routes.push([(await place.getAttribute("href"))!, 200]);
  if (await repo.count()) {
    await page.goto((await repo.getAttribute("href"))!);
    const job = page.locator(".jobs a.name").first();
    if (await job.count()) routes.push([(await job.getAttribute("href"))!, 200]);
  }
  return routes;
}

/** What axe finds on the page against WCAG 2.2 A and AA. */
export async function barriers(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  // A log is read, not tapped: where a mouse points, its numbers stand as close as its lines.
  const closeLines = (id: string, html: string) => id === "target-size" && /^<a href="#L\d+">/.test(html);
  for (const violation of found.violations) {
    violation.nodes = violation.nodes.filter((node) => !closeLines(violation.id, node.html));
  }
  const left = found.violations.filter((violation) => violation.nodes.length > 0);
  return left.map((violation) => {
    const places = violation.nodes.map((node) => node.html).slice(0, 3);
    return [`${page.url()}: ${violation.id}: ${violation.help}`, ...places].join("\n  ");
  });
}

/** Pages answer, fit the screen, have no inline style, and no barriers in light or dark. */
export async function fits(page: Page, paths: string[], withScript: boolean): Promise<void> {
  const found: string[] = [];
  for (const path of paths) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(200);
    const html = (await answer?.text()) ?? "";
    expect(html.match(/ style="/g), `${path} has inline styles`).toBeNull();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(over, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    if (!withScript) continue;
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      found.push(...(await barriers(page)));
    }
  }
  expect(found).toEqual([]);
}

export const test = base.extend<{ complaints: string[] }>({
  complaints: [
    async ({ page, javaScriptEnabled }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
      page.on("console", (message) => {
        if (!["error", "warning"].includes(message.type())) return;
        // The browser reports the status of a page that was meant to answer so.
        const status = /the server responded with a status of (400|403|404)/.test(message.text());
        const itself = message.location().url === page.url();
        // Without script nothing uses the islands that a page has already asked for.
        const unused = !javaScriptEnabled && /preloaded using link preload but not used/.test(message.text());
        if (!(status && itself) && !unused) complaints.push(`${page.url()}: ${message.text()}`);
      });
      await use(complaints);
      expect(complaints, "the browser complained").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
