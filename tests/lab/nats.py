#!/usr/bin/env python3
"""Holds `probe nat` against NATs that nftables makes, and coturn.

    nats.py BINARY [KIND...]     as root; needs iproute2, nft, conntrack, turnserver;
                                 with BESIDE=1 turnutils_natdiscovery and stun are
                                 asked too

Prints a row for each kind, and ends with 1 if one is wrong.
"""

import json, os, shutil, subprocess, sys, tempfile, time

from network import OTHER, SERVER, become, inside, network, run

EIM, ADM, APDM = "endpoint-independent", "address-dependent", "address-and-port-dependent"

# What the probe must say: verdict, mapping, filtering, allocation, hairpinning.
KINDS = {
    "none": ("no-nat", EIM, EIM, "port-preserving", "unknown"),
    "fw": ("firewall", EIM, APDM, "port-preserving", "unknown"),
    "block": ("udp-blocked", "unknown", "unknown", "unknown", "unknown"),
    "eim-eif": ("nat", EIM, EIM, "port-preserving", "no"),
    "eim-eif+hair": ("nat", EIM, EIM, "port-preserving", "yes"),
    "eim-adf": ("nat", EIM, ADM, "port-preserving", "no"),
    "eim-apdf": ("nat", EIM, APDM, "port-preserving", "no"),
    "eim-apdf+loss=10": ("nat", EIM, APDM, "port-preserving", "no"),
    "eimr-apdf": ("nat", EIM, APDM, "random", "no"),
    "adm-eif": ("nat", ADM, EIM, "random", "no"),
    "adm-adf": ("nat", ADM, ADM, "random", "unknown"),
    "adm-apdf": ("nat", ADM, APDM, "random", "unknown"),
    "apdm-eif": ("nat", APDM, EIM, "random", "no"),
    "apdm-adf": ("nat", APDM, ADM, "random", "unknown"),
    "apdm-apdf": ("nat", APDM, APDM, "random", "unknown"),
    "apdmp-apdf": ("nat", APDM, APDM, "sequential", "unknown"),
}


def coturn(folder):
    lines = [f"listening-ip={SERVER}", f"listening-ip={OTHER}", f"relay-ip={SERVER}", "listening-port=3478",
             "alt-listening-port=3479", "realm=example.org", "no-auth", "no-cli", "no-tls", "no-dtls", "fingerprint",
             f"userdb={folder}/db", f"log-file={folder}/log", "simple-log", f"pidfile={folder}/pid"]
    with open(f"{folder}/turn.conf", "w") as write:
        write.write("\n".join(lines) + "\n")
    words = inside("server", "turnserver", "-c", f"{folder}/turn.conf")
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        open_ports = run(*inside("server", "ss", "-Hlnu", "sport = :3479"), capture_output=True, text=True).stdout
        if OTHER in open_ports:
            return server
        time.sleep(0.1)
    raise SystemExit("coturn did not start")


def beside(program, *words):
    """What another tool says, in short."""
    if not os.environ.get("BESIDE") or not shutil.which(program):
        return "-"
    done = subprocess.run(inside("host", "timeout", "20", program, *words), capture_output=True, text=True)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    told = [line for line in lines if line.startswith(("NAT with", "Primary:", "No NAT", "UDP"))]
    return "; ".join(line.removeprefix("Primary: ") for line in told) or "nothing"


def probe(binary, *more):
    words = inside("host", "timeout", "90", binary, "probe", "nat", "--server", SERVER, "--json", "-q", "--tcp", *more)
    done = subprocess.run(words, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], (done.returncode, report["exit"])
    return report


def check(binary, kind, expected):
    become(kind)
    report = probe(binary)
    own = report["measurements"]
    told = (report["verdict"], own["mapping"], own["filtering"], own["allocation"], own["hairpinning"])
    is_right = told == expected and report["exit"] == 0
    tcp = {"block": None, "apdm": APDM}.get(kind.split("-")[0], EIM)
    is_right &= own["tcp_mapping"] == tcp
    weighty = [d["code"] for d in report["evidence"]["diagnostics"] if d["severity"] != "info"]
    # Where a filter keeps answers out, requests without an answer are what is wanted.
    is_right &= set(weighty) <= {"STN009"}
    others = [beside("turnutils_natdiscovery", "-m", "-f", SERVER), beside("stun", SERVER)]
    mark = "ok  " if is_right else "BAD "
    print(f"{mark} {kind:17} {' / '.join(told)}, TCP {own['tcp_mapping']} | natdiscovery: {others[0]} | stun: {others[1]}", flush=True)
    if not is_right:
        print(f"     expected {expected}, findings {weighty}\n{json.dumps(own, indent=1)}", flush=True)
    return is_right


def lifetime(binary):
    """Bindings of ten seconds."""
    become("eim-apdf")
    for name in ("nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"):
        run(*inside("nat", "sysctl", "-qw", f"net.netfilter.{name}=10"))
    own = probe(binary, "--lifetime", "15")["measurements"]
    least, most = own["lifetime_at_least_s"], own["lifetime_at_most_s"]
    # The kernel looks for what is old once in a while.
    is_right = least is not None and most is not None and 5 <= least <= 10 <= most <= 16
    print(f"{'ok  ' if is_right else 'BAD '} lifetime of 10 s   {least} to {most} s", flush=True)
    return is_right


def main():
    binary = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:] or [*KINDS, "lifetime"]
    with tempfile.TemporaryDirectory() as folder, network():
        server = coturn(folder)
        try:
            good = [lifetime(binary) if kind == "lifetime" else check(binary, kind, KINDS[kind]) for kind in wanted]
        finally:
            server.terminate()
            server.wait()
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
