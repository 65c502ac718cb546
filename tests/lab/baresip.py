"""baresip as a phone in a network namespace, told over its control port."""

import json, os, subprocess, time

AUDIO = ("ausine.so", "aubridge.so", "g711.so")


def inside(space, *words):
    return ["ip", "netns", "exec", space, *words]


def phone(folder, space, name, address, accounts, modules=(), apps=(), settings=(), environment=()):
    """Starts one; back once it is ready. Its log is `folder/name/log`."""
    home = f"{folder}/{name}"
    os.mkdir(home)
    # Of two lines of a name it takes the first.
    lines = [*settings, f"sip_listen {address}:5060", "audio_source ausine,440", "ausrc_srate 48000", "ausrc_channels 2",
             f"audio_player aubridge,{name}", f"audio_alert aubridge,{name}-alert", "audio_buffer 20-160",
             "rtp_ports 20000-20100", "rtcp_mux no", "jitter_buffer_delay 1-5",
             "module_path /usr/lib/baresip/modules", "ctrl_tcp_listen 127.0.0.1:4444", "poll_method epoll"]
    lines += [f"module {own}" for own in (*AUDIO, "uuid.so", *modules)]
    lines += [f"module_app {own}" for own in ("account.so", "menu.so", "ctrl_tcp.so", "rtcpsummary.so", *apps)]
    for file, text in (("config", lines), ("accounts", accounts), ("contacts", [])):
        with open(f"{home}/{file}", "w") as out:
            out.writelines(f"{line}\n" for line in text)
    log = open(f"{home}/log", "w")
    child = subprocess.Popen(inside(space, "env", *environment, "stdbuf", "-oL", "baresip", "-4", "-v", "-f", home),
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for _ in range(100):
        if "baresip is ready" in open(f"{home}/log").read():
            return child
        time.sleep(0.1)
    child.terminate()
    raise SystemExit(open(f"{home}/log").read())


def tell(space, command, params=""):
    message = json.dumps({"command": command, "params": params, "token": "x"})
    script = ("import socket,sys\ns=socket.create_connection(('127.0.0.1',4444),2)\n"
              "s.sendall(sys.argv[1].encode())\ns.settimeout(1)\ns.recv(65536)\n")
    subprocess.run(inside(space, "python3", "-c", script, f"{len(message)}:{message},"), check=False)


def counts(folder, name):
    """What it says as a call ends: how long it was; of one beyond five seconds also the packets received (PR),
    sent (PS) and lost (PL) when the last report was made."""
    return [line.strip() for line in open(f"{folder}/{name}/log") if "EX=BareSip" in line or "(duration" in line]
