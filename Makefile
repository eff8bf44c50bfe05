# Arguments for the programs: make run-server ARGS="--bits 22"
ARGS ?=

.PHONY: help build-server build-client run-server run-client demo test check fmt lint loadtest bench

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

build-server: ## build target/release/powtcp-server
	cargo build --release --bin powtcp-server

build-client: ## build target/release/powtcp-client
	cargo build --release --bin powtcp-client

run-server: ## run the server; ARGS="--bits 22" passes options
	@cargo run --release --bin powtcp-server -- $(ARGS)

run-client: ## run the client; ARGS="--threads 1 localhost:8080" passes options
	@cargo run --release --bin powtcp-client -- $(ARGS)

demo: ## a server, a client that pays, and what each of them says
	@scripts/demo.sh

test: ## run every test
	cargo test --workspace

check: lint test ## all that must hold before a commit: format, lints, tests, docs
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

fmt: ## format the code
	cargo fmt --all

lint: ## check the format, and clippy with warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

loadtest: ## many handshakes at once, measured; ARGS="--handshakes 100000" passes options
	@scripts/loadtest.sh $(ARGS)

bench: ## time the solver against the stock hashcash, and the parts of the server
	cargo bench --package powtcp-common --bench kernels
	cargo bench --package powtcp-common --bench hashcash
	cargo bench --package powtcp-server --bench timer_wheel
