"""Records one call inside each tunnel, and what kamailio sends on.

    record_tunnels.py FOLDER [TUNNEL...]

Two network namespaces with a wire between them; sipp calls sipp through the tunnel, and
tcpdump watches the wire. The tunnels are the kernel's own: of a Linux that runs as a program
(user-mode-linux), whose root is this machine's, since few machines have all these modules.
PPP's two daemons are pppoe-server and xl2tpd, GTP's are osmo-ggsn and sgsnemu. For HEP
kamailio passes the call on, and its siptrace module sends each message to a collector.
Needs root, user-mode-linux, iproute2, kmod, sipp, tcpdump, ppp, pppoe, xl2tpd, osmo-ggsn
and kamailio.
"""

import contextlib, os, socket, struct, subprocess, sys, tempfile, time, zlib

A, B = f"tunnel-a{os.getpid()}", f"tunnel-b{os.getpid()}"
LIBRARY = "/usr/lib/x86_64-linux-gnu/kamailio/modules"
MODULES = "veth 8021q ipip sit ip_gre vxlan geneve tun pppoe ppp_async l2tp_ppp mpls_router mpls_iptunnel"
# What a PPP daemon is not to ask for.
PPP = "noauth nodefaultroute noipv6 nobsdcomp nodeflate novj noaccomp nopcomp\nifname t0\n"


def ip(space, *words):
    subprocess.run(["ip", "-n", space, *words], check=True)


def inside(space, *words):
    return ["ip", "netns", "exec", space, *words]


def ends(own, other):
    return ("local", f"198.51.100.{own}", "remote", f"198.51.100.{other}")


@contextlib.contextmanager
def pair(kind, *more, near="192.0.2.1", far="192.0.2.2"):
    """The same device on both sides, each with the other as its remote."""
    for space, own, other, address in ((A, 1, 2, near), (B, 2, 1, far)):
        remote = ends(own, other)[2:] if kind == "geneve" else ends(own, other)
        ip(space, "link", "add", "t0", "type", kind, *more, *remote)
        address_of_tunnel(space, address)
    yield near, far


def address_of_tunnel(space, address):
    is_six = ":" in address
    if is_six:
        subprocess.run(inside(space, "sysctl", "-qw", "net.ipv6.conf.t0.disable_ipv6=0"), check=True)
    ip(space, "addr", "add", f"{address}/{64 if is_six else 24}", "dev", "t0", *(["nodad"] if is_six else []))
    ip(space, "link", "set", "t0", "up")


@contextlib.contextmanager
def qinq():
    for space, own in ((A, 1), (B, 2)):
        ip(space, "link", "add", "link", "w0", "name", "s0", "type", "vlan", "proto", "802.1ad", "id", "5")
        ip(space, "link", "set", "s0", "up")
        ip(space, "link", "add", "link", "s0", "name", "t0", "type", "vlan", "id", "6")
        address_of_tunnel(space, f"192.0.2.{own}")
    yield "192.0.2.1", "192.0.2.2"


@contextlib.contextmanager
def mpls():
    """Two labels each way; the addresses are those of the loopback devices."""
    for space, own, other in ((A, 1, 2), (B, 2, 1)):
        for setting in ("platform_labels=4096", "conf.w0.input=1", "conf.lo.input=1"):
            subprocess.run(inside(space, "sysctl", "-qw", f"net.mpls.{setting}"), check=True)
        ip(space, "addr", "add", f"192.0.2.{own}/32", "dev", "lo")
        ip(space, "route", "add", f"192.0.2.{other}/32", "encap", "mpls", "2000/1000",
           "via", "inet", f"198.51.100.{other}", "src", f"192.0.2.{own}")
        for label in ("2000", "1000"):
            ip(space, "-f", "mpls", "route", "add", label, "dev", "lo")
    yield "192.0.2.1", "192.0.2.2"


@contextlib.contextmanager
def daemons(*commands):
    """Runs them until the tunnel is no longer wanted; in each space."""
    children = []
    try:
        for space, words in commands:
            children.append(subprocess.Popen(inside(space, *words), stdin=subprocess.DEVNULL))
            time.sleep(1)
        yield
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait()


