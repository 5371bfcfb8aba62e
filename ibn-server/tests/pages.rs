//! The pages, as a browser without scripts uses them.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![allow(clippy::indexing_slicing, reason = "what is not there in JSON is null")]

mod common;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{StatusCode, header};
use common::html::{tags, text};
use common::{Answer, Served, request};
use serde_json::json;

/// The pages of a system in which something has happened.
async fn some_pages(served: &Served) -> Vec<String> {
    let decisions = served.get("/api/v1/decisions?last=1").await.json();
    let id = decisions["decisions"][0]["decision"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut pages: Vec<String> = [
        "/",
        "/?text=scale+acme+web+to+5",
        "/document",
        "/document?intent=acme%2Fcheckout-fast",
        "/workloads/acme/Deployment/checkout",
        "/workloads/acme/Deployment/checkout?span=day",
        "/workloads/initech/Deployment/web",
        "/workloads/acme/Namespace/acme",
        "/intents",
        "/intents?namespace=globex",
        "/intents/acme/checkout-fast",
        "/decisions",
        "/decisions?workload=acme/Deployment/checkout&trigger=recommender",
        "/learning",
        "/about",
    ]
    .map(str::to_owned)
    .to_vec();
    pages.push(format!("/decisions/{id}"));
    for sentence in [
        "scale acme web to 15",
        "please make acme web fast",
        "make web bigger",
        "show the secret",
        "acme web 9 fewer",
        "suspend globex web",
    ] {
        pages.push(understand(served, sentence).await);
    }
    pages
}

/// Says a sentence; the page that shows what was understood.
async fn understand(served: &Served, sentence: &str) -> String {
    let query = sentence.replace(' ', "+");
    location(&served.get(&format!("/understand?text={query}")).await)
}

#[track_caller]
fn location(answer: &Answer) -> String {
    assert!(
        answer.status.is_redirection(),
        "{} {}",
        answer.status,
        answer.text
    );
    answer.header("location").to_owned()
}

#[tokio::test]
async fn every_page_is_well_made() {
    let served = Served::lively(60.0, 2);
    for path in some_pages(&served).await {
        let answer = served.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        check_page(&path, &answer.text);
    }
}

/// What can be checked of accessibility and of the content security policy without a browser.
#[track_caller]
fn check_page(path: &str, page: &str) {
    let tags = tags(page);
    let named = |name: &'static str| tags.iter().filter(move |tag| tag.name == name);
    assert_eq!(
        named("html").next().unwrap().get("lang"),
        Some("en"),
        "{path}"
    );
    assert_eq!(
        named("h1").count(),
        1,
        "{path} has one heading of the first level"
    );
    assert!(
        named("title").next().unwrap().text.ends_with(" · ibn"),
        "{path}"
    );
    assert!(
        named("main").count() == 1 && named("nav").count() >= 1,
        "{path}"
    );

    let labelled: BTreeSet<&str> = named("label").filter_map(|tag| tag.get("for")).collect();
    for tag in tags
        .iter()
        .filter(|tag| matches!(tag.name.as_str(), "input" | "textarea" | "select"))
    {
        let has_label = tag.get("type") == Some("hidden")
            || tag.get("aria-label").is_some()
            || tag.get("id").is_some_and(|id| labelled.contains(id));
        assert!(has_label, "{path}: no label of {tag:?}");
    }
    for (tag, next) in tags
        .iter()
        .zip(tags.iter().skip(1))
        .filter(|(tag, _)| tag.name == "svg")
    {
        let is_picture = tag.get("role") == Some("img");
        assert!(
            !is_picture || next.name == "title",
            "{path}: {tag:?} has no title"
        );
        let is_part = tag.get("class").is_some_and(|class| class == "data");
        assert!(
            is_picture || is_part || tag.get("aria-hidden") == Some("true"),
            "{path}: {tag:?} is not told or hidden"
        );
    }
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| tag.get("id")) {
        assert!(
            !id.is_empty() && !id.contains(' ') && ids.insert(id),
            "{path}: the id `{id}` stands twice or is none"
        );
    }
    for tag in &tags {
        for name in tag.attributes.keys() {
            assert!(
                !name.starts_with("on") && name != "style",
                "{path}: {tag:?} has script or style inside"
            );
        }
        for reference in ["aria-labelledby", "aria-describedby"] {
            for id in tag.get(reference).unwrap_or_default().split_whitespace() {
                assert!(
                    ids.contains(id),
                    "{path}: {tag:?} refers to `{id}`, which isn't there"
                );
            }
        }
        for address in ["href", "src", "action"] {
            let address = tag.get(address).unwrap_or("/");
            assert!(
                address.starts_with('/') || address.starts_with('#'),
                "{path}: {tag:?} leads elsewhere"
            );
        }
        if tag.name == "button" {
            assert!(
                tag.get("type").is_some(),
                "{path}: {tag:?} says what it does"
            );
        }
        if tag.name == "script" {
            assert!(
                tag.get("src").is_some() && tag.text.is_empty(),
                "{path}: {tag:?} is inline"
            );
        }
    }
    assert_eq!(named("style").count(), 0, "{path}");
    // Headings don't skip a level.
    let mut last = 0;
    for level in tags
        .iter()
        .filter_map(|tag| tag.name.strip_prefix('h')?.parse::<u32>().ok())
    {
        assert!(level <= last + 1, "{path}: h{level} follows h{last}");
        last = level;
    }
}

