// The grid of a tab with script: a window over all cells, with mouse, fingers and keys.

import type { Page } from "@playwright/test";
import { barriers, expect, test } from "./fixtures";
import { hiddenLine, madeUpGrid, madeUpView, rowsShown, tab } from "./testgrid";

/** Where a cell is, from the upper left of the cells, in the middle of it. */
async function cell(page: Page, line: number, column: number): Promise<{ x: number; y: number }> {
  const body = (await page.locator(".g-body").boundingBox())!;
  const names = (await page.locator(".g-names").boundingBox())!;
  return { x: body.x + names.width + column * 80 + 40, y: body.y + line * 22 + 11 };
}

const said = (page: Page) => page.locator("#grid-said");

test("an old bookmark leads to the tab with its options", async ({ page }) => {
  await page.goto("/testgrid/sample-ci-unit#testify&sort-by-failures=&width=20");
  await expect(page).toHaveURL(/\/testgrid\/sample-ci-unit\/testify\?sort-by-failures=&width=20$/);
  await page.goto("/testgrid/sample-ci-unit#go-version%2C%20plain&include-filter-by-regex=Volume%7CTest");
  await expect(page).toHaveURL(/go-version(,|%2C)%20plain\?include-filter-by-regex=Volume%7CTest$/);
  await page.goto("/testgrid/sample-ci-unit#Summary");
  await expect(page.locator("h1")).toHaveText("sample-ci-unit");
  // A dashboard with a default tab opens on it, but not for those who ask for the summary.
  await page.goto("/testgrid/sample-ci-unit/testify#Summary");
  await expect(page).toHaveURL(/\/testgrid\/sample-ci-unit$/);
});

test("options apply at once and stand in the address", async ({ page }) => {
  await tab(page, "testify");
  const all = await rowsShown(page);
  await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
  await page.locator("[name=include-filter-by-regex]").fill("TestCompare");
  await expect(hiddenLine(page)).toContainText("filtered");
  await expect(page).toHaveURL(/\?include-filter-by-regex=TestCompare$/);
  expect(await rowsShown(page)).toBeLessThan(all);
  await page.locator("select[name=sort]").selectOption("name");
  await expect(page).toHaveURL(/sort-by-name=$/);
  await page.locator("[name=include-filter-by-regex]").fill("");
  await expect(page).toHaveURL(/testify\?sort-by-name=$/);
  await hiddenLine(page).getByRole("link", { name: "show" }).first().waitFor();
  await page.locator("[name=show-stale-tests][type=checkbox]").check();
  await expect(page).toHaveURL(/show-stale-tests=/);
  await expect(hiddenLine(page)).not.toContainText("stale");
  await page.locator("select[name=group]").selectOption("regex-mask");
  await page.locator("[name=group-pattern]").fill("/.*");
  await expect(page).toHaveURL(/group-by-regex-mask=%2F?\/?\.\*|group-by-regex-mask=/);
  await expect(page.locator(".g-group").first()).toBeVisible();
  expect(await page.evaluate(() => (window as unknown as { kept?: boolean }).kept), "the page was loaded again").toBe(true);
});

test("a pattern that does not compile is told at its field and hides nothing", async ({ page, complaints }) => {
  await tab(page, "testify");
  const all = await rowsShown(page);
  const field = page.locator("[name=exclude-filter-by-regex]");
  await field.fill("Test(");
  await expect(page.locator(".option-error")).toContainText("exclude-filter-by-regex");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  expect(await rowsShown(page)).toBe(all);
  await field.fill("TestC");
  await expect(page.locator(".option-error")).toHaveCount(0);
  await expect(field).not.toHaveAttribute("aria-invalid");
  // The browser tells of the refused request.
  const refused = complaints.splice(0).filter((complaint) => !complaint.includes("400"));
  expect(refused).toEqual([]);
});

