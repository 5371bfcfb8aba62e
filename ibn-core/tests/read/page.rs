//! The generated table of codes is up to date.

#[test]
fn the_page_of_codes_is_up_to_date() {
    let path = format!("{}/../docs/diagnostics.md", env!("CARGO_MANIFEST_DIR"));
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        written,
        ibn_core::diagnostic::reference_page(),
        "run `cargo xtask generate`"
    );
}
