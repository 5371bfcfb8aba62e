//! The shortest way through the crates.

fn main() {}
