#!/usr/bin/env python3
"""Holds `probe nat` against NATs that nftables makes, and coturn.

    nats.py BINARY [KIND...]     as root; needs iproute2, nft, conntrack, turnserver;
                                 with BESIDE=1 turnutils_natdiscovery and stun are
                                 asked too

host 10.1.0.2 -- NAT (10.1.0.1, 203.0.113.1) -- coturn 203.0.113.10 and .11

Connection tracking filters by address and port, and keeps ports, by itself. All
else is made by maps that a chain behind the translation learns: it sees the outside
port of a packet while the inside endpoint is still known. Prints a row for each kind,
and ends with 1 if one is wrong.
"""

import json, os, shutil, subprocess, sys, tempfile, time

PREFIX = f"nats{os.getpid()}"
EXT, SERVER, OTHER = "203.0.113.1", "203.0.113.10", "203.0.113.11"
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


def run(*words, **more):
    return subprocess.run(words, check=True, **more)


def inside(name, *words):
    return ["ip", "netns", "exec", f"{PREFIX}-{name}", *words]


def chain(name, kind, hook, priority, lines):
    head = f"  type {kind} hook {hook} priority {priority}; policy accept;"
    return "\n".join([f" chain {name} {{", head, *(f"  {line}" for line in lines), " }"])


def rules(kind):
    base, *options = kind.split("+")
    hair = "hair" in options
    loss = next((int(own[5:]) for own in options if own.startswith("loss=")), 0)
    parts = []
    if loss:
        parts.append(chain("loss", "filter", "forward", -10,
                           [f"meta l4proto udp numgen random mod 1000 < {loss * 10} drop"]))
    new = ['iifname "wan0" ct state new,invalid drop']
    if not hair:
        new.append(f'iifname "lan0" ip daddr {EXT} meta l4proto {{ tcp, udp }} drop')
    parts.append(chain("input", "filter", "input", 0, new))
    if base in ("fw", "block"):
        closed = ['iifname "wan0" ct state new,invalid drop']
        if base == "block":
            closed.insert(0, 'iifname "lan0" meta l4proto udp drop')
        parts.append(chain("forw", "filter", "forward", 0, closed))
    if base in ("none", "fw"):
        return "table ip lab {\n" + "\n".join(parts) + "\n}\n"
    if base == "block":
        parts.append(chain("post", "nat", "postrouting", 100, ['oifname "wan0" masquerade']))
        return "table ip lab {\n" + "\n".join(parts) + "\n}\n"
    mapping, filtering = base.split("-")
    # The Internet carries no private addresses.
    parts.append(chain("bogons", "filter", "prerouting", -300, ['iifname "wan0" ip daddr 10.0.0.0/8 drop']))
    kept = "flags dynamic,timeout; timeout 60s; size 65535;"
    parts += [
        f" map eim {{ type ipv4_addr . inet_service : inet_service; {kept} }}",
        f" map adm {{ type ipv4_addr . inet_service . ipv4_addr : inet_service; {kept} }}",
        f" map back {{ type inet_service : ipv4_addr . inet_service; {kept} }}",
        f" set adf {{ type inet_service . ipv4_addr; {kept} }}",
    ]
    came = 'iifname { "wan0", "lan0" }' if hair else 'iifname "wan0"'
    let_in = {
        "eif": f"{came} ip daddr {EXT} dnat ip to udp dport map @back",
        "adf": f"{came} ip daddr {EXT} udp dport . ip saddr @adf dnat ip to udp dport map @back",
    }
    parts.append(chain("pre", "nat", "prerouting", -100, [let_in[filtering]] if filtering in let_in else []))
    post, learn = [], []
    for out in ['oifname "wan0"'] + (['iifname "lan0" oifname "lan0" ct status dnat'] if hair else []):
        udp = f"{out} meta l4proto udp"
        random = f"{udp} snat to {EXT}:20000-59999 fully-random"
        steps = ", ".join(f"{place} : {30000 + place}" for place in range(500))
        post += {
            "eim": [f"{udp} snat to {EXT}"],
            "eimr": [f"{udp} snat ip to {EXT} : ip saddr . udp sport map @eim", random],
            "adm": [f"{udp} snat ip to {EXT} : ip saddr . udp sport . ip daddr map @adm", random],
            "apdm": [random],
            "apdmp": [f"{udp} snat ip to {EXT} : numgen inc mod 500 map {{ {steps} }}"],
        }[mapping]
        post.append(f"{out} meta l4proto tcp snat to {EXT}")
        for way in ("original", "reply"):
            at = f"{udp} ct direction {way} update"
            own = f"ct {way} ip saddr . ct {way} proto-src"
            learn.append(f"{at} @back {{ udp sport : {own} }}")
            if mapping == "eimr":
                learn.append(f"{at} @eim {{ {own} : udp sport }}")
            if mapping == "adm":
                learn.append(f"{at} @adm {{ {own} . ip daddr : udp sport }}")
        learn.append(f"{udp} update @adf {{ udp sport . ip daddr }}")
    parts.append(chain("post", "nat", "postrouting", 100, post))
    parts.append(chain("learn", "filter", "postrouting", 110, learn))
    return "table ip lab {\n" + "\n".join(parts) + "\n}\n"


