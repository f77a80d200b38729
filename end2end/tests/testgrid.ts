// Ways to the test grid, for its tests.

import { expect, type Locator, type Page } from "@playwright/test";

/** Opens a tab of the sample's unit tests and waits until its grid is there. */
export async function tab(page: Page, name: string, options = "", dashboard = "sample-ci-unit"): Promise<void> {
  await page.goto(`/testgrid/${dashboard}/${encodeURIComponent(name)}${options ? "?" + options : ""}`);
  await shown(page);
}

/** With script the grid takes the place of the table that the server sent. */
export async function shown(page: Page): Promise<void> {
  const scripted = await page.locator("html.js").count();
  if (scripted) {
    await expect(page.locator("#grid.grid-on")).toBeVisible();
    // The table for those who listen is written when scrolling rests.
    await expect(page.locator("#grid table tbody tr").first()).toBeAttached();
  }
}

/** The line that says what is shown and hidden. */
export const hiddenLine = (page: Page): Locator => page.locator("#grid-hidden");

/** How many rows it says are shown. */
export async function rowsShown(page: Page): Promise<number> {
  const text = (await hiddenLine(page).locator("span").first().textContent())!;
  return Number(text.split(" row")[0].replace(/\D/g, ""));
}

/** What a made-up grid is called, if `newer` columns have come to it. */
const madeUpVersion = (newer: number): string => (newer ? `made up, ${newer} newer` : "made up");

/** The view of a made-up grid that shows all of its rows. */
export function madeUpView(rows: number, newer = 0): object {
  return {
    version: madeUpVersion(newer),
    entries: Array.from({ length: rows }, (_, at) => at),
    shown: rows,
    filtered: 0,
    stale: 0,
    not_failed: 0,
  };
}

/** A grid in the bytes that the page reads: everything passes, but row n fails in column n. */
export function madeUpGrid(rows: number, columns: number, newer = 0): Buffer {
  const bytes: number[] = [...Buffer.from("bgrid"), 2];
  const put = (value: number, to: number[]): void => {
    while (value > 127) {
      to.push((value % 128) | 128);
      value = Math.floor(value / 128);
    }
    to.push(value);
  };
  const number = (value: number): void => put(value, bytes);
  const text = (value: string): void => {
    number(value.length);
    for (const byte of Buffer.from(value)) bytes.push(byte);
  };
  const table = (values: string[]): void => {
    number(values.length);
    for (const value of values) number(value.length);
    for (const value of values) for (const byte of Buffer.from(value)) bytes.push(byte);
  };
  const every = (of: number, write: (at: number) => void): void => {
    for (let at = 0; at < of; at++) write(at);
  };
  text(madeUpVersion(newer));
  number(0);
  number(columns);
  table(["", "F", "it failed"]);
  table(Array.from({ length: columns }, (_, at) => String(7_000 + newer - at)));
  table([]);
  every(columns, (at) => number(at ? 7_200_000 : 2 * 1_795_222_800_000));
  number(0);
  table(Array.from({ length: rows }, (_, at) => `suite/Test${at}`));
  every(rows, () => number(0));
  table([]);
  // For each row how many bytes its runs take, then the bytes of all.
  const failing = (is: number, not: number): void => {
    const runs = Array.from({ length: rows }, (_, at) => {
      const column = at % columns;
      const of: number[] = [];
      for (const [value, run] of [
        [not, column],
        [is, 1],
        [not, columns - column - 1],
      ]) {
        if (run > 0) {
          put(value, of);
          put(run, of);
        }
      }
      return of;
    });
    for (const of of runs) number(of.length);
    for (const of of runs) for (const byte of of) bytes.push(byte);
  };
  failing(12, 1);
  failing(1, 0);
  failing(2, 0);
  // No metrics, no issues, no alerts.
  every(rows, () => number(0));
  every(rows, () => number(0));
  table([]);
  number(0);
  return Buffer.from(bytes);
}
