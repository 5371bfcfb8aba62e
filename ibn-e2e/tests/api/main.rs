//! The custom resources on a real API server: what it takes, what it refuses, and what is remembered in them.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod fixtures;
mod status;
mod stores;
