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
  const bytes: number[] = [...Buffer.from("bgrid"), 1];
  const number = (value: number): void => {
    while (value > 127) {
      bytes.push((value % 128) | 128);
      value = Math.floor(value / 128);
    }
    bytes.push(value);
  };
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
  const runs = (pairs: [number, number][]): void => {
    const there = pairs.filter(([, run]) => run > 0);
    number(there.length);
    for (const [value, run] of there) {
      number(value);
      number(run);
    }
  };
  const failing = (at: number, is: number, not: number): void => {
    const column = at % columns;
    runs([
      [not, column],
      [is, 1],
      [not, columns - column - 1],
    ]);
  };
  every(rows, (at) => failing(at, 12, 1));
  every(rows, (at) => failing(at, 1, 0));
  every(rows, (at) => failing(at, 2, 0));
  every(rows, () => number(0));
  every(rows, () => number(0));
  number(0);
  return Buffer.from(bytes);
}
