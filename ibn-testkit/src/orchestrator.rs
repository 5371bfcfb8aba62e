//! Conformance of an `Orchestrator`.

use ibn_core::allocation::{Allocation, ContainerResources, Field, QuotaLimits};
use ibn_core::decision::{DecisionId, Trigger};
use ibn_core::envelope::Envelope;
use ibn_core::guard::{ApprovedPlan, Current, Desired, Guard, Plan, Receipt, Verdict};
use ibn_core::observation::SignalHealth;
use ibn_core::roles::Orchestrator;
use ibn_core::units::CpuMillis;
use ibn_core::workload::{FieldOwner, Inventory, WorkloadKind, WorkloadRef, WorkloadState};
use ibn_core::{Error, ErrorKind};
use jiff::Timestamp;

/// What every orchestrator must hold. `make` gives one on a cluster that nobody else changes meanwhile, the same each time,
/// with at least one workload that has a pod, a CPU request and no autoscaler.
///
/// Where the cluster lists namespaces, the quota of one is tried too; where a field of a workload belongs to an autoscaler
/// that isn't ours, that it stays. That limits have not changed since a plan was judged is for the caller of
/// [`Orchestrator::apply`] to see ([`ApprovedPlan::check_envelope`]): a cluster knows objects, not envelopes.
///
/// # Panics
/// Where it doesn't.
pub async fn check<O: Orchestrator>(make: impl Fn() -> O) {
    lists_what_is_live(&make()).await;
    previews_without_a_change(&make()).await;
    applies_just_what_was_approved(&make()).await;
    applies_a_decision_once(&make()).await;
    refuses_what_was_judged_on_something_else(&make()).await;
    refuses_what_is_not_there(&make()).await;
    applies_all_or_nothing(&make()).await;
    takes_back_what_it_did(&make()).await;
    leaves_foreign_fields(&make()).await;
    sets_and_takes_back_a_quota(&make()).await;
}

/// What an orchestrator must hold that lets nothing be done: it looks and previews like any other, refuses what any would, and
/// refuses the rest with what would change. `make` gives one as for [`check`].
///
/// # Panics
/// Where it doesn't.
pub async fn check_dry_run<O: Orchestrator>(make: impl Fn() -> O) {
    lists_what_is_live(&make()).await;
    previews_without_a_change(&make()).await;
    refuses_what_is_not_there(&make()).await;
    applies_all_or_nothing(&make()).await;
    applies_nothing(&make()).await;
}

async fn applies_nothing(orchestrator: &dyn Orchestrator) {
    let before = inventory(orchestrator).await;
    let plan = approved(1, &before, &bigger(subject(&before)));
    for _ in 0..2 {
        let refused = orchestrator.apply(plan.clone()).await.err();
        let kind = refused.as_ref().map(Error::kind);
        assert_eq!(kind, Some(ErrorKind::Refused), "{plan:?} is not applied");
        let text = refused.map_or_else(String::new, |error| error.to_string());
        for change in plan.changes() {
            assert!(
                text.contains(&change.to_string()),
                "`{text}` says what would change: {change}"
            );
        }
        assert_eq!(inventory(orchestrator).await, before, "nothing changes");
    }
    let mut aged = before.clone();
    let judged = subject(&before).workload.clone();
    if let Some(state) = aged.workloads.get_mut(&judged) {
        state.resource_version.push_str("-gone");
    }
    let stale = approved(2, &aged, &bigger(state(&aged, &judged)));
    refuses(orchestrator, stale, ErrorKind::Stale).await;
}

async fn lists_what_is_live(orchestrator: &dyn Orchestrator) {
    let seen = inventory(orchestrator).await;
    for (key, state) in &seen.workloads {
        assert_eq!(*key, state.workload, "a workload stands under its own name");
        assert!(!state.resource_version.is_empty(), "{key} has a version");
        let is_namespace = key.kind == WorkloadKind::Namespace;
        assert!(
            !is_namespace || state.allocation == Allocation::default(),
            "the namespace {key} has a quota, no pods"
        );
        assert!(
            is_namespace || state.quota.is_none(),
            "{key} is no namespace and has a quota"
        );
    }
    assert_eq!(
        inventory(orchestrator).await,
        seen,
        "to look changes nothing"
    );
}

