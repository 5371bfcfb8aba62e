//! A demo of its own for a test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The demo with its state in a folder, on any free port.
pub(crate) fn demo(state_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibn"));
    command
        .args([
            "demo",
            "--seed",
            "11",
            "--speed",
            "1000",
            "--listen",
            "127.0.0.1:0",
            "--state-dir",
        ])
        .arg(state_dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The same, running, and its address.
pub(crate) fn start(state_dir: &Path) -> (Child, String) {
    let mut child = demo(state_dir).spawn().unwrap();
    // The address is printed once the replay is over and the page is served.
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    (child, address.trim().to_owned())
}
