# Everything that is done with this repository, one word each. `make` lists them.
#
# Tools are installed by exact version below .tools and end2end/node_modules, never elsewhere,
# and need no root. What exists already is not built again.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The version of wasm-bindgen is that of the crate in Cargo.toml.
WASM_BINDGEN := 0.2.130
CARGO_DENY := 0.20.1

TARGET := $(or $(CARGO_TARGET_DIR),target)
SITE := $(TARGET)/site
WEB := $(TARGET)/web
NPM_BIN := end2end/node_modules/.bin
ADDR ?= 127.0.0.1:8080

# What the site is made of; a change in any of these builds its part again.
APP_FILES := Cargo.toml Cargo.lock app/Cargo.toml $(shell find app/src -name '*.rs') public/sprite.svg
STYLE_FILES := $(shell find style -name '*.scss')
PUBLIC_FILES := $(shell find public -type f)

.PHONY: help run test check unit e2e bench generate dev site tools preview shots

help: ## Say what each word does
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

# Both are long chains of crates in which one waits for the other; side by side they keep all cores busy.
run: .tools/wasm-target ## Build what is needed and serve the sample on http://localhost:8080
	@echo "Building the server and, beside it, the islands (minutes the first time, seconds afterwards)"
	cargo build --workspace --bin bowsprit & server=$$!; \
	$(MAKE) --no-print-directory site || { kill $$server; exit 1; }; \
	wait $$server
	@echo "Serving the sample on http://$(ADDR), data in ./bowsprit-data; Ctrl-C ends it"
	exec $(TARGET)/debug/bowsprit serve --sample --addr $(ADDR) --site-root $(SITE)

test: check unit e2e ## Everything that checks the project, browser tests included

check: tools .tools/cargo-deny-$(CARGO_DENY) ## Formatting, lints on both targets with warnings as errors, licences
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features app/ssr -- -D warnings
	cargo clippy -p app --target wasm32-unknown-unknown --features hydrate --target-dir $(TARGET)/wasm -- -D warnings
	.tools/bin/cargo-deny --log-level error check licenses bans sources

unit: ## Tests of the Rust code
	cargo test --workspace

e2e: site ## Browser tests against one seeded server (Debian: apt install chromium)
	cargo build --workspace --bin bowsprit
	cd end2end && CARGO_TARGET_DIR=$(abspath $(TARGET)) node_modules/.bin/playwright test $(ARGS)

bench: site ## Measure speed and memory against the goals
	cargo build --release --workspace --bin bowsprit --bin bench
	BOWSPRIT_PROGRAM=$(abspath $(TARGET))/release/bowsprit BOWSPRIT_SITE=$(abspath $(SITE)) $(TARGET)/release/bench

generate: ## Write generated documents and snapshots again; the tests compare them
	BOWSPRIT_GENERATE=1 INSTA_UPDATE=always cargo test --workspace

dev: site ## Serve the sample; build and start again on every change
	ADDR=$(ADDR) node end2end/dev.mjs $(ARGS)

site: tools $(SITE)/pkg/assets.txt ## Build the islands, the style sheet and the compressed files

tools: .tools/wasm-bindgen-$(WASM_BINDGEN) end2end/node_modules/.installed .tools/wasm-target ## Install the pinned tools

preview: site ## Serve every page over made-up data on port 8090, to work on looks
	cargo run -p app --example preview --features ssr -- 127.0.0.1:8090 $(SITE)

shots: ## Screenshots of every page of a running server into target/shots
	node end2end/shots.mjs $(or $(URL),http://$(ADDR)) $(TARGET)/shots

# The islands: compiled for the browser, bound to JavaScript, made small.
$(WEB)/bowsprit.wasm: $(APP_FILES)
	@echo "Building the islands for the browser"
	cargo build -p app --lib --target wasm32-unknown-unknown --profile wasm-release --features hydrate --target-dir $(TARGET)/wasm
	.tools/bin/wasm-bindgen --target web --no-typescript --out-name bowsprit --out-dir $(WEB)/bindgen $(TARGET)/wasm/wasm32-unknown-unknown/wasm-release/app.wasm
	$(NPM_BIN)/wasm-opt -Oz --enable-bulk-memory --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext --enable-mutable-globals --enable-multivalue --strip-debug --strip-producers --strip-target-features -o $@ $(WEB)/bindgen/bowsprit_bg.wasm
	cp $(WEB)/bindgen/bowsprit.js $(WEB)/bowsprit.js

$(WEB)/bowsprit.css: $(STYLE_FILES)
	@mkdir -p $(WEB)
	$(NPM_BIN)/sass --style=compressed --no-source-map style/main.scss $@

# Names by content, compressed twins, and the size budget.
$(SITE)/pkg/assets.txt: $(WEB)/bowsprit.wasm $(WEB)/bowsprit.css $(PUBLIC_FILES) end2end/site.mjs
	node end2end/site.mjs $(WEB) public $(SITE)

.tools/wasm-bindgen-$(WASM_BINDGEN):
	@echo "Installing wasm-bindgen $(WASM_BINDGEN) into .tools (some minutes, once)"
	cargo install --root .tools --target-dir $(TARGET)/tools wasm-bindgen-cli --version $(WASM_BINDGEN)
	@touch $@

.tools/cargo-deny-$(CARGO_DENY):
	@echo "Installing cargo-deny $(CARGO_DENY) into .tools (some minutes, once)"
	cargo install --root .tools --target-dir $(TARGET)/tools cargo-deny --version $(CARGO_DENY)
	@touch $@

end2end/node_modules/.installed: end2end/package-lock.json
	@echo "Installing the tools that come from npm"
	cd end2end && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.tools/wasm-target: rust-toolchain.toml
	rustup target add wasm32-unknown-unknown
	@mkdir -p .tools && touch $@
