"""Records one call inside each tunnel, and what kamailio sends on.

    record_tunnels.py FOLDER [TUNNEL...]

Two network namespaces with a wire between them; sipp calls sipp through the tunnel, and
tcpdump watches the wire. The tunnel is the kernel's own; where the kernel has none of the
kind, Open vSwitch makes it in user space, and socat those that are an IP protocol. For HEP
kamailio passes the call on, and its siptrace module sends each message to a collector.
Needs root, iproute2, sipp, tcpdump, kamailio, openvswitch-switch and socat.
"""

import contextlib, os, subprocess, sys, tempfile, time

import openvswitch

A, B = f"tunnel-a{os.getpid()}", f"tunnel-b{os.getpid()}"
LIBRARY = "/usr/lib/x86_64-linux-gnu/kamailio/modules"


def pair(kind, *more):
    """The same device on both sides, each with the other as its remote."""
    def make():
        for space, own, other in ((A, 1, 2), (B, 2, 1)):
            words = [word.format(own=f"198.51.100.{own}", other=f"198.51.100.{other}") for word in more]
            ip(space, "link", "add", "t0", "type", kind, *words)
    return make


def l2tp():
    for space, own, other in ((A, 1, 2), (B, 2, 1)):
        ip(space, "l2tp", "add", "tunnel", "tunnel_id", "7", "peer_tunnel_id", "7", "encap", "udp",
           "local", f"198.51.100.{own}", "remote", f"198.51.100.{other}", "udp_sport", "1701", "udp_dport", "1701")
        ip(space, "l2tp", "add", "session", "tunnel_id", "7", "session_id", "9", "peer_session_id", "9", "name", "t0")


def qinq():
    for space in (A, B):
        ip(space, "link", "add", "link", "w0", "name", "s0", "type", "vlan", "proto", "802.1ad", "id", "5")
        ip(space, "link", "set", "s0", "up")
        ip(space, "link", "add", "link", "s0", "name", "t0", "type", "vlan", "id", "6")


ENDS = ("local", "{own}", "remote", "{other}")
TUNNELS = {
    "ipip": pair("ipip", *ENDS),
    "gre": pair("gre", *ENDS, "key", "42"),
    "gretap": pair("gretap", *ENDS),
    "erspan1": pair("erspan", *ENDS, "seq", "key", "42", "erspan_ver", "1", "erspan", "5"),
    "erspan2": pair("erspan", *ENDS, "seq", "key", "42", "erspan_ver", "2", "erspan_dir", "ingress", "erspan_hwid", "9"),
    "vxlan": pair("vxlan", "id", "42", *ENDS, "dstport", "4789"),
    "geneve": pair("geneve", "id", "42", "remote", "{other}"),
    "l2tp": l2tp,
    "qinq": qinq,
    "mpls": None,
    "6in4": pair("sit", *ENDS),
}
PROTOCOLS = {"ipip": 4, "6in4": 41}


def ip(space, *words):
    subprocess.run(["ip", "-n", space, *words], check=True, capture_output=True, text=True)


def inside(space, *words):
    return ["ip", "netns", "exec", space, *words]


def watched(capture, expression="not arp and not ip6"):
    child = subprocess.Popen(inside(B, "tcpdump", "-U", "--immediate-mode", "-s", "65535", "-Z", "root", "-i", "w0",
                                    "-w", capture, expression), stderr=subprocess.PIPE, text=True)
    while "listening" not in child.stderr.readline():
        pass
    return child


