// Puts the site together: names every built file by its content, copies public/, compresses
// everything once, and fails when the first page would load more script than its budget.
//
// usage: node site.mjs BUILT_DIR PUBLIC_DIR SITE_DIR
//
// BUILT_DIR holds bowsprit.js, bowsprit.wasm and bowsprit.css. SITE_DIR/pkg/assets.txt tells the
// server their addresses.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** JavaScript and WebAssembly of the first page, brotli, in bytes. */
const SCRIPT_BUDGET = 250_000;

const [built, publicDir, site] = process.argv.slice(2);
if (!site) {
  console.error("usage: node site.mjs BUILT_DIR PUBLIC_DIR SITE_DIR");
  process.exit(2);
}
const pkg = join(site, "pkg");
mkdirSync(pkg, { recursive: true });

const read = (name) => readFileSync(join(built, name));
const hash = (...parts) => {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest("hex").slice(0, 10);
};

// The script and the program fit each other only from one build, so they share a name.
const [js, wasm, css] = [read("bowsprit.js"), read("bowsprit.wasm"), read("bowsprit.css")];
const pair = hash(js, wasm);
const files = {
  js: [`bowsprit.${pair}.js`, js],
  wasm: [`bowsprit.${pair}.wasm`, wasm],
  css: [`bowsprit.${hash(css)}.css`, css],
};

/** Writes a file with its compressed twins; returns the size with brotli. */
function publish(path, bytes) {
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  writeFileSync(path, bytes);
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  return brotli.length;
}

const sizes = {};
for (const [kind, [name, bytes]] of Object.entries(files)) {
  sizes[kind] = publish(join(pkg, name), bytes);
  console.log(`  ${name.padEnd(32)} ${String(bytes.length).padStart(8)} B  ${String(sizes[kind]).padStart(7)} B brotli`);
}
for (const name of readdirSync(publicDir)) {
  copyFileSync(join(publicDir, name), join(site, name));
}

const script = sizes.js + sizes.wasm;
if (script > SCRIPT_BUDGET) {
  console.error(`The first page loads ${script} B of script (brotli); its budget is ${SCRIPT_BUDGET} B.`);
  process.exit(1);
}
console.log(`  script of the first page: ${script} B of ${SCRIPT_BUDGET} B`);

// A page that was opened before this build still asks for the files of the one before it.
const list = join(pkg, "assets.txt");
const previous = existsSync(list) ? readFileSync(list, "utf8") : "";
const addresses = Object.entries(files).map(([kind, [name]]) => `${kind}=/pkg/${name}`).join("\n");
const kept = `${previous}\n${addresses}`;
for (const name of readdirSync(pkg)) {
  const plain = name.replace(/\.(br|gz)$/, "");
  if (name !== "assets.txt" && !kept.includes(plain)) rmSync(join(pkg, name));
}
writeFileSync(`${list}.new`, `${addresses}\n`);
renameSync(`${list}.new`, list);
