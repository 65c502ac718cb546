#!/usr/bin/env python3
"""Hostile captures cost as much as they are long, no more.

    tests/lab/linear.py BINARY [NAME...]

Each kind is made once and four times over; instructions are counted by
valgrind, so that a busy machine changes nothing. Four times the input may take
4.6 times the instructions.
"""

import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MOST = 4.6


def ipv4(protocol, source, destination, body, identification=1, fragment=0):
    head = struct.pack(
        "!BBHHHBBHII", 0x45, 0, 20 + len(body), identification & 0xFFFF, fragment, 64, protocol, 0,
        source, destination,
    )
    return head + body


def udp(source, body, port=5060):
    return ipv4(17, source, 0xC0000201, struct.pack("!HHHH", port, port, 8 + len(body), 0) + body)


def tcp(source, sequence, body, flags=0x18, port=40000):
    head = struct.pack("!HHIIBBHHH", port, 5060, sequence & 0xFFFFFFFF, 1, 0x50, flags, 65535, 0, 0)
    return ipv4(6, source, 0xC0000201, head + body)


def message(call, branch, more=b"", body=b""):
    return (
        b"INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%d\r\n%s"
        b"From: <sip:a@x>;tag=f\r\nTo: <sip:b@x>\r\nCall-ID: c%d\r\nCSeq: %d INVITE\r\n"
        b"Max-Forwards: 70\r\nContent-Length: %d\r\n\r\n%s"
        % (branch, more, call, branch % 2**31, len(body), body)
    )


HOST = 0x0A000001


def one_octet_per_segment(n):
    octets = message(1, 1, body=b"x" * 2000) * (1 + n // 2200)
    for at, octet in enumerate(octets[:n]):
        yield tcp(HOST, 1 + at, bytes([octet]))


def segments_out_of_order(n):
    octets = message(1, 1, body=b"x" * 20000)
    for burst in range(n // 2000):
        begin = 1 + burst * len(octets)
        parts = list(range(0, len(octets), 10))
        for at in parts[:1] + parts[:0:-1]:
            yield tcp(HOST, begin + at, octets[at : at + 10])


def header_fields(n):
    for number in range(n // 4000):
        yield udp(HOST, message(number, 1, b"a: b\r\n" * 9000))


def vias(n):
    for number in range(n // 1000):
        yield udp(HOST, message(number, 1, b"Via: SIP/2.0/UDP h\r\n" * 3000))


def commas(n):
    for number in range(n // 1000):
        yield udp(HOST, message(number, 1, b"Contact: " + b"<sip:a@x>," * 5000 + b"<sip:a@x>\r\n"))


def one_call_id(n):
    for number in range(n // 4):
        yield udp(HOST, message(1, number))


def call_ids(n):
    for number in range(n // 4):
        yield udp(HOST + number, message(number, number))


def tags(n):
    for number in range(n // 4):
        answer = message(1, 1).replace(b"INVITE sip:b@x SIP/2.0", b"SIP/2.0 200 OK", 1)
        yield udp(HOST, answer.replace(b"To: <sip:b@x>", b"To: <sip:b@x>;tag=%d" % number))


def fragments(n):
    for number in range(n):
        yield ipv4(17, HOST + number % 5000, 0xC0000201, b"x" * 64, number, 0x2000 | number % 8000)


def syns(n):
    for number in range(n):
        yield tcp(HOST + number, number, b"", 0x02, 1024 + number % 60000)


def media(n):
    for number in range(n):
        body = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number, number * 7919) + b"x" * 160
        yield udp(HOST + number % 2000, body, 4000)


def media_lines(n):
    body = b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * 2500
    for number in range(n // 2000):
        yield udp(HOST, message(number, 1, b"Content-Type: application/sdp\r\n", body))


KINDS = {
    kind.__name__.replace("_", "-"): kind
    for kind in [
        one_octet_per_segment, segments_out_of_order, header_fields, vias, commas, one_call_id,
        call_ids, tags, fragments, syns, media, media_lines,
    ]
}
# Long enough for the start of the program to weigh little.
SIZE = 24000


def capture(path, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        for number, packet in enumerate(packets):
            second, part = divmod(number, 1000)
            head = struct.pack("<IIII", 1767225600 + second, part * 1000, len(packet), len(packet))
            out.write(head + packet)


def instructions(binary, path):
    command = [
        "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
        binary, "analyze", path, "--format", "ndjson", "-o", "/dev/null", "--threads", "1",
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=900)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        raise SystemExit(f"{command}: {run.stderr}")
    return int(found.group(1))


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    binary, wanted = sys.argv[1], sys.argv[2:] or list(KINDS)
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is not installed")
    failed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        capture(f"{folder}/empty.pcap", [])
        start = instructions(binary, f"{folder}/empty.pcap")

        def ratio(name):
            counts = []
            for size in (SIZE, 4 * SIZE):
                path = f"{folder}/{name}-{size}.pcap"
                capture(path, KINDS[name](size))
                counts.append(instructions(binary, path) - start)
                Path(path).unlink()
            return counts

        for name, (once, four_times) in zip(wanted, pool.map(ratio, wanted)):
            ratio_of = four_times / once
            failed += ratio_of > MOST
            verdict = "ok" if ratio_of <= MOST else "FAILED"
            print(f"{verdict} {name}: {once / 1e6:.0f} and {four_times / 1e6:.0f} million "
                  f"instructions, {ratio_of:.2f} times", flush=True)
    print(f"{len(wanted) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
