"""Records a call of two baresips whose media DTLS-SRTP protects, with the secrets.

    record_dtls_srtp.py KEYLOG_LIBRARY OUT.pcapng

KEYLOG_LIBRARY is preloaded into baresip, and makes OpenSSL append its secrets to
`SSLKEYLOGFILE` (SSL_CTX_set_keylog_callback in each SSL_CTX_new). alice calls bob, and
sends the digits 1, 2 and 3. Needs root, iproute2, baresip, tcpdump and editcap.
"""

import os, shutil, subprocess, sys, tempfile, time

from baresip import counts, inside, phone, tell

CALLER, CALLEE = f"dtls-a{os.getpid()}", f"dtls-b{os.getpid()}"
ADDRESSES = {CALLER: "198.51.100.1", CALLEE: "198.51.100.2"}


def main():
    library, out = os.path.abspath(sys.argv[1]), sys.argv[2]
    folder = tempfile.mkdtemp()
    children = []
    try:
        for space in ADDRESSES:
            subprocess.run(["ip", "netns", "add", space], check=True)
        subprocess.run(["ip", "-n", CALLER, "link", "add", "w0", "type", "veth", "peer", "name", "w0",
                        "netns", CALLEE], check=True)
        for space, address in ADDRESSES.items():
            subprocess.run(["ip", "-n", space, "addr", "add", f"{address}/24", "dev", "w0"], check=True)
            for link in ("lo", "w0"):
                subprocess.run(["ip", "-n", space, "link", "set", link, "up"], check=True)
        keys, capture = f"{folder}/keys", f"{folder}/capture.pcap"
        tcpdump = subprocess.Popen(inside(CALLER, "tcpdump", "-U", "--immediate-mode", "-s", "65535", "-Z",
                                          "root", "-i", "w0", "-w", capture, "udp or tcp"),
                                   stderr=subprocess.PIPE, text=True)
        while "listening" not in tcpdump.stderr.readline():
            pass
        for space, name in ((CALLEE, "bob"), (CALLER, "alice")):
            account = (f"<sip:{name}@{ADDRESSES[space]}>;regint=0;answermode=auto;mediaenc=dtls_srtp;"
                       "audio_codecs=PCMU/8000/1;dtmfmode=rtpevent")
            children.append(phone(folder, space, name, ADDRESSES[space], [account], ["srtp.so", "dtls_srtp.so"],
                                  environment=[f"LD_PRELOAD={library}", f"SSLKEYLOGFILE={keys}"]))
        tell(CALLER, "dial", f"sip:bob@{ADDRESSES[CALLEE]}")
        time.sleep(2)
        for digit in "123":
            tell(CALLER, "sndcode", digit)
            time.sleep(0.5)
        time.sleep(3)
        tell(CALLER, "hangup")
        time.sleep(1)
        for name in ("alice", "bob"):
            print(name, counts(folder, name))
        tcpdump.terminate()
        tcpdump.wait()
        subprocess.run(["editcap", "-F", "pcapng", "--inject-secrets", f"tls,{keys}", capture, out], check=True)
    finally:
        for child in children:
            child.terminate()
            child.wait()
        for space in ADDRESSES:
            subprocess.run(["ip", "netns", "del", space], check=False)
        shutil.rmtree(folder)


main()
