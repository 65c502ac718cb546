#!/usr/bin/env python3
"""Holds `probe options` against kamailio, by itself and in front of `serve`.

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
request_route {{
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


def probe(binary, uri, *more):
    words = [binary, "probe", "options", uri, "-q", "--json", *more]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], done
    return report


def check(name, report, **expected):
    own = {**report["measurements"], "verdict": report["verdict"], "exit": report["exit"]}
    own["hops"] = [hop["status"] for hop in own["hops"]]
    own["findings"] = [d["code"] for d in report["evidence"]["diagnostics"] if d["severity"] != "info"]
    told = {key: own[key] for key in expected}
    is_right = told == expected
    print(f"{'ok  ' if is_right else 'BAD '} {name}: {told}", flush=True)
    if not is_right:
        print(json.dumps(report, indent=1), flush=True)
    return is_right


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
