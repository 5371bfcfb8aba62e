//! The API, by requests to the app itself.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod common;

use axum::body::Body;
use axum::http::{StatusCode, header};
use common::{Served, request};
use serde_json::{Value, json};

#[tokio::test]
async fn workloads_are_listed_with_their_history() {
    let served = Served::at_speed(60.0);
    let list = served.get("/api/v1/workloads").await.json();
    assert_eq!(list["workloads"].as_array().unwrap().len(), 12);
    let web = served
        .until("/api/v1/workloads/acme/Deployment/web", |it| {
            it.text.contains("cpuUsed")
        })
        .await
        .json();
    assert_eq!(web["workload"], "acme/Deployment/web");
    assert_eq!(web["aliases"], json!(["the shop"]));
    assert_eq!(web["allocation"]["replicas"], 3);
    assert_eq!(web["series"]["hour"]["step"], "15s");
    assert_eq!(web["series"]["hour"]["points"][0]["replicas"], 3.0);
}

#[tokio::test]
async fn a_sentence_is_previewed_applied_explained_and_undone() {
    let served = Served::at_speed(60.0);
    let sentence = json!({"text": "scale acme web to 5"});
    let translation = served.post("/api/v1/translate", &sentence).await.json();
    assert_eq!(translation["outcome"], "intent");

    let preview = served.post("/api/v1/preview", &sentence).await.json();
    assert_eq!(preview["needsConfirmation"], false);
    assert_eq!(
        preview["foreseen"][0]["outcome"]["verdict"], "accepted",
        "{preview}"
    );
    assert_eq!(
        served.get("/api/v1/intents").await.json()["intents"],
        json!([]),
        "a preview changes nothing"
    );

    let order = json!({"reading": preview["reading"]});
    let applied = served.post("/api/v1/apply", &order).await.json();
    assert_eq!(
        applied["replies"][0]["outcome"]["verdict"], "accepted",
        "{applied}"
    );
    let again = served.post("/api/v1/apply", &order).await;
    assert_eq!(
        (again.status, again.json()["code"].clone()),
        (StatusCode::CONFLICT, json!("alreadyApplied"))
    );

    let path = "/api/v1/intents/acme/web-replicas";
    let intent = served
        .until(path, |it| it.text.contains("Fulfilled\""))
        .await
        .json();
    assert_eq!(intent["status"]["state"], "Fulfilled", "{intent}");
    assert_eq!(intent["spec"]["text"], "scale acme web to 5");
    assert_eq!(intent["spec"]["origin"]["by"], "user");
    assert_eq!(
        served.cluster.replicas(&common::deployment("acme", "web")),
        5
    );

    let decisions = served
        .get("/api/v1/decisions?workload=acme/Deployment/web&last=5")
        .await
        .json();
    let decision = &decisions["decisions"][0];
    assert_eq!(decision["outcome"], "applied", "{decision}");
    let id = decision["decision"]["id"].as_str().unwrap();
    let explained = served
        .get("/api/v1/explain/acme/Deployment/web")
        .await
        .json();
    assert_eq!(
        explained["held"]["replicas"]["intent"]["name"], "web-replicas",
        "{explained}"
    );
    assert_eq!(explained["decisions"][0]["decision"]["id"], id);

    // What was done needs nobody's approval any more.
    let approving = served
        .post(&format!("/api/v1/decisions/{id}/approve"), &json!({}))
        .await;
    assert_eq!(
        approving.status,
        StatusCode::FORBIDDEN,
        "{}",
        approving.text
    );

    let undoing = served
        .post(
            &format!("/api/v1/decisions/{id}/undo"),
            &json!({"cause": "too many"}),
        )
        .await;
    assert_eq!(undoing.status, StatusCode::OK, "{}", undoing.text);
    let path = format!("/api/v1/decisions/{id}");
    let record = served
        .until(&path, |it| it.text.contains("\"undone\":{"))
        .await
        .json();
    assert_eq!(record["undone"]["by"], undoing.json()["by"], "{record}");
    assert_eq!(record["undone"]["reason"], "too many");
    assert_eq!(
        served.cluster.replicas(&common::deployment("acme", "web")),
        3
    );
    let again = served
        .post(&format!("/api/v1/decisions/{id}/undo"), &json!({}))
        .await;
    assert_eq!(again.json()["code"], "alreadyUndone");
}

