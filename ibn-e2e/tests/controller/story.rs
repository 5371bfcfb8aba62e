//! What a person sees: an intent is written, followed, and taken back.

use std::time::Duration;

use ibn_e2e::controller::Controller;
use ibn_e2e::{in_namespace, until};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use super::{SOON, loaded, objects, reaches_state, ready, replicas, write};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_followed_edited_refused_and_given_back() {
    let Some((client, _alone)) = ready().await else {
        return;
    };
    in_namespace(&client, "order", async |space| {
        let Some(_load) = loaded(&client, space, 5).await else {
            return;
        };
        let controller = Controller::start(space, "first").unwrap();
        controller.leads(&client, space).await;
        let target = json!({"kind": "Deployment", "name": "web"});
        let order = |to: u32| {
            json!({"target": target, "expectations": [{"directive": {"replicas": {"to": to}}}]})
        };
        write(&client, space, "three", order(3)).await;
        reaches_state(&client, space, "three", "Fulfilled", SOON).await;
        assert_eq!(replicas(&client, space).await, 3);

        let intents = objects(&client, "Intent", space);
        let live = intents.get("three").await.unwrap();
        let status = &live.data["status"];
        assert_eq!(status["observedGeneration"], 1);
        assert_eq!(status["expectations"][0]["previous"], json!({"replicas": 1}));
        let decisions = objects(&client, "Decision", space);
        let name = status["lastDecision"].as_str().unwrap().to_owned();
        let decision = decisions.get(&name).await.unwrap();
        assert_eq!(decision.data["spec"]["outcome"], "Applied");
        assert_eq!(decision.data["spec"]["changes"], "replicas 1 → 3");

        // An edit is another wording of the same intent.
        let edit = json!({"spec": order(4)});
        let patch = Patch::Merge(&edit);
        intents
            .patch("three", &PatchParams::default(), &patch)
            .await
            .unwrap();
        until("the edit is followed", SOON, async || {
            let live = intents.get("three").await.ok()?;
            let status = &live.data["status"];
            (status["observedGeneration"] == 2 && status["state"] == "Fulfilled").then_some(())
        })
        .await;
        assert_eq!(replicas(&client, space).await, 4);

        // One that speaks of nothing says so, and is taken up when there is something.
        let nobody = json!({"kind": "Deployment", "name": "nobody"});
        write(&client, space, "lost", json!({"target": nobody})).await;
        reaches_state(&client, space, "lost", "Rejected", SOON).await;

        intents
            .delete("three", &DeleteParams::default())
            .await
            .unwrap();
        until("it is gone", SOON, async || {
            intents.get_opt("three").await.ok()?.is_none().then_some(())
        })
        .await;
        assert_eq!(replicas(&client, space).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objective_is_met_within_three_minutes_and_kept_while_the_load_doubles() {
    let Some((client, _alone)) = ready().await else {
        return;
    };
    in_namespace(&client, "goal", async |space| {
        // One pod serves 25 a second at most.
        let Some(load) = loaded(&client, space, 20).await else {
            return;
        };
        let controller = Controller::start(space, "first").unwrap();
        controller.leads(&client, space).await;
        let spec = json!({
            "target": {"kind": "Deployment", "name": "web"},
            "expectations": [{"objective": {"indicator": "latency", "atMost": "200ms", "window": "1m"}}],
            "constraints": {"replicas": {"max": 8}},
        });
        write(&client, space, "fast", spec).await;
        let three_minutes = Duration::from_secs(180);
        reaches_state(&client, space, "fast", "Fulfilled", three_minutes).await;
        load.set(40);
        // The window of the objective passes, and with it what the jump itself cost.
        tokio::time::sleep(Duration::from_secs(60)).await;
        reaches_state(&client, space, "fast", "Fulfilled", three_minutes).await;
        assert!(replicas(&client, space).await > 1);
        let decisions = objects(&client, "Decision", space);
        let made = decisions.list(&ListParams::default()).await.unwrap();
        assert!(made.items.iter().any(|it| it.data["spec"]["trigger"] == "recommender"));
    })
    .await;
}
