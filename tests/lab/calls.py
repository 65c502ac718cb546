#!/usr/bin/env python3
"""Holds `probe call` against sipp, baresip and `serve`, through NATs with and
without an ALG, and with loss.

    calls.py BINARY [NAME...]    as root; needs iproute2, nft, conntrack, sipp, baresip

What the probe says was lost is held against what the kernel counted at the far end.
Prints a row for each call, and ends with 1 if one is wrong.
"""

import contextlib, json, os, subprocess, sys, tempfile, time

from network import EXT, HOST, SERVER, become, inside, network, run

BARESIP = """\
poll_method epoll
sip_listen 0.0.0.0:5060
call_local_timeout 120
audio_path /usr/share/baresip
audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
audio_player aubridge,far
audio_alert aubridge,alert
rtp_ports 10000-10100
rtcp_mux no
module_path /usr/lib/baresip/modules
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module g711.so
module ausine.so
module aubridge.so
audio_buffer 20-160
"""

# What counts the media at the far end, whatever the NAT does before.
COUNTERS = """\
table ip count {
 counter came { }
 counter went { }
 chain in { type filter hook input priority 0; udp dport 6000-65535 udp dport != 5060 counter name came; }
 chain out { type filter hook output priority 0; udp sport 6000-65535 udp sport != 5060 counter name went; }
}
"""


def listening(port):
    for _ in range(100):
        told = run(*inside("server", "ss", "-Hlnu", f"sport = :{port}"), capture_output=True, text=True).stdout
        if told.strip():
            return
        time.sleep(0.1)
    raise SystemExit(f"nobody listens at port {port}")


