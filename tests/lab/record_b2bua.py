"""Records a call through a back-to-back user agent: two dialogs and two media paths.

    record_b2bua.py OUT.pcap

alice calls the B2BUA (baresip's module b2bua), which calls bob and passes the sound on;
watched at the B2BUA, so that both legs are seen. Needs root, iproute2, baresip and tcpdump.
"""

import os, shutil, subprocess, sys, tempfile, time

from baresip import counts, inside, phone, tell

WIRE = f"b2b-w{os.getpid()}"
HOSTS = {"alice": "198.51.100.1", "b2bua": "198.51.100.5", "bob": "198.51.100.9"}
SPACES = {name: f"b2b-{name}{os.getpid()}" for name in HOSTS}
CODEC = "regint=0;audio_codecs=PCMU/8000/1"


def main():
    out = sys.argv[1]
    folder = tempfile.mkdtemp()
    children = []
    try:
        subprocess.run(["ip", "netns", "add", WIRE], check=True)
        subprocess.run(["ip", "-n", WIRE, "link", "add", "br0", "type", "bridge"], check=True)
        subprocess.run(["ip", "-n", WIRE, "link", "set", "br0", "up"], check=True)
        for name, space in SPACES.items():
            subprocess.run(["ip", "netns", "add", space], check=True)
            subprocess.run(["ip", "-n", WIRE, "link", "add", name, "type", "veth", "peer", "name", "w0", "netns", space],
                           check=True)
            subprocess.run(["ip", "-n", WIRE, "link", "set", name, "master", "br0", "up"], check=True)
            subprocess.run(["ip", "-n", space, "addr", "add", f"{HOSTS[name]}/24", "dev", "w0"], check=True)
            for link in ("lo", "w0"):
                subprocess.run(["ip", "-n", space, "link", "set", link, "up"], check=True)
        tcpdump = subprocess.Popen(inside(SPACES["b2bua"], "tcpdump", "-U", "--immediate-mode", "-s", "65535", "-Z",
                                          "root", "-i", "w0", "-w", out, "udp"), stderr=subprocess.PIPE, text=True)
        while "listening" not in tcpdump.stderr.readline():
            pass
        for name in ("alice", "bob"):
            children.append(phone(folder, SPACES[name], name, HOSTS[name], [f"<sip:{name}@{HOSTS[name]}>;{CODEC};answermode=auto"]))
        # Whoever is called, it asks bob's phone.
        children.append(phone(
            folder, SPACES["b2bua"], "b2bua", HOSTS["b2bua"],
            [f"<sip:bob@{HOSTS['b2bua']}>;{CODEC};b2bua=inbound",
             f"<sip:out@{HOSTS['b2bua']}>;{CODEC};b2bua=outbound;outbound=\"sip:{HOSTS['bob']}\""],
            apps=["b2bua.so"], settings=["audio_source aubridge,b2bua", "ausrc_srate 8000", "ausrc_channels 1"]))
        tell(SPACES["alice"], "dial", f"sip:bob@{HOSTS['b2bua']}")
        time.sleep(2)
        tell(SPACES["alice"], "hangup")
        time.sleep(1)
        for name in HOSTS:
            print(name, counts(folder, name))
        tcpdump.terminate()
        tcpdump.wait()
    finally:
        for child in children:
            child.terminate()
            child.wait()
        for name in HOSTS:
            if "-v" in sys.argv:
                print(open(f"{folder}/{name}/log").read())
        for space in (*SPACES.values(), WIRE):
            subprocess.run(["ip", "netns", "del", space], check=False)
        shutil.rmtree(folder)


main()
