# Every target is one thing to type; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup base pages run test torture check prepare prepare-check dev-db bench bench-peers

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install what is missing: PostgreSQL, a C compiler; for the tests Chromium and npm packages
	@deploy/setup.sh tests

# What building and running need, without what only tests do.
base:
	@deploy/setup.sh

pages: web/account/dist/index.html ## build the account pages, if their sources have changed

# When this fails after writing the file, the file goes.
.DELETE_ON_ERROR:
web/account/dist/index.html: $(shell find web/account -name node_modules -prune -o -name dist -prune -o -type f -print)
	@deploy/pages.sh

run: base pages ## development mode: a private PostgreSQL, the project `demo`
	cargo run -p cli --bin insula -- serve --dev

test: setup pages ## all tests; ARGS="-p tenants queue" picks some of the Rust ones
	cargo test $(if $(ARGS),$(ARGS),--workspace)
ifndef ARGS
	@if [ -f tests/node/package.json ]; then cd tests/node && node --test; fi
	cd tests/browser && node --test
endif

torture: base pages ## long tests: kills, floods of mail, the operator's drill, fuzzing, attacks, random requests; TORTURE_SECONDS=300, DRILL="--only failover", ARGS="--seed 1"
	INSULA_TEST_KILLS=200 cargo test -p cli --test kill --test courier_kill -- --nocapture
	INSULA_TEST_MESSAGES=10000 cargo test -p tests --test suite fairness -- --nocapture --test-threads=1
	cargo build -p cli --bin insula -p tests --bin drill
	target/debug/drill $(DRILL)
	INSULA_TEST_FUZZ_SECONDS=$${INSULA_TEST_FUZZ_SECONDS:-600} cargo test --workspace --lib --test suite fuzz -- --nocapture
	cargo build --release -p cli --bin insula -p bench --bin bench
	target/release/bench hostile
	deploy/torture.sh $(ARGS)

check: setup pages ## formatting, lints, committed query descriptions
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	deploy/compare-clippy.sh
	deploy/prepare.sh --check

prepare: setup ## renew .sqlx after a change of a query or a migration
	deploy/prepare.sh

prepare-check: setup ## fail when .sqlx is not what `make prepare` would write
	deploy/prepare.sh --check

dev-db: setup ## a database to check queries against while typing; prints what to export
	deploy/prepare.sh --serve

bench: setup ## load a server of its own, durable: sessions, sign-ins, registrations, a mixed day; ARGS="--json --seconds 20"
	cargo build --release -p cli --bin insula -p bench --bin bench
	target/release/bench standard $(ARGS)

bench-peers: ## how to point the same load at a real Kratos, and what makes the two comparable
	@sed -n '/^## A real Kratos/,$$p' bench/README.md