test("columns have three widths and any other", async ({ page }) => {
  for (const [width, words] of [[80, "standard"], [40, "compact"], [16, "super compact"]] as const) {
    await tab(page, "testify", `width=${width}`);
    await expect(page.locator("select[name=width] option:checked")).toHaveText(words);
    const mark = page.locator(".g-focus");
    expect(await mark.evaluate((element) => (element as HTMLElement).style.width)).toBe(`${width}px`);
  }
  await tab(page, "testify", "width=7");
  await page.locator(".g-scroll").focus();
  await page.keyboard.press("+");
  await expect(page).toHaveURL(/width=9$/);
  await page.keyboard.press("-");
  await expect(page).toHaveURL(/width=7$/);
});

test("keys move through the cells, say what they are, and open runs", async ({ page }) => {
  await tab(page, "testify assert only", "sort-by-failures=");
  await page.locator(".g-scroll").focus();
  await page.keyboard.press("ArrowRight");
  await expect(said(page)).toContainText(/assert.*, failed.*build \d+/s);
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowLeft");
  await expect(said(page)).toHaveText(/testify\/assert/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("Control+End");
  await expect(page.locator(".g-focus")).toBeInViewport();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("m");
  await expect(page.getByRole("menuitem", { name: "Open run" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem", { name: "Copy link" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("menu")).toBeHidden();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/(view|run)\//);
});

test("f, s, g and w lead to the options, and ? lists the keys", async ({ page }) => {
  await tab(page, "testify");
  for (const [key, name] of [["f", "include-filter-by-regex"], ["s", "sort"], ["g", "group"], ["w", "width"]]) {
    await page.keyboard.press(key);
    await expect(page.locator(`[name=${name}]`)).toBeFocused();
    await page.locator("h1").click();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  }
  await page.keyboard.press("?");
  await expect(page.locator("dialog.keys")).toContainText("In a test grid");
});

test("the pointer lights a row and a column and tells what the cell is", async ({ page, viewport }) => {
  test.skip(viewport!.width < 600, "a finger touches instead");
  await tab(page, "testify", "sort-by-failures=");
  const { x, y } = await cell(page, 0, 0);
  await page.mouse.move(x, y);
  const tip = page.getByRole("tooltip");
  await expect(tip).toBeVisible();
  await expect(tip).toContainText("Overall");
  await expect(tip).toContainText("failed");
  await expect(tip).toContainText(/\d{6}/);
  await expect(page.locator(".g-row-mark")).toBeVisible();
  await expect(page.locator(".g-name.lit")).toContainText("Overall");
  await page.mouse.move(5, 5);
  await expect(tip).toBeHidden();
});

test("a finger first sees what a cell is, and then opens it", async ({ page, viewport }) => {
  test.skip(viewport!.width > 600, "a mouse points instead");
  await tab(page, "testify assert only", "sort-by-failures=");
  await page.locator(".g-scroll").scrollIntoViewIfNeeded();
  const { x, y } = await cell(page, 0, 0);
  await page.touchscreen.tap(x, y);
  await expect(page.getByRole("tooltip")).toContainText("assert");
  await page.touchscreen.tap(x, y);
  await expect(page).toHaveURL(/\/(view|run)\//);
});

test("a finger that rests on a cell opens its menu", async ({ page, viewport }) => {
  test.skip(viewport!.width > 600, "a mouse has another button");
  await tab(page, "testify assert only", "sort-by-failures=");
  await page.locator(".g-scroll").scrollIntoViewIfNeeded();
  const { x, y } = await cell(page, 0, 0);
  const touch = { pointerType: "touch", pointerId: 7, bubbles: true, clientX: x, clientY: y };
  const menu = page.getByRole("menu");
  // One that moves on scrolls instead.
  await page.locator(".g-body").dispatchEvent("pointerdown", touch);
  await page.locator(".g-body").dispatchEvent("pointermove", { ...touch, clientY: y + 60 });
  await page.locator(".g-body").dispatchEvent("pointerdown", { ...touch, clientX: x + 1 });
  await expect(menu.getByRole("menuitem", { name: "Open run" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
});

test("the menu of a cell has its links", async ({ page }) => {
  await tab(page, "testify assert only", "sort-by-failures=");
  await page.locator(".g-scroll").scrollIntoViewIfNeeded();
  const { x, y } = await cell(page, 0, 0);
  await page.mouse.click(x, y, { button: "right" });
  const menu = page.getByRole("menu");
  for (const item of ["Open run", "Copy link", "History of this test"]) {
    await expect(menu.getByRole("menuitem", { name: item })).toBeVisible();
  }
  await expect(menu.getByRole("menuitem", { name: /bug/i }).first()).toBeVisible();
  await expect(menu.getByRole("menuitem", { name: "Open log at the test" })).toHaveAttribute("href", /tab=log&find=/);
  await expect(menu.getByRole("menuitem", { name: "The test in its run" })).toHaveAttribute("href", /tab=tests&row=/);
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
});

test("what is asked about a cell has the days that are shown", async ({ page }) => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await tab(page, "testify", "days=3650&sort-by-failures=");
  await page.locator(".g-scroll").scrollIntoViewIfNeeded();
  const { x, y } = await cell(page, 0, 0);
  await page.mouse.click(x, y, { button: "right" });
  const open = page.getByRole("menuitem", { name: "Open run" });
  await expect(open).toHaveAttribute("href", /\/open\?.*&days=3650$/);
  await expect(page.getByRole("menuitem", { name: "History of this test" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "clustered failures" }).click();
  await expect(page.locator("#grid-clusters tr").nth(1)).toBeVisible();
  for (const part of ["/grid.bin?", "/view?", "/cell?", "/clusters?"]) {
    const found = asked.filter((url) => url.includes(part));
    expect(found, part).not.toEqual([]);
    expect(found.every((url) => url.includes("days=3650")), part).toBe(true);
  }
});

test("rows that failed in so many of the newest columns are an option", async ({ page }) => {
  await tab(page, "testify", "exclude-non-failed-tests=3");
  await expect(page.locator("[name=failed-in]")).toHaveValue("3");
  await page.locator("[name=failed-in]").fill("7");
  await expect(page).toHaveURL(/exclude-non-failed-tests=7$/);
});

test("the summary of a dashboard hears of its tabs", async ({ page }) => {
  await page.goto("/testgrid/sample-ci-unit");
  await expect(page.locator("#live")).toHaveAttribute("data-live", "on");
});

test("two columns can be compared", async ({ page }) => {
  await tab(page, "testify");
  const head = page.locator(".g-head");
  const names = (await page.locator(".g-names").boundingBox())!.width;
  for (const column of [0, 1]) {
    await head.click({ position: { x: names + column * 80 + 30, y: 40 } });
    await page.getByRole("menuitem", { name: /Select to compare/ }).click();
  }
  await expect(page.locator("#grid-diff a").first()).toHaveAttribute("href", /github\.com|compare/);
  await page.locator("#grid-diff").getByRole("button", { name: "clear" }).click();
  await expect(page.locator("#grid-diff a")).toHaveCount(0);
});

test("failures are listed in clusters that show where they are", async ({ page }) => {
  await tab(page, "testify");
  await page.getByRole("button", { name: "clustered failures" }).click();
  const list = page.locator("#grid-clusters");
  await expect(list.locator("tr").nth(1)).toContainText("failed");
  await list.getByRole("checkbox").first().check();
  await list.getByRole("button", { name: "status", exact: true }).click();
  await expect(list.getByRole("button", { name: "status", exact: true })).toHaveAttribute("aria-pressed", "true");
  expect(await barriers(page)).toEqual([]);
});

test("a metric is drawn below each row, with its least and most", async ({ page }) => {
  await tab(page, "apimachinery durations");
  await expect(page.locator("select[name=graph-metrics]")).toHaveValue("test-duration-minutes");
  await expect(page.locator(".g-name em").first()).toHaveText(/\d – \d/);
  await page.locator("select[name=graph-metrics]").selectOption("");
  await expect(page.locator(".g-name em")).toHaveCount(0);
});

test("the legend says what colours and letters mean", async ({ page }) => {
  await tab(page, "testify");
  await page.getByRole("button", { name: "legend" }).click();
  await expect(page.locator("#grid-legend")).toContainText("flaky");
  await expect(page.locator("#grid-legend")).toContainText("passed with skips");
});

test("groups open and close and keep their worst status", async ({ page }) => {
  await tab(page, "go-toml by hierarchy");
  const group = page.locator(".g-group").first();
  await expect(group).toHaveAttribute("aria-expanded", "false");
  const before = await page.locator(".g-name").count();
  await group.click();
  await expect(page.locator(".g-group").first()).toHaveAttribute("aria-expanded", "true");
  expect(await page.locator(".g-name").count()).toBeGreaterThan(before);
});

test("those who listen get a table of what is in sight", async ({ page }) => {
  await tab(page, "testify");
  const table = page.getByRole("grid");
  await expect(table).toHaveAttribute("aria-rowcount", /\d{3,}/);
  await expect(table).toHaveAttribute("aria-colcount", "25");
  await expect(table.locator("tbody tr").first()).toContainText("Overall");
  await page.locator(".g-scroll").evaluate((element) => element.scrollTo(0, 4000));
  await expect(table.locator("tbody tr").first()).not.toContainText("Overall");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await barriers(page)).toEqual([]);
  }
});

test("times are local when asked for", async ({ page }) => {
  await tab(page, "testify");
  await expect(page.locator(".g-corner")).toContainText("Time (UTC)");
  await page.locator(".settings summary").click();
  await page.getByRole("button", { name: "Local" }).click();
  await expect(page.locator(".g-corner")).not.toContainText("UTC");
  await page.getByRole("button", { name: "UTC" }).click();
});

test("a run that is started appears as a new column without a reload", async ({ page, context }) => {
  test.setTimeout(120_000);
  await tab(page, "flaky", "", "sample-ci-live");
  const table = page.getByRole("grid");
  const before = Number(await table.getAttribute("aria-colcount"));
  await page.evaluate(() => ((window as unknown as { kept: boolean }).kept = true));
  const newest = async (): Promise<{ id?: string; finished_ms?: number }> => {
    const answer = await page.request.get("/api/v1/runs?job=sample-live-flaky&limit=1");
    return (await answer.json()).rows[0] ?? {};
  };
  const last = (await newest()).id;
  const other = await context.newPage();
  await other.goto("/?job=sample-live-flaky");
  await expect(other.locator("#live")).toHaveAttribute("data-live", "on");
  await other.locator("#runs tbody tr").getByRole("button", { name: "rerun" }).first().click();
  await other.locator("dialog.confirm").getByRole("button", { name: "Rerun" }).click();
  await expect(other).toHaveURL(/\/(run|view)\//);
  // A hidden page gives its stream back.
  await other.close();
  await page.bringToFront();
  const ended = async (): Promise<boolean> => {
    const run = await newest();
    return run.id !== last && run.finished_ms !== undefined;
  };
  await expect.poll(ended, { timeout: 90_000, intervals: [100] }).toBe(true);
  // From then on it takes two seconds at most.
  await expect
    .poll(async () => Number(await table.getAttribute("aria-colcount")), { timeout: 2_000, intervals: [50] })
    .toBeGreaterThan(before);
  expect(await page.evaluate(() => (window as unknown as { kept?: boolean }).kept)).toBe(true);
});

test("a column that arrives out of sight is told beside the tools and moves nothing", async ({ page }) => {
  let newer = 0;
  await page.route("**/tabs/testify/grid.bin*", (route) =>
    route.fulfill({ body: madeUpGrid(20, 300 + newer, newer), contentType: "application/octet-stream" }),
  );
  await page.route("**/tabs/testify/view*", (route) => route.fulfill({ json: madeUpView(20, newer) }));
  // Every connection greets and ends, and the next one follows soon.
  await page.route("**/testgrid/stream*", (route) =>
    route.fulfill({ body: "retry: 300\nevent: hello\ndata: {}\n\n", contentType: "text/event-stream" }),
  );
  await tab(page, "testify");
  const news = page.locator("#grid-news");
  await expect(news).toBeHidden();
  const scroll = page.locator(".g-scroll");
  const left = () => scroll.evaluate((area) => area.scrollLeft);
  await scroll.evaluate((area) => area.scrollTo({ left: 800 }));
  await expect.poll(left).toBe(800);
  newer = 1;
  await expect(news).toHaveText("1 new");
  expect(await left()).toBe(880);
  await expect(said(page)).toHaveText("New build 7001");
  newer = 3;
  await expect(news).toHaveText("3 new");
  expect(await left()).toBe(1040);
  await news.click();
  await expect.poll(left).toBe(0);
  await expect(news).toBeHidden();
});

test("where the islands do not load, the page is what it is without script", async ({ page, complaints }) => {
  await page.route("**/*.wasm", (route) => route.abort());
  await page.goto("/testgrid/sample-ci-unit/testify");
  await expect(page.locator("html:not(.js)")).toBeAttached();
  await expect(page.locator("#grid tbody tr").nth(60)).toBeVisible();
  await expect(page.locator(".grid-options button[type=submit]")).toBeVisible();
  // The browser tells that the program did not come.
  expect(complaints.splice(0).length).toBeGreaterThan(0);
});

test("where the grid does not come, all of the server's table is there", async ({ page, complaints }) => {
  await page.route("**/grid.bin*", (route) => route.fulfill({ status: 503, json: { error: { message: "Not now." } } }));
  await page.goto("/testgrid/sample-ci-unit/testify");
  await expect(page.locator("#grid-note")).toHaveText("The grid could not be loaded. Not now.");
  await expect(page.locator("#grid tbody tr").nth(60)).toBeVisible();
  await expect(page.locator("#grid tbody tr").first().locator("td").last()).toBeVisible();
  // The browser tells of the answer.
  expect(complaints.splice(0).length).toBeGreaterThan(0);
});

test("nothing jumps when the grid takes the place of the table", async ({ page }) => {
  for (const width of [80, 36, 10]) {
    let come = () => {};
    const coming = new Promise<void>((done) => (come = done));
    await page.unrouteAll();
    await page.route("**/grid.bin*", async (route) => {
      await coming;
      await route.continue();
    });
    await page.goto(`/testgrid/sample-ci-unit/testify?width=${width}`);
    const boxes = (selectors: string[]) =>
      Promise.all(selectors.map((selector) => page.locator(selector).first().boundingBox()));
    const table = await boxes([".cells tbody tr:nth-child(3) th", ".cells thead th:nth-child(2)"]);
    come();
    await expect(page.locator("#grid.grid-on")).toBeVisible();
    const grid = await boxes([".g-name:nth-child(3)", ".g-h"]);
    for (const [at, before] of table.entries()) {
      const moved = Math.max(Math.abs(grid[at]!.x - before!.x), Math.abs(grid[at]!.y - before!.y));
      expect(moved, `${width} px: ${JSON.stringify([before, grid[at]])}`).toBeLessThan(2);
    }
  }
});

test("5,000 rows by 500 columns are a window of few elements", async ({ page }) => {
  await page.route("**/tabs/testify/grid.bin*", (route) =>
    route.fulfill({ body: madeUpGrid(5_000, 500), contentType: "application/octet-stream" }),
  );
  await page.route("**/tabs/testify/view*", (route) => route.fulfill({ json: madeUpView(5_000) }));
  await tab(page, "testify");
  expect(await rowsShown(page)).toBe(5_000);
  await page.locator(".g-scroll").focus();
  await page.keyboard.press("Control+End");
  await expect(said(page)).toContainText("suite/Test4999");
  await expect(page.locator(".g-name", { hasText: "suite/Test4999" })).toBeInViewport();
  expect(await page.locator(".g-name").count()).toBeLessThan(120);
  expect(await page.locator(".g-h").count()).toBeLessThan(400);
  // Row 4999 fails in column 499: the last cell of all has been painted in the colour of a failure.
  const painted = await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>(".g-cells")!;
    const focus = document.querySelector(".g-focus")!.getBoundingClientRect();
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    const [x, y] = [(focus.left + 6 - box.left) * ratio, (focus.top + 6 - box.top) * ratio];
    const [red, green] = canvas.getContext("2d")!.getImageData(x, y, 1, 1).data;
    return red > 1.5 * green;
  });
  expect(painted).toBe(true);
});
