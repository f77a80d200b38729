// A lens that another server offers: its frame speaks with the page as it would with Deck's.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "./fixtures";

/** What stands in the frame at first. It has no way to its server but the page. */
const DOCUMENT = `<!doctype html><html lang="en"><head><title>probe</title></head><body>
  <p id="said">nothing yet</p>
  <script>
    const tell = (message) => parent.postMessage({ id: message.type, message }, "*");
    addEventListener("message", ({ data }) => {
      if (data.id === "request") {
        document.getElementById("said").textContent = data.message.data;
        tell({ type: "updateHash", hash: "#line 7" });
        tell({ type: "contentUpdated", height: 321 });
      }
      if (data.id === "contentUpdated") tell({ type: "updatePage", data: "page 2 of 3" });
    });
    tell({ type: "request", data: "who is there?" });
  </script></body></html>`;

let folder: string;
let lens: Server;
let program: ChildProcess;
let base: string;

test.beforeAll(async () => {
  lens = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const { action, data } = JSON.parse(body);
      const answers: Record<string, string> = {
        initial: DOCUMENT,
        callback: `you said: ${data}`,
        rerender: `<h1>${data}</h1>`,
      };
      response.end(answers[action]);
    });
  });
  await new Promise<void>((done) => lens.listen(0, "127.0.0.1", done));
  const { port } = lens.address() as AddressInfo;
  folder = mkdtempSync(join(tmpdir(), "bowsprit-lens-"));
  const run = join(folder, "bucket/logs/probed/1");
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "started.json"), JSON.stringify({ timestamp: 1795219200 }));
  writeFileSync(join(run, "finished.json"), JSON.stringify({ timestamp: 1795222800, passed: true, result: "SUCCESS" }));
  writeFileSync(join(run, "probe.data"), "1");
  const config = {
    prowjob_namespace: "default",
    deck: {
      spyglass: {
        lenses: [
          {
            required_files: ["^probe.data$"],
            lens: { name: "probe" },
            remote_config: { endpoint: `http://127.0.0.1:${port}/`, title: "Probe", priority: 1, hide_title: false },
          },
        ],
      },
    },
  };
  // JSON is YAML.
  writeFileSync(join(folder, "config.yaml"), JSON.stringify(config));
  const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../../target");
  const address = `127.0.0.1:${Number(process.env.BOWSPRIT_PORT ?? 8187) + 1}`;
  base = `http://${address}`;
  program = spawn(
    process.env.BOWSPRIT_BIN ?? join(target, "debug/bowsprit"),
    [
      "serve",
      "--dry-run",
      `--config-path=${join(folder, "config.yaml")}`,
      `--data-dir=${join(folder, "data")}`,
      `--local-bucket=probes=${join(folder, "bucket")}`,
      `--addr=${address}`,
      `--site-root=${process.env.BOWSPRIT_SITE ?? join(target, "site")}`,
    ],
    { stdio: "ignore" },
  );
  await expect
    .poll(async () => (await fetch(`${base}/healthz/ready`).catch(() => undefined))?.status, { timeout: 30_000 })
    .toBe(200);
});

test.afterAll(async () => {
  const ended = new Promise((done) => program.once("exit", done));
  program.kill("SIGTERM");
  await ended;
  lens.close();
  rmSync(folder, { recursive: true, force: true });
});

test("the frame of a lens asks its server through the page, and is drawn again", async ({ page }) => {
  await page.goto(`${base}/view/gs/probes/logs/probed/1?tab=lens-probe`);
  const frame = page.locator("iframe.remote");
  const inside = page.frameLocator("iframe.remote");
  // The whole content is another one: what stood there has been answered before it asked for it.
  await expect(inside.getByRole("heading", { name: "page 2 of 3" })).toBeVisible();
  await expect(inside.locator("#said")).toHaveCount(0);
  await expect(frame).toHaveCSS("height", "321px");
  expect(new URL(page.url()).hash).toContain("line%207");
});

test("a frame that speaks before the page can answer is answered all the same", async ({ page }) => {
  await page.route("**/*.wasm", async (route) => {
    // The frame has spoken by then: what it shows comes from its own script.
    await expect(page.frameLocator("iframe.remote").locator("#said")).toBeAttached();
    await route.continue();
  });
  await page.goto(`${base}/view/gs/probes/logs/probed/1?tab=lens-probe`);
  const inside = page.frameLocator("iframe.remote");
  await expect(inside.getByRole("heading", { name: "page 2 of 3" })).toBeVisible();
});