def host(name, interface, addresses, bridge, route=None):
    if not os.path.exists(f"/run/netns/{PREFIX}-{name}"):
        run("ip", "netns", "add", f"{PREFIX}-{name}")
        run(*inside(name, "ip", "link", "set", "lo", "up"))
    near = f"p{name[0]}{interface}"
    run(*inside("wire", "ip", "link", "add", near, "type", "veth", "peer", "name", interface, "netns",
                f"{PREFIX}-{name}"))
    run(*inside("wire", "ip", "link", "set", near, "master", bridge, "up"))
    for address in addresses:
        run(*inside(name, "ip", "address", "add", f"{address}/24", "dev", interface))
    run(*inside(name, "ip", "link", "set", interface, "up"))
    if route:
        run(*inside(name, "ip", "route", "add", *route))


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
    words = inside("host", "timeout", "90", binary, "probe", "nat", "--server", SERVER, "--json", "-q", *more)
    done = subprocess.run(words, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], (done.returncode, report["exit"])
    return report


def check(binary, kind, expected):
    run(*inside("nat", "nft", "flush", "ruleset"))
    run(*inside("nat", "nft", "-f", "-"), input=rules(kind), text=True)
    subprocess.run(inside("nat", "conntrack", "-F"), capture_output=True)
    report = probe(binary)
    own = report["measurements"]
    told = (report["verdict"], own["mapping"], own["filtering"], own["allocation"], own["hairpinning"])
    is_right = told == expected and report["exit"] == 0
    weighty = [d["code"] for d in report["evidence"]["diagnostics"] if d["severity"] != "info"]
    # Where a filter keeps answers out, requests without an answer are what is wanted.
    is_right &= set(weighty) <= {"STN009"}
    others = [beside("turnutils_natdiscovery", "-m", "-f", SERVER), beside("stun", SERVER)]
    mark = "ok  " if is_right else "BAD "
    print(f"{mark} {kind:17} {' / '.join(told)} | natdiscovery: {others[0]} | stun: {others[1]}", flush=True)
    if not is_right:
        print(f"     expected {expected}, findings {weighty}\n{json.dumps(own, indent=1)}", flush=True)
    return is_right


def lifetime(binary):
    """Bindings of ten seconds."""
    run(*inside("nat", "nft", "flush", "ruleset"))
    run(*inside("nat", "nft", "-f", "-"), input=rules("eim-apdf"), text=True)
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
    server = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            run("ip", "netns", "add", f"{PREFIX}-wire")
            for bridge in ("lan", "wan"):
                run(*inside("wire", "ip", "link", "add", bridge, "type", "bridge"))
                run(*inside("wire", "ip", "link", "set", bridge, "up"))
            host("nat", "lan0", ["10.1.0.1"], "lan")
            host("nat", "wan0", [EXT], "wan")
            host("host", "eth0", ["10.1.0.2"], "lan", ("default", "via", "10.1.0.1"))
            # So that what is not translated is answered too.
            host("server", "eth0", [SERVER, OTHER], "wan", ("10.1.0.0/24", "via", EXT))
            run(*inside("nat", "sysctl", "-qw", "net.ipv4.ip_forward=1"))
            server = coturn(folder)
            good = [lifetime(binary) if kind == "lifetime" else check(binary, kind, KINDS[kind]) for kind in wanted]
        finally:
            if server:
                server.terminate()
                server.wait()
            for name in ("wire", "nat", "host", "server"):
                subprocess.run(["ip", "netns", "del", f"{PREFIX}-{name}"], capture_output=True)
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
