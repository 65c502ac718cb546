"""Records a call of two baresips whose media DTLS-SRTP protects, with the secrets.

    record_dtls_srtp.py KEYLOG_LIBRARY OUT.pcapng

KEYLOG_LIBRARY is preloaded into baresip, and makes OpenSSL append its secrets to
`SSLKEYLOGFILE` (SSL_CTX_set_keylog_callback in each SSL_CTX_new). alice calls bob, and
sends the digits 1, 2 and 3. Needs root, iproute2, baresip, tcpdump and editcap.
"""

import json, os, shutil, socket, subprocess, sys, tempfile, time

CALLER, CALLEE = f"dtls-a{os.getpid()}", f"dtls-b{os.getpid()}"
ADDRESSES = {CALLER: "198.51.100.1", CALLEE: "198.51.100.2"}
MODULES = "account.so menu.so ctrl_tcp.so ausine.so aubridge.so g711.so srtp.so dtls_srtp.so uuid.so".split()


def inside(space, *words):
    return ["ip", "netns", "exec", space, *words]


def phone(folder, space, name, library, keys):
    home = f"{folder}/{name}"
    os.mkdir(home)
    apps = ("account.so", "menu.so", "ctrl_tcp.so")
    lines = [f"sip_listen {ADDRESSES[space]}:5060", "audio_source ausine,440", "ausrc_srate 48000",
             "ausrc_channels 2", f"audio_player aubridge,{name}", f"audio_alert aubridge,{name}-alert",
             "audio_buffer 20-160", "rtp_ports 20000-20100", "rtcp_mux no", "jitter_buffer_delay 1-5",
             "module_path /usr/lib/baresip/modules", "ctrl_tcp_listen 127.0.0.1:4444", "poll_method epoll"]
    lines += [f"{'module_app' if own in apps else 'module'} {own}" for own in MODULES]
    with open(f"{home}/config", "w") as out:
        out.write("\n".join(lines) + "\n")
    with open(f"{home}/accounts", "w") as out:
        out.write(f"<sip:{name}@{ADDRESSES[space]}>;regint=0;answermode=auto;mediaenc=dtls_srtp;"
                  "audio_codecs=PCMU/8000/1;dtmfmode=rtpevent\n")
    open(f"{home}/contacts", "w").close()
    log = open(f"{home}/log", "w")
    child = subprocess.Popen(
        inside(space, "env", f"LD_PRELOAD={library}", f"SSLKEYLOGFILE={keys}",
               "stdbuf", "-oL", "baresip", "-4", "-v", "-f", home),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for _ in range(100):
        if "baresip is ready" in open(f"{home}/log").read():
            return child
        time.sleep(0.1)
    raise SystemExit(open(f"{home}/log").read())


def tell(space, command, params=""):
    message = json.dumps({"command": command, "params": params, "token": "x"})
    script = ("import socket,sys\ns=socket.create_connection(('127.0.0.1',4444),2)\n"
              "s.sendall(sys.argv[1].encode())\ns.settimeout(1)\ns.recv(65536)\n")
    subprocess.run(inside(space, "python3", "-c", script, f"{len(message)}:{message},"), check=False)


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
        children = [phone(folder, CALLEE, "bob", library, keys), phone(folder, CALLER, "alice", library, keys)]
        tell(CALLER, "dial", f"sip:bob@{ADDRESSES[CALLEE]}")
        time.sleep(2)
        for digit in "123":
            tell(CALLER, "sndcode", digit)
            time.sleep(0.5)
        time.sleep(3)
        tell(CALLER, "hangup")
        time.sleep(1)
        for name in ("alice", "bob"):
            log = open(f"{folder}/{name}/log").read()
            print(name, [line.strip() for line in log.splitlines() if "packets:" in line or "lost:" in line])
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
