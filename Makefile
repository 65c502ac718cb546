# Two commands do all there is to set up: `make demo` and `make test`.

CARGO ?= cargo
BINARY := target/release/sip-inspect

.PHONY: demo test build bench bench-live setup check

# Builds the program and reads a capture of a call behind a NAT.
demo: build
	$(BINARY) analyze testdata/cases/one-way-audio/capture.pcapng

build: setup
	$(CARGO) build --release --locked

# The tests, with all that they need.
test: setup
	$(CARGO) test --locked

# What a change must pass before it is taken.
check: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --locked

# How fast it is beside tcpdump, tshark and sngrep on the same captures.
bench: build
	python3 benches/bench.py

# How it keeps up with a wire beside tcpdump; as root, with tcpreplay.
bench-live: build
	python3 benches/live.py

# libpcap's headers, where Debian or Ubuntu can install them.
setup:
	@.ci/setup
