//! The command line of `ibn`.

fn main() {}
