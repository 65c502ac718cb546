//! Far ends for probes: the program's own, and such as misbehave.

use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::{Output, program, run};

/// `serve` with these arguments, until it is dropped.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = program()
            .arg("serve")
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // It tells when all its addresses are open.
        let mut line = String::new();
        let stderr = child.stderr.take().expect("a pipe");
        let mut reader = BufReader::new(stderr);
        reader.read_line(&mut line).expect("a line");
        assert!(line.starts_with("STUN over UDP and TCP at "), "{line}");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves at ports of its own: tests run side by side.
pub(crate) fn server(port: u16) -> Server {
    let stun = format!("127.0.0.1:{port}");
    let other = format!("127.0.0.2:{}", port + 1);
    let sip = format!("127.0.0.1:{}", port + 2);
    Server::start(&["--stun", &stun, "--alternate", &other, "--sip", &sip])
}

/// The report, which the schema allows.
pub(crate) fn report(output: &Output) -> Value {
    let report: Value = serde_json::from_str(&output.stdout).expect(&output.stdout);
    let schema: Value = serde_json::from_str(&run(&["schema", "probe"]).stdout).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(report["exit"].as_i64(), output.status.map(i64::from));
    report
}

/// The header fields of a request that its answer repeats.
pub(crate) fn repeated(request: &str) -> String {
    let fields = request.lines().filter(|line| {
        ["Via", "From", "To", "Call-ID", "CSeq"]
            .iter()
            .any(|name| line.starts_with(&format!("{name}:")))
    });
    fields.map(|line| format!("{line}\r\n")).collect()
}

/// A peer that does to each request what it is told to, and counts them.
pub(crate) fn peer(
    mut misbehave: impl FnMut(&UdpSocket, &[u8], std::net::SocketAddr) + Send + 'static,
) -> (String, Arc<AtomicU64>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            counted.fetch_add(1, Ordering::SeqCst);
            misbehave(&socket, &buffer[..length], from);
        }
    });
    (address, count)
}
