//! The pages in a real browser: with scripts, on a phone's width, and without scripts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed helper fails its test"
)]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use chromiumoxide::browser::{Browser, BrowserConfig};
use chromiumoxide::cdp::browser_protocol::emulation::{
    SetDeviceMetricsOverrideParams, SetScriptExecutionDisabledParams,
};
use chromiumoxide::cdp::js_protocol::runtime::EventExceptionThrown;
use chromiumoxide::{Element, Page};
use common::Served;
use futures::StreamExt as _;
use ibn_testkit::service::need;
use tokio::task::JoinHandle;

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The browser, where there is one.
fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

struct Opened {
    browser: Browser,
    page: Page,
    served: Served,
    address: String,
    tasks: Vec<JoinHandle<()>>,
    // Removed when the test is over.
    _profile: tempfile::TempDir,
}

impl Opened {
    /// A page of a server of its own, `width` pixels wide; `None` where there is no browser.
    async fn at_width(width: u32) -> Option<Self> {
        let chromium = need("browser", chromium().ok_or("there is no chromium"))?;
        let served = Served::at_speed(60.0);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = served.app.clone();
        let serving = tokio::spawn(async move {
            ibn_server::serve(listener, app, std::future::pending())
                .await
                .unwrap();
        });
        let profile = tempfile::tempdir().unwrap();
        let config = BrowserConfig::builder()
            .chrome_executable(chromium)
            .no_sandbox()
            .user_data_dir(profile.path())
            .args([
                "--headless",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .build()
            .unwrap();
        let (browser, mut handler) = Browser::launch(config).await.unwrap();
        let handling = tokio::spawn(async move { while handler.next().await.is_some() {} });
        let page = browser.new_page("about:blank").await.unwrap();
        let metrics = SetDeviceMetricsOverrideParams::builder()
            .width(i64::from(width))
            .height(740)
            .device_scale_factor(1.0)
            .mobile(width < 500)
            .build()
            .unwrap();
        page.execute(metrics).await.unwrap();
        Some(Self {
            browser,
            page,
            served,
            address,
            tasks: vec![serving, handling],
            _profile: profile,
        })
    }

    async fn go(&self, path: &str) {
        self.page
            .goto(format!("{}{path}", self.address))
            .await
            .unwrap();
    }

    /// The first element of a selector, once it is there.
    async fn find(&self, selector: &str) -> Element {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.page.find_element(selector).await {
                Ok(element) => return element,
                Err(error) if tokio::time::Instant::now() > deadline => {
                    panic!("{selector} never came: {error}\n{}", self.text().await)
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    /// What a person reads. By the protocol, so that it works without scripts.
    async fn text(&self) -> String {
        common::html::text(&self.page.content().await.unwrap_or_default())
    }

    async fn until_text(&self, part: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.text().await.contains(part) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "`{part}` never came:\n{}",
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn number(&self, expression: &str) -> f64 {
        self.page
            .evaluate(expression)
            .await
            .unwrap()
            .into_value()
            .unwrap()
    }

    async fn close(mut self) {
        let _ = self.browser.close().await;
        let _ = self.browser.wait().await;
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentence_takes_effect_live_and_is_undone() {
    let Some(opened) = Opened::at_width(1280).await else {
        return;
    };
    let mut exceptions = opened
        .page
        .event_listener::<EventExceptionThrown>()
        .await
        .unwrap();
    opened.go("/").await;
    let sentence = opened.find("#sentence").await;
    sentence.click().await.unwrap();
    sentence.type_str("scale acme web to 5").await.unwrap();
    // Enter is enough.
    sentence.press_key("Enter").await.unwrap();
    opened.until_text("Run exactly 5 pods.").await;
    opened.until_text("1.5 cores → 2.5 cores").await;

    opened.click("#apply button").await;
    // Nobody loads the page again: events bring the news.
    opened.until_text("It is done").await;
    assert_eq!(
        opened
            .served
            .cluster
            .replicas(&common::deployment("acme", "web")),
        5
    );

    opened.click("form[action$='/undo'] button").await;
    opened.until_text("It is being undone by").await;
    opened.until_text("Suspended").await;
    assert_eq!(
        opened
            .served
            .cluster
            .replicas(&common::deployment("acme", "web")),
        3
    );

    opened.go("/").await;
    opened.until_text("undone").await;
    // The script has just begun: it tells of its connection once there is one.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let connection = opened
            .page
            .evaluate("document.documentElement.dataset.connection ?? 'none'")
            .await
            .unwrap();
        if connection.into_value::<String>().unwrap() == "live" {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the page never became live"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let first = opened.text().await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while opened.text().await == first {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the clock stands still"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let thrown = tokio::time::timeout(Duration::from_millis(10), exceptions.next()).await;
    assert!(thrown.is_err(), "a script failed: {thrown:?}");
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_does_survives_the_news() {
    let Some(opened) = Opened::at_width(1280).await else {
        return;
    };
    opened
        .served
        .post(
            "/api/v1/apply",
            &serde_json::json!({"text": "make acme web fast"}),
        )
        .await;
    opened.go("/workloads/acme/Deployment/web").await;
    opened.click("#plot-replicas summary").await;
    let rows = opened
        .number("document.querySelectorAll('#plot-replicas tbody tr').length")
        .await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while opened
        .number("document.querySelectorAll('#plot-replicas tbody tr').length")
        .await
        <= rows
    {
        assert!(tokio::time::Instant::now() < deadline, "no new points came");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        opened
            .number("+document.querySelector('#plot-replicas details').open")
            .await,
        1.0,
        "it is still open"
    );

    opened.go("/").await;
    let sentence = opened.find("#sentence").await;
    sentence.click().await.unwrap();
    sentence.type_str("half a sen").await.unwrap();
    let clock = "document.querySelector('#clock b').textContent.replaceAll(':', '') * 1";
    let before = opened.number(clock).await;
    while opened.number(clock).await < before + 300.0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let value = opened
        .page
        .evaluate("document.getElementById('sentence').value")
        .await
        .unwrap();
    assert_eq!(value.into_value::<String>().unwrap(), "half a sen");
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_wider_than_a_phone() {
    let Some(opened) = Opened::at_width(360).await else {
        return;
    };
    for text in ["make acme web fast", "scale globex checkout to 16"] {
        opened
            .served
            .post("/api/v1/apply", &serde_json::json!({"text": text}))
            .await;
    }
    opened
        .served
        .until("/api/v1/decisions?last=2", |it| {
            it.text.contains("\"receipt\":{")
        })
        .await;
    for path in [
        "/",
        "/understand?text=please+make+acme+checkout+fast",
        "/understand?text=scale+acme+web+to+15",
        "/understand?text=scale+web+to+5",
        "/document",
        "/workloads/acme/Deployment/web",
        "/workloads/globex/Deployment/checkout?span=day",
        "/intents",
        "/intents/acme/web-fast",
        "/decisions",
        "/decisions/d1",
        "/learning",
        "/about",
        "/nothing",
    ] {
        opened.go(path).await;
        let width = opened.number("document.documentElement.scrollWidth").await;
        assert!(width <= 360.0, "{path} is {width} wide");
        let small = opened
            .page
            .evaluate("[...document.querySelectorAll('main button, .speed button, main .button')].filter(it => it.offsetParent && it.getBoundingClientRect().height < 24).map(it => it.outerHTML).join()")
            .await
            .unwrap();
        assert_eq!(
            small.into_value::<String>().unwrap(),
            "",
            "{path} has buttons that are too small to be touched"
        );
    }
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_work_without_scripts() {
    let Some(opened) = Opened::at_width(1280).await else {
        return;
    };
    opened
        .page
        .execute(SetScriptExecutionDisabledParams::new(true))
        .await
        .unwrap();
    opened.go("/").await;
    let sentence = opened.find("#sentence").await;
    sentence.focus().await.unwrap();
    sentence
        .type_str("please scale acme web to 5")
        .await
        .unwrap();
    opened
        .find(".say button")
        .await
        .focus()
        .await
        .unwrap()
        .press_key("Enter")
        .await
        .unwrap();
    opened.until_text("Only a language model read this.").await;
    // By keys alone: the box, then the button.
    opened
        .find("#confirmed")
        .await
        .focus()
        .await
        .unwrap()
        .press_key(" ")
        .await
        .unwrap();
    opened
        .find("#apply button")
        .await
        .focus()
        .await
        .unwrap()
        .press_key("Enter")
        .await
        .unwrap();
    opened.until_text("Decide").await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while opened
        .served
        .cluster
        .replicas(&common::deployment("acme", "web"))
        != 5
    {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{}",
            opened.text().await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    opened.go("/decisions").await;
    opened
        .find("form[action$='/undo'] button")
        .await
        .focus()
        .await
        .unwrap()
        .press_key("Enter")
        .await
        .unwrap();
    opened.until_text("It is being undone by").await;
    opened.close().await;
}
