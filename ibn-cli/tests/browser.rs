//! The demo as a newcomer has it, in a real browser: by keys alone, on a phone's width.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed helper fails its test"
)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chromiumoxide::Page;
use chromiumoxide::browser::{Browser, BrowserConfig};
use chromiumoxide::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;
use futures::StreamExt as _;
use ibn_testkit::service::need;
use serde_json::{Value, json};

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Steps of the Tab key that a page may need until all of it was visited.
const STEPS: usize = 120;

/// The browser, where there is one.
fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

/// A running demo, which ends with the test.
struct Demo {
    child: Child,
    address: String,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ibn"))
            .args(["--listen", "127.0.0.1:0", "--state-dir", ":memory:"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/v1/{path}", self.address);
        reqwest::get(url).await.unwrap().json().await.unwrap()
    }

    /// Pods that `web` of `acme` is given.
    async fn pods(&self) -> u64 {
        let web = self.get("workloads/acme/Deployment/web").await;
        web["allocation"]["replicas"].as_u64().unwrap()
    }

    /// Waits until enough was measured for predictions.
    async fn until_it_predicts(&self, sentence: &str) {
        let client = reqwest::Client::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let preview: Value = client
                .post(format!("{}/api/v1/preview", self.address))
                .json(&json!({"text": sentence}))
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let effect = &preview["foreseen"][0]["outcome"]["effect"];
            if effect["predictedAfter"].is_object() {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "nothing is ever predicted: {preview:#}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person who has only a keyboard.
struct Hands(Page);

impl Hands {
    async fn text(&self) -> String {
        let text = self.0.evaluate("document.body.innerText").await;
        text.ok()
            .and_then(|it| it.into_value().ok())
            .unwrap_or_default()
    }

    async fn until_text(&self, part: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let text = self.text().await;
            if text.contains(part) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "`{part}` never came:\n{text}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn press(&self, key: &str) {
        let body = self.0.find_element("body").await.unwrap();
        body.press_key(key).await.unwrap();
    }

    /// Goes on with the Tab key until what has the focus is one of `selector`.
    async fn tab_to(&self, selector: &str) {
        let is_there = format!("document.activeElement.matches({})", json!(selector));
        for _ in 0..STEPS {
            self.press("Tab").await;
            let found = self.0.evaluate(is_there.as_str()).await.unwrap();
            if found.into_value::<bool>().unwrap() {
                return;
            }
        }
        panic!(
            "{selector} can't be reached by keys:\n{}",
            self.text().await
        );
    }

    async fn assert_fits(&self, width: f64) {
        let wide = self
            .0
            .evaluate("document.documentElement.scrollWidth")
            .await
            .unwrap();
        let wide: f64 = wide.into_value().unwrap();
        assert!(wide <= width, "{wide} wide:\n{}", self.text().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_says_sees_applies_watches_and_undoes() {
    let Some(chromium) = need("browser", chromium().ok_or("there is no chromium")) else {
        return;
    };
    let sentence = "scale web in acme to 5";
    let demo = Demo::start();
    demo.until_it_predicts(sentence).await;

    let profile = tempfile::tempdir().unwrap();
    let config = BrowserConfig::builder()
        .chrome_executable(chromium)
        .no_sandbox()
        .user_data_dir(profile.path())
        .args(["--headless", "--disable-gpu", "--no-first-run"])
        .build()
        .unwrap();
    let (mut browser, mut handler) = Browser::launch(config).await.unwrap();
    let handling = tokio::spawn(async move { while handler.next().await.is_some() {} });
    let page = browser.new_page("about:blank").await.unwrap();
    let phone = SetDeviceMetricsOverrideParams::builder()
        .width(390)
        .height(844)
        .device_scale_factor(1.0)
        .mobile(true)
        .build()
        .unwrap();
    page.execute(phone).await.unwrap();
    page.goto(demo.address.as_str()).await.unwrap();
    let hands = Hands(page);

    // Say.
    hands.until_text("What should happen?").await;
    hands.assert_fits(390.0).await;
    hands.tab_to("#sentence").await;
    let field = hands.0.find_element("#sentence").await.unwrap();
    field.type_str(sentence).await.unwrap();
    hands.press("Enter").await;

    // See: what was understood, and what would come of it.
    hands.until_text("What was understood").await;
    for part in [
        "Run exactly 5 pods.",
        "p95 response time predicted",
        "Predicted for a load of",
        "Cost",
    ] {
        hands.until_text(part).await;
    }
    hands.assert_fits(390.0).await;
    assert_ne!(demo.pods().await, 5, "to look at it changes nothing");

    // Apply, and watch it take effect: nobody loads the page again.
    hands.tab_to("#apply button").await;
    hands.press("Enter").await;
    hands.until_text("It is done").await;
    hands.assert_fits(390.0).await;
    assert_eq!(demo.pods().await, 5);

    // Undo: the directive is suspended, and the objective decides again.
    hands.tab_to("form[action$='/undo'] button").await;
    hands.press("Enter").await;
    hands.until_text("It is being undone by").await;
    hands.until_text("Suspended").await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while demo.pods().await == 5 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it was never undone:\n{}",
            hands.text().await
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let _ = browser.close().await;
    let _ = browser.wait().await;
    handling.abort();
}
