//! Live capture on real interfaces, in network namespaces of its own, with
//! sipp as both ends. It needs root, iproute2 and sipp (as the gate has them);
//! elsewhere there is nothing to watch and nothing is tried.
#![cfg(feature = "live")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Two hosts with a wire between them, gone when dropped.
struct Wire {
    near: String,
    far: String,
}

fn shell(line: &str) -> bool {
    Command::new("sh")
        .args(["-ec", line])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Wire {
    fn new(name: &str) -> Option<Self> {
        let unique = std::process::id() % 100_000;
        let (near, far) = (format!("si{name}a{unique}"), format!("si{name}b{unique}"));
        let wire = Self { near, far };
        let (near, far) = (&wire.near, &wire.far);
        let made = shell("command -v sipp && command -v ip && [ \"$(id -u)\" = 0 ]")
            && shell(&format!(
                "ip netns add {near}; ip netns add {far}
                 ip -n {near} link add w0 type veth peer name w1 netns {far}
                 ip -n {near} addr add 10.99.0.1/24 dev w0; ip -n {far} addr add 10.99.0.2/24 dev w1
                 ip -n {near} link set lo up; ip -n {near} link set w0 up
                 ip -n {far} link set lo up; ip -n {far} link set w1 up"
            ));
        made.then_some(wire)
    }

    /// Our program on the near host, once it captures.
    fn capture(&self, arguments: &[&str]) -> Child {
        let mut child = Command::new("ip")
            .args([
                "netns",
                "exec",
                &self.near,
                env!("CARGO_BIN_EXE_sip-inspect"),
                "capture",
                "-i",
                "w0",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stderr = child.stderr.take().expect("a pipe");
        BufReader::new(stderr).read_line(&mut line).expect("a line");
        assert!(line.contains("capturing on w0"), "{line}");
        child
    }

    /// So many calls from the near to the far host, all the way to their ends.
    fn calls(&self, count: u32) {
        let folder = tempfile::tempdir().expect("a folder");
        let sipp = |host: &str, arguments: &str| {
            let line =
                format!("ip netns exec {host} timeout 20 sipp {arguments} -m {count} -nostdin");
            Command::new("sh")
                .args(["-c", &format!("exec {line}")])
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("sipp starts")
        };
        let mut answers = sipp(&self.far, "-sn uas -i 10.99.0.2 -p 5060");
        // sipp repeats an INVITE that comes before the other is ready.
        let mut calls = sipp(
            &self.near,
            "-sn uac 10.99.0.2:5060 -i 10.99.0.1 -p 5060 -r 20 -d 100",
        );
        assert!(calls.wait().expect("sipp ends").success());
        // Its keeper hands the word on; a kill would leave it at the port.
        signal(&answers, "TERM");
        let _ = answers.wait();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        shell(&format!(
            "ip netns del {}; ip netns del {}",
            self.near, self.far
        ));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(shell(&format!("kill -{name} {}", child.id())));
}

/// What a run left: its status and its report.
fn end(child: Child) -> (Option<i32>, Value) {
    let output = child.wait_with_output().expect("the program ends");
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), report)
}

fn packets_in(path: &Path) -> u64 {
    common::document(path, &[])["summary"]["packets"]
        .as_u64()
        .expect("a number")
}

#[test]
fn m064_an_interrupt_ends_with_everything_told() {
    let Some(wire) = Wire::new("int") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept.pcapng");
    let child = wire.capture(&["--json", "-w", kept.to_str().expect("UTF-8")]);
    wire.calls(10);
    signal(&child, "INT");
    let (status, report) = end(child);
    assert_eq!(status, Some(0));
    assert_eq!(report["summary"]["calls"], 10);
    assert_eq!(report["summary"]["outcomes"]["completed"], 10);
    // Drops are told of, also where there are none.
    assert_eq!(report["summary"]["capture_points"][0]["dropped"], 0);
    // The file and the report agree.
    assert_eq!(
        packets_in(&kept),
        report["summary"]["packets"].as_u64().expect("a number")
    );
    assert_eq!(common::document(&kept, &[])["summary"]["calls"], 10);
}

#[test]
fn m065_a_kill_leaves_a_file_that_can_be_read() {
    let Some(wire) = Wire::new("kil") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept.pcap");
    let mut child = wire.capture(&["-w", kept.to_str().expect("UTF-8")]);
    wire.calls(30);
    signal(&child, "KILL");
    child.wait().expect("the program ends");
    // At the most the last second is missing.
    assert!(packets_in(&kept) > 0);
}

#[test]
fn m061_an_interface_that_goes_away_ends_the_capture() {
    let Some(wire) = Wire::new("gon") else { return };
    let child = wire.capture(&["--json"]);
    wire.calls(5);
    assert!(shell(&format!("ip -n {} link del w0", wire.near)));
    let (status, report) = end(child);
    assert_eq!(status, Some(6));
    assert_eq!(report["summary"]["calls"], 5);
    assert_eq!(report["summary"]["complete"], false);
}

#[test]
fn m061_an_interface_that_comes_back_is_watched_on() {
    let Some(wire) = Wire::new("bck") else { return };
    let child = wire.capture(&["--json"]);
    let near = &wire.near;
    assert!(shell(&format!("ip -n {near} link set w0 down")));
    assert!(shell(&format!("ip -n {near} link set w0 up")));
    wire.calls(5);
    signal(&child, "INT");
    let (status, report) = end(child);
    assert_eq!((status, &report["summary"]["calls"]), (Some(0), &5.into()));
}

#[test]
fn m062_what_the_kernel_drops_is_told() {
    let Some(wire) = Wire::new("drp") else { return };
    let child = wire.capture(&["--json", "-B", "1"]);
    // While the program stands still, more comes than the kernel may hold.
    signal(&child, "STOP");
    // It goes to a neighbour that is not there, so that nobody objects.
    assert!(shell(&format!(
        "ip -n {0} neigh add 10.99.0.3 lladdr 02:00:00:00:00:03 dev w0
         ip netns exec {0} bash -c 'dd if=/dev/zero bs=1400 count=4000 > /dev/udp/10.99.0.3/9'",
        wire.near
    )));
    signal(&child, "CONT");
    wire.calls(2);
    signal(&child, "INT");
    let (status, report) = end(child);
    assert_eq!(status, Some(0));
    let dropped = report["summary"]["capture_points"][0]["dropped"].as_u64();
    assert!(dropped > Some(0), "{}", report["summary"]);
    assert_eq!(report["summary"]["complete"], false);
    assert_eq!(report["summary"]["calls"], 2);
    let reasons = report["summary"]["incomplete_reasons"].to_string();
    assert!(reasons.contains("dropped while capturing"), "{reasons}");
}

#[test]
fn captures_end_by_themselves_when_told_so() {
    let Some(wire) = Wire::new("end") else { return };
    let by_count = wire.capture(&["--json", "-a", "packets:7"]);
    let by_time = wire.capture(&["--json", "-a", "duration:1", "tcp"]);
    wire.calls(5);
    let (status, report) = end(by_count);
    assert_eq!(
        (status, &report["summary"]["packets"]),
        (Some(0), &7.into())
    );
    let (status, report) = end(by_time);
    assert_eq!(
        (status, &report["summary"]["sip_messages"]),
        (Some(0), &0.into())
    );
}

#[test]
fn events_come_one_by_one() {
    let Some(wire) = Wire::new("evt") else { return };
    let mut child = wire.capture(&["--events"]);
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    wire.calls(1);
    // The first line comes while the capture goes on.
    let first = lines
        .map(|line| line.expect("a line"))
        .next()
        .expect("a line");
    let first: Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(
        (&first["type"], &first["method"]),
        (&"message".into(), &"INVITE".into())
    );
    signal(&child, "TERM");
    assert_eq!(child.wait().expect("the program ends").code(), Some(0));
}

/// A line of `/proc/PID/status`.
fn status_of(child: &Child, name: &str) -> String {
    let path = format!("/proc/{}/status", child.id());
    let text = std::fs::read_to_string(path).expect("the process is there");
    let line = text.lines().find(|line| line.starts_with(name));
    let words = line.expect("the line").split_whitespace().skip(1);
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn m070_root_is_given_up_before_the_first_packet() {
    let Some(wire) = Wire::new("prv") else { return };
    let check = |arguments: &[&str], uid: &str, capabilities: &str| {
        let child = wire.capture(&[&["--json"], arguments].concat());
        let uids = status_of(&child, "Uid:");
        assert_eq!(uids, [uid; 4].join(" "), "{arguments:?}");
        if !capabilities.is_empty() {
            for name in ["CapEff:", "CapPrm:"] {
                assert_eq!(status_of(&child, name), capabilities, "{arguments:?}");
            }
            assert_eq!(status_of(&child, "NoNewPrivs:"), "1");
            assert_eq!(status_of(&child, "Groups:"), "65534");
        }
        wire.calls(2);
        signal(&child, "INT");
        let (status, report) = end(child);
        assert_eq!((status, &report["summary"]["calls"]), (Some(0), &2.into()));
    };
    let none = "0000000000000000";
    check(&[], "65534", none);
    check(&["-Z", "root"], "0", "");
    // A ring goes on where the user may write, and is refused before the
    // capture where not.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kept.pcapng");
    let file = file.to_str().expect("UTF-8");
    let ring = ["-w", file, "-b", "filesize:2", "-b", "files:3"];
    let refused = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_sip-inspect");
        Command::new("ip")
            .args(["netns", "exec", &wire.near, program, "capture", "-i", "w0"])
            .args(arguments)
            .output()
            .expect("the program runs")
    };
    let output = refused(&ring);
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nobody can't make"));
    assert!(shell(&format!("chmod 777 {}", folder.path().display())));
    check(&ring, "65534", none);
    let files = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, 3);
    // One file in a folder of root's own is made before root is gone.
    assert!(shell(&format!("chmod 700 {}", folder.path().display())));
    check(&["-w", file], "65534", none);
    assert!(packets_in(Path::new(file)) > 0);
    let output = refused(&["-Z", "no-such-user"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn m060_what_is_not_allowed_is_explained() {
    let output = common::run(&["capture", "-i", "no-such-interface"]);
    assert_eq!(output.status, Some(6), "{}", output.stderr);
    assert!(
        output.stderr.contains("no-such-interface"),
        "{}",
        output.stderr
    );
    let output = common::run(&["capture"]);
    assert_eq!(output.status, Some(2), "{}", output.stderr);
    let program = env!("CARGO_BIN_EXE_sip-inspect");
    let copy = tempfile::tempdir().expect("a folder");
    if shell(&format!(
        "[ \"$(id -u)\" = 0 ] && command -v setpriv && chmod 755 {0} && cp {program} {0}/sip-inspect",
        copy.path().display()
    )) {
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(copy.path().join("sip-inspect"))
            .args(["capture", "-i", "lo"])
            .output()
            .expect("setpriv runs");
        assert_eq!(output.status.code(), Some(6));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("setcap cap_net_raw+ep"), "{stderr}");
    }
}

/// What is told of each call, wherever it was seen.
fn told(report: &Value) -> Vec<String> {
    let calls = report["calls"].as_array().expect("calls").iter();
    let names = ["call_id", "outcome", "messages", "caller_ip", "callee_port"];
    let mut told: Vec<String> = calls
        .map(|own| names.map(|name| own[name].to_string()).join(" "))
        .collect();
    told.sort();
    told
}

#[test]
fn what_is_sent_on_tells_of_the_same_calls() {
    for (transport, name) in [("udp", "hu"), ("tcp", "ht")] {
        let Some(wire) = Wire::new(name) else { return };
        let address = format!("{transport}:127.0.0.1:9060");
        let listen = |arguments: &[&str]| {
            let mut child = Command::new("ip")
                .args([
                    "netns",
                    "exec",
                    &wire.near,
                    env!("CARGO_BIN_EXE_sip-inspect"),
                    "capture",
                ])
                .args(["--hep-listen", &address, "--json"])
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program starts");
            let mut line = String::new();
            let stderr = child.stderr.take().expect("a pipe");
            BufReader::new(stderr).read_line(&mut line).expect("a line");
            assert!(line.contains(&address), "{line}");
            child
        };
        let folder = tempfile::tempdir().expect("a folder");
        let kept = folder.path().join("kept.pcapng");
        let collector = listen(&["-Z", "root", "-w", kept.to_str().expect("UTF-8")]);
        let agent = wire.capture(&["--json", "--hep-send", &address, "--hep-id", "7"]);
        wire.calls(5);
        signal(&agent, "INT");
        let (status, seen) = end(agent);
        assert_eq!(status, Some(0));
        // Whatever was sent has come before the end is asked for.
        signal(&collector, "INT");
        let (status, heard) = end(collector);
        assert_eq!(status, Some(0));
        assert_eq!(told(&seen).len(), 5, "{transport}");
        assert_eq!(told(&seen), told(&heard), "{transport}");
        assert_eq!(heard["summary"]["tunnels"][0]["kind"], "hep");
        assert_eq!(heard["summary"]["tunnels"][0]["key"], 7);
        assert_eq!(heard["summary"]["duplicates"], 0);
        // What was kept of it says the same again.
        assert_eq!(
            told(&common::document(&kept, &[])),
            told(&heard),
            "{transport}"
        );
    }
}

#[test]
fn a_file_that_grows_is_followed_until_it_is_enough() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("growing.pcap");
    let case = common::testdata().join("cases/sipp-ipv6");
    let whole = std::fs::read_dir(case)
        .expect("a case")
        .map(|own| own.expect("an entry").path())
        .find(|own| own.to_string_lossy().contains("/capture."))
        .expect("a capture");
    let whole = std::fs::read(whole).expect("octets");
    let mut file = std::fs::File::create(&path).expect("a file");
    // Not even its header is there yet.
    file.write_all(&whole[..10]).expect("written");
    let child = Command::new(env!("CARGO_BIN_EXE_sip-inspect"))
        .args(["analyze", "--follow", "--messages", "--format", "ndjson"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut child = child;
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    let half = whole.len() / 2;
    file.write_all(&whole[10..half]).expect("written");
    // What is there is told, although more may follow.
    assert_eq!(next()["type"], "message");
    file.write_all(&whole[half..whole.len() - 3])
        .expect("written");
    signal(&child, "INT");
    let mut last = next();
    while last["type"] != "summary" {
        last = next();
    }
    // A record that is still being written is no damage.
    assert_eq!(last["complete"], true);
    assert!(last["sip_messages"].as_u64() > Some(5), "{last}");
    assert!(child.wait().expect("it ends").success());
}