#[tokio::test]
async fn a_sentence_is_applied_and_undone_by_forms() {
    let served = Served::at_speed(60.0);
    let start = served.get("/?text=scale+acme+web+to+5").await;
    let sentence = tags(&start.text)
        .into_iter()
        .find(|tag| tag.get("id") == Some("sentence"))
        .unwrap();
    assert_eq!(sentence.text, "scale acme web to 5");

    let reading = understand(&served, "scale acme web to 5").await;
    let page = served.get(&reading).await;
    let shown = text(&page.text);
    for part in [
        "What was understood",
        "Run exactly 5 pods.",
        "can be done",
        "replicas",
        "1.5 cores → 2.5 cores",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let apply = tags(&page.text)
        .into_iter()
        .find(|tag| tag.get("id") == Some("apply"))
        .unwrap();
    let applied = served.form(apply.get("action").unwrap(), "").await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER);
    let became = location(&applied);
    // Sending it twice does it once.
    assert_eq!(
        location(&served.form(apply.get("action").unwrap(), "").await),
        became
    );

    let page = served
        .until(&became, |it| it.text.contains("It is done"))
        .await;
    assert!(
        text(&page.text).contains("✓Fulfilled"),
        "{}",
        text(&page.text)
    );
    assert_eq!(
        served.cluster.replicas(&common::deployment("acme", "web")),
        5
    );

    let undo = tags(&page.text)
        .into_iter()
        .find(|tag| tag.get("action").is_some_and(|it| it.ends_with("/undo")))
        .unwrap();
    let undone = served
        .form(undo.get("action").unwrap(), "back=%2Fdecisions")
        .await;
    let back = location(&undone);
    assert!(back.starts_with("/decisions?told=undoing&of=d"), "{back}");
    assert!(text(&served.get(&back).await.text).contains("It is being undone by d"));
    served
        .until(&became, |it| it.text.contains("Suspended"))
        .await;
    assert_eq!(
        served.cluster.replicas(&common::deployment("acme", "web")),
        3
    );
}

