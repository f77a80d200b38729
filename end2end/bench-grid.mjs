// Measures the page of a tab in Chromium, and beside it a plain page over the same bytes: how soon
// it is painted, how it scrolls, how long a filter takes, and what all of it weighs.
//
// usage: node bench-grid.mjs PAGE_URL API_URL FILTER   (one line of JSON; `make bench` calls it)

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "@playwright/test";
import { args, executablePath } from "./browser.mjs";

/** How often a page is opened. */
const LOADS = 9;
/** The browser is done with a new window after this time. */
const WINDOW_MS = 3_000;
/** Between two pages of a tab, for the one before to go. */
const BETWEEN_MS = 200;
/** Frames of a scroll. */
const FRAMES = 240;
/** Pixels of a frame's scroll: a quick flick. */
const STEP_PX = 60;

const [page, api, filter] = process.argv.slice(2);
if (!filter) {
  console.error("usage: node bench-grid.mjs PAGE_URL API_URL FILTER");
  process.exit(2);
}
const plain = new URL(`/plain-grid.html?api=${encodeURIComponent(new URL(api).pathname)}`, page).href;
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
await context.route("**/plain-grid.html*", (route) =>
  route.fulfill({ contentType: "text/html", body: readFileSync(join(import.meta.dirname, "plain-grid.html")) }),
);

/** Tells when a page is painted, without being asked: a question would be compiled while it is at work. */
function tell() {
  if (location.protocol === "about:") return;
  const isShown = location.pathname.includes("plain-grid") ? "#painted" : "#grid.grid-on";
  performance.setResourceTimingBufferSize(1000);
  const watch = new MutationObserver(() => {
    if (!document.querySelector(isShown)) return;
    watch.disconnect();
    requestAnimationFrame(() => {
      const done = new MessageChannel();
      done.port1.onmessage = () => {
        const shown = performance.now();
        const data = performance.getEntriesByType("resource").filter((entry) => /\/(grid\.bin|view)(\?|$)/.test(entry.name));
        console.log(`painted ${shown - Math.max(...data.map((entry) => entry.responseEnd))}`);
      };
      done.port2.postMessage(0);
    });
  });
  watch.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["class", "id"] });
}

/** From the arrival of the last byte of data to the end of the frame that shows it. */
async function paint(tab, url) {
  const told = tab.waitForEvent("console", (message) => message.text().startsWith("painted "));
  await tab.goto(url, { waitUntil: "commit" });
  return Number((await told).text().split(" ")[1]);
}

/** The same in a window of its own, which the browser is still at work for: it loads its toolbars there. */
async function paintInWindow(url) {
  const tab = await context.newPage();
  await tab.addInitScript(tell);
  const took = await paint(tab, url);
  await tab.close();
  return took;
}

/** Frames per second that 95 of 100 frames keep, while the grid scrolls down and then sideways. */
const scroll = (tab, selector) =>
  tab.evaluate(
    ([selector, frames, step]) =>
      new Promise((done) => {
        const area = document.querySelector(selector);
        const lengths = [];
        let before = 0;
        let count = 0;
        const next = (now) => {
          if (before > 0) lengths.push(now - before);
          before = now;
          if (++count > frames) {
            lengths.sort((a, b) => a - b);
            done(1000 / lengths[Math.floor(lengths.length * 0.95)]);
            return;
          }
          area.scrollBy(count > frames / 2 ? step : 0, count > frames / 2 ? 0 : step);
          requestAnimationFrame(next);
        };
        requestAnimationFrame(next);
      }),
    [selector, FRAMES, STEP_PX],
  );

/** Bytes that the page keeps: objects, and the memory of its program. */
async function memory(tab) {
  const session = await context.newCDPSession(tab);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  const program = await tab.evaluate(() => window.programMemory?.buffer.byteLength ?? 0);
  return usedSize + backingStorageSize + program;
}

// One after the other, so that both have the machine's good and bad moments.
const paints = { ours: [], plain: [], oursInWindow: [], plainInWindow: [] };
for (let load = 0; load < LOADS; load++) {
  paints.oursInWindow.push(await paintInWindow(page));
  paints.plainInWindow.push(await paintInWindow(plain));
}
const open = await context.newPage();
await open.addInitScript(tell);
await pause(WINDOW_MS);
for (let load = 0; load < LOADS; load++) {
  for (const [of, url] of [["ours", page], ["plain", plain]]) {
    await open.goto("about:blank");
    await pause(BETWEEN_MS);
    paints[of].push(await paint(open, url));
  }
}
await open.close();

const tab = await context.newPage();
await tab.addInitScript(() => {
  // The memory of a program is no part of what the browser says of the heap.
  const start = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...given) => {
    const started = await start.apply(WebAssembly, given);
    window.programMemory = started.instance.exports.memory;
    return started;
  };
});
await tab.goto(page);
await tab.waitForSelector("#grid.grid-on");
const sizes = await tab.evaluate(() => {
  const data = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/grid.bin"));
  return { payload: data[0].encodedBodySize, decoded: data[0].decodedBodySize };
});
const fps = await scroll(tab, ".g-scroll");
const heap = await memory(tab);
const filters = await tab.evaluate(
  async ([pattern, times]) => {
    const field = document.querySelector("#grid-options [name=include-filter-by-regex]");
    const line = document.querySelector("#grid-hidden");
    const lengths = [];
    for (let at = 0; at < times * 2; at++) {
      const shown = new Promise((done) => {
        const watch = new MutationObserver(() => {
          watch.disconnect();
          requestAnimationFrame(() => {
            const end = new MessageChannel();
            end.port1.onmessage = () => done(performance.now());
            end.port2.postMessage(0);
          });
        });
        watch.observe(line, { childList: true, subtree: true, characterData: true });
      });
      field.value = at % 2 ? "" : pattern;
      const start = performance.now();
      field.dispatchEvent(new Event("change", { bubbles: true }));
      const length = (await shown) - start;
      if (at % 2 === 0) lengths.push(length);
    }
    return lengths;
  },
  [filter, LOADS],
);
const other = await context.newPage();
await other.goto(plain);
await other.waitForSelector("#painted");
const plainFps = await scroll(other, "#scroll");
await browser.close();
console.log(
  JSON.stringify({
    paint_ms: median(paints.ours),
    limit_ms: median(paints.plain),
    window_paint_ms: median(paints.oursInWindow),
    window_limit_ms: median(paints.plainInWindow),
    fps,
    limit_fps: plainFps,
    filter_ms: median(filters),
    payload_bytes: sizes.payload,
    decoded_bytes: sizes.decoded,
    heap_bytes: heap,
  }),
);
