"""A host behind a NAT that nftables makes, and a server outside, in network
namespaces of their own. Needs root, iproute2, nft and conntrack.

host 10.1.0.2 -- NAT (10.1.0.1, 203.0.113.1) -- server 203.0.113.10 and .11

Connection tracking filters by address and port, and keeps ports, by itself. All
else is made by maps that a chain behind the translation learns: it sees the outside
port of a packet while the inside endpoint is still known.
"""

import contextlib, os, subprocess

PREFIX = f"nats{os.getpid()}"
EXT, SERVER, OTHER = "203.0.113.1", "203.0.113.10", "203.0.113.11"
HOST = "10.1.0.2"


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
    if "alg" in options:
        parts.append(' ct helper sip-u { type "sip" protocol udp; l3proto ip; }')
        parts.append(chain("helper", "filter", "prerouting", 0, ['udp dport 5060 ct helper set "sip-u"']))
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
        tcp = f"{out} meta l4proto tcp snat to {EXT}"
        post.append(f"{tcp}:20000-59999 fully-random" if mapping == "apdm" else tcp)
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


def become(kind):
    """Makes the NAT one of this kind; it forgets what it knew."""
    run(*inside("nat", "nft", "flush", "ruleset"))
    run(*inside("nat", "nft", "-f", "-"), input=rules(kind), text=True)
    subprocess.run(inside("nat", "conntrack", "-F"), capture_output=True)


@contextlib.contextmanager
def network():
    """The namespaces, for as long as they are wanted."""
    try:
        run("ip", "netns", "add", f"{PREFIX}-wire")
        for bridge in ("lan", "wan"):
            run(*inside("wire", "ip", "link", "add", bridge, "type", "bridge"))
            run(*inside("wire", "ip", "link", "set", bridge, "up"))
        host("nat", "lan0", ["10.1.0.1"], "lan")
        host("nat", "wan0", [EXT], "wan")
        host("host", "eth0", [HOST], "lan", ("default", "via", "10.1.0.1"))
        # So that what is not translated is answered too.
        host("server", "eth0", [SERVER, OTHER], "wan", ("10.1.0.0/24", "via", EXT))
        run(*inside("nat", "sysctl", "-qw", "net.ipv4.ip_forward=1"))
        yield
    finally:
        for name in ("wire", "nat", "host", "server"):
            subprocess.run(["ip", "netns", "del", f"{PREFIX}-{name}"], capture_output=True)
