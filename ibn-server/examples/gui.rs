//! The pages over a fake cluster that moves, to look at and to work on: `cargo run -p ibn-server --example gui`.

#![expect(
    clippy::unwrap_used,
    reason = "an example may end where something is missing"
)]
#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the stage of the tests is used here"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8099".to_owned());
    let served = common::Served::lively(60.0, 26);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let ended = async {
        // Where signals can't be heard, it ends with its process.
        let _ = tokio::signal::ctrl_c().await;
    };
    ibn_server::serve(listener, served.app.clone(), ended)
        .await
        .unwrap();
}
