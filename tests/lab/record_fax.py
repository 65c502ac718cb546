#!/usr/bin/env python3
"""Records a fax call that switches from audio to T.38, and a second one that loses packets.

Usage: record_fax.py redundancy|fec OUT.pcap. Both fax machines are spandsp (libspandsp2), each of
them behind a small gateway of this script that speaks SIP and puts what spandsp gives into UDPTL.
Datagrams that are lost are never sent. Prints what both machines counted. Needs root, iproute2,
tcpdump; all of it happens in a network namespace of its own.
"""
import ctypes, json, os, select, signal, socket, struct, subprocess, sys, tempfile, time

CALLER, CALLEE = "192.0.2.10", "198.51.100.20"
AUDIO, FAX = 4000, 4100
SAMPLES = 160  # 20 ms
# Sequence numbers that never leave: a lone one, three in a row, eight in a row.
LOST = {"caller": {12, 60, 61, 62, 200, 201, 202, 203, 204, 205, 206, 207}, "callee": {9}}
spandsp = ctypes.CDLL("libspandsp.so.2")
HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
                           ctypes.POINTER(ctypes.c_uint8), ctypes.c_int, ctypes.c_int)
for name in ("t38_terminal_init", "t38_terminal_get_t30_state", "t38_terminal_get_t38_core_state"):
    getattr(spandsp, name).restype = ctypes.c_void_p
spandsp.t30_get_rx_ident.restype = ctypes.c_char_p


class Statistics(ctypes.Structure):
    """The head of spandsp's t30_stats_t."""
    _fields_ = [(name, ctypes.c_int) for name in (
        "bit_rate", "error_correcting_mode", "pages_sent", "pages_received", "pages_in_file",
        "x_resolution", "y_resolution", "width", "length", "image_size", "encoding", "bad_rows",
        "longest_bad_row_run", "repeats", "current_status")] + [("rest", ctypes.c_int * 64)]


