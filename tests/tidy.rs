//! The repository's own rules: layers, documents, names.

use std::fs;
use std::path::{Path, PathBuf};

/// Which layer each module stands in; a module may use those below it, and in
/// layers 2 to 6 those beside it where the table says so.
const LAYERS: [(&str, u8); 34] = [
    ("octets", 0),
    ("time", 0),
    ("net", 0),
    ("packet", 0),
    ("pcap", 1),
    ("link", 1),
    ("sip", 1),
    ("sdp", 1),
    ("stun", 1),
    ("hep", 1),
    ("srtp", 1),
    ("t38", 1),
    ("msrp", 1),
    ("websocket", 1),
    ("rtp", 1),
    ("tls", 1),
    ("dns", 1),
    ("port_mapping", 1),
    ("engine", 2),
    ("metrics", 3),
    ("nat", 3),
    ("rules", 3),
    ("workload", 3),
    ("report", 4),
    ("inspector", 4),
    ("filter", 4),
    ("expect", 4),
    ("capture", 5),
    ("output", 5),
    ("probe", 5),
    ("serve", 5),
    ("cli", 6),
    ("main", 6),
    ("lib", 6),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    into.sort();
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each source file below `src` with its module and its text, tests cut off.
fn modules() -> Vec<(PathBuf, String, String)> {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let below = path.strip_prefix(root().join("src")).expect("below src");
            let first = below
                .components()
                .next()
                .expect("a part")
                .as_os_str()
                .to_string_lossy();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).expect("text");
            let text = text
                .split("#[cfg(test)]")
                .next()
                .unwrap_or_default()
                .to_owned();
            (path, module, text)
        })
        .collect()
}

fn layer(module: &str) -> u8 {
    LAYERS
        .iter()
        .find(|(known, _)| *known == module)
        .unwrap_or_else(|| panic!("{module} stands in no layer"))
        .1
}

#[test]
fn modules_use_what_is_below_them() {
    let mut uses = 0;
    for (path, module, text) in modules() {
        for (at, _) in text.match_indices("crate::") {
            let rest = &text[at + "crate::".len()..];
            let used: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            if used.is_empty() || used == module {
                continue;
            }
            uses += 1;
            let (own, other) = (layer(&module), layer(&used));
            let beside = own == other && own != 1 && own != 5;
            assert!(
                other < own || beside,
                "{}: {module} uses {used}",
                path.display()
            );
        }
    }
    assert!(uses > 100, "{uses}");
}

#[test]
fn below_the_edges_nothing_reads_a_clock_or_a_file() {
    for (path, module, text) in modules() {
        if layer(&module) >= 5 {
            continue;
        }
        for word in [
            "std::fs",
            "std::env",
            "std::process",
            "std::thread",
            "SystemTime",
            "Instant::",
            "println!",
            "eprintln!",
        ] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn m047_keys_off_the_wire_are_hashed_with_a_seed() {
    for (path, _, text) in modules() {
        assert!(
            !text.contains("FxHash") && !text.contains("rustc_hash"),
            "{}",
            path.display()
        );
        // The one unseeded digest names messages; no map is keyed by it.
        if text.contains("FixedState") {
            assert!(path.ends_with("engine/call/facts.rs"), "{}", path.display());
        }
    }
}

#[test]
fn serialised_types_live_in_the_report_alone() {
    for (path, module, text) in modules() {
        if text.contains("derive(") && text.contains("Serialize") {
            assert!(
                matches!(module.as_str(), "report" | "output") || path.ends_with("cli/baseline.rs"),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn the_readme_names_the_commands_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let makefile = fs::read_to_string(root().join("Makefile")).expect("Makefile");
    for target in ["demo", "test", "bench"] {
        assert!(readme.contains(&format!("make {target}")), "{target}");
        assert!(makefile.contains(&format!("\n{target}:")), "{target}");
    }
    let verbs = [
        "analyze",
        "capture",
        "check",
        "explain",
        "export pcap",
        "flow",
        "probe stun",
        "probe nat",
        "probe options",
        "probe register",
        "probe call",
        "probe turn",
        "probe dns",
        "probe alg",
        "serve",
        "stats",
    ];
    let help: String = verbs
        .iter()
        .map(|verb| {
            let help = std::process::Command::new(env!("CARGO_BIN_EXE_sip-inspect"))
                .args(verb.split(' '))
                .arg("--help")
                .output()
                .expect("the program runs");
            String::from_utf8(help.stdout).expect("UTF-8")
        })
        .collect();
    for flag in readme.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        if flag.starts_with("--") && flag.contains(|c: char| c.is_ascii_alphabetic()) {
            assert!(help.contains(flag), "README.md names {flag}");
        }
    }
}

#[test]
fn the_top_level_is_what_it_should_be() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "Makefile",
        "README.md",
        "src",
        "testdata",
        "tests",
        "benches",
        "target",
    ];
    for entry in fs::read_dir(root()).expect("the checkout") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "{name}"
        );
    }
}

#[test]
fn each_case_has_its_papers() {
    for entry in fs::read_dir(root().join("testdata/cases")).expect("cases") {
        let case = entry.expect("an entry").path();
        for name in ["README.md", "expected.ndjson"] {
            assert!(case.join(name).is_file(), "{} lacks {name}", case.display());
        }
    }
}
