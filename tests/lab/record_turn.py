"""Records clients of a TURN server.

    record_turn.py tcp|mobility OUT.pcap

`tcp`: two whose allocations relay TCP (RFC 6062). `mobility`: four that go on from another
port with their allocations (RFC 8016), and then send to each other in channels.

All is on one host: the server is 203.0.113.10, the client 10.1.0.2. Needs root, iproute2,
tcpdump and coturn. Prints what the client and the server counted.
"""

import os, subprocess, sys, tempfile, time

SPACE = f"turn{os.getpid()}"
SERVER, CLIENT = "203.0.113.10", "10.1.0.2"


def inside(*words):
    return ["ip", "netns", "exec", SPACE, *words]


def main():
    kind, out = sys.argv[1:]
    more = {"tcp": ["-T", "-m", "2"], "mobility": ["-M", "-y", "-m", "1"]}[kind]
    children = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["ip", "netns", "add", SPACE], check=True)
            subprocess.run(["ip", "-n", SPACE, "link", "set", "lo", "up"], check=True)
            for address in (SERVER, CLIENT):
                subprocess.run(["ip", "-n", SPACE, "addr", "add", f"{address}/32", "dev", "lo"], check=True)
            subprocess.run(["turnadmin", "-a", "-u", "alice", "-r", "example.org", "-p", "secret", "-b", f"{folder}/db"],
                           check=True, capture_output=True)
            tcpdump = subprocess.Popen(inside("tcpdump", "-U", "--immediate-mode", "-s", "65535", "-Z", "root", "-i",
                                              "lo", "-w", out, "tcp or udp"), stderr=subprocess.PIPE, text=True)
            children.append(tcpdump)
            while "listening" not in tcpdump.stderr.readline():
                pass
            children.append(subprocess.Popen(inside(
                "turnserver", "-n", f"--listening-ip={SERVER}", f"--relay-ip={SERVER}", "--realm=example.org",
                "--lt-cred-mech", f"--userdb={folder}/db", "--no-cli", "--no-tls", "--no-dtls", "--simple-log",
                f"--log-file={folder}/log", f"--pidfile={folder}/pid", "--verbose", "--mobility"),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            for _ in range(100):
                told = subprocess.run(inside("ss", "-Hlnt", "sport = :3478"), capture_output=True, text=True).stdout
                if told:
                    break
                time.sleep(0.1)
            done = subprocess.run(inside("timeout", "30", "turnutils_uclient", *more, "-L", CLIENT, "-u", "alice", "-w",
                                         "secret", "-n", "10", SERVER), capture_output=True, text=True)
            print(*[line for line in done.stdout.splitlines() if "tot_send" in line or "lost" in line][-3:], sep="\n")
            time.sleep(0.5)
            print(*[line for line in open(f"{folder}/log").read().splitlines() if "peer usage" in line], sep="\n")
        finally:
            for child in children:
                child.terminate()
                child.wait()
            subprocess.run(["ip", "netns", "del", SPACE], check=False)


main()