async fn previews_without_a_change(orchestrator: &dyn Orchestrator) {
    let before = inventory(orchestrator).await;
    let plan = approved(1, &before, &bigger(subject(&before)));
    for _ in 0..2 {
        assert_eq!(
            preview(orchestrator, &plan).await,
            plan.changes(),
            "what would change is what was approved"
        );
    }
    assert_eq!(
        inventory(orchestrator).await,
        before,
        "a preview changes nothing"
    );
}

async fn applies_just_what_was_approved(orchestrator: &dyn Orchestrator) {
    let before = inventory(orchestrator).await;
    let plan = approved(1, &before, &bigger(subject(&before)));
    let receipt = apply(orchestrator, &plan).await;
    let after = inventory(orchestrator).await;
    let (was, is) = (
        state(&before, plan.workload()),
        state(&after, plan.workload()),
    );
    assert_eq!(receipt.decision, plan.decision());
    assert_eq!(receipt.workload, *plan.workload());
    assert_eq!(
        receipt.previous,
        Desired::live(was),
        "a receipt has exactly what was there"
    );
    assert_eq!(receipt.applied, *plan.desired());
    assert_eq!(
        Desired::live(is),
        *plan.desired(),
        "what was approved is live"
    );
    assert_eq!(
        receipt.resource_version, is.resource_version,
        "the version after the apply"
    );
    assert_ne!(
        was.resource_version, is.resource_version,
        "a change is a new version"
    );
    for change in plan.changes() {
        assert_eq!(
            receipt.previous_owners.get(&change.field),
            was.owners.get(&change.field),
            "whose {} was",
            change.field
        );
        assert_eq!(
            is.owners.get(&change.field),
            Some(&FieldOwner::Ibn),
            "whose {} is",
            change.field
        );
    }
    let changed: Vec<Field> = plan.changes().into_iter().map(|it| it.field).collect();
    let others = |of: &WorkloadState| {
        let mut owners = of.owners.clone();
        owners.retain(|field, _| !changed.contains(field));
        (owners, of.labels.clone(), of.quota)
    };
    assert_eq!(
        others(is),
        others(was),
        "nothing else of the workload changes"
    );
    for (key, was) in before
        .workloads
        .iter()
        .filter(|(key, _)| *key != plan.workload())
    {
        assert_eq!(
            untimed(state(&after, key)),
            untimed(was),
            "no other workload changes"
        );
    }
}

async fn applies_a_decision_once(orchestrator: &dyn Orchestrator) {
    let before = inventory(orchestrator).await;
    let plan = approved(1, &before, &bigger(subject(&before)));
    let receipt = apply(orchestrator, &plan).await;
    let between = inventory(orchestrator).await;
    assert_eq!(
        preview(orchestrator, &plan).await,
        [],
        "another apply would change nothing"
    );
    assert_eq!(
        apply(orchestrator, &plan).await,
        receipt,
        "the first one's receipt"
    );
    assert_eq!(
        inventory(orchestrator).await,
        between,
        "a decision is applied once"
    );
    // Also when something else came after it.
    let next = approved(2, &between, &bigger(state(&between, plan.workload())));
    let _ = apply(orchestrator, &next).await;
    let after = inventory(orchestrator).await;
    assert_eq!(
        apply(orchestrator, &plan).await,
        receipt,
        "still the first one's receipt"
    );
    assert_eq!(
        inventory(orchestrator).await,
        after,
        "a late repeat changes nothing"
    );
}

async fn refuses_what_was_judged_on_something_else(orchestrator: &dyn Orchestrator) {
    let before = inventory(orchestrator).await;
    let first = approved(1, &before, &bigger(subject(&before)));
    let second = approved(2, &before, &bigger(&bigger(subject(&before))));
    let _ = apply(orchestrator, &first).await;
    refuses(orchestrator, second, ErrorKind::Stale).await;
}

async fn refuses_what_is_not_there(orchestrator: &dyn Orchestrator) {
    let mut imagined = inventory(orchestrator).await;
    let mut ghost = subject(&imagined).clone();
    ghost.workload = WorkloadRef::deployment("no-such-namespace", "no-such-workload");
    imagined
        .workloads
        .insert(ghost.workload.clone(), ghost.clone());
    let plan = approved(1, &imagined, &bigger(&ghost));
    refuses(orchestrator, plan, ErrorKind::NotFound).await;
}

