//! Set-up shared by the benches.