def call(folder, to, near="192.0.2.1", far="192.0.2.2"):
    answers = subprocess.Popen(inside(B, "sipp", "-sn", "uas", "-i", far, "-m", "1", "-nostdin"),
                               cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(inside(A, "timeout", "20", "sipp", "-sn", "uac", to, "-i", near, "-m", "1", "-d", "50", "-nostdin"),
                   cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    answers.wait(10)


def wire():
    for space in (A, B):
        subprocess.run(["ip", "netns", "add", space], check=True)
        subprocess.run(inside(space, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                              "net.ipv6.conf.default.disable_ipv6=1"), check=True)
    ip(A, "link", "add", "w0", "type", "veth", "peer", "name", "w0", "netns", B)
    for space, own in ((A, 1), (B, 2)):
        ip(space, "addr", "add", f"198.51.100.{own}/24", "dev", "w0")
        ip(space, "link", "set", "lo", "up")
        ip(space, "link", "set", "w0", "up")


def unwire():
    for space in (A, B):
        subprocess.run(["ip", "netns", "del", space], check=False)


@contextlib.contextmanager
def kernel(kind):
    TUNNELS[kind]()
    yield


@contextlib.contextmanager
def spliced(kind):
    """socat between an interface and the IP protocol."""
    children = []
    try:
        for space, other in ((A, 2), (B, 1)):
            ip(space, "tuntap", "add", "dev", "t0", "mode", "tun")
            children.append(subprocess.Popen(inside(space, "socat", "TUN,tun-name=t0,iff-no-pi,iff-up",
                                                    f"IP4:198.51.100.{other}:{PROTOCOLS[kind]}")))
        yield
    finally:
        for child in children:
            child.terminate()
            child.wait()


def record(kind, maker, folder, out):
    near, far, uri, length = ("192.0.2.1", "192.0.2.2", "192.0.2.2:5060", 24)
    if kind == "6in4":
        near, far, uri, length = ("2001:db8::1", "2001:db8::2", "[2001:db8::2]:5060", 64)
    wire()
    try:
        with maker(kind):
            for space, own in ((A, near), (B, far)):
                if length == 64:
                    subprocess.run(inside(space, "sysctl", "-qw", "net.ipv6.conf.t0.disable_ipv6=0"), check=True)
                ip(space, "addr", "add", f"{own}/{length}", "dev", "t0", *(["nodad"] if length == 64 else []))
                ip(space, "link", "set", "t0", "up")
            tcpdump = watched(f"{out}/{kind}.pcap")
            call(folder, uri, near, far)
            time.sleep(0.5)
            tcpdump.terminate()
            tcpdump.wait()
    finally:
        unwire()


def record_hep(version, folder, out):
    """kamailio at the callee's host passes the call on and sends on what it sees."""
    wire()
    try:
        ip(A, "addr", "add", "192.0.2.1/24", "dev", "w0")
        ip(B, "addr", "add", "192.0.2.2/24", "dev", "w0")
        with open(f"{folder}/kamailio.cfg", "w") as config:
            config.write(f"""
children=1
log_stderror=no
listen=udp:192.0.2.2:5080
mpath="{LIBRARY}/"
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "siputils.so"
loadmodule "siptrace.so"
modparam("siptrace", "duplicate_uri", "sip:198.51.100.1:9060")
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", {version})
modparam("siptrace", "hep_capture_id", 42)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "trace_on", 1)
request_route {{
    sip_trace_mode("t");
    if (has_totag()) {{ loose_route(); }} else {{ record_route(); }}
    $du = "sip:192.0.2.2:5060";
    t_relay();
}}
""")
        tcpdump = watched(f"{out}/hep{version}.pcap", "udp port 9060")
        log = open(f"{folder}/kamailio.log", "w")
        kamailio = subprocess.Popen(inside(B, "kamailio", "-f", f"{folder}/kamailio.cfg", "-DD", "-E"),
                                    stdout=log, stderr=log)
        time.sleep(1.5)
        try:
            call(folder, "192.0.2.2:5080")
        except subprocess.CalledProcessError:
            print(open(f"{folder}/kamailio.log").read())
            raise
        time.sleep(0.5)
        kamailio.terminate()
        kamailio.wait()
        tcpdump.terminate()
        tcpdump.wait()
    finally:
        unwire()


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for kind in sys.argv[2:] or (*TUNNELS, "hep2", "hep3"):
            if kind.startswith("hep"):
                record_hep(int(kind[3:]), folder, out)
                print(kind)
                continue
            makers = [kernel] if TUNNELS[kind] else []
            if kind in openvswitch.KINDS:
                makers.append(lambda kind: openvswitch.switched(kind, A, B))
            if kind in PROTOCOLS:
                makers.append(spliced)
            for maker in makers:
                try:
                    record(kind, maker, folder, out)
                    print(kind)
                    break
                except subprocess.CalledProcessError as error:
                    print(kind, "could not be made:", error.stderr)


main()
