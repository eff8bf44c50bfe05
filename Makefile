# Arguments for the programs: make run-server ARGS="--bits 22"
ARGS ?=

.PHONY: help build-server build-client run-server run-client demo test check fmt lint doc loadtest bench

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

demo: ## run a server and a client that pays it, then a gate, and show their output
	@scripts/demo.sh

test: ## run every test
	cargo test --workspace

check: lint test doc ## what must pass before a commit: format, clippy, tests, documentation

fmt: ## format the code
	cargo fmt --all

lint: ## check the format, and run clippy with warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

doc: ## build the documentation with warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

loadtest: ## measure many handshakes; ARGS="--attack all" passes options
	@scripts/loadtest.sh $(ARGS)

bench: ## time the solver, the stock hashcash program, and parts of the server
	cargo bench --package powtcp-common --bench kernels
	cargo bench --package powtcp-common --bench hashcash
	cargo bench --package powtcp-server --bench puzzles
	cargo bench --package powtcp-server --bench timer_wheel
