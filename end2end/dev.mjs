// Serves the sample, builds again what a change touches, and starts the server again.
//
// usage: node dev.mjs [flags of `bowsprit serve`]   (`make dev` calls it)

import { spawn, spawnSync } from "node:child_process";
import { watch } from "node:fs";
import { join, resolve } from "node:path";

/** What is watched, and what a change there makes old. */
const watched = [
  { path: "app/src", parts: ["site", "server"] },
  { path: "style", parts: ["site", "server"] },
  { path: "public", parts: ["site", "server"] },
  { path: "server", parts: ["server"] },
  { path: "Cargo.toml", parts: ["site", "server"] },
];

/** Editors write a file in several steps; a build waits until they are through. */
const PAUSE_MS = 300;

const root = resolve(import.meta.dirname, "..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const address = process.env.ADDR ?? "127.0.0.1:8080";
const extra = process.argv.slice(2);
const old = new Set(["server"]);
let server;
let timer;
let building = false;

const commands = {
  site: ["make", ["--no-print-directory", "site"]],
  server: ["cargo", ["build", "--workspace", "--bin", "bowsprit"]],
};

function build() {
  if (building) return;
  building = true;
  while (old.size > 0) {
    const part = old.has("site") ? "site" : "server";
    old.delete(part);
    const [command, args] = commands[part];
    console.log(`\n— building the ${part}`);
    if (spawnSync(command, args, { cwd: root, stdio: "inherit" }).status !== 0) {
      console.log(`— the ${part} does not build; what ran before goes on. Waiting for a change.`);
      building = false;
      return;
    }
  }
  building = false;
  restart();
}

function restart() {
  const start = () => {
    const flags = ["serve", "--sample", "--addr", address, "--site-root", join(target, "site"), ...extra];
    server = spawn(join(target, "debug/bowsprit"), flags, { cwd: root, stdio: "inherit" });
  };
  if (server && server.exitCode === null) {
    server.once("exit", start);
    server.kill("SIGTERM");
  } else {
    start();
  }
}

for (const { path, parts } of watched) {
  watch(join(root, path), { recursive: true }, (_, name) => {
    if (name && /(^|\/)(\.|target|node_modules)/.test(name)) return;
    for (const part of parts) old.add(part);
    clearTimeout(timer);
    timer = setTimeout(build, PAUSE_MS);
  });
}
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server?.kill("SIGTERM");
    process.exit(0);
  });
}
build();