@contextlib.contextmanager
def far(kind, binary, folder):
    """The far end, in the namespace outside."""
    if kind == "sipp":
        words = ["sipp", "-sn", "uas", "-i", SERVER, "-p", "5060", "-mi", SERVER, "-mp", "6000", "-rtp_echo", "-nostdin"]
    elif kind == "baresip":
        with open(f"{folder}/config", "w") as write:
            write.write(BARESIP)
        with open(f"{folder}/accounts", "w") as write:
            write.write("<sip:far@203.0.113.10>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1,PCMA/8000/1\n")
        open(f"{folder}/contacts", "w").close()
        words = ["stdbuf", "-oL", "baresip", "-4", "-v", "-s", "-f", folder]
    else:
        words = [binary, "serve", "--stun", f"{SERVER}:3478", "--no-alternate", "--sip", f"{SERVER}:5060"]
    with open(f"{folder}/{kind}.log", "w") as log:
        own = subprocess.Popen(inside("server", *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        try:
            listening(5060)
            yield
        finally:
            own.terminate()
            try:
                own.wait(5)
            except subprocess.TimeoutExpired:
                own.kill()
                own.wait()


def counted(name):
    told = run(*inside("server", "nft", "-j", "list", "counter", "ip", "count", name), capture_output=True, text=True)
    counters = [own["counter"]["packets"] for own in json.loads(told.stdout)["nftables"] if "counter" in own]
    return counters[0]


def call(binary, folder, user, *more):
    words = inside("host", "timeout", "90", binary, "probe", "call", f"sip:{user}@{SERVER}", "--json", "-q",
                   "-w", f"{folder}/call.pcapng", *more)
    done = subprocess.run(words, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], done
    return report


def near(told, truth, way):
    """Whether a loss is what was counted, as far as it was told."""
    if told is None:
        return False
    # Reports come each few seconds: the last may be about a part.
    part = min(1, (way["expected"] or 0) / way["packets"])
    tolerance = way["packets"] * (0.005 if part > 0.98 else 0.02)
    return abs(told / max(part, 0.01) - truth) <= max(3, tolerance)


def check(name, binary, folder, kind, nat, expected, *more):
    become(nat)
    run(*inside("server", "nft", "flush", "ruleset"))
    run(*inside("server", "nft", "-f", "-"), input=COUNTERS, text=True)
    with far(kind, binary, folder):
        report = call(binary, folder, "far" if kind == "baresip" else "echo", *more)
    errors = [d["code"] for d in report["evidence"]["diagnostics"] if d["severity"] == "error"]
    own = {**report["measurements"], "verdict": report["verdict"], "exit": report["exit"], "errors": errors}
    expected = {"errors": []} | expected
    told = {key: own[key] for key in expected}
    came, went = counted("came"), counted("went")
    to, back = own["to_peer"], own["from_peer"]
    faults = [] if told == expected else [f"expected {expected}"]
    # Reports count beside media: one each few seconds.
    few = 8
    if expected.get("exit") == 0:
        if not 0 <= went - back["packets"] - (back["lost"] or 0) <= few and kind != "sipp":
            faults.append(f"{went} went back, {back}")
        if to["lost"] is not None and not near(to["lost"], to["packets"] - (came - few / 2), to):
            faults.append(f"{came} came, {to}")
        # Our own packets back tell what both ways lost.
        if kind == "sipp" and back["lost"] is not None:
            missing = to["packets"] - back["packets"]
            if abs(back["lost"] - missing) > 3:
                faults.append(f"{missing} missing, {back}")
    mark = "BAD " if faults else "ok  "
    loss = f"lost to the far end {to['lost']} of {to['packets']} ({came} came), back {back['lost']} of {went}"
    print(f"{mark} {name:28} {told}; {loss}", flush=True)
    if faults:
        print(f"     {faults}\n{json.dumps(report, indent=1)}", flush=True)
        with open(f"{folder}/{kind}.log") as log:
            print(log.read()[-3000:], flush=True)
    return not faults


def mirrored(binary, folder, nat, verdict, source, **expected):
    """What `probe alg` says of a NAT."""
    become(nat)
    with far("serve", binary, folder):
        words = inside("host", "timeout", "90", binary, "probe", "alg", SERVER, "--json", "-q")
        done = subprocess.run(words, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], done
    own = {**report["measurements"], "verdict": report["verdict"], "exit": report["exit"]}
    own["source"] = own["source"] and own["source"].split(":")[0]
    expected = {"verdict": verdict, "source": source, "exit": 0} | expected
    told = {key: own[key] for key in expected}
    is_right = all(want <= set(told[key]) if isinstance(want, set) else told[key] == want for key, want in expected.items())
    print(f"{'ok  ' if is_right else 'BAD '} mirror behind {nat:14} {told}", flush=True)
    if not is_right:
        print(json.dumps(report, indent=1), flush=True)
    return is_right


def mirrors(binary, folder):
    ways = ["udp port 5060", "udp port 6060", "tcp port 5060", "tcp port 6060"]
    yield mirrored(binary, folder, "none", "no-alg", HOST, changed=[], unaltered=ways)
    yield mirrored(binary, folder, "eim-apdf", "no-alg", EXT, changed=[], unaltered=ways)
    yield mirrored(binary, folder, "apdm-apdf+loss=5", "no-alg", EXT, changed=[], unaltered=ways)
    yield mirrored(binary, folder, "eim-apdf+alg", "alg-on-sip-port", EXT, changed={"via", "contact", "sdp-c", "sdp-o"},
                   unaltered=ways[1:])
    yield mirrored(binary, folder, "block", "udp-blocked", EXT, unaltered=ways[2:])


HEARD = {"verdict": "audio-comes-back", "exit": 0, "media": "both", "heard": "own-tone", "bye_status": 200}
TONE = {"verdict": "audio", "exit": 0, "heard": "other", "bye_status": 200}
SHORT, LONG = ("--duration", "4"), ("--duration", "12")
CALLS = {
    "sipp": ("sipp", "none", HEARD, *SHORT),
    "sipp-nat": ("sipp", "eim-apdf", HEARD, *SHORT),
    "sipp-symmetric": ("sipp", "apdm-apdf", HEARD, *SHORT),
    "sipp-loss": ("sipp", "eim-apdf+loss=5", HEARD, *LONG),
    # It sends to where the description says, which only an ALG makes right.
    "baresip": ("baresip", "none", TONE | {"media": "both"}, *LONG),
    "baresip-nat": ("baresip", "eim-apdf", {"verdict": "no-audio", "exit": 1, "media": "not-received", "bye_status": 200,
                                             "errors": ["MED015"]}, *SHORT),
    "baresip-alg": ("baresip", "eim-apdf+alg", TONE | {"media": "both"}, *LONG),
    "baresip-loss": ("baresip", "eim-apdf+alg+loss=5", TONE | {"media": "both"}, *LONG),
    "serve-nat": ("serve", "eim-apdf", HEARD | {"dtmf_sent": 3, "dtmf_back": 3}, *SHORT, "--dtmf", "12#"),
    "serve-loss": ("serve", "eim-apdf+loss=5", HEARD, *LONG),
    "serve-lossy": ("serve", "apdm-apdf+loss=10", HEARD, *LONG),
}


def main():
    binary = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:] or [*CALLS, "mirror"]
    with tempfile.TemporaryDirectory() as folder, network():
        good = [check(name, binary, folder, *CALLS[name]) for name in wanted if name in CALLS]
        good += mirrors(binary, folder) if "mirror" in wanted else []
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
