// The browser of the machine, and how it is started: nothing is downloaded.

import { existsSync } from "node:fs";

/** Where Chromium is: CHROMIUM, or where Debian and Ubuntu put it. */
export const executablePath =
  process.env.CHROMIUM || ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Quiet, without network of its own, and able to run as root in a container. */
export const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
