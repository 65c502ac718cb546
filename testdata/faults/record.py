#!/usr/bin/env python3
"""Records the faults of this folder anew, each beside its healthy twin.

    record.py [NAME...]      as root; needs iproute2, nft, sipp, kamailio, dnsmasq,
                             dig, openssl, dumpcap and editcap

Each recording has network namespaces of its own: alice (192.0.2.10) and bob
(192.0.2.20) on a bridge that is captured, a proxy (192.0.2.1) where one is
needed; or alice (10.1.0.2) behind a NAT (192.0.2.1). Nothing leaves them.
"""

import concurrent.futures, gzip, os, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
SOUND = "/usr/share/sip-tester/g711a.pcap"
DIGIT = "/usr/share/sip-tester/dtmf_2833_5.pcap"
MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"

# --- what phones say -------------------------------------------------------


def sdp(codecs="8 101", more="", media="audio", proto="RTP/AVP", host="[media_ip]"):
    maps = {"8": "PCMA/8000", "0": "PCMU/8000", "18": "G729/8000", "101": "telephone-event/8000"}
    lines = "".join(f"a=rtpmap:{c} {maps[c]}\n" for c in codecs.split() if c in maps)
    return (
        f"v=0\no=- 1 VERSION IN IP4 [local_ip]\ns=-\nc=IN IP4 {host}\nt=0 0\n"
        f"m={media} [media_port] {proto} {codecs}\n{lines}{more}"
    )


class Phone:
    """A scenario of sipp, written step by step."""

    def __init__(self, name, calls):
        self.name, self.calls, self.steps, self.version = name, calls, [], 0

    def body(self, text):
        self.version += 1
        return text.replace("VERSION", str(self.version)) if text else ""

    def message(self, head, body, attributes=""):
        body = self.body(body)
        kind = "Content-Type: application/sdp\n" if body.startswith("v=0") else ""
        self.steps.append(
            f"<send {attributes}><![CDATA[\n{head}{kind}Content-Length: [len]\n\n{body}]]></send>"
        )
        return self

    def request(self, method, cseq=1, body="", more="", uri=None, to="", by="uac", contact=True,
                retrans=None, branch="[branch]", route=True):
        if by == "uac":
            parties = f"From: <sip:alice@example.com>;tag=a[call_number]\nTo: <sip:bob@example.com>{to}\n"
        else:
            parties = "From: <sip:bob@example.com>;tag=b[call_number]\nTo: <sip:alice@example.com>;tag=a[call_number]\n"
        me = "alice" if by == "uac" else "bob"
        uri = uri or ("[next_url]" if to or by == "uas" else "sip:bob@[remote_ip]:[remote_port]")
        head = (
            f"{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch};rport\n"
            f"Max-Forwards: 70\n{parties}Call-ID: [call_id]\nCSeq: {cseq} {method}\n"
        )
        if contact:
            head += f"Contact: <sip:{me}@[local_ip]:[local_port]>\n"
        if route and (to or by == "uas"):
            head += "[routes]\n"
        agent = "sipp-alice" if by == "uac" else "sipp-bob"
        head += f"User-Agent: {agent}\n{more}"
        retrans = retrans if retrans is not None else (method != "ACK")
        return self.message(head, body, 'retrans="500"' if retrans else "")

    def response(self, status, phrase, body="", more="", tag="b[call_number]", contact=None, retrans=None,
                 record=True, by="bob"):
        contact = contact or f"Contact: <sip:{by}@[local_ip]:[local_port]>\n"
        tag = f";tag={tag}" if tag else ""
        route = "[last_Record-Route:]\n" if record else ""
        head = (
            f"SIP/2.0 {status} {phrase}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n"
            f"{route}{contact}Server: sipp-bob\n{more}"
        )
        retrans = retrans if retrans is not None else False
        return self.message(head, body, 'retrans="500"' if retrans else "")

    def recv(self, what, optional=False, timeout=None, auth=False):
        # The first Contact that is kept stays.
        rrs = what == "INVITE" or what in (200, 202, 183)
        kind = "response" if isinstance(what, int) else "request"
        text = f'<recv {kind}="{what}"' + (' optional="true"' if optional else "")
        text += ' rrs="true"' if rrs else ""
        text += ' auth="true"' if auth else ""
        if timeout:
            # sipp goes on where the label stands.
            text += f' timeout="{timeout}" ontimeout="late"'
        self.steps.append(text + "/>")
        return self

    def pause(self, ms):
        self.steps.append(f'<pause milliseconds="{ms}"/>')
        return self

    def play(self, file):
        self.steps.append(f'<nop><action><exec play_pcap_audio="{file}"/></action></nop>')
        return self

    def late(self):
        self.steps.append('<label id="late"/>')
        return self

    def xml(self):
        return (
            f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="{self.name}">\n'
            + "\n".join(self.steps)
            + "\n</scenario>\n"
        )


