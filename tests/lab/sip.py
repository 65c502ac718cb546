#!/usr/bin/env python3
"""Holds `probe options`, `probe register` and `probe call` against kamailio, by itself
and in front of `serve`, over UDP, TCP, TLS and WebSocket.

    sip.py BINARY     needs kamailio with TLS and WebSocket, and openssl; all on loopback
"""

import json, os, socket, subprocess, sys, tempfile, time

import certificates

MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"
PROXY, BEHIND, SECURE = ("127.0.0.1", 25060), ("127.0.0.1", 25070), ("127.0.0.1", 25061)
CONFIG = f"""#!KAMAILIO
debug=0
log_stderror=yes
children=2
tcp_children=1
auto_aliases=no
listen=udp:{PROXY[0]}:{PROXY[1]}
listen=tcp:{PROXY[0]}:{PROXY[1]}
listen=tls:{SECURE[0]}:{SECURE[1]}
enable_tls=yes
tcp_accept_no_cl=yes
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
loadmodule "rr.so"
loadmodule "tls.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "FOLDER/cert.pem")
modparam("tls", "private_key", "FOLDER/key.pem")
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
    if (is_method("INVITE")) {{ record_route(); }}
    if (has_totag()) {{ loose_route(); t_relay(); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if ($rU == "locked" && !pv_proxy_authenticate("$fd", "right", "0")) {{ proxy_challenge("$fd", "1"); exit; }}
    if ($rU == "locked") {{ consume_credentials(); $rU = "echo"; }}
    $du = "sip:{BEHIND[0]}:{BEHIND[1]}";
    t_relay();
}}
event_route[xhttp:request] {{
    if ($hdr(Upgrade) =~ "websocket") {{ ws_handle_handshake(); exit; }}
    xhttp_reply("404", "Not Found", "", "");
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


def secured(binary, folder, alive):
    """TLS and WebSocket, with certificates that are right and such as are not."""
    at, few = f"{SECURE[0]}:{SECURE[1]}", ("-c", "3", "--interval", "100")
    ca = ("--ca", f"{folder}/ca.pem")

    def ask(name, uri, *more, trusted=True, **expected):
        report = probe(binary, uri, *few, *more)
        told = report["evidence"]["tls"]
        report["measurements"]["trusted"] = [own["is_trusted"] for own in told]
        return check(name, report, trusted=[trusted] if trusted is not None else [], **expected)

    well = alive | {"status": 200, "answers": 3}
    yield ask("kamailio over TLS", f"sips:{at}", *ca, transport="tls", **well)
    yield ask("by its name", f"sip:{at};transport=tls", *ca, "--tls-name", "pbx.example.org", **well)
    yield ask("by its SIP domain", f"sips:{at}", *ca, "--tls-name", "example.org", **well)
    gone = {"verdict": "no-answer", "exit": 7, "answers": 0}
    yield ask("by another name", f"sips:{at}", *ca, "--tls-name", "example.net", trusted=None, **gone)
    yield ask("of another authority", f"sips:{at}", "--ca", f"{folder}/other.pem", trusted=None, **gone)
    yield ask("of another, put up with", f"sips:{at}", "--ca", f"{folder}/other.pem", "--insecure", trusted=False, **well)
    yield ask("over WebSocket", f"sip:{PROXY[0]}:{PROXY[1]};transport=ws", trusted=None, transport="ws", **well)
    yield ask("over WebSocket and TLS", f"sips:{at};transport=ws", *ca, transport="wss", **well)
    login = {"kind": "register", "password": "right"}
    done = {"listed": 1, "refreshed": True, "removed": True, "verdict": "registered", "exit": 0, "challenges": 1}
    yield check("a registration over TLS", probe(binary, f"sips:alice@{at}", *ca, **login), transport="tls", **done)
    yield check("a registration over WSS", probe(binary, f"sips:alice@{at};transport=ws", *ca, **login),
                transport="wss", **done)


def calls(binary, at, folder):
    """Through the proxy, which stays on the way, to `serve`."""

    def ask(name, uri, *more, password=None, **expected):
        words = (uri, "--duration", "2", *more)
        return check(name, probe(binary, *words, kind="call", password=password), **expected)

    heard = {"verdict": "audio-comes-back", "exit": 0, "heard": "own-tone", "media": "both", "bye_status": 200,
             "findings": []}
    yield ask("a call through a proxy", f"sip:echo@{at}", **heard)
    yield ask("a call over TCP", f"sip:echo@{at};transport=tcp", **heard)
    yield ask("a call over TLS", f"sip:echo@{SECURE[0]}:{SECURE[1]};transport=tls", "--ca", f"{folder}/ca.pem", **heard)
    yield ask("a call with a password", f"sip:locked@{at}", "--from", f"sip:alice@{PROXY[0]}", password="right",
              challenges=1, **heard)
    yield ask("with the wrong one", f"sip:locked@{at}", "--from", f"sip:alice@{PROXY[0]}", password="wrong",
              verdict="refused", exit=1, status=407)
    yield ask("a call that is not answered", f"sip:ring@{at}", "--ring", "1", verdict="not-answered", exit=1, status=487)


def main():
    binary = os.path.abspath(sys.argv[1])
    at = f"{PROXY[0]}:{PROXY[1]}"
    started = []
    with tempfile.TemporaryDirectory() as folder:
        config = f"{folder}/kamailio.cfg"
        with open(config, "w") as write:
            write.write(CONFIG.replace("FOLDER", folder))
        certificates.make(folder, "DNS:pbx.example.org", "URI:sip:example.org", "IP:127.0.0.1")
        try:
            for words in (
                ["kamailio", "-f", config, "-DD", "-E", "-m", "32", "-P", f"{folder}/pid", "-Y", folder],
                [binary, "serve", "--stun", "127.0.0.1:25478", "--no-alternate", "--sip", f"{BEHIND[0]}:{BEHIND[1]}"],
            ):
                started.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait(PROXY)
            wait(BEHIND)
            wait(SECURE)
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
                *secured(binary, folder, alive),
                *calls(binary, at, folder),
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