async fn applies_all_or_nothing(orchestrator: &dyn Orchestrator) {
    let mut imagined = inventory(orchestrator).await;
    let mut mistaken = subject(&imagined).clone();
    mistaken
        .allocation
        .containers
        .push(ContainerResources::new("no-such-container"));
    imagined
        .workloads
        .insert(mistaken.workload.clone(), mistaken.clone());
    let plan = approved(1, &imagined, &bigger(&mistaken));
    refuses(orchestrator, plan, ErrorKind::Refused).await;
}

async fn takes_back_what_it_did(orchestrator: &dyn Orchestrator) {
    let before = inventory(orchestrator).await;
    let plan = approved(1, &before, &bigger(subject(&before)));
    let receipt = apply(orchestrator, &plan).await;
    let undone = undo(orchestrator, 2, &receipt).await;
    let after = inventory(orchestrator).await;
    assert_eq!(
        Desired::live(state(&after, plan.workload())),
        receipt.previous,
        "an undo brings back exactly what was there"
    );
    assert_eq!(
        (undone.previous, undone.applied),
        (receipt.applied, receipt.previous),
        "and can be undone itself"
    );
}

async fn leaves_foreign_fields(orchestrator: &dyn Orchestrator) {
    let keys: Vec<WorkloadRef> = inventory(orchestrator)
        .await
        .workloads
        .into_keys()
        .collect();
    let mut decision = 100;
    for key in keys
        .iter()
        .filter(|key| key.kind != WorkloadKind::Namespace)
    {
        let before = inventory(orchestrator).await;
        let was = state(&before, key);
        let is_kept = |field: &Field| was.owners.get(field).is_some_and(is_foreign);
        if !was.owners.values().any(is_foreign) {
            continue;
        }
        decision += 1;
        // The guard cuts what is foreign; what is left may not touch it on the way.
        let Some(plan) = review(decision, &before, &bigger(was)).into_parts().0 else {
            continue;
        };
        let _ = apply(orchestrator, &plan).await;
        let after = inventory(orchestrator).await;
        let is = state(&after, key);
        for change in was.allocation.changes_to(&is.allocation) {
            assert!(
                !is_kept(&change.field),
                "{} of {key} isn't ours",
                change.field
            );
        }
        for (field, owner) in was.owners.iter().filter(|(_, owner)| is_foreign(owner)) {
            assert_eq!(
                is.owners.get(field),
                Some(owner),
                "{field} of {key} stays its owner's"
            );
        }
    }
}

async fn sets_and_takes_back_a_quota(orchestrator: &dyn Orchestrator) {
    let before = inventory(orchestrator).await;
    let Some(space) = before
        .workloads
        .values()
        .find(|it| it.workload.kind == WorkloadKind::Namespace && it.quota.is_none())
    else {
        return;
    };
    let quota = QuotaLimits {
        cpu: Some(CpuMillis::new(64_000)),
        memory: None,
        pods: Some(500),
    };
    let desired = Desired::Quota(Some(quota));
    let verdict = judge(1, &before, space, desired);
    let plan = let_through(verdict);
    let receipt = apply(orchestrator, &plan).await;
    assert_eq!(receipt.previous, Desired::Quota(None), "there was none");
    let live = inventory(orchestrator).await;
    assert_eq!(state(&live, &space.workload).quota, Some(quota));
    let _ = undo(orchestrator, 2, &receipt).await;
    let live = inventory(orchestrator).await;
    assert_eq!(
        state(&live, &space.workload).quota,
        None,
        "there is none again"
    );
}

/// A workload on which everything can be tried: pods, a CPU request, nothing foreign.
fn subject(inventory: &Inventory) -> &WorkloadState {
    let found = inventory.workloads.values().find(|state| {
        let allocation = &state.allocation;
        allocation.replicas > 0
            && allocation.autoscale.is_none()
            && allocation
                .containers
                .iter()
                .any(|it| it.requests.cpu.is_some())
            && !state.owners.values().any(is_foreign)
    });
    let Some(found) = found else {
        fail("there is a workload with a pod, a CPU request, no autoscaler and nothing foreign")
    };
    found
}

const fn is_foreign(owner: &FieldOwner) -> bool {
    matches!(
        owner,
        FieldOwner::HorizontalPodAutoscaler(_)
            | FieldOwner::VerticalPodAutoscaler(_)
            | FieldOwner::ScaledObject(_)
    )
}

