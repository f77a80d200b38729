// Measures the log of a run in Chromium: how soon its first screen is there, how long the way to the next
// error takes, and what the page holds after a walk through the whole log.
//
// usage: node bench-log.mjs PAGE_URL   (one line of JSON; `make bench` calls it)

import { chromium } from "@playwright/test";
import { args, executablePath } from "./browser.mjs";

/** How often the page is opened. */
const LOADS = 5;
/** Places of the log that are looked at. */
const STOPS = 60;

const [page] = process.argv.slice(2);
if (!page) {
  console.error("usage: node bench-log.mjs PAGE_URL");
  process.exit(2);
}
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
await context.addInitScript(() => {
  // The memory of a program is no part of what the browser says of the heap.
  const start = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...given) => {
    const started = await start.apply(WebAssembly, given);
    window.programMemory = started.instance.exports.memory;
    return started;
  };
  // The end of the frame that shows the first lines.
  const watch = new MutationObserver(() => {
    if (!document.querySelector(".lines li code")) return;
    watch.disconnect();
    requestAnimationFrame(() => {
      const done = new MessageChannel();
      done.port1.onmessage = () => (window.shownAt = performance.now());
      done.port2.postMessage(0);
    });
  });
  watch.observe(document, { subtree: true, childList: true });
});

const screens = [];
for (let load = 0; load < LOADS; load++) {
  const tab = await context.newPage();
  await tab.goto(page);
  await tab.waitForFunction(() => window.shownAt > 0);
  screens.push(await tab.evaluate(() => window.shownAt));
  await tab.close();
}

const tab = await context.newPage();
await tab.goto(page);
await tab.waitForSelector(".lines li.chosen");
/** Until the chosen line is another one, and there. */
const next = () =>
  tab.evaluate(
    () =>
      new Promise((done) => {
        const before = document.querySelector(".lines li.chosen")?.id;
        const start = performance.now();
        const look = () => {
          const now = document.querySelector(".lines li.chosen:not([data-waits])");
          if (now && now.id !== before) done(performance.now() - start);
          else requestAnimationFrame(look);
        };
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "e", bubbles: true }));
        look();
      }),
  );
// The first asks where all errors are.
await next();
const errors = [];
for (let at = 0; at < LOADS; at++) errors.push(await next());

for (let stop = 0; stop < STOPS; stop++) {
  await tab.evaluate((share) => {
    const area = document.querySelector(".log-scroll");
    area.scrollTop = share * area.scrollHeight;
  }, stop / STOPS);
  await tab.waitForFunction(
    () =>
      new Promise((done) => {
        requestAnimationFrame(() => done(!document.querySelector(".lines li[data-waits]")));
      }),
  );
}
const session = await context.newCDPSession(tab);
await session.send("HeapProfiler.collectGarbage");
const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
const program = await tab.evaluate(() => window.programMemory?.buffer.byteLength ?? 0);
const lines = await tab.evaluate(() => document.querySelectorAll(".lines li").length);
await browser.close();
console.log(
  JSON.stringify({
    screen_ms: median(screens),
    error_ms: median(errors),
    heap_bytes: usedSize + backingStorageSize + program,
    lines,
  }),
);
