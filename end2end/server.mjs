// One seeded server for the browser tests, with data of its own that goes when it ends.
//
// usage: node server.mjs PORT

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { secret } from "./webhook.mjs";

const port = process.argv[2] ?? "8187";
const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../target");
const binary = process.env.BOWSPRIT_BIN ?? join(target, "debug/bowsprit");
const site = process.env.BOWSPRIT_SITE ?? join(target, "site");
if (!existsSync(binary)) {
  console.error(`${binary} is not there: build it with \`make run\`, or run \`make e2e\`.`);
  process.exit(1);
}
const data = mkdtempSync(join(tmpdir(), "bowsprit-e2e-"));
const secretFile = join(data, "webhook-secret");
writeFileSync(secretFile, secret, { mode: 0o600 });
const server = spawn(
  binary,
  [
    ...["serve", "--sample", "--data-dir", data, "--addr", `127.0.0.1:${port}`, "--site-root", site],
    ...["--hmac-secret-file", secretFile],
  ],
  { stdio: "inherit" },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.kill("SIGTERM"));
server.on("exit", (code, signal) => {
  rmSync(data, { recursive: true, force: true });
  process.exit(signal ? 0 : (code ?? 1));
});
