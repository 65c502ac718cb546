#!/usr/bin/env python3
"""sip-inspect beside tcpdump, tshark and sngrep on made-up captures.

    make bench                          100 MB of each kind, five rounds
    MEGABYTES=1000 ROUNDS=3 KINDS=rtp,sip make bench
    BEFORE=PROGRAM make bench           with an older build beside the others

All programs take turns on the same file. What is compared is CPU time (user
and system) and, where a second thread is at work, the time on the clock; each
number is the median of its rounds, with the lowest and the highest beside it.
In the same run the report is held against the truth that the generator kept.
The table goes to standard output and to benches/RESULTS.md.
"""

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/sip-inspect"
WORKLOAD = ROOT / "target/release/examples/workload"
MEGABYTES = int(os.environ.get("MEGABYTES", "100"))
BEFORE = os.environ.get("BEFORE")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
KINDS = os.environ.get("KINDS", "rtp,rtp-dynamic,rtp-20,rtp-400,sip,tcp,noise,mix").split(",")

# What each kind is to reach: our CPU as a multiple of another's.
TARGETS = {
    "rtp": [("tcpdump", 1.0), ("tshark", 1 / 40)],
    "rtp-dynamic": [("tcpdump", 1.0), ("tshark", 1 / 40)],
    "sip": [("tshark", 1 / 12)],
    "tcp": [("tshark", 1 / 14)],
    "noise": [("tcpdump", 1.2)],
}


def commands(kind, file):
    """What runs on a file, by name."""
    ours = [str(OURS), "analyze", file, "-o", "/dev/null", "--format"]
    runs = {
        "ours": [*ours, "json", "--threads", "1"],
        "ours, 2 threads": [*ours, "json", "--threads", "2"],
        "ours, ndjson": [*ours, "ndjson", "--threads", "1"],
        "ours, no rules": [*ours, "json", "--threads", "1", "--no-rules"],
    }
    if BEFORE:
        runs["before"] = [BEFORE, *runs["ours"][1:]]
    if shutil.which("tcpdump"):
        runs["tcpdump"] = ["tcpdump", "-r", file, "-w", "/dev/null"]
    if shutil.which("tshark"):
        tap = "rtp,streams" if kind.startswith("rtp") or kind == "noise" else "sip,stat"
        runs["tshark"] = ["tshark", "-r", file, "-q", "-z", tap]
    if shutil.which("sngrep"):
        runs["sngrep"] = ["sngrep", "-N", "-q", "-I", file]
    return runs


class Run:
    """The measures of one command."""

    def __init__(self):
        self.cpu, self.wall, self.peak = [], [], []

    def once(self, command):
        began = time.monotonic()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(child.pid, 0)
        if status != 0:
            raise SystemExit(f"{command}: status {status}")
        self.wall.append(time.monotonic() - began)
        self.cpu.append(used.ru_utime + used.ru_stime)
        self.peak.append(used.ru_maxrss / 1024)

    def row(self, name, base):
        cpu, wall = statistics.median(self.cpu), statistics.median(self.wall)
        spread = f"{min(self.cpu):.3f} to {max(self.cpu):.3f}"
        ratio = f"{cpu / base:.2f}" if base else "-"
        return f"| {name} | {cpu:.3f} | {spread} | {wall:.3f} | {max(self.peak):.0f} | {ratio} |"


def check(kind, file):
    """Holds the report against what the generator knows."""
    truth = json.loads(Path(file + ".json").read_text())
    for threads in ["1", "2"]:
        # The report itself is not taken in here: what a child is measured to
        # hold begins with what this process holds.
        command = f"'{OURS}' analyze '{file}' --format ndjson --threads {threads} | tail -n 1"
        told = subprocess.run(command, shell=True, capture_output=True, check=True).stdout
        summary = json.loads(told)
        for field, expected in truth.items():
            # Loss is of the streams, not of the summary.
            if field != "lost" and summary[field] != expected:
                raise SystemExit(f"{kind}: {field} is {summary[field]}, the truth is {expected}")


