"""Records SIP over TLS and WebSockets, with the secrets in the capture.

    record_streams.py tls|websocket OUT.pcapng

Both ends are this program, on the loopback of a network namespace of its own, with
the TLS of Python's ssl (OpenSSL). Each connection has a call of an OPTIONS and its
answer, named after what is special about it. Needs root, iproute2, openssl, tcpdump
and editcap.
"""

import base64, hashlib, os, socket, ssl, struct, subprocess, sys, tempfile, threading, time, zlib

SUITES = [
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "AES128-SHA256", "AES256-SHA",
    "AES128-CCM",
]
NO_ENCRYPT_THEN_MAC = 1 << 19
PORT = 5061


def request(name, transport, long=False):
    body = "x" * 20000 if long else ""
    return (f"OPTIONS sip:example.org;transport={transport} SIP/2.0\r\n"
            f"Via: SIP/2.0/{transport.upper()} 127.0.0.1:5061;branch=z9hG4bK{name};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=a\r\nTo: <sip:example.org>\r\n"
            f"Call-ID: {name}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:alice@127.0.0.1:5061>\r\n"
            f"Accept: application/sdp\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def answer(asked):
    head = asked.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    kept = [line for line in head if line.split(b":")[0] in (b"Via", b"From", b"Call-ID", b"CSeq")]
    kept = [line.replace(b";rport", b";received=127.0.0.1;rport=5061") for line in kept]
    return b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"To: <sip:example.org>;tag=b",
                         b"Contact: <sip:127.0.0.1:5061>", b"Content-Length: 0", b"", b""])


def read(sock, wanted):
    got = b""
    while not wanted(got):
        part = sock.recv(65536)
        if not part:
            break
        got += part
    return got


def whole(octets):
    head, blank, body = octets.partition(b"\r\n\r\n")
    length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return bool(blank) and len(body) >= int(length[0].split(b":")[1])


def close(sock):
    """Ends TLS as it should end."""
    if isinstance(sock, ssl.SSLSocket):
        try:
            sock = sock.unwrap()
        except OSError:
            pass
    sock.close()


def serve(listener, wrap, talk):
    sock = wrap(listener.accept()[0])
    talk(sock)
    close(sock)


def meet(client, server, ask, reply):
    """One connection: `ask` on the client's side, `reply` on the server's."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen()
    thread = threading.Thread(target=serve, args=(listener, server, reply))
    thread.start()
    sock = client(socket.create_connection(("127.0.0.1", PORT)))
    ask(sock)
    close(sock)
    thread.join()
    listener.close()


def contexts(folder, keys):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.keylog_filename = keys
    server.set_alpn_protocols(["sip"])
    client.set_alpn_protocols(["sip"])
    for own in (server, client):
        own.set_ciphers("ALL:@SECLEVEL=0")
    return client, server


def sides(client, server):
    return (lambda sock: client.wrap_socket(sock, server_hostname="sip.example.org"),
            lambda sock: server.wrap_socket(sock, server_side=True))


def tls_call(folder, keys, name, long=False, adjust=lambda client, server: None):
    client, server = contexts(folder, keys)
    adjust(client, server)

    def ask(sock):
        octets = request(name, "tls", long)
        # In parts, so that messages and records do not begin together.
        for at in range(0, len(octets), 700):
            sock.sendall(octets[at:at + 700])
        assert whole(read(sock, whole)), name

    meet(*sides(client, server), ask, lambda sock: sock.sendall(answer(read(sock, whole))))


def record_tls(folder, keys):
    for suite in SUITES:
        def adjust(client, server):
            for own in (client, server):
                own.maximum_version = ssl.TLSVersion.TLSv1_2
                own.set_ciphers(f"{suite}:@SECLEVEL=0")
        tls_call(folder, keys, suite.lower(), adjust=adjust)
    def old_macs(client, server):
        for own in (client, server):
            own.maximum_version = ssl.TLSVersion.TLSv1_2
            own.set_ciphers("ECDHE-RSA-AES128-SHA:@SECLEVEL=0")
            own.options |= NO_ENCRYPT_THEN_MAC
    tls_call(folder, keys, "mac-then-encrypt", adjust=old_macs)
    tls_call(folder, keys, "tls13-long", long=True)
    # A server that asks for another group: the client says hello twice.
    tls_call(folder, keys, "tls13-retry", adjust=lambda client, server: server.set_ecdh_curve("secp384r1"))
    tls_call(folder, "/dev/null", "without-keys")
    for suite in ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"]:
        conf = f"{folder}/{suite}.cnf"
        with open(conf, "w") as out:
            out.write("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                      f"[c]\nCipherSuites = {suite}\n")
        subprocess.run([sys.executable, __file__, "one", folder, keys, suite.lower()], check=True,
                       env={**os.environ, "OPENSSL_CONF": conf})


def frame(payload, masked, first=0x81):
    mask = os.urandom(4) if masked else b""
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = bytes([first, bit | len(payload)])
    else:
        head = bytes([first, bit | 126]) + struct.pack(">H", len(payload))
    if masked:
        payload = bytes(own ^ mask[at % 4] for at, own in enumerate(payload))
    return head + mask + payload


def deflate(packer, payload):
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def handshake(deflated):
    key = base64.b64encode(os.urandom(16)).decode()
    more = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if deflated else ""
    asked = (f"GET /ws HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: sip\r\n"
             f"Sec-WebSocket-Version: 13\r\n{more}\r\n").encode()
    accept = base64.b64encode(hashlib.sha1(
        (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    granted = (f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: sip\r\n{more}\r\n").encode()
    return asked, granted


def web_call(name, transport, client, server, frames, deflated=False):
    """`frames` makes the client's octets out of its messages."""
    asked, granted = handshake(deflated)
    first, second = request(f"{name}-1", transport), request(f"{name}-2", transport)
    octets = frames([first, second])
    done = lambda got: got.count(b"\r\n\r\n") >= 1

    def ask(sock):
        sock.sendall(asked)
        read(sock, done)
        for at in range(0, len(octets), 211):
            sock.sendall(octets[at:at + 211])
        read(sock, lambda got: got.endswith(frame(b"\x03\xe8", False, 0x88)))
        sock.sendall(frame(b"\x03\xe8", True, 0x88))

    def reply(sock):
        read(sock, done)
        sock.sendall(granted)
        got = b""
        while len(got) < len(octets):
            got += sock.recv(65536)
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        for message in (first, second):
            own = answer(message)
            if deflated:
                sock.sendall(frame(deflate(packer, own), False, 0xc1))
            else:
                sock.sendall(frame(own, False))
        sock.sendall(frame(b"\x03\xe8", False, 0x88))
        read(sock, lambda rest: False)

    meet(client, server, ask, reply)


