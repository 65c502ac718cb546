#!/usr/bin/env python3
"""Holds `probe dns`, and what follows it, against dnsmasq.

    dns.py BINARY     needs dnsmasq; all on loopback

Prints a row for each question, and ends with 1 if one is wrong.
"""

import json, os, socket, subprocess, sys, tempfile, time

RESOLVER = "127.0.0.1:25053"
MANY = "".join(f"naptr-record=many.test,{order},10,s,SIP+D2U,,_sip._udp.{order}.a-rather-long-name.many.test\n"
               for order in range(20, 40))
CONFIG = f"""\
port=25053
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
no-daemon
local=/test/
host-record=sip1.lab.test,127.0.0.11
host-record=sip2.lab.test,127.0.0.12
host-record=sip6.lab.test,::1
host-record=lab.test,127.0.0.10
host-record=plain.test,127.0.0.13
host-record=both.test,127.0.0.14,::1
cname=alias.test,sip1.lab.test
naptr-record=lab.test,10,50,s,SIPS+D2T,,_sips._tcp.lab.test
naptr-record=lab.test,20,50,s,SIP+D2T,,_sip._tcp.lab.test
naptr-record=lab.test,30,50,s,SIP+D2U,,_sip._udp.lab.test
naptr-record=lab.test,40,50,s,H323+D2T,,_h323._tcp.lab.test
naptr-record=lab.test,50,50,s,SIP+D2W,,_sip._ws.lab.test
srv-host=_sips._tcp.lab.test,sip1.lab.test,5061,10,60
srv-host=_sip._tcp.lab.test,sip1.lab.test,5060,10,60
srv-host=_sip._udp.lab.test,sip2.lab.test,5060,20,40
srv-host=_sip._udp.lab.test,sip1.lab.test,5070,10,75
srv-host=_sip._udp.lab.test,sip2.lab.test,5070,10,25
srv-host=_sip._ws.lab.test,sip1.lab.test,8080,10,10
srv-host=_sip._udp.srv.test,sip1.lab.test,5080,1,1
srv-host=_sip._tcp.srv.test,sip6.lab.test,5080,1,1
srv-host=_sip._udp.none.test
srv-host=_sip._udp.failover.test,sip2.lab.test,25999,10,10
srv-host=_sip._udp.failover.test,plain.test,25060,20,10
naptr-record=host.test,10,10,a,SIP+D2U,,sip1.lab.test
srv-host=_sip._udp.alias-srv.test,alias.test,5060,10,10
naptr-record=1.1.1.5.5.5.1.e164.arpa,100,20,u,E2U+sip,!^.*$!sip:last@plain.test!
naptr-record=1.1.1.5.5.5.1.e164.arpa,100,10,u,E2U+sip,!^\\+1555(.*)$!sip:\\1@srv.test!
naptr-record=1.1.1.5.5.5.1.e164.arpa,10,10,u,E2U+mailto,!^.*$!mailto:x@lab.test!
{MANY}"""


