"""Tunnels that Open vSwitch makes in user space, for kernels that have none.

On each side runs a switch of its own with two bridges: `phy` with the wire and the
outer address, `t0` with the inner one and the tunnel between them. Nothing of the
system's own switch is touched. Needs root, openvswitch-switch and /dev/net/tun.
"""

import contextlib, os, subprocess, tempfile

ENDS = "options:local_ip={own} options:remote_ip={other}"
PORTS = {
    "gre": f"type=gre {ENDS} options:key=42 options:packet_type=legacy_l3",
    "gretap": f"type=gre {ENDS}",
    "erspan1": f"type=erspan {ENDS} options:key=42 options:erspan_ver=1 options:erspan_idx=5",
    "erspan2": f"type=erspan {ENDS} options:key=42 options:erspan_ver=2 options:erspan_dir=1 options:erspan_hwid=9",
    "vxlan": f"type=vxlan {ENDS} options:key=42",
    "geneve": f"type=geneve {ENDS} options:key=42",
}
# What the switch puts before a packet, or takes off, by itself.
TAGS = {
    "qinq": ["in_port=LOCAL,actions=push_vlan:0x8100,set_field:4102->vlan_vid,"
             "push_vlan:0x88a8,set_field:4101->vlan_vid,output:1",
             "in_port=1,dl_vlan=5,actions=pop_vlan,goto_table:1",
             "table=1,in_port=1,dl_vlan=6,actions=pop_vlan,LOCAL"],
    "mpls": ["in_port=LOCAL,ip,actions=push_mpls:0x8847,set_field:1000->mpls_label,"
             "push_mpls:0x8847,set_field:2000->mpls_label,output:1",
             "in_port=1,dl_type=0x8847,actions=pop_mpls:0x8847,pop_mpls:0x0800,LOCAL"],
}
KINDS = (*PORTS, *TAGS)


class Switch:
    def __init__(self, space, folder):
        self.space, self.folder, self.running = space, folder, []
        self.environment = os.environ | {"OVS_RUNDIR": folder, "OVS_DBDIR": folder, "OVS_LOGDIR": folder}
        self.database = f"unix:{folder}/db.sock"

    def run(self, *words):
        return subprocess.run(["ip", "netns", "exec", self.space, *words], env=self.environment, check=True,
                              capture_output=True, text=True).stdout

    def start(self):
        subprocess.run(["ovsdb-tool", "create", f"{self.folder}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema"],
                       check=True, capture_output=True)
        for words in (["ovsdb-server", f"{self.folder}/conf.db", f"--remote=p{self.database}"],
                      ["ovs-vswitchd", self.database]):
            # With --detach the program returns once it is ready.
            self.run(*words, "--no-chdir", "--detach", f"--pidfile={self.folder}/{words[0]}.pid", "--log-file")
            self.running.append(f"{self.folder}/{words[0]}.pid")
        self.set("--no-wait", "init")

    def set(self, *words):
        self.run("ovs-vsctl", f"--db={self.database}", *words)

    def bridge(self, name, own):
        self.set("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev",
                 f"other_config:hwaddr={self.address(name, own)}")

    @staticmethod
    def address(name, own):
        return f"02:00:00:00:{'01' if name == 'phy' else '02'}:{own:02x}"

    def flows(self, *lines):
        self.run("ovs-ofctl", "-O", "OpenFlow13", "del-flows", f"{self.folder}/t0.mgmt")
        for line in lines:
            self.run("ovs-ofctl", "-O", "OpenFlow13", "add-flow", f"{self.folder}/t0.mgmt", line)

    def connect(self, kind, own, other):
        self.start()
        self.bridge("t0", own)
        # Known beforehand: what asks for addresses doesn't pass each kind of tunnel.
        subprocess.run(["ip", "-n", self.space, "neigh", "add", f"192.0.2.{other}", "lladdr",
                        self.address("t0", other), "dev", "t0"], check=True)
        if kind in TAGS:
            self.set("set", "Open_vSwitch", ".", "other_config:vlan-limit=2")
            self.set("add-port", "t0", "w0", "--", "set", "interface", "w0", "ofport_request=1")
            self.flows(*TAGS[kind])
            return
        self.bridge("phy", own)
        self.set("add-port", "phy", "w0")
        subprocess.run(["ip", "-n", self.space, "addr", "flush", "dev", "w0"], check=True)
        self.run("ip", "addr", "add", f"198.51.100.{own}/24", "dev", "phy")
        self.run("ip", "link", "set", "phy", "up")
        words = PORTS[kind].format(own=f"198.51.100.{own}", other=f"198.51.100.{other}").split()
        self.set("add-port", "t0", "tun", "--", "set", "interface", "tun", *words, "ofport_request=1")
        if kind == "gre":
            # It carries no Ethernet: the host gets its packets under its own address.
            self.flows("in_port=LOCAL,ip,actions=output:1",
                       f"in_port=1,actions=set_field:{self.address('t0', own)}->eth_dst,LOCAL")

    def stop(self):
        for name in reversed(self.running):
            subprocess.run(["ovs-appctl", "-t", name.replace(".pid", f".{open(name).read().strip()}.ctl"), "exit"],
                           check=False, capture_output=True)


@contextlib.contextmanager
def switched(kind, near, far):
    """The tunnel between two namespaces, for as long as it is wanted."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        switches = [Switch(near, one), Switch(far, two)]
        try:
            switches[0].connect(kind, 1, 2)
            switches[1].connect(kind, 2, 1)
            yield
        finally:
            for switch in switches:
                switch.stop()