def wait_for(space, device):
    """The address of a device that a daemon makes."""
    for _ in range(100):
        shown = subprocess.run(["ip", "-n", space, "-4", "-o", "addr", "show", "dev", device],
                               capture_output=True, text=True).stdout.split()
        if "inet" in shown:
            return shown[shown.index("inet") + 1].split("/")[0]
        time.sleep(0.2)
    raise RuntimeError(f"{device} has no address")


@contextlib.contextmanager
def pppoe(folder):
    with open(f"{folder}/options", "w") as options:
        options.write(PPP)
    server = ["pppoe-server", "-F", "-I", "w0", "-L", "192.0.2.2", "-R", "192.0.2.1", "-N", "1",
              "-O", f"{folder}/options"]
    client = ["pppd", "plugin", "rp-pppoe.so", "w0", "nodetach", "file", f"{folder}/options"]
    with daemons((B, server), (A, client)):
        yield wait_for(A, "t0"), wait_for(B, "t0")


@contextlib.contextmanager
def l2tp(folder):
    with open(f"{folder}/options", "w") as options:
        options.write(PPP)
    commands = []
    for space, name, text in (
        (B, "lns", "[global]\nlisten-addr=198.51.100.2\n[lns default]\nip range=192.0.2.1-192.0.2.1\n"
                   "local ip=192.0.2.2\nrequire authentication=no\n"),
        (A, "lac", "[global]\nlisten-addr=198.51.100.1\n[lac far]\nlns=198.51.100.2\nautodial=yes\n"
                   "require authentication=no\n"),
    ):
        with open(f"{folder}/{name}.conf", "w") as config:
            config.write(f"{text}pppoptfile={folder}/options\n")
        commands.append((space, ["xl2tpd", "-D", "-c", f"{folder}/{name}.conf", "-p", f"{folder}/{name}.pid",
                                 "-C", f"{folder}/{name}.control"]))
    with daemons(*commands):
        yield wait_for(A, "t0"), wait_for(B, "t0")


@contextlib.contextmanager
def gtpu(folder):
    with open(f"{folder}/ggsn.cfg", "w") as config:
        config.write(f"""
ggsn ggsn0
 gtp state-dir {folder}
 gtp bind-ip 198.51.100.2
 apn internet
  gtpu-mode tun
  tun-device t0
  type-support v4
  ip prefix dynamic 192.0.2.0/29
  ip ifconfig 192.0.2.2/24
  no shutdown
 default-apn internet
 no shutdown ggsn
""")
    server = ["osmo-ggsn", "-c", f"{folder}/ggsn.cfg"]
    client = ["sgsnemu", "-l", "198.51.100.1", "-r", "198.51.100.2", "--createif", "--tun-device", "t0",
              "--statedir", folder, "--pidfile", f"{folder}/sgsnemu.pid", "--no-tx-gpdu-seq"]
    with daemons((B, server), (A, client)):
        near = wait_for(A, "t0")
        ip(A, "route", "add", "192.0.2.2/32", "dev", "t0")
        yield near, wait_for(B, "t0")


def compress(packet):
    """The same HEP3 packet with its payload (chunk 15) as a compressed one (chunk 16)."""
    chunks, at = b"", 6
    while at < len(packet):
        vendor, kind, length = struct.unpack_from("!HHH", packet, at)
        value = packet[at + 6:at + length]
        if (vendor, kind) == (0, 15):
            kind, value = 16, zlib.compress(value)
        chunks += struct.pack("!HHH", vendor, kind, 6 + len(value)) + value
        at += length
    return b"HEP3" + struct.pack("!H", 6 + len(chunks)) + chunks


def pass_on():
    """A relay of HEP3 that compresses: the agents that Debian has never do."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 9061))
    sent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        sent.sendto(compress(taken.recv(65535)), ("198.51.100.1", 9060))


@contextlib.contextmanager
def hep(version, folder, collector="198.51.100.1:9060"):
    """kamailio at the callee's host passes the call on and sends on what it sees."""
    for space, own in ((A, 1), (B, 2)):
        ip(space, "addr", "add", f"192.0.2.{own}/24", "dev", "w0")
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
modparam("siptrace", "duplicate_uri", "sip:{collector}")
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
    with daemons((B, ["kamailio", "-f", f"{folder}/kamailio.cfg", "-Y", folder, "-DD", "-E"])):
        yield "192.0.2.1", "192.0.2.2"