def write_tiff(path, pages):
    """Pages of black and white bars, 1728 wide at 204 x 98 dots an inch, not compressed."""
    rows, width = 300, 216
    out = bytearray(b"II*\0")
    image = b"".join(bytes([0xff if (row // 8 + column // 9) % 3 == 0 else 0
                            for column in range(width)]) for row in range(rows))
    out += struct.pack("<I", 8)
    for page in range(pages):
        at = len(out)
        tags = [(254, 4, 2), (256, 4, 1728), (257, 4, rows), (258, 3, 1), (259, 3, 1), (262, 3, 0),
                (266, 3, 1), (273, 4, 0), (277, 3, 1), (278, 4, rows), (279, 4, len(image)),
                (282, 5, 0), (283, 5, 8), (296, 3, 2), (297, 3, page | pages << 16)]
        data = at + 2 + 12 * len(tags) + 4
        end = data + 16 + len(image)
        out += struct.pack("<H", len(tags))
        for tag, kind, value in tags:
            count = 2 if tag == 297 else 1
            value = {273: data + 16, 282: data, 283: data + 8}.get(tag, value)
            out += struct.pack("<HHII", tag, kind, count, value)
        out += struct.pack("<I", end if page + 1 < pages else 0)
        out += struct.pack("<IIII", 204, 1, 98, 1) + image
    open(path, "wb").write(out)


def length(octets):
    """The length of a part, as the packed encoding rules write it."""
    return struct.pack("B" if len(octets) < 128 else ">H", len(octets) | (0x8000 if len(octets) > 127 else 0))


class Machine:
    """A fax machine and its gateway's UDPTL."""

    def __init__(self, name, own, peer, correction, ident, sends=None, receives=None):
        self.name, self.peer, self.correction = name, peer, correction
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((own, FAX))
        self.sequence, self.sent, self.lost, self.history = 0, 0, 0, []
        self.handler = HANDLER(self.transmit)
        self.state = spandsp.t38_terminal_init(None, int(name == "caller"), self.handler, None)
        self.t30 = spandsp.t38_terminal_get_t30_state(ctypes.c_void_p(self.state))
        self.core = spandsp.t38_terminal_get_t38_core_state(ctypes.c_void_p(self.state))
        spandsp.t38_set_t38_version(ctypes.c_void_p(self.core), 0)
        spandsp.t30_set_tx_ident(ctypes.c_void_p(self.t30), ident)
        spandsp.t30_set_ecm_capability(ctypes.c_void_p(self.t30), int(correction == "redundancy"))
        # Version 0 knows nothing above V.17.
        spandsp.t30_set_supported_modems(ctypes.c_void_p(self.t30), 1 | 2 | 4)
        if sends:
            spandsp.t30_set_tx_file(ctypes.c_void_p(self.t30), sends.encode(), -1, -1)
        if receives:
            spandsp.t30_set_rx_file(ctypes.c_void_p(self.t30), receives.encode(), -1)

    def transmit(self, _core, _user, octets, count, _copies):
        primary = bytes(octets[:count])
        packet = struct.pack(">H", self.sequence) + length(primary) + primary
        if self.correction == "redundancy":
            before = self.history[-3:][::-1]
            packet += bytes([0, len(before)]) + b"".join(length(one) + one for one in before)
        else:
            # Three groups of three, one parity each; a group's members are three apart.
            entries = []
            if len(self.history) >= 9:
                last = self.history[-9:]
                for first in range(3):
                    group = last[first::3]
                    parity = bytearray(max(map(len, group)))
                    for one in group:
                        for place, octet in enumerate(one):
                            parity[place] ^= octet
                    entries.append(bytes(parity))
            packet += bytes([0x80, 1, 3, len(entries)]) + b"".join(length(one) + one for one in entries)
        if self.sequence in LOST[self.name]:
            self.lost += 1
        else:
            self.sock.sendto(packet, (self.peer, FAX))
            self.sent += 1
        self.history.append(primary)
        self.sequence = (self.sequence + 1) & 0xffff
        return 0

    def receive(self):
        while select.select([self.sock], [], [], 0)[0]:
            packet = self.sock.recv(4096)
            (sequence,), rest = struct.unpack(">H", packet[:2]), packet[2:]
            parts = []
            size, rest = self.part(rest)
            parts.append(size)
            if rest[0] == 0:
                count, rest = rest[1], rest[2:]
                for _ in range(count):
                    one, rest = self.part(rest)
                    parts.append(one)
            expected = getattr(self, "expected", 0)
            for back in range(min(len(parts) - 1, sequence - expected), -1, -1):
                self.take(parts[back], sequence - back)
            self.expected = max(expected, sequence + 1)

    @staticmethod
    def part(octets):
        size, rest = octets[0], octets[1:]
        if size & 0x80:
            size, rest = (size & 0x3f) << 8 | rest[0], rest[1:]
        return rest[:size], rest[size:]

    def take(self, ifp, sequence):
        data = (ctypes.c_uint8 * len(ifp)).from_buffer_copy(ifp)
        spandsp.t38_core_rx_ifp_packet(ctypes.c_void_p(self.core), data, len(ifp), ctypes.c_uint16(sequence))

    def step(self):
        return spandsp.t38_terminal_send_timeout(ctypes.c_void_p(self.state), SAMPLES)

    def truth(self):
        counted = Statistics()
        spandsp.t30_get_transfer_statistics(ctypes.c_void_p(self.t30), ctypes.byref(counted))
        return {"sent": self.sent, "lost": self.lost,
                **{name: getattr(counted, name) for name, _ in Statistics._fields_[:-1]},
                "far_ident": (spandsp.t30_get_rx_ident(ctypes.c_void_p(self.t30)) or b"").decode()}


def sip(first, to_tag, cseq, way, branch, body="", status=None):
    (src, dst), caller = way, (CALLER, CALLEE)
    from_is_caller = (src == CALLER) == (status is None)
    ends = [f"<sip:2001@{CALLER}>;tag=a", f"<sip:2002@{CALLEE}>" + (";tag=b" if to_tag else "")]
    if not from_is_caller:
        ends.reverse()
    via = src if status is None else dst
    head = [f"SIP/2.0 {status}" if status else f"{first} sip:{'2002' if dst == CALLEE else '2001'}@{dst} SIP/2.0",
            f"Via: SIP/2.0/UDP {via}:5060;branch=z9hG4bK{branch}", *(["Max-Forwards: 70"] if not status else []),
            f"From: {ends[0]}", f"To: {ends[1]}", "Call-ID: fax@example.org", f"CSeq: {cseq} {first}",
            f"Contact: <sip:{src}>", *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(head).encode()


def audio(ip, version):
    return (f"v=0\r\no=- 1 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
            f"m=audio {AUDIO} RTP/AVP 0\r\na=ptime:20\r\n")


def image(ip, correction):
    kind = {"redundancy": "t38UDPRedundancy", "fec": "t38UDPFEC"}[correction]
    return (f"v=0\r\no=- 1 2 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=image {FAX} udptl t38\r\n"
            f"a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"
            f"a=T38FaxMaxBuffer:1800\r\na=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:{kind}\r\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if "INSIDE" not in os.environ:
        inside = dict(os.environ, INSIDE="1")
        sys.exit(subprocess.call(["unshare", "-n", sys.executable, *sys.argv], env=inside))
    correction, out = sys.argv[1:]
    for command in ("link set lo up", f"addr add {CALLER}/32 dev lo", f"addr add {CALLEE}/32 dev lo"):
        subprocess.check_call(["ip", *command.split()])
    tap = subprocess.Popen(["tcpdump", "-i", "lo", "--immediate-mode", "-w", out, "-U", "udp"], stderr=subprocess.PIPE)
    tap.stderr.readline()
    with tempfile.TemporaryDirectory() as folder:
        write_tiff(f"{folder}/page.tif", 2)
        machines = [Machine("caller", CALLER, CALLEE, correction, b"+49 30 1234567", sends=f"{folder}/page.tif"),
                    Machine("callee", CALLEE, CALLER, correction, b"+49 40 7654321", receives=f"{folder}/out.tif")]
        socks = {}
        for ip in (CALLER, CALLEE):
            for port in (5060, AUDIO):
                socks[ip, port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                socks[ip, port].bind((ip, port))

        def say(src, dst, *args, **more):
            socks[src, 5060].sendto(sip(args[0], args[1], args[2], (src, dst), *args[3:], **more), (dst, 5060))
            time.sleep(0.02)

        say(CALLER, CALLEE, "INVITE", False, 1, "one", audio(CALLER, 1))
        say(CALLEE, CALLER, "INVITE", True, 1, "one", status="180 Ringing")
        say(CALLEE, CALLER, "INVITE", True, 1, "one", audio(CALLEE, 1), status="200 OK")
        say(CALLER, CALLEE, "ACK", True, 1, "two")
        for number in range(50):
            for src, dst, ssrc in ((CALLER, CALLEE, 0x1111), (CALLEE, CALLER, 0x2222)):
                rtp = struct.pack(">BBHII", 0x80, 0, 100 + number, 160 * number, ssrc) + b"\xff" * 160
                socks[src, AUDIO].sendto(rtp, (dst, AUDIO))
            time.sleep(0.02)
        say(CALLEE, CALLER, "INVITE", True, 1, "three", image(CALLEE, correction))
        say(CALLER, CALLEE, "INVITE", True, 1, "three", image(CALLER, correction), status="200 OK")
        say(CALLEE, CALLER, "ACK", True, 1, "four")
        next_step, over = time.monotonic(), 0
        while over < 50 and time.monotonic() - next_step < 90:
            for machine in machines:
                machine.receive()
            ended = [machine.step() for machine in machines]
            over = over + 1 if all(ended) else 0
            next_step += SAMPLES / 8000
            time.sleep(max(0, next_step - time.monotonic()))
        say(CALLER, CALLEE, "BYE", True, 2, "five")
        say(CALLEE, CALLER, "BYE", True, 2, "five", status="200 OK")
        time.sleep(0.5)
        tap.send_signal(signal.SIGINT)
        tap.wait()
        print(json.dumps({machine.name: machine.truth() for machine in machines}, indent=1))


main()