def instructions(folder):
    """Instructions a packet, which a busy machine does not change; beside them
    what was counted last time."""
    if not shutil.which("valgrind"):
        return ["valgrind is not installed: instructions were not counted."]
    results = ROOT / "benches/RESULTS.md"
    before = dict(re.findall(r"\| (\S+) \| (\d+) a packet", results.read_text())) if results.exists() else {}
    lines = ["| | instructions | last time |", "|---|---|---|"]
    for kind in ["rtp", "rtp-dynamic", "sip", "tcp", "noise", "mix"]:
        file = f"{folder}/small-{kind}.pcap"
        subprocess.run([str(WORKLOAD), kind, "5", file], check=True)
        packets = json.loads(Path(file + ".json").read_text())["packets"]
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(OURS)]
        command += ["analyze", file, "--format", "json", "-o", "/dev/null", "--threads", "1"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        count = int(re.search(r"Collected : (\d+)", run.stderr).group(1)) // packets
        lines.append(f"| {kind} | {count} a packet | {before.get(kind, '-')} |")
        os.remove(file)
    return lines


def verdicts(kind, cpu):
    """How far each target is reached."""
    for other, most in TARGETS.get(kind, []):
        if other in cpu:
            ratio = cpu["ours"] / cpu[other]
            reached = "reached" if ratio <= most else "**missed**"
            yield f"- {kind}: {ratio:.3f} of the CPU of {other}; at most {most:.3f}: {reached}."


def version(command):
    if not shutil.which(command[0]):
        return f"{command[0]}: not installed"
    run = subprocess.run(command, capture_output=True, text=True)
    return (run.stdout or run.stderr).splitlines()[0]


def machine():
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    return f"{model}, {os.cpu_count()} processors, Linux {platform.release()}"


def main():
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--bin", "sip-inspect", "--example", "workload"],
        cwd=ROOT,
        check=True,
    )
    lines = [
        "# Speed, as last measured",
        "",
        f"{date.today()}, {machine()}. `MEGABYTES={MEGABYTES} ROUNDS={ROUNDS} make bench`.",
        f"{version([str(OURS), '--version'])}; {version(['tcpdump', '--version'])}; "
        f"{version(['tshark', '--version'])}; {version(['sngrep', '-V'])}.",
        "",
        "CPU is user and system time in seconds, the median of the rounds and their spread; the",
        "last column says how many times the CPU of ours a command takes. Commands: ours",
        "`analyze FILE --format json -o /dev/null --threads 1` and so on, `tcpdump -r FILE -w",
        "/dev/null`, `tshark -r FILE -q -z rtp,streams` (of signalling `-z sip,stat`), `sngrep -N",
        "-q -I FILE`. Each report was held against the truth of its capture in the same run.",
        *(["`before` is ours as the build that `BEFORE` names does it."] if BEFORE else []),
        "",
    ]
    judged = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            file = f"{folder}/{kind}.pcap"
            subprocess.run([str(WORKLOAD), kind, str(MEGABYTES), file], check=True)
            check(kind, file)
            packets = json.loads(Path(file + ".json").read_text())["packets"]
            runs = {name: Run() for name in commands(kind, file)}
            for _ in range(ROUNDS):
                for name, command in commands(kind, file).items():
                    runs[name].once(command)
            size = os.path.getsize(file) / 1e6
            os.remove(file)
            cpu = {name: statistics.median(run.cpu) for name, run in runs.items()}
            lines += [
                f"## {kind}: {size:.0f} MB, {packets} packets, "
                f"{cpu['ours'] / packets * 1e9:.0f} ns each",
                "",
                "| | CPU | spread | clock | peak MiB | CPU / ours |",
                "|---|---|---|---|---|---|",
            ]
            lines += [run.row(name, cpu["ours"]) for name, run in runs.items()]
            lines.append("")
            judged += verdicts(kind, cpu)
            clock = statistics.median(runs["ours, 2 threads"].wall)
            alone = statistics.median(runs["ours"].wall)
            more = cpu["ours, 2 threads"] / cpu["ours"]
            judged.append(
                f"- {kind}: two threads take {clock / alone:.2f} of the time of one, "
                f"with {more:.2f} of its CPU."
            )
        counted = instructions(folder)
    lines += ["## Targets", "", *judged, ""]
    lines += ["## Instructions", "", "By callgrind, of 5 MB each, starting and ending included.", ""]
    lines += [*counted, ""]
    text = "\n".join(lines)
    print(text)
    (ROOT / "benches/RESULTS.md").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