TO = "[peer_tag_param]"


def caller(body=sdp(), talk=1500, sound=False, ring=True, more="", hangup=True, bye=2):
    """Who calls, talks and hangs up."""
    own = Phone("alice", True)
    own.request("INVITE", 1, body, more)
    own.recv(100, True).recv(180, True).recv(183, True).recv(200)
    own.request("ACK", 1, to=TO)
    if sound:
        own.play("SOUND")
    own.pause(talk)
    if hangup:
        own.request("BYE", bye, to=TO).recv(200)
    return own


def answerer(body=sdp(), sound=False, talk=0, answer="", contact=None, **more):
    """Who is called and answers."""
    own = Phone("bob", False)
    own.recv("INVITE").response(180, "Ringing").pause(300)
    own.response(200, "OK", body, answer, contact=contact, retrans=True, **more)
    own.recv("ACK")
    if sound:
        own.play("SOUND")
    return own.recv("BYE").response(200, "OK", tag="")


def refuser(status, phrase, more="", body=""):
    own = Phone("bob", False)
    own.recv("INVITE").response(status, phrase, body, more, retrans=True).recv("ACK")
    return own


def refused(status, more="", body=sdp()):
    own = Phone("alice", True)
    own.request("INVITE", 1, body, more).recv(100, True).recv(status)
    own.request("ACK", 1, to=TO, contact=False, branch="[branch-3]", uri="sip:bob@[remote_ip]:[remote_port]",
                route=False)
    return own


# --- the network -----------------------------------------------------------


def run(command, check=True, **more):
    return subprocess.run(command, shell=True, check=check, capture_output=True, text=True, **more)


