#!/usr/bin/env python3
"""Holds `probe options` and `probe register` against kamailio, by itself and in
front of `serve`.

    sip.py BINARY     needs kamailio; all on loopback
"""

import json, os, socket, subprocess, sys, tempfile, time

MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"
PROXY, BEHIND = ("127.0.0.1", 25060), ("127.0.0.1", 25070)
CONFIG = f"""#!KAMAILIO
debug=0
log_stderror=yes
children=2
tcp_children=1
auto_aliases=no
listen=udp:{PROXY[0]}:{PROXY[1]}
listen=tcp:{PROXY[0]}:{PROXY[1]}
dns=off
server_header="Server: kamailio"
mpath="{MODULES}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("registrar", "default_expires", 60)
modparam("registrar", "min_expires", 5)
modparam("auth", "nonce_expire", 300)
request_route {{
    if (is_method("REGISTER")) {{
        if ($tU == "open") {{ save("location"); exit; }}
        if ($tU == "brief" && $hdr(Expires) != "0" && $hdr(Expires) != $null && $(hdr(Expires){{s.int}}) < 30) {{
            append_to_reply("Min-Expires: 30\r\n"); sl_send_reply("423", "Interval Too Brief"); exit;
        }}
        if ($tU == "brief") {{ save("location"); exit; }}
        if (!pv_www_authenticate("$rd", "right", "0")) {{ www_challenge("$rd", "1"); exit; }}
        save("location");
        exit;
    }}
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if ($rU == $null) {{ options_reply(); exit; }}
    if ($rU == "gone") {{ sl_send_reply("404", "Not Found"); exit; }}
    if ($rU == "silent") {{ exit; }}
    $du = "sip:{BEHIND[0]}:{BEHIND[1]}";
    t_relay();
}}
"""


def wait(address):
    for _ in range(100):
        try:
            socket.create_connection(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nobody listens at {address}")


def probe(binary, uri, *more, kind="options", password=None):
    words = [binary, "probe", kind, uri, "-q", "--json", *more]
    environment = {**os.environ, "SIP_INSPECT_PASSWORD": password} if password else None
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], done
    return report


def check(name, report, **expected):
    own = {**report["measurements"], "verdict": report["verdict"], "exit": report["exit"]}
    own["hops"] = [hop["status"] for hop in own.get("hops", [])]
    own["listed"] = len(own.get("bindings", []))
    own["findings"] = [d["code"] for d in report["evidence"]["diagnostics"] if d["severity"] != "info"]
    told = {key: own[key] for key in expected}
    is_right = told == expected
    print(f"{'ok  ' if is_right else 'BAD '} {name}: {told}", flush=True)
    if not is_right:
        print(json.dumps(report, indent=1), flush=True)
    return is_right


def registrations(binary, at, well):
    """What kamailio's registrar does: `open` and `brief` need no password."""

    def ask(user, *more, password=None):
        return probe(binary, f"sip:{user}@{at}", *more, kind="register", password=password)

    done = {"listed": 1, "refreshed": True, "removed": True, "expires_granted_s": 60}
    yield check("a registration", ask("alice", password="right"), challenges=1, algorithm="MD5", qop="auth",
                **done, **well)
    yield check("over TCP", ask("bob", "--transport", "tcp", password="right"), challenges=1,
                transport="tcp", **done, **well)
    yield check("the wrong password", ask("alice", password="wrong"), verdict="refused", exit=1, challenges=2,
                status=401, removed=None)
    yield check("no password", ask("alice"), verdict="password-wanted", exit=1, challenges=1)
    yield check("another realm", ask("alice", "--realm", "example.org", password="right"), verdict="other-realm",
                exit=1, challenges=1)
    yield check("an open registrar", ask("open"), challenges=0, is_open=True, **done, **well)
    yield check("too brief", ask("brief", "--expires", "5"), challenges=0, expires_least_s=30, listed=1,
                expires_granted_s=30, removed=True, **well)


def main():
    binary = os.path.abspath(sys.argv[1])
    at = f"{PROXY[0]}:{PROXY[1]}"
    started = []
    with tempfile.TemporaryDirectory() as folder:
        config = f"{folder}/kamailio.cfg"
        with open(config, "w") as write:
            write.write(CONFIG)
        try:
            for words in (
                ["kamailio", "-f", config, "-DD", "-E", "-m", "32", "-P", f"{folder}/pid", "-Y", folder],
                [binary, "serve", "--stun", "127.0.0.1:25478", "--no-alternate", "--sip", f"{BEHIND[0]}:{BEHIND[1]}"],
            ):
                started.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait(PROXY)
            wait(BEHIND)
            alive = {"verdict": "alive", "exit": 0, "findings": []}
            few = ("-c", "3", "--interval", "100")
            good = [
                check("kamailio over UDP", probe(binary, f"sip:{at}", *few), status=200, answers=3, software="kamailio",
                      is_translated=False, **alive),
                check("kamailio over TCP", probe(binary, f"sip:{at};transport=tcp", *few), status=200, answers=3,
                      transport="tcp", **alive),
                check("who is not there", probe(binary, f"sip:gone@{at}", "-c", "1"), status=404, **alive),
                check("through a proxy", probe(binary, f"sip:bob@{at}", "-c", "1"), status=200, hops=[], **alive),
                check("the way", probe(binary, f"sip:bob@{at}", "--trace"), status=200, hops=[483, 200], **alive),
                check("the way over TCP", probe(binary, f"sip:bob@{at}", "--transport", "tcp", "--trace"),
                      status=200, hops=[483, 200], **alive),
                *registrations(binary, at, alive | {"verdict": "registered"}),
                check("who is silent", probe(binary, f"sip:silent@{at}", "-c", "1", "--timeout", "12"),
                      verdict="no-answer", exit=7, answers=0),
            ]
        finally:
            for own in started:
                own.terminate()
                own.wait()
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