def in_parts(messages):
    octets = b""
    for message in messages:
        cut = [message[:90], message[90:91], message[91:]]
        octets += frame(cut[0], True, 0x01) + frame(b"alive?", True, 0x89)
        octets += frame(cut[1], True, 0x00) + frame(cut[2], True, 0x80)
    return octets + frame(b"\r\n\r\n", True)


def compressed(messages):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(frame(deflate(packer, message), True, 0xc1) for message in messages)


def record_websocket(folder, keys):
    plain = lambda sock: sock
    whole_frames = lambda messages: b"".join(frame(message, True) for message in messages)
    web_call("ws", "ws", plain, plain, whole_frames)
    web_call("ws-parts", "ws", plain, plain, in_parts)
    web_call("ws-together", "ws", plain, plain, lambda messages: frame(b"".join(messages), True, 0x82))
    web_call("ws-deflate", "ws", plain, plain, compressed, deflated=True)
    client, server = contexts(folder, keys)
    web_call("wss", "wss", *sides(client, server), in_parts)


def main():
    if sys.argv[1] == "one":
        tls_call(*sys.argv[2:5])
        return
    if len(sys.argv) == 3:
        # Once more, alone with the loopback.
        space = f"record{os.getpid()}"
        subprocess.run(["ip", "netns", "add", space], check=True)
        try:
            subprocess.run(["ip", "-n", space, "link", "set", "lo", "up"], check=True)
            subprocess.run(["ip", "netns", "exec", space, sys.executable, *sys.argv, "inside"], check=True)
        finally:
            subprocess.run(["ip", "netns", "del", space], check=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
                        "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem",
                        "-subj", "/CN=sip.example.org", "-addext", "subjectAltName=DNS:sip.example.org"],
                       check=True, capture_output=True)
        capture, keys = f"{folder}/capture.pcap", f"{folder}/keys"
        tcpdump = subprocess.Popen(["tcpdump", "-U", "--immediate-mode", "-s", "65535", "-Z", "root", "-i", "lo", "-w", capture, "tcp"],
                                   stderr=subprocess.PIPE, text=True)
        while "listening" not in tcpdump.stderr.readline():
            pass
        {"tls": record_tls, "websocket": record_websocket}[sys.argv[1]](folder, keys)
        time.sleep(0.5)
        tcpdump.terminate()
        tcpdump.wait()
        subprocess.run(["editcap", "-F", "pcapng", "--inject-secrets", f"tls,{keys}", capture, sys.argv[2]],
                       check=True)


main()