def wait(address):
    for _ in range(100):
        try:
            socket.create_connection(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nobody listens at {address}")


def probe(binary, kind, *more):
    words = [binary, "probe", kind, *more, "--resolver", RESOLVER, "-q", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if not done.stdout:
        return {"verdict": done.stderr, "exit": done.returncode, "measurements": {}, "evidence": {"diagnostics": []}}
    report = json.loads(done.stdout)
    assert done.returncode == report["exit"], done
    return report


def check(name, report, **expected):
    own = {**report["measurements"], "verdict": report["verdict"], "exit": report["exit"]}
    if "targets" in own:
        own["targets"] = [f"{target['transport']} {target['ip']}:{target['port']}" for target in own["targets"]]
    own["errors"] = [d["code"] for d in report["evidence"]["diagnostics"] if d["severity"] == "error"]
    expected = {"errors": []} | expected
    told = {key: own.get(key) for key in expected}
    is_right = told == expected
    print(f"{'ok  ' if is_right else 'BAD '} {name:34} {told}", flush=True)
    if not is_right:
        print(json.dumps(report, indent=1), flush=True)
    return is_right


def questions(binary):
    def ask(name, uri, targets, verdict="located", status=0, **more):
        return check(name, probe(binary, "dns", uri), targets=targets, verdict=verdict, exit=status, **more)

    udp = ["udp 127.0.0.11:5070", "udp 127.0.0.12:5070", "udp 127.0.0.12:5060"]
    yield ask("NAPTR, SRV, addresses", "sip:bob@lab.test",
              ["tls 127.0.0.11:5061", "tcp 127.0.0.11:5060", *udp, "ws 127.0.0.11:8080"])
    yield ask("sips takes nothing but TLS", "sips:lab.test", ["tls 127.0.0.11:5061"], is_secure=True,
              certificate_names=["lab.test"])
    yield ask("a transport", "sip:lab.test;transport=udp", udp)
    yield ask("a port", "sip:lab.test:5099", ["udp 127.0.0.10:5099"])
    yield ask("a port and a transport", "sip:lab.test:5099;transport=tcp", ["tcp 127.0.0.10:5099"])
    yield ask("an address", "sip:127.0.0.1", ["udp 127.0.0.1:5060"])
    yield ask("maddr", "sip:lab.test;maddr=127.0.0.9", ["udp 127.0.0.9:5060"])
    yield ask("a bare domain", "plain.test", ["udp 127.0.0.13:5060"])
    yield ask("both families", "sip:both.test", ["udp 127.0.0.14:5060", "udp ::1:5060"])
    yield ask("SRV without NAPTR", "sip:srv.test", ["udp 127.0.0.11:5080", "tcp ::1:5080"])
    yield ask("NAPTR to a host", "sip:host.test", ["udp 127.0.0.11:5060"])
    yield ask("another name for the same", "sip:alias-srv.test", ["udp 127.0.0.11:5060"])
    yield ask("a service that is not there", "sip:none.test;transport=udp", [], verdict="no-service", status=1,
              refused_services=["udp"])
    yield ask("no such name", "sip:nobody.test", [], verdict="nowhere", status=1)
    yield ask("an answer that needs TCP", "sip:many.test", [], verdict="nowhere", status=1)
    yield check("ENUM", probe(binary, "dns", "--enum", "+1 555-111"), verdict="located", exit=0,
                uris=["sip:111@srv.test", "sip:last@plain.test"], targets=["udp 127.0.0.11:5080", "tcp ::1:5080"])
    yield check("ENUM of nobody", probe(binary, "dns", "--enum", "+1 555 112"), verdict="nowhere", exit=1, uris=[])
    few = ("-c", "2", "--interval", "50")
    yield check("the next where one is dead", probe(binary, "options", "sip:failover.test", *few), verdict="alive", exit=0,
                answers=2, server="127.0.0.13:25060")
    yield check("a call to a domain", probe(binary, "call", "sip:echo@failover.test", "--duration", "1"),
                verdict="audio-comes-back", exit=0, server="127.0.0.13:25060")
    yield check("a registration in a domain", probe(binary, "register", "sip:alice@failover.test"), verdict="registered",
                exit=0, server="127.0.0.13:25060", address_of_record="sip:alice@failover.test")
    silent = subprocess.run([binary, "probe", "dns", "sip:x.test", "--resolver", "127.0.0.1:25054", "-q", "--json"],
                            capture_output=True, text=True, timeout=60)
    yield check("no resolver", json.loads(silent.stdout), verdict="no-answer", exit=7)


def main():
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/dnsmasq.conf", "w") as write:
            write.write(CONFIG)
        words = ["dnsmasq", "-k", "-C", f"{folder}/dnsmasq.conf", "--pid-file="]
        serve = [binary, "serve", "--stun", "127.0.0.1:25478", "--no-alternate", "--sip", "127.0.0.13:25060"]
        started = [subprocess.Popen(own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for own in (words, serve)]
        try:
            wait(("127.0.0.1", 25053))
            wait(("127.0.0.13", 25060))
            good = list(questions(binary))
        finally:
            for own in started:
                own.terminate()
                own.wait()
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
