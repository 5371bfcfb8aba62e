//! What assurance may ask for.

use super::*;

/// Says and asks for the same at every turn.
struct Insisting {
    findings: Vec<Reason>,
    actions: Vec<AssuranceAction>,
}

impl Assessor for Insisting {
    fn name(&self) -> &str {
        "insisting"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        Assessment {
            findings: self.findings.clone(),
            actions: self.actions.clone(),
            ..ComparingAssessor.assess(input)
        }
    }
}

/// A floor on behalf of another intent, as assurance raises it.
fn floor(name: &str, pods: u32, minutes: i64, stage: &Stage) -> Intent {
    let mut floor = Intent::new(name, &web());
    floor.spec.constraints.replicas = Range::new(Some(pods), None);
    floor.spec.validity = Some(Validity {
        from: None,
        until: Some(
            stage
                .now
                .checked_add(SignedDuration::from_mins(minutes))
                .unwrap(),
        ),
    });
    floor.spec.origin = Some(Origin {
        by: OriginKind::Assurance,
        author: None,
        parent: Some("fast".to_owned()),
        cause: Some("latency burns".to_owned()),
    });
    floor
}

#[test]
fn assurance_raises_a_floor_with_a_time_to_live_and_never_writes_a_value() {
    let mut stage = stage();
    stage.submit(latency("fast"));
    let raised = floor("floor", 6, 10, &stage);
    stage.assessor = Box::new(Insisting {
        findings: Vec::new(),
        actions: vec![AssuranceAction::Corrective(Box::new(raised))],
    });
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6);
    let raised = stage.intent("acme", "floor").unwrap();
    assert_eq!(
        raised.spec.origin.as_ref().unwrap().by,
        OriginKind::Assurance
    );
    assert_eq!(
        count(&stage, "CorrectiveIntent"),
        1,
        "raised once, though asked for at every turn"
    );
    // Its time is over: the recommender may go back to its three pods.
    stage.assessor = Box::new(ComparingAssessor);
    stage.run(12 * MINUTE);
    check_state(&stage, "floor", IntentState::Finished);
    assert_eq!(stage.cluster.replicas(&web()), 3);
}

/// Finds every objective met with nothing measured, as where no request came.
struct Idle;

impl Assessor for Idle {
    fn name(&self) -> &str {
        "idle"
    }

    fn assess(&self, input: &AssessmentInput) -> Assessment {
        let mut assessment = ComparingAssessor.assess(input);
        for judged in assessment
            .intents
            .iter_mut()
            .flat_map(|i| &mut i.objectives)
        {
            (judged.achieved, judged.met) = (None, Some(true));
        }
        assessment
    }
}

#[test]
fn an_objective_is_kept_where_no_request_comes_and_says_so() {
    let mut stage = stage();
    stage.submit(latency("fast"));
    stage.assessor = Box::new(Idle);
    stage.run(MINUTE);
    check_state(&stage, "fast", IntentState::Fulfilled);
    let intent = stage.intent("acme", "fast").unwrap();
    let entry = &intent.status.as_ref().unwrap().expectations[0];
    assert_eq!(entry.fulfilled, Some(true));
    assert_eq!(entry.achieved.as_deref(), Some("no requests"));
}

#[test]
fn a_corrective_intent_that_is_refused_is_not_raised_again_until_something_changes() {
    let mut stage = stage();
    limit_replicas(&mut stage, 4);
    stage.submit(latency("fast"));
    let raised = floor("floor", 6, 60, &stage);
    stage.assessor = Box::new(Insisting {
        findings: Vec::new(),
        actions: vec![AssuranceAction::Corrective(Box::new(raised))],
    });
    stage.run(5 * MINUTE);
    assert_eq!(count(&stage, "CorrectiveIntentRefused"), 1);
    assert_eq!(stage.cluster.replicas(&web()), 3);
    limit_replicas(&mut stage, 10);
    stage.run(MINUTE);
    assert_eq!(stage.cluster.replicas(&web()), 6, "now it may be");
}

#[test]
fn what_stands_out_is_said_once_and_again_only_after_it_was_gone() {
    let mut stage = stage();
    let burning = |number: u32| Insisting {
        findings: vec![Reason::new(
            "Burning",
            format!("spends {number} times its budget"),
        )],
        actions: Vec::new(),
    };
    stage.submit(latency("fast"));
    for number in 2..8 {
        stage.assessor = Box::new(burning(number));
        stage.run(MINUTE);
    }
    assert_eq!(count(&stage, "Burning"), 1);
    stage.assessor = Box::new(ComparingAssessor);
    stage.run(MINUTE);
    stage.assessor = Box::new(burning(3));
    stage.run(MINUTE);
    assert_eq!(count(&stage, "Burning"), 2);
}

#[test]
fn a_learner_that_did_harm_is_trusted_less_and_nothing_is_written_by_it() {
    let mut stage = stage();
    stage.submit(latency("fast"));
    stage.assessor = Box::new(Insisting {
        findings: Vec::new(),
        actions: vec![AssuranceAction::DemoteLearner {
            cause: "latency rose after its last three changes".to_owned(),
        }],
    });
    let before = stage.cluster.applied().len();
    stage.run(Duration::from_secs(20));
    let demoted = stage
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Demote(workload, _) if *workload == web()));
    assert!(demoted);
    assert_eq!(
        stage.cluster.applied().len(),
        before,
        "nothing is written by it"
    );
}
