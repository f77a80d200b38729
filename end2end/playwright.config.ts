// Two screens, each with script and without: what the server sends must suffice, and script only
// adds comfort. Files named *.script.spec.ts are about that comfort and run with script only.

import { defineConfig, type PlaywrightTestConfig } from "@playwright/test";
import { args, executablePath } from "./browser.mjs";

const port = Number(process.env.BOWSPRIT_PORT ?? 8187);
const screens = {
  desktop: { viewport: { width: 1440, height: 900 } },
  mobile: { viewport: { width: 390, height: 844 }, hasTouch: true },
};

const projects: PlaywrightTestConfig["projects"] = Object.entries(screens).flatMap(([screen, use]) => [
  { name: `${screen}-script`, use: { ...use, javaScriptEnabled: true } },
  { name: `${screen}-plain`, use: { ...use, javaScriptEnabled: false }, testIgnore: /\.script\.spec\.ts$/ },
]);

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // One machine, one server whose runs the tests start and stop.
  workers: 1,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  // A second try is told apart in the report as flaky.
  retries: process.env.CI ? 1 : 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  projects,
  use: {
    baseURL: process.env.BOWSPRIT_URL ?? `http://127.0.0.1:${port}`,
    launchOptions: { executablePath, args },
    screenshot: "only-on-failure",
  },
  webServer: process.env.BOWSPRIT_URL
    ? undefined
    : {
        command: `node server.mjs ${port}`,
        url: `http://127.0.0.1:${port}/healthz/ready`,
        timeout: 120_000,
        gracefulShutdown: { signal: "SIGTERM", timeout: 10_000 },
        stdout: "ignore",
        stderr: "pipe",
      },
});