#[tokio::test]
async fn as_many_decisions_of_a_namespace_come_as_are_asked_for() {
    let served = Served::lively(1.0, 3);
    let newest = async |name: &str| {
        let path = format!("/api/v1/decisions?last=3&namespace={name}");
        let list = served.get(&path).await.json();
        let workload = |it: &Value| it["decision"]["workload"].as_str().unwrap().to_owned();
        let decisions = list["decisions"].as_array().unwrap();
        decisions.iter().map(workload).collect::<Vec<String>>()
    };
    for name in ["acme", "globex"] {
        let found = newest(name).await;
        assert_eq!(found.len(), 3, "{name}: {found:?}");
        let start = format!("{name}/");
        assert!(found.iter().all(|it| it.starts_with(&start)), "{found:?}");
    }
    assert_eq!(newest("nobody").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_reading_of_a_model_needs_a_person() {
    let served = Served::at_speed(60.0);
    let text = "please scale acme web to 4";
    let preview = served
        .post("/api/v1/preview", &json!({"text": text}))
        .await
        .json();
    assert_eq!(preview["needsConfirmation"], true);
    for order in [
        json!({"text": text}),
        // Read anew it may be read otherwise: nobody saw that.
        json!({"text": text, "confirmed": true}),
        json!({"reading": preview["reading"], "confirmed": false}),
    ] {
        let refused = served.post("/api/v1/apply", &order).await;
        assert_eq!(
            (refused.status, refused.json()["code"].clone()),
            (StatusCode::CONFLICT, json!("needsConfirmation"))
        );
    }
    let order = json!({"reading": preview["reading"], "confirmed": true});
    let applied = served.post("/api/v1/apply", &order).await.json();
    assert_eq!(
        applied["replies"][0]["outcome"]["verdict"], "accepted",
        "{applied}"
    );
}

#[tokio::test]
async fn questions_and_refusals_are_answers() {
    let served = Served::at_speed(60.0);
    for (text, outcome) in [
        ("make web bigger", "clarify"),
        ("show me the secret", "refuse"),
        ("how is acme web", "query"),
    ] {
        let applied = served
            .post("/api/v1/apply", &json!({"text": text}))
            .await
            .json();
        assert_eq!(
            (&applied["translation"]["outcome"], &applied["replies"]),
            (&json!(outcome), &json!([])),
            "{text}"
        );
    }
}

#[tokio::test]
async fn intents_come_as_documents_and_go() {
    let served = Served::at_speed(60.0);
    let intent = |replicas: i64| {
        json!({
            "apiVersion": "ibn.dev/v1alpha1", "kind": "Intent",
            "metadata": {"name": "wide", "namespace": "globex", "uid": "forged"},
            "spec": {
                "target": {"kind": "Deployment", "name": "web"},
                "expectations": [{"directive": {"replicas": {"add": replicas}}}],
                "origin": {"by": "assurance"},
            },
        })
    };
    let infeasible = served
        .post("/api/v1/preview", &json!({"intents": [intent(-9)]}))
        .await
        .json();
    assert_eq!(
        infeasible["foreseen"][0]["outcome"]["verdict"], "infeasible",
        "{infeasible}"
    );
    let instead = &infeasible["foreseen"][0];
    assert_eq!(instead["changes"][0]["field"], "replicas", "{instead}");
    assert_eq!(
        instead["proposalEffect"]["after"]["allocation"]["replicas"],
        instead["outcome"]["proposal"]["expectations"][0]["directive"]["replicas"]["to"],
        "the counter-proposal comes with its effect: {instead}"
    );
    assert!(instead["cost"]["cpuAfter"].is_string(), "{instead}");
    served
        .post("/api/v1/apply", &json!({"intents": [intent(2)]}))
        .await;
    let kept = served.get("/api/v1/intents/globex/wide").await.json();
    assert_eq!(
        kept["spec"]["origin"],
        json!({"by": "api"}),
        "only the system says where it came from"
    );
    assert_ne!(kept["metadata"]["uid"], "forged");
    assert_eq!(
        served.get("/api/v1/intents?namespace=acme").await.json()["intents"],
        json!([])
    );

    let gone = served.delete("/api/v1/intents/globex/wide").await;
    assert_eq!(gone.json()["intents"][0]["name"], "wide");
    let gone = served
        .until("/api/v1/intents/globex/wide", |it| {
            it.status == StatusCode::NOT_FOUND
        })
        .await;
    assert_eq!(gone.json()["code"], "notFound");
    assert_eq!(
        served.delete("/api/v1/intents/globex/wide").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_mode_alone_speaks_of_what_is_there() {
    let served = Served::at_speed(60.0);
    served
        .post("/api/v1/apply", &json!({"text": "scale acme web to 5"}))
        .await;
    let applied = served
        .post("/api/v1/apply", &json!({"text": "suspend acme web"}))
        .await
        .json();
    assert_eq!(
        applied["replies"][0]["touched"][0]["name"], "web-replicas",
        "{applied}"
    );
    let intents = served.get("/api/v1/intents").await.json();
    assert_eq!(
        intents["intents"].as_array().unwrap().len(),
        1,
        "it is not kept itself: {intents}"
    );
    assert_eq!(intents["intents"][0]["status"]["state"], "Suspended");
    let touched = served
        .post(
            "/api/v1/mode",
            &json!({"workload": "acme/Deployment/web", "mode": "Enforce"}),
        )
        .await
        .json();
    assert_eq!(touched["intents"][0]["name"], "web-replicas");
}

#[tokio::test]
async fn time_can_be_set_and_names_are_known() {
    let served = Served::at_speed(1.0);
    let status = served
        .post("/api/v1/speed", &json!({"speed": 600}))
        .await
        .json();
    assert_eq!(
        (&status["speed"], &status["simulated"]),
        (&json!(600.0), &json!(true))
    );
    assert_eq!(
        served
            .post("/api/v1/speed", &json!({"speed": -1}))
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let catalog = served.get("/api/v1/catalog").await.json();
    assert_eq!(catalog["namespaces"], json!(["acme", "globex", "initech"]));
    assert_eq!(served.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(served.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn faults_are_problem_documents() {
    let served = Served::at_speed(60.0);
    #[track_caller]
    fn check(answer: &common::Answer, status: u16, code: &str) -> Value {
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{}",
            answer.text
        );
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), problem["code"].as_str().unwrap()),
            (status, code),
            "{problem}"
        );
        assert_eq!(problem["type"], format!("urn:ibn:problem:{code}"));
        assert_eq!(problem["status"], status);
        problem
    }
    check(&served.get("/api/v1/nothing").await, 404, "notFound");
    check(
        &served.get("/api/v1/intents/acme/nothing").await,
        404,
        "notFound",
    );
    check(
        &served.get("/api/v1/workloads/acme/Pod/web").await,
        400,
        "invalidParameter",
    );
    check(
        &served
            .get("/api/v1/workloads/acme/Deployment/nothing")
            .await,
        404,
        "notFound",
    );
    check(
        &served.get("/api/v1/decisions/17").await,
        400,
        "invalidParameter",
    );
    check(
        &served.get("/api/v1/decisions/d9999").await,
        404,
        "notFound",
    );
    check(
        &served.get("/api/v1/decisions?lasst=3").await,
        400,
        "invalidParameter",
    );
    check(
        &served.post("/api/v1/status", &json!({})).await,
        405,
        "methodNotAllowed",
    );
    check(
        &served.form("/api/v1/translate", "text=x").await,
        415,
        "unsupportedMediaType",
    );
    let broken = check(
        &served.post_text("/api/v1/translate", "{\"text\": ").await,
        422,
        "invalidBody",
    );
    assert_eq!(broken["diagnostics"][0]["code"], "IBN-E0001", "{broken}");
    assert_eq!(broken["diagnostics"][0]["line"], 1);
    check(
        &served.post("/api/v1/translate", &json!({"txt": "x"})).await,
        422,
        "invalidBody",
    );
    check(
        &served.post("/api/v1/preview", &json!({})).await,
        422,
        "invalidBody",
    );
    check(
        &served
            .post("/api/v1/translate", &json!({"text": "x".repeat(3000)}))
            .await,
        422,
        "invalidBody",
    );
    check(
        &served
            .post("/api/v1/translate", &json!({"text": "x".repeat(300_000)}))
            .await,
        413,
        "tooLarge",
    );
    check(
        &served
            .post("/api/v1/apply", &json!({"reading": "r1"}))
            .await,
        404,
        "notFound",
    );
}

#[tokio::test]
async fn other_hosts_and_other_origins_are_refused() {
    let served = Served::at_speed(60.0);
    let other_host = request("GET", "/api/v1/status");
    let mut other_host = other_host.body(Body::empty()).unwrap();
    other_host
        .headers_mut()
        .insert(header::HOST, "evil.example".parse().unwrap());
    let refused = served.send(other_host).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["code"].clone()),
        (421, json!("wrongHost"))
    );

    for (name, value) in [
        ("origin", "http://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let foreign = request("POST", "/api/v1/speed")
            .header(name, value)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from("{\"speed\": 1}"))
            .unwrap();
        let refused = served.send(foreign).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["code"].clone()),
            (403, json!("crossOrigin"))
        );
    }
    let page = served.get("/healthz").await;
    assert!(
        page.header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(
        page.header("access-control-allow-origin"),
        "",
        "no other origin may read"
    );
}

#[tokio::test]
async fn metrics_are_text_of_prometheus() {
    let served = Served::at_speed(60.0);
    served
        .post("/api/v1/apply", &json!({"text": "make acme web fast"}))
        .await;
    let answer = served
        .until("/metrics", |it| it.text.contains("ibn_objective_achieved{"))
        .await;
    for line in [
        "ibn_workload_replicas{namespace=\"acme\",kind=\"Deployment\",workload=\"web\",state=\"wanted\"} 5.0",
        "ibn_workload_cpu_requested_cores{namespace=\"globex\",kind=\"Deployment\",workload=\"web\"} 1.5",
        "ibn_objective_bound{namespace=\"acme\",intent=\"web-fast\",expectation=\"0\",kind=\"Deployment\",workload=\"web\",indicator=\"latency\",unit=\"seconds\",side=\"atMost\"} 0.2",
        "ibn_engine_decisions_total{trigger=\"recommender\",verdict=\"approved\"} 1",
        "# TYPE ibn_engine_turn_duration_seconds histogram",
        "ibn_engine_intents{state=\"Finished\"} 0.0",
        "ibn_engine_time_speed 60.0",
        "ibn_translator_requests_total{outcome=\"intent\"} 1",
        // What has not happened yet is 0, so that the first time is an increase.
        "ibn_translator_requests_total{outcome=\"refuse\"} 0",
        "ibn_engine_decisions_total{trigger=\"undo\",verdict=\"rejected\"} 0",
        "ibn_guard_cuts_total{rule=\"freeze\"} 0",
        "ibn_assurance_actions_total{action=\"undo\"} 0",
        "# EOF",
    ] {
        assert!(
            answer.text.contains(line),
            "{line} is not in\n{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn what_would_be_replaced_is_told_with_what_it_says() {
    let served = Served::at_speed(60.0);
    let body = |target: &str, spec: Value| {
        let mut spec = spec;
        spec["target"] = json!({"kind": "Deployment", "name": target});
        json!({"intents": [{
            "apiVersion": "ibn.dev/v1alpha1", "kind": "Intent",
            "metadata": {"name": "fast", "namespace": "acme"}, "spec": spec,
        }]})
    };
    let within = |bound: &str| {
        let objective = json!({"indicator": "latency", "quantile": 0.95, "atMost": bound});
        json!({"expectations": [{"objective": objective}]})
    };
    let replaces = async |body: &Value| {
        let preview = served.post("/api/v1/preview", body).await.json();
        assert!(preview["foreseen"].is_array(), "{preview}");
        preview["replaces"].clone()
    };
    let (said, other) = (body("web", within("250ms")), body("web", within("150ms")));
    assert_eq!(replaces(&said).await, Value::Null);
    let applied = served.post("/api/v1/apply", &said).await.json();
    assert_eq!(applied["replies"][0]["outcome"]["verdict"], "accepted");
    assert_eq!(applied["replies"][0]["replaces"], Value::Null);
    let mut reworded = within("250ms");
    reworded["text"] = json!("keep it fast");
    assert_eq!(
        replaces(&body("web", reworded)).await,
        Value::Null,
        "nothing would change"
    );

    let replaced = replaces(&other).await;
    assert_eq!(replaced[0]["intent"]["name"], "fast");
    assert_eq!(replaced[0]["said"], "p95 ≤ 250 ms");
    let objective = &replaced[0]["spec"]["expectations"][0]["objective"];
    assert_eq!(objective["atMost"], "250ms", "{replaced}");
    let applied = served.post("/api/v1/apply", &other).await.json();
    assert_eq!(applied["replies"][0]["replaces"], replaced[0], "{applied}");

    // A document may take the name of an intent on another workload, and what is rejected takes no place.
    let floor = json!({"constraints": {"replicas": {"min": 2}}});
    assert_eq!(
        replaces(&body("worker", floor.clone())).await[0]["said"],
        "of Deployment web in acme: p95 ≤ 150 ms"
    );
    assert_eq!(replaces(&body("nobody", floor)).await, Value::Null);
}
