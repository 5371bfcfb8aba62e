//! Prints the page `docs/diagnostics.md`, for `cargo xtask generate`.

fn main() {
    print!("{}", ibn_core::diagnostic::reference_page());
}
