#!/usr/bin/env python3
"""sip-inspect beside tcpdump on a wire, as root: make bench-live

A made-up capture is sent from one network namespace to another at several
rates; `tcpdump -B 65536 -w /dev/null` and `sip-inspect capture` take turns on the
receiving side. Told are what each of them dropped, its CPU a packet and, of
ours, whether all calls and streams were found.

    MEGABYTES=60 ROUNDS=3 KINDS=rtp,mix RATES=50000,100000,150000,0 make bench-live

A rate of 0 is as fast as it goes.
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/sip-inspect"
WORKLOAD = ROOT / "target/release/examples/workload"
MEGABYTES = int(os.environ.get("MEGABYTES", "60"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
KINDS = os.environ.get("KINDS", "rtp,mix").split(",")
RATES = os.environ.get("RATES", "50000,100000,150000,0").split(",")
NEAR, FAR = f"bench-near{os.getpid()}", f"bench-far{os.getpid()}"


def shell(line):
    subprocess.run(["sh", "-ec", line], check=True)


def in_far(command):
    return ["ip", "netns", "exec", FAR, *command]


def started(command, ready):
    """A program on the receiving side, once it says that it captures."""
    child = subprocess.Popen(in_far(command), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while ready not in (line := child.stderr.readline()):
        if not line:
            raise SystemExit(f"{command[0]} did not start")
    return child


def received():
    """Packets that the receiving side has got so far."""
    command = in_far(["cat", "/proc/net/dev"])
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(re.search(r"w1:\s+\d+\s+(\d+)", text).group(1))


def sent(file, rate):
    """Sends a file, and waits until the other side has got it; the packets a second."""
    before = received()
    pace = [f"--pps={rate}"] if int(rate) else ["--topspeed"]
    command = ["ip", "netns", "exec", NEAR, "tcpreplay", "-q", "-K", *pace, "-i", "w0", file]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count = int(re.search(r"Actual: (\d+) packets", told).group(1))
    deadline = time.monotonic() + 10
    while received() - before < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return float(re.search(r"([\d.]+) pps", told).group(1))


def ended(child):
    """Ends a program as a user does; its last words and its CPU."""
    # What the kernel still holds is read first: both look at least that often.
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    words = child.stderr.read()
    _, _, used = os.wait4(child.pid, 0)
    return words, used.ru_utime + used.ru_stime


def by_tcpdump(file, rate):
    command = ["tcpdump", "-i", "w1", "-B", "65536", "-w", "/dev/null", "-Z", "root"]
    child = started(command, "listening on")
    pps = sent(file, rate)
    words, cpu = ended(child)
    dropped = int(re.search(r"(\d+) packets dropped by kernel", words).group(1))
    return pps, dropped, cpu


def by_ours(file, rate, folder):
    report = f"{folder}/report.json"
    command = [str(OURS), "capture", "-i", "w1", "-B", "64", "--format", "ndjson", "-o", report]
    child = started(command, "capturing on w1")
    pps = sent(file, rate)
    _, cpu = ended(child)
    summary = json.loads(Path(report).read_text().splitlines()[-1])
    dropped = summary["capture_points"][0]["dropped"]
    return pps, dropped, cpu, summary


def main():
    if os.geteuid() != 0 or not shutil.which("tcpreplay"):
        raise SystemExit("it needs root, iproute2, tcpdump and tcpreplay")
    shell(f"cd '{ROOT}' && cargo build --release --locked --bin sip-inspect --example workload")
    print("| traffic | packets a second | tcpdump drops | ours drops | CPU / tcpdump | found |")
    print("|---|---|---|---|---|---|")
    try:
        shell(f"ip netns add {NEAR}; ip netns add {FAR}; "
              f"ip -n {NEAR} link add w0 type veth peer name w1 netns {FAR}; "
              f"ip -n {NEAR} link set w0 up; ip -n {FAR} link set w1 up; "
              f"ip netns exec {NEAR} sysctl -qw net.ipv6.conf.all.disable_ipv6=1; "
              f"ip netns exec {FAR} sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
        with tempfile.TemporaryDirectory() as folder:
            for kind in KINDS:
                file = f"{folder}/{kind}.pcap"
                subprocess.run([str(WORKLOAD), kind, str(MEGABYTES), file], check=True)
                truth = json.loads(Path(file + ".json").read_text())
                for rate in RATES:
                    theirs, own = [], []
                    for _ in range(ROUNDS):
                        theirs.append(by_tcpdump(file, rate))
                        own.append(by_ours(file, rate, folder))
                    found = all(
                        summary[field] == truth[field]
                        for *_, summary in own for field in ["sip_messages", "calls", "rtp_streams"]
                    )
                    median = lambda runs, at: statistics.median(run[at] for run in runs)
                    print(f"| {kind} | {median(own, 0):.0f} | {[run[1] for run in theirs]} "
                          f"| {[run[1] for run in own]} | {median(own, 2) / median(theirs, 2):.2f} "
                          f"| {'all' if found else 'not all'} |", flush=True)
    finally:
        subprocess.run(["ip", "netns", "del", NEAR], check=False)
        subprocess.run(["ip", "netns", "del", FAR], check=False)


if __name__ == "__main__":
    sys.exit(main())