class Network:
    """Namespaces that live as long as one recording."""

    def __init__(self, name, nat):
        self.prefix = f"f{abs(hash((name, nat))) % 10**8:08d}"[:9]
        self.nat, self.folder, self.running = nat, tempfile.mkdtemp(), []
        for host in "abr":
            run(f"ip netns add {self.prefix}{host}; ip -n {self.prefix}{host} link set lo up")
        r = f"ip -n {self.prefix}r"
        for host, address in (("a", "10.1.0.2/24" if nat else "192.0.2.10/24"), ("b", "192.0.2.20/24")):
            ns = f"{self.prefix}{host}"
            run(f"{r} link add {host}0 type veth peer name e0 netns {ns}; ip -n {ns} addr add {address} dev e0; "
                f"ip -n {ns} link set e0 up; {r} link set {host}0 up")
        if nat:
            run(f"{r} addr add 10.1.0.1/24 dev a0; {r} addr add 192.0.2.1/24 dev b0; "
                f"ip netns exec {self.prefix}r sysctl -qw net.ipv4.ip_forward=1; "
                f"ip -n {self.prefix}a route add default via 10.1.0.1; "
                f"ip -n {self.prefix}b route add default via 192.0.2.1")
            if nat == "nat":
                self.nft("r", "table ip n { chain p { type nat hook postrouting priority 100; oifname b0 masquerade; }; }")
                # Nobody outside has a way to private addresses.
                self.nft("r", "table ip o { chain p { type filter hook prerouting priority -300; iifname b0 ip daddr 10.0.0.0/8 drop; }; }")
        else:
            run(f"{r} link add br0 type bridge mcast_snooping 0; {r} link set br0 up; {r} link set a0 master br0; "
                f"{r} link set b0 master br0; {r} addr add 192.0.2.1/24 dev br0")
        # No checksum is left to hardware that is not there, and no IPv6 chatter.
        for host, device in (("a", "e0"), ("b", "e0"), ("r", "a0"), ("r", "b0")):
            run(f"ip netns exec {self.prefix}{host} ethtool -K {device} tx off rx off tso off gso off gro off; "
                f"ip netns exec {self.prefix}{host} sysctl -qw net.ipv6.conf.all.disable_ipv6=1", check=False)

    def nft(self, host, text):
        path = os.path.join(self.folder, f"nft{len(self.running)}{time.monotonic_ns()}")
        open(path, "w").write(text + "\n")
        run(f"ip netns exec {self.prefix}{host} nft -f {path}")

    def start(self, host, command):
        done = subprocess.Popen(
            f"exec ip netns exec {self.prefix}{host} {command}", shell=True, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=open(os.path.join(self.folder, f"{host}.log"), "ab"),
            stderr=subprocess.STDOUT)
        self.running.append(done)
        return done

    def capture(self, points):
        path = os.path.join(self.folder, "raw.pcapng")
        # Background chatter has no place here.
        dumpcap = self.start("r", "dumpcap -q " + " ".join(f"-i {own}" for own in points) + f" -w {path}")
        for _ in range(200):
            if os.path.exists(path) and os.path.getsize(path) > 0:
                break
            time.sleep(0.05)
        return dumpcap, path

    def sipp(self, host, phone, target="", port=5060, more=""):
        name = os.path.join(self.folder, f"{host}{len(self.running)}.xml")
        sound = os.path.join(self.folder, "sound.pcap")
        if not os.path.exists(sound):
            run(f"editcap -r {SOUND} {sound} 1-200")
        open(name, "w").write(phone.xml().replace("SOUND", sound))
        address = {"a": "10.1.0.2" if self.nat else "192.0.2.10", "b": "192.0.2.20", "r": "192.0.2.1"}[host]
        return self.start(host, f"sipp {target} -sf {name} -i {address} -p {port} -m 1 -nostdin -mp 6000 "
                                f"-recv_timeout 60000 -timeout 110s -max_retrans 12 -max_invite_retrans 7 -max_non_invite_retrans 12 -trace_err {more}")

    def kamailio(self, routing, more=""):
        config = os.path.join(self.folder, "kamailio.cfg")
        open(config, "w").write(f"""#!KAMAILIO
debug=1
log_stderror=yes
children=2
tcp_children=1
auto_aliases=no
listen=udp:192.0.2.1:5060
dns=off
server_header="Server: kamailio"
mpath="{MODULES}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("rr", "enable_full_lr", 1)
modparam("registrar", "min_expires", 5)
modparam("registrar", "default_expires", 60)
modparam("auth", "nonce_expire", 300)
{more}
request_route {{
{routing}
}}
""")
        self.start("r", f"kamailio -f {config} -DD -E -m 32 -P {self.folder}/k.pid -Y {self.folder}")
        for _ in range(100):
            if "192.0.2.1:5060" in run(f"ip netns exec {self.prefix}r ss -lun", check=False).stdout:
                return
            time.sleep(0.1)
        raise SystemExit("kamailio does not start")

    def close(self):
        for own in reversed(self.running):
            if own.poll() is None:
                own.terminate()
        for own in self.running:
            try:
                own.wait(5)
            except subprocess.TimeoutExpired:
                own.kill()
        for host in "abr":
            run(f"ip netns del {self.prefix}{host}", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


RELAY = """
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
        sl_send_reply("404", "Not Here"); exit;
    }
    t_check_trans();
    if (is_method("INVITE|SUBSCRIBE")) record_route();
    remove_hf("Route");
    AUTH
    $ru = "sip:bob@192.0.2.20:5060";
    t_relay();
"""
CHALLENGE = """
    if (is_method("INVITE|REGISTER")) {
        if (!pv_proxy_authenticate("example.com", "PASSWORD", "0")) {
            proxy_challenge("example.com", "0"); exit;
        }
        consume_credentials();
    }
"""
REGISTRAR = """
    if (is_method("REGISTER")) { save("location"); exit; }
    sl_send_reply("405", "Method Not Allowed");
"""

# --- the faults ------------------------------------------------------------
# Each takes the network and whether it is to go wrong.


def plain(alice, bob, wait=None, points=("br0",), nat=None):
    """Two phones without a proxy."""

    def scene(net, faulty):
        b = net.sipp("b", bob(faulty)) if bob else None
        time.sleep(0.4)
        a = net.sipp("a", alice(faulty), "192.0.2.20:5060")
        a.wait()
        if b and b.poll() is None:
            try:
                b.wait(wait or 3)
            except subprocess.TimeoutExpired:
                pass

    scene.points, scene.nat = points, nat
    return scene


def lost_ack(net, faulty):
    net.kamailio(RELAY.replace("AUTH", ""))
    # The way to private addresses ends here.
    run(f"ip -n {net.prefix}r route add blackhole 10.0.0.0/8")
    contact = "Contact: <sip:bob@10.9.9.9:5060>\n" if faulty else None
    bob = answerer(contact=contact)
    if faulty:
        bob = Phone("bob", False)
        bob.recv("INVITE").response(180, "Ringing").pause(300)
        bob.response(200, "OK", sdp(), contact=contact, retrans=True)
        bob.recv("ACK", timeout=32000).late()
        bob.request("BYE", 1, by="uas").pause(500)
    net.sipp("b", bob)
    time.sleep(0.4)
    alice = caller(talk=1500)
    if faulty:
        alice = caller(talk=0, hangup=False)
        # sipp answers each copy of the 200 with the ACK by itself.
        alice.recv("BYE", timeout=40000).response(200, "OK", tag="", by="alice").late().pause(200)
    net.sipp("a", alice, "192.0.2.1:5060").wait()
    time.sleep(0.5)


def lost_record_route(net, faulty):
    net.kamailio(RELAY.replace("AUTH", ""))
    if faulty:
        bob = Phone("bob", False)
        bob.recv("INVITE").response(180, "Ringing", record=False).pause(300)
        bob.response(200, "OK", sdp(), retrans=True, record=False)
        bob.recv("ACK", timeout=32000).late()
        bob.request("BYE", 1, by="uas").pause(500)
        alice = caller(talk=0, hangup=False)
        alice.recv("BYE", timeout=40000).response(200, "OK", tag="", by="alice").late().pause(200)
    else:
        bob, alice = answerer(), caller()
    net.sipp("b", bob)
    time.sleep(0.4)
    net.sipp("a", alice, "192.0.2.1:5060").wait()
    time.sleep(0.5)


def behind_nat(net, faulty):
    host = None if faulty else "192.0.2.1"
    body = sdp(host=host) if host else sdp(host="10.1.0.2")
    if not faulty:
        net.nft("r", "table ip d { chain p { type nat hook prerouting priority -100; iifname b0 udp dport 6000 dnat to 10.1.0.2; }; }")
    net.sipp("b", answerer(sound=True))
    time.sleep(0.4)
    net.sipp("a", caller(body=body, talk=5000, sound=True), "192.0.2.20:5060").wait()


behind_nat.nat, behind_nat.points = "nat", ("b0",)


def firewall(net, faulty):
    if faulty:
        net.nft("r", "table ip f { chain p { type filter hook forward priority 0; iifname b0 udp dport 6000 drop; }; }")
    net.sipp("b", answerer(sound=True))
    time.sleep(0.4)
    net.sipp("a", caller(talk=5000, sound=True), "192.0.2.20:5060").wait()


firewall.nat, firewall.points = "router", ("a0", "b0")


def closed_port(net, faulty):
    if not faulty:
        net.sipp("b", answerer())
        time.sleep(0.4)
    alice = caller() if not faulty else Phone("alice", True).request("INVITE", 1, sdp()).pause(1500)
    net.sipp("a", alice, "192.0.2.20:5060").wait()


def silent(net, faulty):
    """A firewall drops what is sent to bob."""
    if faulty:
        net.nft("b", "table ip f { chain p { type filter hook input priority 0; udp dport 5060 drop; }; }")
    net.sipp("b", answerer())
    time.sleep(0.4)
    alice = Phone("alice", True).request("INVITE", 1, sdp()).recv(200, timeout=34000).late() if faulty else caller()
    net.sipp("a", alice, "192.0.2.20:5060").wait()
    if faulty:
        # The capture goes on after the caller has given up.
        time.sleep(6)


def fragments(net, faulty):
    if faulty:
        # What looks for ports drops what has none.
        net.nft("r", "table ip f { chain p { type filter hook forward priority -500; ip frag-off & 0x3fff != 0 drop; }; }")
    net.sipp("b", answerer())
    time.sleep(0.4)
    more = "".join(f"X-Feature-{n}: {'long ' * 20}\n" for n in range(14)) if faulty else ""
    alice = Phone("alice", True)
    if faulty:
        alice.request("INVITE", 1, sdp(), more).recv(200, timeout=34000).late()
    else:
        alice = caller()
    net.sipp("a", alice, "192.0.2.20:5060").wait()
    if faulty:
        time.sleep(6)


fragments.nat, fragments.points = "router", ("a0",)


def password(net, faulty):
    net.kamailio(RELAY.replace("AUTH", CHALLENGE.replace("PASSWORD", "right")))
    net.sipp("b", answerer())
    time.sleep(0.4)
    alice = Phone("alice", True)
    alice.request("INVITE", 1, sdp()).recv(100, True).recv(407, auth=True)
    alice.request("ACK", 1, to=TO, contact=False, route=False, branch="[branch-3]", uri="sip:bob@[remote_ip]:[remote_port]")
    alice.request("INVITE", 2, sdp(), "[authentication username=alice password=%s]\n" % ("wrong" if faulty else "right"))
    alice.recv(100, True)
    if faulty:
        alice.recv(407)
        alice.request("ACK", 2, to=TO, contact=False, route=False, branch="[branch-3]", uri="sip:bob@[remote_ip]:[remote_port]")
    else:
        alice.recv(180, True).recv(200).request("ACK", 2, to=TO).pause(1000).request("BYE", 3, to=TO).recv(200)
    net.sipp("a", alice, "192.0.2.1:5060").wait()


def stale(net, faulty):
    bob = Phone("bob", False)
    rounds = 3 if faulty else 1
    for number in range(rounds):
        nonce = f"n{number}" * 8
        more = ', stale=true' if faulty else ""
        bob.recv("INVITE").response(401, "Unauthorized", "", f'WWW-Authenticate: Digest realm="example.com", nonce="{nonce}"{more}, algorithm=MD5, qop="auth"\n', tag=f"s{number}", retrans=True)
        bob.recv("ACK")
    if not faulty:
        bob.recv("INVITE").response(200, "OK", sdp(), retrans=True).recv("ACK").recv("BYE").response(200, "OK", tag="")
    alice = Phone("alice", True).request("INVITE", 1, sdp())
    for number in range(rounds):
        alice.recv(401, auth=True)
        alice.request("ACK", number + 1, to=TO, contact=False, route=False, branch="[branch-2]", uri="sip:bob@[remote_ip]:[remote_port]")
        if not faulty or number + 1 < rounds:
            alice.request("INVITE", number + 2, sdp(), "[authentication username=alice password=right]\n")
    if not faulty:
        alice.recv(200).request("ACK", 2, to=TO).pause(800).request("BYE", 3, to=TO).recv(200)
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def register(cseq, expires=10, more=""):
    return dict(method="REGISTER", cseq=cseq, uri="sip:example.com", more=f"Expires: {expires}\n{more}")


def refresh_late(net, faulty):
    net.kamailio(REGISTRAR)
    alice = Phone("alice", True)
    alice.request(**register(1)).recv(200).pause(16000 if faulty else 6000)
    alice.request(**register(2)).recv(200).pause(3000)
    alice.request(**register(3, 0)).recv(200)
    net.sipp("a", alice, "192.0.2.1:5060").wait()


def forbidden(net, faulty):
    net.kamailio('if (is_method("REGISTER")) { sl_send_reply("403", "Forbidden"); exit; }' if faulty else REGISTRAR)
    alice = Phone("alice", True)
    alice.request(**register(1, 60)).recv(403 if faulty else 200)
    if not faulty:
        alice.pause(500).request(**register(2, 0)).recv(200)
    net.sipp("a", alice, "192.0.2.1:5060").wait()


def too_brief(net, faulty):
    bob = Phone("bob", False)
    bob.recv("REGISTER").response(423, "Interval Too Brief", "", "Min-Expires: 300\n")
    bob.recv("REGISTER")
    if faulty:
        bob.response(423, "Interval Too Brief", "", "Min-Expires: 300\n", tag="c")
    else:
        bob.response(200, "OK", "", "", tag="c", contact="Contact: <sip:alice@192.0.2.10:5060>;expires=300\n")
    alice = Phone("alice", True)
    alice.request(**register(1, 60)).recv(423).pause(300)
    alice.request(**register(2, 60 if faulty else 300)).recv(423 if faulty else 200)
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def prack(net, faulty):
    more = "Require: 100rel\nRSeq: 1\n"
    bob = Phone("bob", False).recv("INVITE").response(183, "Session Progress", sdp(), more, retrans=True)
    alice = Phone("alice", True).request("INVITE", 1, sdp(), "Supported: 100rel\n").recv(100, True).recv(183)
    if faulty:
        bob.recv("PRACK", timeout=8000).late().response(504, "Server Time-out", tag="b[call_number]", retrans=True).recv("ACK")
        alice.recv(183, True).recv(504)
        alice.request("ACK", 1, to=TO, contact=False, route=False, branch="[branch-5]", uri="sip:bob@[remote_ip]:[remote_port]")
    else:
        bob.recv("PRACK").response(200, "OK", tag="").pause(300)
        # The 200 to the INVITE needs the INVITE's own Via and CSeq.
        alice.request("PRACK", 2, to=TO, more="RAck: 1 1 INVITE\n", contact=False).recv(200)
        bob.recv("BYE").response(200, "OK", tag="")
        alice.pause(600).request("BYE", 3, to=TO).recv(200)
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def glare(net, faulty):
    """Alice wants to hold while bob still waits for something else."""
    alice = caller(talk=800, hangup=False)
    hold = sdp(more="a=sendonly\n")
    rounds = 3 if faulty else 1
    bob = Phone("bob", False).recv("INVITE").response(180, "Ringing").response(200, "OK", sdp(), retrans=True).recv("ACK")
    for number in range(rounds):
        alice.request("INVITE", number + 2, hold, to=TO).recv(100, True).recv(491)
        alice.request("ACK", number + 2, to=TO, contact=False, branch="[branch-3]")
        # Who began the call waits longer than two seconds before it tries again.
        alice.pause(200 if faulty else 2500)
        bob.recv("INVITE").response(491, "Request Pending", tag="", retrans=True).recv("ACK")
    if not faulty:
        alice.request("INVITE", 3, hold, to=TO).recv(200).request("ACK", 3, to=TO).pause(300)
        bob.recv("INVITE").response(200, "OK", sdp(more="a=recvonly\n"), tag="", retrans=True).recv("ACK")
    alice.request("BYE", 9, to=TO).recv(200)
    bob.recv("BYE").response(200, "OK", tag="")
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def fax(net, faulty):
    image = "v=0\no=- 1 VERSION IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=image [media_port] udptl t38\na=T38FaxVersion:0\n"
    alice = caller(talk=600, hangup=False)
    alice.request("INVITE", 2, image, to=TO).recv(100, True)
    bob = Phone("bob", False).recv("INVITE").response(180, "Ringing").response(200, "OK", sdp(), retrans=True).recv("ACK").recv("INVITE")
    if faulty:
        alice.recv(488).request("ACK", 2, to=TO, contact=False, branch="[branch-3]")
        bob.response(488, "Not Acceptable Here", tag="", retrans=True).recv("ACK")
    else:
        alice.recv(200).request("ACK", 2, to=TO)
        bob.response(200, "OK", image, tag="", retrans=True).recv("ACK")
    alice.pause(600).request("BYE", 3, to=TO).recv(200)
    bob.recv("BYE").response(200, "OK", tag="")
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def digits(net, faulty):
    alice = caller(body=sdp("8 101", "a=sendonly\n"), talk=1000, hangup=False)
    alice.play(DIGIT).pause(1500).play(DIGIT).pause(1500).request("BYE", 2, to=TO).recv(200)
    bob = answerer(body=sdp("8" if faulty else "8 101", "a=recvonly\n"))
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def transfer(net, faulty):
    alice = caller(talk=600, hangup=False)
    alice.request("REFER", 2, to=TO, more="Refer-To: <sip:carol@example.com>\n").recv(202)
    frag = "SIP/2.0 404 Not Found" if faulty else "SIP/2.0 200 OK"
    note = "Event: refer\nSubscription-State: {}\nContent-Type: message/sipfrag;version=2.0\n"
    bob = Phone("bob", False).recv("INVITE").response(180, "Ringing").response(200, "OK", sdp(), retrans=True).recv("ACK")
    bob.recv("REFER").response(202, "Accepted", tag="").pause(200)
    bob.request("NOTIFY", 1, "SIP/2.0 100 Trying\n", note.format("active;expires=60"), by="uas").recv(200).pause(400)
    bob.request("NOTIFY", 2, frag + "\n", note.format("terminated;reason=noresource"), by="uas").recv(200)
    bob.recv("BYE").response(200, "OK", tag="")
    for _ in range(2):
        alice.recv("NOTIFY").response(200, "OK", tag="", by="alice")
    alice.request("BYE", 3, to=TO).recv(200)
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def transfer_unreported(net, faulty):
    alice = caller(talk=600, hangup=False)
    alice.request("REFER", 2, to=TO, more="Refer-To: <sip:carol@example.com>\n").recv(202)
    bob = Phone("bob", False).recv("INVITE").response(180, "Ringing").response(200, "OK", sdp(), retrans=True).recv("ACK")
    bob.recv("REFER").response(202, "Accepted", tag="").pause(200)
    if not faulty:
        note = "Event: refer\nSubscription-State: terminated;reason=noresource\nContent-Type: message/sipfrag;version=2.0\n"
        bob.request("NOTIFY", 1, "SIP/2.0 200 OK\n", note, by="uas").recv(200)
        alice.recv("NOTIFY").response(200, "OK", tag="", by="alice")
    alice.pause(34000 if faulty else 300).request("BYE", 3, to=TO).recv(200)
    bob.recv("BYE").response(200, "OK", tag="")
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def session_timer(net, faulty):
    answer = "Session-Expires: 90;refresher=uac\nRequire: timer\n"
    alice = Phone("alice", True).request("INVITE", 1, sdp(), "Supported: timer\nSession-Expires: 90\n")
    alice.recv(100, True).recv(180, True).recv(200).request("ACK", 1, to=TO)
    bob = Phone("bob", False).recv("INVITE").response(180, "Ringing").response(200, "OK", sdp(), answer, retrans=True).recv("ACK")
    if faulty:
        bob.pause(60000).request("BYE", 1, by="uas").recv(200)
        alice.recv("BYE").response(200, "OK", tag="", by="alice")
    else:
        alice.pause(45000).request("UPDATE", 2, to=TO, more="Supported: timer\nSession-Expires: 90;refresher=uac\n").recv(200)
        bob.recv("UPDATE").response(200, "OK", "", answer, tag="")
        alice.pause(20000).request("BYE", 3, to=TO).recv(200)
        bob.recv("BYE").response(200, "OK", tag="")
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def rtp_timeout(net, faulty):
    alice = caller(talk=3000, sound=True, hangup=False)
    bob = Phone("bob", False).recv("INVITE").response(180, "Ringing").response(200, "OK", sdp(more="a=recvonly\n"), retrans=True).recv("ACK")
    if faulty:
        bob.pause(16000).request("BYE", 1, by="uas", more='Reason: SIP;cause=408;text="RTP Timeout"\n').recv(200)
        alice.recv("BYE").response(200, "OK", tag="", by="alice")
    else:
        alice.pause(1500).request("BYE", 2, to=TO).recv(200)
        bob.recv("BYE").response(200, "OK", tag="")
    plain(lambda _: alice, lambda _: bob)(net, faulty)


def loop(net, faulty):
    target = "192.0.2.1:5060" if faulty else "192.0.2.20:5060"
    net.kamailio(RELAY.replace("AUTH", "").replace("192.0.2.20:5060", target).replace("record_route();", "record_route(); "),
                 "modparam(\"maxfwd\", \"max_limit\", 20)")
    net.sipp("b", answerer())
    time.sleep(0.4)
    net.sipp("a", refused(483) if faulty else caller(), "192.0.2.1:5060").wait()


loop.points = ("br0",)


def tls(net, faulty):
    folder = net.folder
    san = "subjectAltName=IP:192.0.2.20"
    run(f"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=pbx.example.com -addext {san} "
        f"-keyout {folder}/key.pem -out {folder}/cert.pem")
    net.start("b", f"openssl s_server -quiet -accept 5061 -cert {folder}/cert.pem -key {folder}/key.pem -tls1_2")
    time.sleep(0.5)
    run(f"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=other -keyout {folder}/other.key -out {folder}/other.pem")
    trust = f"-CAfile {folder}/{'other' if faulty else 'cert'}.pem"
    run(f"ip netns exec {net.prefix}a timeout 3 openssl s_client -connect 192.0.2.20:5061 {trust} "
        f"-verify_return_error -tls1_2 </dev/null", check=False)
    time.sleep(0.3)


def tls_silent(net, faulty):
    """Something takes the connection and does not speak TLS."""
    if not faulty:
        tls(net, False)
        return
    net.start("b", "python3 -c 'import socket, time; s = socket.create_server((\"\", 5061)); s.accept(); time.sleep(20)'")
    time.sleep(0.5)
    run(f"ip netns exec {net.prefix}a timeout 4 openssl s_client -connect 192.0.2.20:5061 -tls1_2 </dev/null", check=False)
    time.sleep(0.3)


def tcp_refused(net, faulty):
    if not faulty:
        net.sipp("b", answerer(), more="-t t1")
        time.sleep(0.4)
    net.sipp("a", caller(), "192.0.2.20:5060", more="-t t1").wait()


def nxdomain(net, faulty):
    zone = "--srv-host=_sip._udp.example.com,sip.example.com,5060 --host-record=sip.example.com,192.0.2.20"
    net.start("b", f"dnsmasq -d -C /dev/null --no-resolv --no-hosts --port=53 --auth-ttl=60 --local=/example.com/ {'' if faulty else zone}")
    time.sleep(0.5)
    for kind, name in (("SRV", "_sip._udp.example.com"), ("A", "sip.example.com")):
        run(f"ip netns exec {net.prefix}a dig +tries=1 +time=2 +noedns @192.0.2.20 {kind} {name}", check=False)
    time.sleep(0.5)


def media_port(net, faulty):
    """Nobody listens where bob wants to be sent to: sipp listens at 6000."""
    alice = caller(body=sdp(more="a=sendonly\n"), talk=4500, sound=True)
    body = sdp(more="a=recvonly\n")
    body = body.replace("[media_port]", "7000") if faulty else body
    plain(lambda _: alice, lambda _: answerer(body=body))(net, faulty)


def wrong_payload(net, faulty):
    """Alice sends PCMA where PCMU was agreed."""
    codec = "0" if faulty else "8"
    alice = caller(body=sdp(codec, "a=sendonly\n"), talk=4500, sound=True)
    plain(lambda _: alice, lambda _: answerer(body=sdp(codec, "a=recvonly\n")))(net, faulty)


FAULTS = {
    "lost-ack": lost_ack,
    "lost-record-route": lost_record_route,
    "private-sdp": behind_nat,
    "firewall-one-way": firewall,
    "closed-port": closed_port,
    "no-response": silent,
    "fragmented-invite": fragments,
    "wrong-password": password,
    "stale-nonce": stale,
    "refresh-late": refresh_late,
    "register-forbidden": forbidden,
    "register-too-brief": too_brief,
    "prack-missing": prack,
    "glare": glare,
    "fax-refused": fax,
    "lost-digits": digits,
    "transfer-failed": transfer,
    "transfer-unreported": transfer_unreported,
    "session-timer": session_timer,
    "rtp-timeout": rtp_timeout,
    "loop": loop,
    "tls-untrusted": tls,
    "tls-silent": tls_silent,
    "tcp-refused": tcp_refused,
    "no-such-domain": nxdomain,
    "media-port-closed": media_port,
    "wrong-payload-type": wrong_payload,
    "no-common-codec": plain(
        lambda bad: refused(488, body=sdp("18")) if bad else caller(),
        lambda bad: refuser(488, "Not Acceptable Here", 'Warning: 304 192.0.2.20 "Media type not available"\n') if bad else answerer()),
    "no-keys": plain(
        lambda bad: refused(488, body=sdp(proto="RTP/SAVP")) if bad else caller(),
        lambda bad: refuser(488, "Not Acceptable Here") if bad else answerer()),
    "service-unavailable": plain(
        lambda bad: refused(503) if bad else caller(),
        lambda bad: refuser(503, "Service Unavailable") if bad else answerer()),
    "100rel-required": plain(
        lambda bad: refused(420, "Require: 100rel\n") if bad else caller(),
        lambda bad: refuser(420, "Bad Extension", "Unsupported: 100rel\n") if bad else answerer()),
    "answer-without-sdp": plain(lambda bad: caller(), lambda bad: answerer(body="" if bad else sdp())),
    "hold-answered-wrong": None,
    "challenge-missing": plain(
        lambda bad: refused(407) if bad else caller(),
        lambda bad: refuser(407, "Proxy Authentication Required") if bad else answerer()),
}


def hold(net, faulty):
    alice = caller(talk=600, hangup=False)
    alice.request("INVITE", 2, sdp(more="a=sendonly\n"), to=TO).recv(100, True).recv(200).request("ACK", 2, to=TO)
    alice.pause(600).request("BYE", 3, to=TO).recv(200)
    bob = Phone("bob", False).recv("INVITE").response(180, "Ringing").response(200, "OK", sdp(), retrans=True).recv("ACK")
    bob.recv("INVITE").response(200, "OK", sdp(more="a=sendonly\n" if faulty else "a=recvonly\n"), tag="", retrans=True).recv("ACK")
    bob.recv("BYE").response(200, "OK", tag="")
    plain(lambda _: alice, lambda _: bob)(net, faulty)


FAULTS["hold-answered-wrong"] = hold


def record(name, faulty):
    scene = FAULTS[name]
    net = Network(f"{name}{faulty}", getattr(scene, "nat", None))
    try:
        dumpcap, raw = net.capture(getattr(scene, "points", ("br0",)))
        time.sleep(0.5)
        scene(net, faulty)
        time.sleep(0.6)
        dumpcap.terminate()
        dumpcap.wait()
        folder = os.path.join(HERE, name)
        os.makedirs(folder, exist_ok=True)
        target = os.path.join(folder, "fault.pcapng.gz" if faulty else "healthy.pcapng.gz")
        # Only what belongs to it, without the name of this machine.
        plainer = os.path.join(net.folder, "kept.pcapng")
        run(f"tshark -r {raw} -Y 'ip and !igmp and !mdns' -w {plainer}")
        run(f"editcap --discard-capture-comment --discard-all-secrets {plainer} {plainer}.2", check=False)
        with open(plainer, "rb") as kept, gzip.GzipFile(target, "wb", 9, mtime=0) as out:
            out.write(kept.read())
        if os.environ.get("KEEP_LOGS"):
            run(f"mkdir -p /tmp/faultlogs/{name}{faulty}; cp -r {net.folder}/. /tmp/faultlogs/{name}{faulty}/")
        return f"{name} {'fault' if faulty else 'healthy'} {os.path.getsize(target)}"
    finally:
        net.close()


def main():
    names = sys.argv[1:] or list(FAULTS)
    jobs = [(name, faulty) for name in names for faulty in (True, False)]
    with concurrent.futures.ProcessPoolExecutor(8) as pool:
        for done in [pool.submit(record, *job) for job in jobs]:
            try:
                print(done.result(), flush=True)
            except Exception as error:  # one that fails does not stop the rest
                print("FAILED", error, getattr(error, "stderr", ""), flush=True)


main()
