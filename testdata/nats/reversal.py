#!/usr/bin/env python3
"""Records how a peer outside asks a host behind a NAT, through a server both
know, to open the way to it (RFC 5128, 3.2): over TCP after it tried by itself in
vain, and over UDP without trying.

    reversal.py      as root; needs iproute2, nft, conntrack, tcpdump and mergecap

host 10.1.0.2 -- NAT (10.1.0.1, 203.0.113.1) -- server 203.0.113.10, peer 203.0.113.30
"""

import gzip, os, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = f"rev{os.getpid()}"
SERVER, PEER, OUTSIDE = "203.0.113.10", "203.0.113.30", "203.0.113.1"

# Each end, as it runs in a namespace of its own.
ENDS = {
    "tcp-server": """
l = socket.create_server((SERVER, 7000)); host, _ = l.accept(); host.recv(99)
peer, _ = l.accept(); wish = peer.recv(99); host.sendall(wish); time.sleep(2)
""",
    "tcp-host": """
s = socket.create_connection((SERVER, 7000)); s.sendall(b"here is host")
ip, port = s.recv(99).decode().split()
c = socket.create_connection((ip, int(port))); c.sendall(b"you asked"); print(c.recv(99)); time.sleep(1)
""",
    "tcp-peer": """
time.sleep(2.5)
l = socket.create_server((PEER, 6000))
try: socket.create_connection((OUTSIDE, 7001), timeout=1.5)
except OSError as error: print("tried:", error)
s = socket.create_connection((SERVER, 7000)); s.sendall(b"203.0.113.30 6000")
c, _ = l.accept(); print(c.recv(99)); c.sendall(b"welcome"); time.sleep(1)
""",
    "udp-server": """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((SERVER, 7000))
_, host = s.recvfrom(99); s.sendto(b"known", host)
wish, peer = s.recvfrom(99); s.sendto(wish, host); time.sleep(2)
""",
    "udp-host": """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.1.0.2", 5555))
s.sendto(b"here is host", (SERVER, 7000)); s.recv(99)
ip, port = s.recv(99).decode().split()
for number in range(20):
    s.sendto(b"data %d" % number, (ip, int(port))); print(s.recv(99)); time.sleep(0.05)
""",
    "udp-peer": """
time.sleep(2.5)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((PEER, 6000))
s.sendto(b"203.0.113.30 6000", (SERVER, 7000))
for number in range(20):
    data, host = s.recvfrom(99); s.sendto(b"answer %d" % number, host)
""",
}


def run(*words, **more):
    return subprocess.run(words, check=True, **more)


def inside(name, *words):
    return ["ip", "netns", "exec", f"{PREFIX}-{name}", *words]


def link(name, interface, address, route=None):
    """A namespace on the bridge outside, or on the one inside."""
    bridge = "lan" if address.startswith("10.") else "wan"
    if not os.path.exists(f"/run/netns/{PREFIX}-{name}"):
        run("ip", "netns", "add", f"{PREFIX}-{name}")
        run(*inside(name, "ip", "link", "set", "lo", "up"))
    near = f"p{name[0]}{interface}"
    run(*inside("wire", "ip", "link", "add", near, "type", "veth", "peer", "name", interface, "netns",
                f"{PREFIX}-{name}"))
    run(*inside("wire", "ip", "link", "set", near, "master", bridge, "up"))
    run(*inside(name, "ip", "address", "add", f"{address}/24", "dev", interface))
    run(*inside(name, "ip", "link", "set", interface, "up"))
    if route:
        run(*inside(name, "ip", "route", "add", "default", "via", route))


def record(kind, folder):
    captures = []
    # All that is outside passes the bridge, the peer's words to the server too.
    for name, interface in (("nat", "lan0"), ("wire", "wan")):
        file = f"{folder}/{interface}.pcap"
        words = inside(name, "tcpdump", "-Z", "root", "-U", "-n", "-i", interface, "-w", file, kind)
        capture = subprocess.Popen(words, stderr=subprocess.PIPE)
        capture.stderr.readline()
        captures.append((capture, file))
    ends = {}
    for name in ("server", "host", "peer"):
        names = f"SERVER, PEER, OUTSIDE = {(SERVER, PEER, OUTSIDE)!r}\n"
        text = "import socket, time\n" + names + ENDS[f"{kind}-{name}"]
        ends[name] = subprocess.Popen(inside(name, "timeout", "20", sys.executable, "-c", text))
        time.sleep(0.5)
    for end in ends.values():
        assert end.wait() == 0
    table = run(*inside("nat", "conntrack", "-L"), capture_output=True, text=True).stdout
    time.sleep(0.5)
    for capture, _ in captures:
        capture.terminate()
        capture.wait()
    both = f"{folder}/both.pcapng"
    run("mergecap", "-I", "none", "-F", "pcapng", "-w", both, *(file for _, file in captures))
    with open(both, "rb") as read, gzip.GzipFile(f"{HERE}/reversal-{kind}.pcapng.gz", "wb", mtime=0) as write:
        write.write(read.read())
    with open(f"{HERE}/reversal-{kind}.conntrack.txt", "w") as write:
        write.write(table)


def main():
    try:
        run("ip", "netns", "add", f"{PREFIX}-wire")
        for bridge in ("lan", "wan"):
            run(*inside("wire", "ip", "link", "add", bridge, "type", "bridge"))
            run(*inside("wire", "ip", "link", "set", bridge, "up"))
        link("nat", "lan0", "10.1.0.1")
        link("nat", "wan0", OUTSIDE)
        link("host", "eth0", "10.1.0.2", "10.1.0.1")
        link("server", "eth0", SERVER)
        link("peer", "eth0", PEER)
        run(*inside("nat", "sysctl", "-qw", "net.ipv4.ip_forward=1"))
        rules = """table ip nat {
            chain post { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }
            chain input { type filter hook input priority 0; iifname "wan0" ct state new drop; }
        }"""
        run(*inside("nat", "nft", "-f", "-"), input=rules, text=True)
        for kind in ("tcp", "udp"):
            with tempfile.TemporaryDirectory() as folder:
                record(kind, folder)
            run(*inside("nat", "conntrack", "-F"), capture_output=True)
    finally:
        for name in ("wire", "nat", "host", "server", "peer"):
            subprocess.run(["ip", "netns", "del", f"{PREFIX}-{name}"], capture_output=True)


if __name__ == "__main__":
    main()
