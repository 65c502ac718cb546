#!/usr/bin/env python3
"""Holds `probe turn` and `probe stun` with passwords against coturn, behind NATs.

    turn.py BINARY     as root; needs iproute2, nft, conntrack, turnserver, openssl

Prints a row for each try, and ends with 1 if one is wrong.
"""

import contextlib, json, os, subprocess, sys, tempfile, time

import certificates
from network import EXT, HOST, OTHER, SERVER, become, inside, network, run

SECRET = "a secret of two"


@contextlib.contextmanager
def coturn(folder, *lines):
    own = [f"listening-ip={SERVER}", f"relay-ip={SERVER}", "listening-port=3478", "tls-listening-port=5349",
           "min-port=49152", "max-port=49251", "realm=example.org", "fingerprint", "no-cli", "no-dtls",
           f"cert={folder}/cert.pem", f"pkey={folder}/key.pem", f"userdb={folder}/db", f"log-file={folder}/log",
           "simple-log", "verbose", f"pidfile={folder}/pid", *lines]
    with open(f"{folder}/turn.conf", "w") as write:
        write.write("\n".join(own) + "\n")
    words = inside("server", "turnserver", "-c", f"{folder}/turn.conf")
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            told = run(*inside("server", "ss", "-Hlnut", "sport = :3478"), capture_output=True, text=True).stdout
            if "udp" in told and "tcp" in told:
                break
            time.sleep(0.1)
        else:
            raise SystemExit("coturn did not start")
        yield
    finally:
        server.terminate()
        server.wait()


def probe(binary, kind, password, *more):
    words = inside("host", "timeout", "60", binary, "probe", kind, *more, "--json", "-q")
    environment = {**os.environ, "SIP_INSPECT_PASSWORD": password} if password else None
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], done
    return report


def check(name, report, **expected):
    own = {**report["measurements"], "verdict": report["verdict"], "exit": report["exit"]}
    for way in ("to_peer", "from_peer"):
        if way in own:
            own[f"{way}_lost"], own[way] = own[way]["lost"], own[way]["packets"]
    own["errors"] = [d["code"] for d in report["evidence"]["diagnostics"] if d["severity"] == "error"]
    expected = {"errors": []} | expected
    told = {key: own[key] for key in expected}
    is_right = all(want(told[key]) if callable(want) else told[key] == want for key, want in expected.items())
    print(f"{'ok  ' if is_right else 'BAD '} {name:26} {told}", flush=True)
    if not is_right:
        print(json.dumps(report, indent=1), flush=True)
    return is_right


RELAYS = {"verdict": "relays", "exit": 0, "to_peer": 100, "from_peer": 100, "to_peer_lost": 0, "from_peer_lost": 0,
          "challenges": 1, "realm": "example.org", "lifetime_s": 600, "loopback_refused": True, "channel": True,
          "from_peer_by_indication": True, "to_peer_by_indication": True, "refreshed": True, "released": True,
          "silent_after": True}


def tries(binary, folder):
    alice = ("--user", "alice", SERVER)
    with coturn(folder, "lt-cred-mech", "user=alice:secret"):
        become("none")
        yield check("no NAT", probe(binary, "turn", "secret", *alice), **RELAYS)
        yield check("over TCP", probe(binary, "turn", "secret", *alice, "--transport", "tcp"), **RELAYS)
        tls = ("--transport", "tls", "--ca", f"{folder}/ca.pem")
        yield check("over TLS", probe(binary, "turn", "secret", *alice, *tls), **RELAYS)
        yield check("STUN over TLS", probe(binary, "stun", None, SERVER, *tls), verdict="answered", exit=0, answers=3,
                    mapped_address=lambda own: own.startswith(HOST))
        yield check("TLS, of another name", probe(binary, "turn", "secret", *alice, *tls, "--tls-name", "example.net"),
                    verdict="no-answer", exit=7)
        yield check("the wrong password", probe(binary, "turn", "wrong", *alice), verdict="refused", exit=1,
                    error_code=401, errors=["STN014"])
        yield check("no password", probe(binary, "turn", None, *alice), verdict="password-wanted", exit=1, error_code=401)
        yield check("another realm", probe(binary, "turn", "secret", *alice, "--realm", "example.net"),
                    verdict="refused", exit=1, error_code=401)
        for kind in ("eim-apdf", "apdm-apdf"):
            become(kind)
            yield check(f"NAT {kind}", probe(binary, "turn", "secret", *alice),
                        **RELAYS | {"mapped_address": lambda own: own.startswith(EXT)})
        become("eim-apdf+loss=10")
        lossy = {"to_peer_lost": lambda own: 3 <= own <= 60, "from_peer_lost": lambda own: 3 <= own <= 60,
                 "to_peer": lambda own: own > 100, "from_peer": lambda own: own > 60}
        some = RELAYS | lossy | {"silent_after": True}
        yield check("NAT with loss", probe(binary, "turn", "secret", *alice, "-c", "200"), **some)
    with coturn(folder, "use-auth-secret", f"static-auth-secret={SECRET}"):
        become("none")
        with open(f"{folder}/secret", "w") as write:
            write.write(SECRET + "\n")
        yield check("a shared secret", probe(binary, "turn", None, *alice, "--secret-file", f"{folder}/secret"), **RELAYS)
    with coturn(folder, "no-auth"):
        yield check("an open relay", probe(binary, "turn", None, SERVER), **RELAYS | {
            "challenges": 0, "is_open": True, "realm": None})
    with coturn(folder, "lt-cred-mech", "user=alice:secret", "secure-stun"):
        well = {"verdict": "answered", "exit": 0, "answers": 3, "mapped_address": lambda own: own.startswith(HOST)}
        yield check("STUN with a password", probe(binary, "stun", "secret", *alice), **well)
        yield check("STUN, over TCP", probe(binary, "stun", "secret", *alice, "--transport", "tcp"), **well)
        yield check("STUN without one", probe(binary, "stun", None, SERVER), verdict="refused", exit=1, error_code=401)
    yield check("nobody", probe(binary, "turn", "secret", "--user", "alice", OTHER), verdict="no-answer", exit=7)


def main():
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, network():
        certificates.make(folder, "DNS:turn.example.org", f"IP:{SERVER}")
        good = list(tries(binary, folder))
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
