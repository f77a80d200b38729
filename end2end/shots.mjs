// Screenshots of every page in both themes and both widths.
//
// usage: node shots.mjs URL DIR [PATH...]

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { args, executablePath } from "./browser.mjs";

const [base, dir, ...only] = process.argv.slice(2);
if (!dir) {
  console.error("usage: node shots.mjs URL DIR [PATH...]");
  process.exit(2);
}
mkdirSync(dir, { recursive: true });

/** Pages by name; runs are taken from the list as it is. */
async function pages(page) {
  await page.goto(base + "/");
  const run = (state) => page.locator(`#runs tr:has(.s.${state}) td:nth-child(2) > a`).first();
  const found = { runs: "/", "runs-none": "/?job=no-such-job-anywhere" };
  for (const state of ["success", "failure", "error", "pending", "aborted"]) {
    if ((await run(state).count()) === 0) continue;
    found[`run-${state}`] = await run(state).getAttribute("href");
  }
  const any = found["run-failure"] ?? found["run-success"];
  if (any) {
    for (const tab of ["metadata", "artifacts", "pod"]) found[`run-${tab}`] = `${any}?tab=${tab}`;
  }
  await page.goto(base + "/configured-jobs");
  const repo = page.locator(".repos a").first();
  if (await repo.count()) found["jobs-repo"] = await repo.getAttribute("href");
  if (found["jobs-repo"]) {
    await page.goto(base + found["jobs-repo"]);
    const job = page.locator(".jobs a.name").first();
    if (await job.count()) found["jobs-open"] = await job.getAttribute("href");
  }
  await page.goto(base + "/deliveries");
  const delivery = page.locator(".deliveries a.name").first();
  if (await delivery.count()) found.delivery = await delivery.getAttribute("href");
  return { ...found, jobs: "/configured-jobs", deliveries: "/deliveries", status: "/status", missing: "/no/such/page" };
}

const browser = await chromium.launch({ executablePath, args });
const scout = await browser.newPage();
const wanted = only.length ? Object.fromEntries(only.map((path, at) => [`page-${at}`, path])) : await pages(scout);
for (const colorScheme of ["light", "dark"]) {
  for (const width of [390, 1440]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: width < 500 ? 844 : 900 } });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) console.log(`${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => console.log(`${page.url()}: ${error}`));
    for (const [name, path] of Object.entries(wanted)) {
      await page.goto(base + path, { waitUntil: "load" });
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(dir, `${name}-${colorScheme}-${width}.png`) });
    }
    await context.close();
  }
}
await browser.close();
console.log(`${Object.keys(wanted).length} pages, 4 pictures each, in ${dir}`);