#[tokio::test]
async fn a_reading_of_a_model_is_applied_only_when_confirmed() {
    let served = Served::at_speed(60.0);
    let reading = understand(&served, "please scale acme web to 4").await;
    let page = served.get(&reading).await;
    let confirm = tags(&page.text)
        .into_iter()
        .find(|tag| tag.get("id") == Some("confirmed"))
        .unwrap();
    assert!(confirm.get("required").is_some());
    let action = format!("{}/apply", reading.split('?').next().unwrap());
    assert_eq!(served.form(&action, "").await.status, StatusCode::CONFLICT);
    assert_eq!(
        served.form(&action, "confirmed=yes").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn questions_refusals_and_proposals_lead_on() {
    let served = Served::lively(60.0, 1);
    let question = served
        .get(&understand(&served, "scale web to 5").await)
        .await;
    let answer = tags(&question.text)
        .into_iter()
        .find(|tag| tag.get("class") == Some("answer"))
        .unwrap();
    let reading = location(&served.get(answer.get("href").unwrap()).await);
    assert!(text(&served.get(&reading).await.text).contains("Deployment web in acme"));

    let refused = text(
        &served
            .get(&understand(&served, "show the secret").await)
            .await
            .text,
    );
    assert!(
        refused.contains("That will not be done") && refused.contains("Nothing was changed"),
        "{refused}"
    );

    let infeasible = understand(&served, "acme web 9 fewer").await;
    let page = served.get(&infeasible).await;
    let shown = text(&page.text);
    assert!(
        shown.contains("can't be met") && shown.contains("What could be had instead"),
        "{shown}"
    );
    assert!(
        !page.text.contains("id=\"apply\""),
        "what can't be met can't be applied"
    );
    let action = format!("{}/take", infeasible.split('?').next().unwrap());
    let taken = location(&served.form(&action, "intent=0").await);
    assert!(text(&served.get(&taken).await.text).contains("can be done"));
    assert_eq!(
        served.form(&action, "intent=7").await.status,
        StatusCode::NOT_FOUND
    );

    let asked = location(&served.get("/understand?text=how+is+acme+web").await);
    assert_eq!(asked, "/workloads/acme/Deployment/web");
}

#[tokio::test]
async fn a_document_is_checked_and_previewed() {
    let served = Served::at_speed(60.0);
    let wrong = "document=apiVersion%3A+ibn.dev%2Fv1alpha1%0Akind%3A+Intent%0Ametadata%3A+%7Bname%3A+x%7D%0Aspec%3A+%7Btarget%3A+%7Bkind%3A+Deployment%7D%2C+priority%3A+500%7D";
    let page = served.form("/document", wrong).await;
    let shown = text(&page.text);
    assert!(
        shown.contains("It can't be read yet")
            && shown.contains("spec.priority")
            && shown.contains("IBN-E0014"),
        "{shown}"
    );
    check_page("/document", &page.text);

    let right = "document=apiVersion%3A+ibn.dev%2Fv1alpha1%0Akind%3A+Intent%0Ametadata%3A+%7Bname%3A+x%2C+namespace%3A+acme%7D%0Aspec%3A+%7Btarget%3A+%7Bkind%3A+Deployment%2C+name%3A+web%7D%2C+constraints%3A+%7Breplicas%3A+%7Bmax%3A+2%7D%7D%7D";
    let reading = location(&served.form("/document", right).await);
    let shown = text(&served.get(&reading).await.text);
    assert!(shown.contains("Never more than 2 pods."), "{shown}");
    let edited = reading.replace("/readings/", "/document?reading=");
    assert!(served.get(&edited).await.text.contains("constraints"));
}

#[tokio::test]
async fn modes_speed_and_withdrawal_are_forms() {
    let served = Served::at_speed(1.0);
    served
        .post("/api/v1/apply", &json!({"text": "scale acme web to 5"}))
        .await;
    let back = served
        .form(
            "/workloads/acme/Deployment/web/mode",
            "mode=Suspended&back=/intents",
        )
        .await;
    assert_eq!(location(&back), "/intents?told=mode");
    assert!(text(&served.get("/intents").await.text).contains("Suspended"));
    let wrong = served
        .form("/workloads/acme/Deployment/web/mode", "mode=Off")
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    served.form("/speed", "speed=600&back=/").await;
    assert!(served.get("/").await.text.contains("data-speed=\"600\""));
    assert_eq!(
        served.form("/speed", "speed=1e9").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    served
        .form("/intents/acme/web-replicas/withdraw", "back=/intents")
        .await;
    let gone = served
        .until("/intents", |it| it.text.contains("Nothing is wanted yet"))
        .await;
    assert!(gone.text.contains("Nothing is wanted yet"));
}

#[tokio::test]
async fn a_pause_is_told_in_previews_and_on_its_workload() {
    let served = Served::at_speed(60.0);
    let sentence = "scale acme web to 5";
    let preview = async |sentence| {
        let page = understand(&served, sentence).await;
        text(&served.get(&page).await.text)
    };
    assert!(!preview(sentence).await.contains("Paused"));
    let pause = json!({
        "apiVersion": "ibn.dev/v1alpha1", "kind": "Intent",
        "metadata": {"name": "web-pause", "namespace": "acme"},
        "spec": {
            "target": {"kind": "Deployment", "name": "web"}, "mode": "Suspended",
            "validity": {"until": "2026-03-01T18:00:00Z"},
        },
    });
    let body = json!({"intents": [pause]});
    let applied = served.post("/api/v1/apply", &body).await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.text);

    let told = "Paused until Sun 1 Mar, 18:00:00 UTC (by intent acme/web-pause)";
    let page = preview(sentence).await;
    assert!(page.contains(told), "{page}");
    assert!(page.contains("takes effect when it is resumed"), "{page}");
    assert!(!preview("scale acme worker to 5").await.contains("Paused"));
    for (path, is_told) in [
        ("/workloads/acme/Deployment/web", true),
        ("/", true),
        ("/workloads/acme/Deployment/worker", false),
    ] {
        let page = text(&served.get(path).await.text);
        assert_eq!(page.contains(told), is_told, "{path}: {page}");
    }
}

#[tokio::test]
async fn what_would_be_replaced_is_told_with_what_it_says() {
    let served = Served::at_speed(60.0);
    let show = async |sentence: &str| {
        let page = understand(&served, sentence).await;
        let reading = page.split('?').next().unwrap().to_owned();
        (reading, text(&served.get(&page).await.text))
    };
    let (reading, shown) = show("scale acme web to 5").await;
    assert!(!shown.contains("which said"), "{shown}");
    served.form(&format!("{reading}/apply"), "").await;
    let (_, shown) = show("scale acme web to 5").await;
    assert!(!shown.contains("which said"), "{shown}");
    let (reading, shown) = show("scale acme web to 6").await;
    let told = "web-replicas, which said run exactly 5 pods.";
    assert!(shown.contains(&format!("This changes {told}")), "{shown}");
    served.form(&format!("{reading}/apply"), "").await;
    let shown = text(&served.get(&reading).await.text);
    assert!(shown.contains(&format!("This changed {told}")), "{shown}");
}

#[tokio::test]
async fn a_decision_that_was_superseded_offers_no_undo() {
    let served = Served::at_speed(60.0);
    let scaled = async |pods: u32| {
        let order = json!({"text": format!("scale acme web to {pods}")});
        served.post("/api/v1/apply", &order).await;
        let list = "/api/v1/decisions?workload=acme/Deployment/web&last=1";
        let is_done = |it: &Answer| {
            let newest = &it.json()["decisions"][0];
            newest["receipt"]["applied"]["allocation"]["replicas"] == pods
        };
        let found = served.until(list, is_done).await.json();
        let id = found["decisions"][0]["decision"]["id"].as_str();
        id.map(str::to_owned).unwrap()
    };
    let (first, second) = (scaled(5).await, scaled(6).await);
    for (id, is_possible) in [(first, false), (second, true)] {
        let page = served.get(&format!("/decisions/{id}")).await.text;
        let offers = tags(&page)
            .into_iter()
            .any(|tag| tag.get("action").is_some_and(|it| it.ends_with("/undo")));
        assert_eq!(offers, is_possible, "{id}");
        let says_why = text(&page).contains("can't be taken back now: replicas");
        assert_eq!(says_why, !is_possible, "{id}");
        let detail = served.get(&format!("/api/v1/decisions/{id}")).await.json();
        assert_eq!(detail["undo"]["isPossible"], is_possible, "{detail}");
    }
}

#[tokio::test]
async fn what_assurance_raised_and_is_over_is_hidden_until_asked_for() {
    let served = Served::lively(1.0, 5);
    let all = served.get("/api/v1/intents").await.json();
    let ids: Vec<String> = all["intents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["spec"]["origin"]["by"] == "assurance")
        .filter(|it| it["status"]["state"] == "Finished")
        .map(|it| &it["metadata"])
        .map(|it| {
            let (namespace, name) = (it["namespace"].as_str(), it["name"].as_str());
            format!("id=\"intent-{}-{}\"", namespace.unwrap(), name.unwrap())
        })
        .collect();
    assert!(!ids.is_empty(), "{all}");
    let is_shown = |page: &str| ids.iter().any(|id| page.contains(id));
    let page = served.get("/intents").await.text;
    assert!(!is_shown(&page));
    let count = format!("{} that assurance raised", ids.len());
    assert!(text(&page).contains(&count), "{count}: {}", text(&page));
    assert!(page.contains("href=\"/intents?all=yes\""));
    let page = served.get("/intents?all=yes").await.text;
    assert!(is_shown(&page));
    assert!(page.contains("href=\"/intents\">Hide"));
}

#[tokio::test]
async fn whatever_anybody_writes_stays_text() {
    let served = Served::at_speed(60.0);
    let attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>`<b>`";
    let intent = json!({
        "apiVersion": "ibn.dev/v1alpha1", "kind": "Intent",
        "metadata": {"name": "attack", "namespace": "acme", "labels": {"x": attack}, "annotations": {"y": attack}},
        "spec": {
            "text": attack,
            "target": {"kind": "Deployment", "name": "web"},
            "expectations": [{"directive": {"replicas": {"to": 4}}}],
        },
    });
    let applied = served
        .post("/api/v1/apply", &json!({"intents": [intent]}))
        .await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.text);
    let decisions = served
        .until("/api/v1/decisions?last=1", |it| {
            it.text.contains("\"applied\"")
        })
        .await
        .json();
    let id = decisions["decisions"][0]["decision"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    served
        .post(
            &format!("/api/v1/decisions/{id}/undo"),
            &json!({"cause": attack}),
        )
        .await;
    served
        .until("/api/v1/decisions?last=2", |it| {
            it.text.contains("\"undone\":{")
        })
        .await;

    let encoded: String = attack.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let said = location(&served.get(&format!("/understand?text={encoded}")).await);
    let pages = [
        "/".to_owned(),
        format!("/?text={encoded}"),
        format!("/?told={encoded}&of={encoded}"),
        said,
        "/intents".to_owned(),
        "/intents/acme/attack".to_owned(),
        format!("/intents?namespace={encoded}"),
        "/document?intent=acme%2Fattack".to_owned(),
        "/workloads/acme/Deployment/web".to_owned(),
        "/decisions".to_owned(),
        format!("/decisions?workload={encoded}&trigger={encoded}"),
        format!("/decisions/{id}"),
    ];
    let mut seen = 0;
    for path in pages {
        let page = served.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(
            !page.text.contains("<script>")
                && !page.text.contains("<img")
                && !page.text.contains("<b>`"),
            "{path}: {}",
            page.text
        );
        check_page(&path, &page.text);
        seen += u32::from(page.text.contains("&lt;script&gt;"));
    }
    assert!(seen >= 7, "it is shown, as text: {seen}");
    let document = common::html::unescape(&served.get("/document?intent=acme%2Fattack").await.text);
    assert!(document.contains("text: \"<script>"), "{document}");
}

#[tokio::test]
async fn failures_are_pages_for_people() {
    let served = Served::at_speed(60.0);
    for path in [
        "/nothing",
        "/intents/acme/nothing",
        "/workloads/acme/Deployment/nothing",
        "/decisions/d999",
        "/readings/r1",
        "/decisions/%3Cscript%3E",
    ] {
        let asked = request("GET", path)
            .header(header::ACCEPT, "text/html,*/*")
            .body(Body::empty())
            .unwrap();
        let page = served.send(asked).await;
        assert!(page.status.is_client_error(), "{path}");
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        check_page(path, &page.text);
        assert_eq!(
            served.get(path).await.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    // A sentence outlives its reading.
    let lost = served.get("/readings/0-1?text=scale+acme+web+to+5").await;
    assert_eq!(location(&lost), "/?text=scale%20acme%20web%20to%205");
}

#[tokio::test]
async fn other_sites_can_bring_a_sentence_but_not_have_it_read() {
    let served = Served::at_speed(60.0);
    let foreign = request("GET", "/understand?text=scale+acme+web+to+5")
        .header("sec-fetch-site", "cross-site")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        location(&served.send(foreign).await),
        "/?text=scale%20acme%20web%20to%205"
    );
    assert_eq!(
        location(&served.get("/understand?text=++").await),
        "/?text="
    );
    for path in ["/speed", "/decisions/d1/undo", "/document"] {
        let foreign = request("POST", path)
            .header("origin", "https://evil.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("speed=1"))
            .unwrap();
        assert_eq!(
            served.send(foreign).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn static_files_are_kept_for_ever_and_pages_are_not() {
    let served = Served::at_speed(60.0);
    let page = served.get("/").await;
    assert_eq!(page.header("cache-control"), "no-store");
    let style = tags(&page.text)
        .into_iter()
        .find(|tag| tag.get("rel") == Some("stylesheet"))
        .unwrap();
    let style = served.get(style.get("href").unwrap()).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(style.header("cache-control").contains("immutable"));
    assert_eq!(
        served.get("/static/nothing.js").await.status,
        StatusCode::NOT_FOUND
    );
}
