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

/// A demo that ends with the test, however that ends.
pub(crate) struct Running(Child);

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is no fault.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same, running, and its address.
pub(crate) fn start(state_dir: &Path) -> (Running, String) {
    let mut child = demo(state_dir).spawn().unwrap();
    // The address is printed once the replay is over and the page is served.
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    (Running(child), address.trim().to_owned())
}
