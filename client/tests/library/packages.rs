//! Guards what the library brings into the program that depends on it.

use std::process::Command;

#[test]
fn the_library_brings_in_no_event_loop_and_no_options() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--package",
            "powtcp-client",
        ])
        .args(["--edges", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let text = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.status.success(), "{tree:?}");
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains(&"powtcp-common"), "{text}");
    for unwanted in ["mio", "slab", "socket2", "pico-args", "signal-hook"] {
        assert!(!names.contains(&unwanted), "{unwanted} in {text}");
    }
}