/// The same workload with a pod more and a tenth more CPU, requests and limits alike.
fn bigger(state: &WorkloadState) -> WorkloadState {
    let more = |cpu: &mut Option<CpuMillis>| {
        *cpu = cpu.map(|cpu| CpuMillis::new(cpu.get() + cpu.get().div_ceil(10)));
    };
    let mut bigger = state.clone();
    bigger.allocation.replicas += 1;
    for container in &mut bigger.allocation.containers {
        more(&mut container.requests.cpu);
        more(&mut container.limits.cpu);
    }
    bigger
}

/// What the guard says of a wish where nothing limits it.
fn review(decision: u64, seen: &Inventory, wanted: &WorkloadState) -> Verdict {
    let live = state(seen, &wanted.workload);
    judge(
        decision,
        seen,
        live,
        Desired::Allocation(wanted.allocation.clone()),
    )
}

fn judge(decision: u64, seen: &Inventory, live: &WorkloadState, desired: Desired) -> Verdict {
    let plan = Plan {
        decision: DecisionId(decision),
        workload: live.workload.clone(),
        desired,
        trigger: Trigger::Directive,
        intents: Vec::new(),
        reasons: Vec::new(),
    };
    let envelope = Envelope::open(live.workload.clone());
    Guard.review(plan, &current(seen, live, &envelope))
}

fn current<'a>(
    inventory: &'a Inventory,
    state: &'a WorkloadState,
    envelope: &'a Envelope,
) -> Current<'a> {
    Current {
        now: Timestamp::from_second(1_767_225_600).unwrap_or_default(),
        state,
        envelope,
        inventory,
        in_flight: &[],
        health: SignalHealth::Fresh,
        floor: None,
        last_applied_at: None,
        barred: &[],
        approved_by_person: true,
    }
}

fn approved(decision: u64, seen: &Inventory, wanted: &WorkloadState) -> ApprovedPlan {
    let_through(review(decision, seen, wanted))
}

fn let_through(verdict: Verdict) -> ApprovedPlan {
    match verdict {
        Verdict::Approved(plan) => plan,
        Verdict::Trimmed(_, cuts) | Verdict::Rejected(cuts) => {
            let cuts: Vec<String> = cuts.iter().map(ToString::to_string).collect();
            fail(&format!("the guard lets it through: {}", cuts.join("; ")))
        }
    }
}

async fn undo(orchestrator: &dyn Orchestrator, decision: u64, receipt: &Receipt) -> Receipt {
    let seen = inventory(orchestrator).await;
    let live = state(&seen, &receipt.workload);
    let envelope = Envelope::open(receipt.workload.clone());
    let verdict = Guard.undo(
        DecisionId(decision),
        receipt,
        &current(&seen, live, &envelope),
    );
    apply(orchestrator, &let_through(verdict)).await
}

async fn refuses(orchestrator: &dyn Orchestrator, plan: ApprovedPlan, kind: ErrorKind) {
    let before = inventory(orchestrator).await;
    let of = |error: Option<Error>| error.map(|it| it.kind());
    assert_eq!(
        of(orchestrator.preview(&plan).await.err()),
        Some(kind),
        "a preview fails as the apply would"
    );
    assert_eq!(
        of(orchestrator.apply(plan).await.err()),
        Some(kind),
        "the apply is refused"
    );
    assert_eq!(
        inventory(orchestrator).await,
        before,
        "what is refused changes nothing"
    );
}

/// A state without what moves by itself.
fn untimed(state: &WorkloadState) -> WorkloadState {
    WorkloadState {
        ready_replicas: 0,
        ..state.clone()
    }
}

fn state<'a>(inventory: &'a Inventory, key: &WorkloadRef) -> &'a WorkloadState {
    match inventory.workloads.get(key) {
        Some(state) => state,
        None => fail(&format!("{key} is listed")),
    }
}

async fn inventory(orchestrator: &dyn Orchestrator) -> Inventory {
    got(orchestrator.inventory().await, "an inventory")
}

async fn preview(
    orchestrator: &dyn Orchestrator,
    plan: &ApprovedPlan,
) -> Vec<ibn_core::allocation::FieldChange> {
    got(orchestrator.preview(plan).await, "a preview")
}

async fn apply(orchestrator: &dyn Orchestrator, plan: &ApprovedPlan) -> Receipt {
    got(orchestrator.apply(plan.clone()).await, "an apply")
}

fn got<T>(result: ibn_core::Result<T>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => fail(&format!("{what} is possible: {error}")),
    }
}

#[expect(
    clippy::panic,
    reason = "a test with an orchestrator that doesn't conform is to fail"
)]
fn fail(expected: &str) -> ! {
    panic!("{expected}")
}
