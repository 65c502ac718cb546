//! `check` with a policy: expectations, suppressions, baselines, profiles.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{program, testdata};

/// A folder of its own that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sip-inspect-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fault(name: &str) -> String {
    let path = testdata().join("faults").join(name).join("fault.pcapng.gz");
    path.to_str().expect("UTF-8").to_owned()
}

fn case(name: &str) -> String {
    let path = testdata().join("cases").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// Runs `check` in a folder: status, standard output, standard error.
fn check(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program()
        .current_dir(folder)
        .arg("check")
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn expectations_are_met_or_say_which_step_was_not() {
    let folder = Folder::new("expect");
    let shipped = case("proxied-call/expect.toml");
    let call = case("proxied-call/capture.pcap");
    let (status, out, _) = check(&folder.0, &[&call, "--expect", &shipped]);
    assert_eq!(status, Some(0), "{out}");
    let refused = fault("no-common-codec");
    // An unmet expectation fails whatever --fail-on says.
    let (status, out, _) = check(
        &folder.0,
        &[&refused, "--expect", &shipped, "--fail-on", "never"],
    );
    assert_eq!(status, Some(1), "{out}");
    for part in [
        "error[EXPECT]: alice calls bob: step 4, 200: 488 to INVITE came instead",
        "expected the outcome completed, it is rejected",
        "expected media to-caller, there are none",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    for (text, complaint) in [
        ("[[expect]]\nflow = [\"invite\"]\n", "neither a method"),
        ("[[expect]]\noutcome = [\"fine\"]\n", "expected one of"),
        ("[[expect]]\nwithout = [\"XYZ1\"]\n", "no rule is XYZ1"),
        ("[[expect]]\nspeed = 3\n", "unknown field"),
        ("", "it expects nothing"),
    ] {
        folder.write("bad.toml", text);
        let (status, _, told) = check(&folder.0, &[&call, "--expect", "bad.toml"]);
        assert_eq!(status, Some(2), "{text}");
        assert!(
            told.contains("bad.toml") && told.contains(complaint),
            "{told}"
        );
    }
    let unmet = |text: &str| {
        folder.write("own.toml", text);
        check(&folder.0, &[&call, "--expect", "own.toml"])
    };
    for (text, complaint) in [
        (
            "[[expect]]\nfrom = \"zoe\"\n",
            "expected at least 1 calls from zoe",
        ),
        ("[[expect]]\ncalls = 2\n", "found 1"),
        (
            "[[expect]]\nended-by = [\"proxy\"]\n",
            "expected the end by proxy",
        ),
        (
            "[[expect]]\nwith = [\"TXN014\"]\n",
            "expected TXN014 to find something",
        ),
        ("[[expect]]\nwithout = [\"DLG046\"]\n", "found DLG046"),
        ("[[expect]]\ntalk-ms = 9e9\n", "of talk"),
        (
            "[[expect]]\n[expect.audio]\ncodecs = [\"opus\"]\n",
            "expected opus",
        ),
        (
            "[[expect]]\n[expect.audio]\npackets = 100000\n",
            "expected at least 100000 packets",
        ),
        (
            "[[expect]]\n[expect.audio]\nmos = 5.0\n",
            "expected a MOS of at least 5",
        ),
        (
            "[[expect]]\n[expect.audio]\ndirection = \"none\"\n",
            "expected no media",
        ),
    ] {
        let (status, out, _) = unmet(text);
        assert_eq!(status, Some(1), "{text}: {out}");
        assert!(out.contains(complaint), "{complaint}: {out}");
    }
}

#[test]
fn a_baseline_lets_only_what_is_new_count() {
    let folder = Folder::new("baseline");
    let old = fault("service-unavailable");
    let new = fault("no-common-codec");
    let (status, out, told) = check(&folder.0, &[&old, "--write-baseline", "known.json"]);
    assert_eq!((status, out.as_str()), (Some(0), ""), "{told}");
    let gate = ["--baseline", "known.json", "--fail-on", "warning"];
    let (status, out, _) = check(&folder.0, &[&[old.as_str()], &gate[..]].concat());
    assert_eq!(status, Some(0), "{out}");
    assert!(out.contains("more are known and do not count"), "{out}");
    let (status, out, _) = check(&folder.0, &[&[new.as_str()], &gate[..]].concat());
    assert_eq!(status, Some(1), "{out}");
    assert!(out.contains("SDP014"), "{out}");
    // Twice as often as before is new.
    let both = [&[old.as_str(), old.as_str()], &gate[..]].concat();
    let text = fs::read_to_string(folder.0.join("known.json")).expect("written");
    assert!(
        !text.contains("192.0.2.10:5060") || text.contains("example"),
        "{text}"
    );
    let _ = check(&folder.0, &both);
    for (text, complaint) in [
        ("{", "EOF"),
        (r#"{"version": 9, "known": {}}"#, "version 9"),
    ] {
        folder.write("known.json", text);
        let (status, _, told) = check(&folder.0, &[&[old.as_str()], &gate[..]].concat());
        assert_eq!(status, Some(2), "{told}");
        assert!(told.contains(complaint), "{told}");
    }
}

#[test]
fn suppressions_need_a_reason_and_are_shown_to_machines() {
    let folder = Folder::new("suppress");
    let capture = fault("no-common-codec");
    let config = "fail-on = \"warning\"\nignore = [\"TXN036\"]\n[[suppress]]\ncode = \"SDP014\"\n";
    folder.write(
        ".sip-inspect.toml",
        &format!("{config}user-agent = \"sipp\"\nreason = \"the lab has G.729 alone\"\n"),
    );
    let (status, out, told) = check(&folder.0, &[&capture]);
    assert_eq!(status, Some(0), "{out}{told}");
    let (_, sarif, _) = check(&folder.0, &[&capture, "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let own = results.iter().find(|own| own["ruleId"] == "SDP014");
    assert_eq!(
        own.expect("told")["suppressions"][0]["justification"],
        "the lab has G.729 alone"
    );
    // Without the file it counts.
    assert_eq!(check(&folder.0, &[&capture, "--no-config"]).0, Some(1));
    for (text, complaint) in [
        (config.to_owned(), "missing field `reason`"),
        (format!("{config}reason = \" \"\n"), "give a reason"),
        (
            format!("{config}user-agent = \"zoiper\"\nreason = \"x\"\n"),
            "",
        ),
        ("ignore = [\"XYZ\"]".to_owned(), "no rule is XYZ"),
        ("profile = \"lax\"".to_owned(), "expected one of strict"),
        ("speed = 1".to_owned(), "unknown field"),
        (
            "[severity]\nSDP014 = \"bad\"".to_owned(),
            "expected error, warning or info",
        ),
    ] {
        folder.write(".sip-inspect.toml", &text);
        let (status, _, told) = check(&folder.0, &[&capture]);
        let expected = if complaint.is_empty() { 1 } else { 2 };
        assert_eq!(status, Some(expected), "{text}: {told}");
        assert!(told.contains(complaint), "{told}");
    }
}

#[test]
fn the_configuration_is_found_up_to_the_root_of_the_repository() {
    let folder = Folder::new("config");
    let capture = fault("no-common-codec");
    folder.write(".sip-inspect.toml", "ignore = [\"SDP014\"]\n");
    folder.write("repository/.git/HEAD", "");
    folder.write("repository/inner/x", "");
    let status = |place: &str, more: &[&str]| {
        check(&folder.0.join(place), &[&[capture.as_str()], more].concat()).0
    };
    // What lies above the repository is not its own.
    assert_eq!(status("repository/inner", &[]), Some(1));
    assert_eq!(status(".", &[]), Some(0));
    folder.write(
        "repository/.sip-inspect.toml",
        "severity.SDP014 = \"info\"\n",
    );
    assert_eq!(status("repository/inner", &[]), Some(0));
    assert_eq!(status("repository/inner", &["--no-config"]), Some(1));
    assert_eq!(
        status("repository/inner", &["--severity", "SDP014=error"]),
        Some(1)
    );
    let other = ["--config", "../../.sip-inspect.toml", "--fail-on", "info"];
    assert_eq!(status("repository/inner", &other), Some(1));
    folder.write(
        "repository/.sip-inspect.toml",
        "ignore = [\"SDP014\"]\nmin-calls = 2\n",
    );
    assert_eq!(status("repository", &[]), Some(1));
    assert_eq!(status("repository", &["--min-calls", "1"]), Some(0));
}

#[test]
fn profiles_weigh_in_their_own_way() {
    let folder = Folder::new("profile");
    let call = case("proxied-call/capture.pcap");
    let count = |profile: &str| {
        let (_, out, _) = check(
            &folder.0,
            &[&call, "--profile", profile, "--format", "json"],
        );
        let out: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        out["summary"]["diagnostics"]["warning"].as_u64()
    };
    // baresip computes the credentials of the ACK anew, which most tolerate.
    assert!(count("strict") > count("interop"));
    assert_eq!(check(&folder.0, &[&call, "--profile", "lax"]).0, Some(2));
}

#[test]
fn the_octets_that_show_it_are_underlined() {
    let folder = Folder::new("quote");
    let (_, out, _) = check(&folder.0, &[&fault("fax-refused")]);
    let lines: Vec<&str> = out.lines().collect();
    let place = lines
        .iter()
        .position(|line| line.contains("| m=image 6000"));
    let place = place.unwrap_or_else(|| panic!("{out}"));
    let column = lines[place].find("image").expect("the part");
    assert_eq!(lines[place + 1].find('^'), Some(column), "{out}");
}

#[test]
fn digest_responses_are_verified_with_the_password() {
    let folder = Folder::new("credentials");
    folder.write(
        "secrets",
        "# who: realm: password\nalice:example.com:right\n",
    );
    let healthy = fault("wrong-password").replace("fault.", "healthy.");
    for (capture, code) in [(fault("wrong-password"), "AUT018"), (healthy, "AUT017")] {
        let (_, out, told) = check(&folder.0, &[&capture, "--credentials", "secrets"]);
        assert!(out.contains(code), "{out}{told}");
        let (_, out, _) = check(&folder.0, &[&capture]);
        assert!(!out.contains(code), "{out}");
    }
    // A secret is not repeated, not even where it can't be read.
    folder.write("secrets", "hunter2\n");
    let (status, _, told) = check(
        &folder.0,
        &[&fault("wrong-password"), "--credentials", "secrets"],
    );
    assert_eq!(status, Some(2));
    assert!(
        told.contains("line 1") && !told.contains("hunter2"),
        "{told}"
    );
}

/// A Contact that carries what a terminal obeys stands in the advice too.
#[test]
fn what_is_advised_is_harmless_in_a_terminal() {
    let folder = Folder::new("hostile");
    let contact = "header=Contact:_<sip:b\u{1b}[31m@203.0.113.7>";
    let text = format!(
        "0 A>B INVITE
         20 B>A 200 to=t {contact}
         520 B>A 200 to=t {contact}
         1520 B>A 200 to=t {contact}
         3520 B>A 200 to=t {contact}"
    );
    // A classic pcap, microseconds, Ethernet.
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (ms, _, data) in common::scene::packets(&text) {
        let length = u32::try_from(data.len()).expect("short");
        let ms = u32::try_from(ms).expect("short");
        for word in [1_700_000_000 + ms / 1000, ms % 1000 * 1000, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(data);
    }
    fs::write(folder.0.join("hostile.pcap"), file).expect("written");
    for verb in ["analyze", "flow", "check"] {
        let output = program()
            .current_dir(&folder.0)
            .args([verb, "hostile.pcap"])
            .output()
            .expect("the program runs");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(
            out.contains("TXN014") && out.contains("\\x1b"),
            "{verb}: {out}"
        );
        let raw = |letter: char| letter.is_control() && letter != '\n';
        assert!(!out.contains(raw), "{verb}: {out:?}");
    }
}

/// What the README shows is what works.
#[test]
fn the_readme_shows_files_that_are_accepted() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.expect("README.md");
    let files: Vec<&str> = readme
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [expectation, policy] = files.as_slice() else {
        panic!("two files: {files:?}");
    };
    let shipped = fs::read_to_string(case("proxied-call/expect.toml")).expect("shipped");
    assert_eq!(*expectation, shipped);
    let folder = Folder::new("readme");
    folder.write(
        ".sip-inspect.toml",
        &policy.replace("baseline =", "# baseline ="),
    );
    folder.write("expect.toml", expectation);
    let call = case("proxied-call/capture.pcap");
    let (status, out, told) = check(
        &folder.0,
        &[&call, "--expect", "expect.toml", "--min-calls", "1"],
    );
    assert_eq!(status, Some(0), "{out}{told}");
}
