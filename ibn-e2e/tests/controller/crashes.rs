//! The controller is killed again and again, and another one goes on.

use std::time::Duration;

use ibn_e2e::controller::Controller;
use ibn_e2e::{in_namespace, until};
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use super::{SOON, loaded, objects, reaches_state, ready, replicas, write};

/// How often it is killed.
const KILLS: u64 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_what_is_relative_is_done_once_and_nothing_is_lost() {
    let Some((client, _alone)) = ready().await else {
        return;
    };
    in_namespace(&client, "crash", async |space| {
        let Some(_load) = loaded(&client, space, 5).await else {
            return;
        };
        let intents = objects(&client, "Intent", space);
        let mut kills = 0;
        // The same identity each time: its own lease needn't run out first.
        while kills < KILLS {
            let spec = json!({
                "target": {"kind": "Deployment", "name": "web"},
                "expectations": [{"directive": {"replicas": {"add": 1}}}],
            });
            let name = format!("more-{kills}");
            write(&client, space, &name, spec).await;
            // A start takes a while, and what follows on it a while more: kills fall into every step of both.
            for step in 0..3 {
                let controller = Controller::start(space, "first").unwrap();
                tokio::time::sleep(Duration::from_millis(150 + 90 * (kills % 10) + 300 * step))
                    .await;
                controller.kill();
                kills += 1;
            }
            let controller = Controller::start(space, "first").unwrap();
            reaches_state(&client, space, &name, "Fulfilled", SOON).await;
            assert_eq!(replicas(&client, space).await, 2, "after {kills} kills");
            // Deleted while nobody is there, and once more while somebody is.
            if kills % 2 == 0 {
                controller.kill();
                intents
                    .delete(&name, &DeleteParams::default())
                    .await
                    .unwrap();
                let controller = Controller::start(space, "first").unwrap();
                gone(&client, space, &name).await;
                controller.kill();
            } else {
                intents
                    .delete(&name, &DeleteParams::default())
                    .await
                    .unwrap();
                gone(&client, space, &name).await;
                controller.kill();
            }
            assert_eq!(replicas(&client, space).await, 1, "after {kills} kills");
        }
        let decisions = objects(&client, "Decision", space);
        let made = decisions.list(&ListParams::default()).await.unwrap();
        println!("{kills} kills, {} decisions kept", made.items.len());
    })
    .await;
}

async fn gone(client: &kube::Client, space: &str, name: &str) {
    let intents = objects(client, "Intent", space);
    until("it is gone", SOON, async || {
        intents.get_opt(name).await.ok()?.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_one_leads_when_the_first_is_gone_and_does_nothing_twice() {
    let Some((client, _alone)) = ready().await else {
        return;
    };
    in_namespace(&client, "lease", async |space| {
        let Some(_load) = loaded(&client, space, 5).await else {
            return;
        };
        let first = Controller::start(space, "first").unwrap();
        first.leads(&client, space).await;
        let second = Controller::start(space, "second").unwrap();
        let spec = json!({
            "target": {"kind": "Deployment", "name": "web"},
            "expectations": [{"directive": {"replicas": {"scale": 2}}}],
        });
        write(&client, space, "double", spec).await;
        reaches_state(&client, space, "double", "Fulfilled", SOON).await;
        first.kill();
        second.leads(&client, space).await;
        // It looks at everything anew, and there is nothing to do.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(replicas(&client, space).await, 2);
        let decisions = objects(&client, "Decision", space);
        let made = decisions.list(&ListParams::default()).await.unwrap();
        let applied = made
            .items
            .iter()
            .filter(|it| it.data["spec"]["outcome"] == "Applied");
        assert_eq!(applied.count(), 1);
        let intents = objects(&client, "Intent", space);
        intents
            .delete("double", &DeleteParams::default())
            .await
            .unwrap();
        gone(&client, space, "double").await;
        assert_eq!(replicas(&client, space).await, 1);
    })
    .await;
}
