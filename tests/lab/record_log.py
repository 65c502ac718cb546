#!/usr/bin/env python3
"""Records what kamailio's sipdump module writes of two calls of sipp.

Usage: record_log.py FILE. Needs root, iproute2, sipp and kamailio; all of it happens in a
network namespace of its own.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

LIBRARY = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"
CONFIG = """
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:5560
mpath="{library}"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sipdump.so"
modparam("sipdump", "enable", 1)
modparam("sipdump", "mode", 1)
modparam("sipdump", "folder", "{folder}")
request_route {{
  if (is_method("INVITE")) record_route();
  if (has_totag()) {{ if (loose_route()) {{ t_relay(); exit; }} }}
  $du = "sip:127.0.0.1:5570";
  t_relay();
}}
"""


def listens(port):
    """Whether somebody has bound a UDP port here."""
    with open("/proc/net/udp") as sockets:
        return any(line.split()[1].endswith(f":{port:04X}") for line in list(sockets)[1:])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if "INSIDE" not in os.environ:
        inside = dict(os.environ, INSIDE="1")
        sys.exit(subprocess.call(["unshare", "-n", sys.executable, *sys.argv], env=inside))
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    with tempfile.TemporaryDirectory() as folder:
        config = f"{folder}/kamailio.cfg"
        with open(config, "w") as out:
            out.write(CONFIG.format(library=LIBRARY, folder=folder))
        log = open(f"{folder}/kamailio.log", "w")
        proxy = subprocess.Popen(["kamailio", "-f", config, "-DD", "-E"], stdout=log, stderr=log)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        sipp = ["sipp", "-i", "127.0.0.1", "-m", "2", "-nostdin"]
        try:
            until = time.monotonic() + 10
            while not listens(5560):
                if proxy.poll() is not None or time.monotonic() > until:
                    sys.exit(open(f"{folder}/kamailio.log").read())
                time.sleep(0.1)
            callee = subprocess.Popen([*sipp, "-sn", "uas", "-p", "5570"], **quiet)
            while not listens(5570) and callee.poll() is None:
                time.sleep(0.1)
            subprocess.check_call([*sipp, "-sn", "uac", "-p", "5580", "-d", "200", "127.0.0.1:5560"],
                                  timeout=30, **quiet)
            callee.wait(timeout=30)
        finally:
            # What is not written yet is written at its end.
            proxy.terminate()
            proxy.wait()
        shutil.copy(sorted(glob.glob(f"{folder}/*.data"))[0], sys.argv[1])


if __name__ == "__main__":
    main()
