#!/usr/bin/env bash
# Installs what the benchmark compares with: peers in .venv-bench, Go programs and the epoll loop in bench/peers/bin.
# Idempotent: a second run takes seconds. wirespan itself is not installed here but in .venv (`make demo` does it).
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # command, how to install it
    command -v "$1" >/dev/null || { echo "bench: '$1' is missing: $2" >&2; exit 1; }
}
need wrk "apt-get install wrk"
need taskset "apt-get install util-linux"
need go "install Go 1.26 or later (go.dev/doc/install)"
need cargo "install Rust (rustup.rs)"
need python3 "apt-get install python3 python3-venv"

bin=bench/peers/bin
mkdir -p "$bin"

if ! cmp -s bench/requirements.txt .venv-bench/installed.txt; then
    [ -x .venv-bench/bin/python ] || "${PYTHON:-python3}" -m venv .venv-bench
    .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
    echo '*' > .venv-bench/.gitignore
    cp bench/requirements.txt .venv-bench/installed.txt
fi

(cd bench/peers && go build -o bin/ ./hertz ./sink)

target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --release --package wirespan-core --example epoll_loop --target-dir "$target"
install "$target/release/examples/epoll_loop" "$bin/epoll_loop"
echo "bench: ready (python -m bench.run)"