@contextlib.contextmanager
def hep3_compressed(folder):
    with daemons((B, [sys.executable, os.path.abspath(__file__), "--pass-on"])):
        with hep(3, folder, "127.0.0.1:9061") as addresses:
            yield addresses


def of_kernel(*words, **more):
    return lambda _: pair(*words, **more)


TUNNELS = {
    "ipip": of_kernel("ipip"),
    "6in4": of_kernel("sit", near="2001:db8::1", far="2001:db8::2"),
    "gre": of_kernel("gre", "key", "42"),
    "gretap": of_kernel("gretap"),
    "erspan1": of_kernel("erspan", "seq", "key", "42", "erspan_ver", "1", "erspan", "5"),
    "erspan2": of_kernel("erspan", "seq", "key", "42", "erspan_ver", "2", "erspan_dir", "egress",
                         "erspan_hwid", "9"),
    "vxlan": of_kernel("vxlan", "id", "42", "dstport", "4789"),
    "geneve": of_kernel("geneve", "id", "42"),
    "qinq": lambda _: qinq(),
    "mpls": lambda _: mpls(),
    "pppoe": pppoe,
    "l2tp": l2tp,
    "gtpu": gtpu,
    "hep2": lambda folder: hep(2, folder),
    "hep3": lambda folder: hep(3, folder),
    "hep3-compressed": hep3_compressed,
}


def watched(capture, expression):
    child = subprocess.Popen(inside(B, "tcpdump", "-U", "--immediate-mode", "-s", "65535", "-Z", "root", "-i", "w0",
                                    "-w", capture, expression), stderr=subprocess.PIPE, text=True)
    while "listening" not in child.stderr.readline():
        pass
    return child


def call(folder, to, near, far):
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


def record(kind, folder, out):
    wire()
    try:
        is_hep = kind.startswith("hep")
        tcpdump = watched(f"{out}/{kind}.pcap", "udp port 9060" if is_hep else "not arp and not ip6")
        with TUNNELS[kind](folder) as (near, far):
            port = 5080 if is_hep else 5060
            call(folder, f"[{far}]:{port}" if ":" in far else f"{far}:{port}", near, far)
            time.sleep(0.5)
            tcpdump.terminate()
            tcpdump.wait()
    finally:
        unwire()


def boot(out, kinds):
    """The same program as the first of a Linux in which this machine's files are the root."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/lib")
        os.symlink("/usr/lib/uml/modules", f"{folder}/lib/modules")
        words = ["linux.uml", "mem=512M", "root=/dev/root", "rootfstype=hostfs", "rw", "con=null",
                 "con0=fd:0,fd:1", "quiet", f"init={sys.executable}", "--",
                 os.path.abspath(__file__), os.path.abspath(out), folder, ",".join(kinds)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def first(out, modules, kinds):
    """Its side: what a system does before its programs run."""
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    for kind, where in (("proc", "/proc"), ("sysfs", "/sys"), ("devpts", "/dev/pts"), ("tmpfs", "/run")):
        os.makedirs(where, exist_ok=True)
        subprocess.run(["mount", "-t", kind, kind, where], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for module in MODULES.split():
        subprocess.run(["modprobe", "-d", modules, module], check=True)
    for kind in kinds:
        with tempfile.TemporaryDirectory(dir="/run") as folder:
            try:
                record(kind, folder, out)
                print(kind, flush=True)
            except (subprocess.CalledProcessError, RuntimeError) as error:
                print(kind, "could not be made:", error, flush=True)
    with open("/proc/sysrq-trigger", "w") as trigger:
        trigger.write("o")
    time.sleep(10)


def main():
    if sys.argv[1] == "--pass-on":
        return pass_on()
    out, kinds = sys.argv[1], sys.argv[2:]
    if os.getpid() == 1:
        # What follows is the kernel's own.
        modules, kinds = kinds[:2]
        return first(out, modules, kinds.split(","))
    boot(out, kinds or list(TUNNELS))


main()
