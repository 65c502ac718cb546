#!/bin/sh
# CPU seconds of sip-inspect beside `tcpdump -r F -w /dev/null` on made-up
# captures, run in turns; the median of ROUNDS and the ratio.
#
#   MEGABYTES=100 ROUNDS=5 benches/compare.sh
set -eu
cd "$(dirname "$0")/.."
megabytes=${MEGABYTES:-100}
rounds=${ROUNDS:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cargo build --release --locked --example workload 2>/dev/null
cargo build --release --locked 2>/dev/null
command -v tcpdump >/dev/null || { echo "tcpdump is not installed" >&2; exit 1; }

cpu() { # seconds of CPU that a command takes, user and system
	python3 - "$@" <<-'PY'
		import resource, subprocess, sys
		subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
		used = resource.getrusage(resource.RUSAGE_CHILDREN)
		print(f"{used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss // 1024}")
	PY
}

printf '%-6s %8s %12s %12s %7s %8s\n' input MB sip-inspect tcpdump ratio 'peak MiB'
for kind in rtp sip noise; do
	file=$dir/$kind.pcap
	target/release/examples/workload "$kind" "$megabytes" "$file"
	: >"$dir/ours"
	: >"$dir/theirs"
	round=0
	while [ "$round" -lt "$rounds" ]; do
		cpu target/release/sip-inspect analyze "$file" --format json -o /dev/null >>"$dir/ours"
		cpu tcpdump -r "$file" -w /dev/null >>"$dir/theirs"
		round=$((round + 1))
	done
	middle=$(((rounds + 1) / 2))
	ours=$(sort -n "$dir/ours" | sed -n "${middle}p")
	theirs=$(sort -n "$dir/theirs" | sed -n "${middle}p")
	size=$(($(wc -c <"$file") / 1000000))
	echo "$kind $size $ours $theirs" |
		awk '{printf "%-6s %8d %10.3f s %10.3f s %6.2fx %8d\n", $1, $2, $3, $5, $3 / $5, $4}'
	rm "$file"
done
