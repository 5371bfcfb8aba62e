//! From an amount to an absolute value.

use ibn_core::allocation::{Allocation, ContainerResources, Field, QuotaLimits};
use ibn_core::guard::Desired;
use ibn_core::intent::{
    Amount, Autoscale, Directive, Expectation, QuotaAmounts, ResourceAmounts, ResourcesDirective,
    Setting,
};
use ibn_core::resolve::{check_requests_below_limits, expectation_hash, resolve_directive};
use ibn_core::units::{Bytes, CpuMillis, SignedBytes};
use ibn_core::workload::{WorkloadRef, WorkloadState};
use proptest::prelude::*;

use super::support::{container, state, web};

/// `app` with a request and a limit of CPU, `sidecar` with a request only, `init` with nothing.
fn mixed() -> WorkloadState {
    let app = container(400);
    let mut sidecar = ContainerResources::new("sidecar");
    sidecar.requests.cpu = Some(CpuMillis::new(100));
    state(
        &web(),
        3,
        vec![app, sidecar, ContainerResources::new("init")],
    )
}

fn cpu(
    container: Option<&str>,
    requests: Option<Amount<CpuMillis>>,
    limits: Option<Amount<CpuMillis>>,
) -> Directive {
    let amounts = |cpu| ResourceAmounts { cpu, memory: None };
    Directive::Resources(ResourcesDirective {
        container: container.map(str::to_owned),
        requests: amounts(requests),
        limits: amounts(limits),
    })
}

#[track_caller]
fn check(directive: &Directive, expected: &str) {
    let said = match resolve_directive(directive, &mixed()) {
        Ok(setting) => setting.to_string(),
        Err(why) => why.to_string(),
    };
    assert_eq!(said, expected);
}

#[test]
fn half_away_from_zero_is_how_amounts_are_rounded() {
    check(&Directive::Replicas(Amount::Scale(0.5)), "replicas 2");
    check(&Directive::Replicas(Amount::Scale(1.5)), "replicas 5");
    check(&Directive::Replicas(Amount::Scale(1.1)), "replicas 3");
    check(&Directive::Replicas(Amount::Add(2)), "replicas 5");
}

#[test]
fn what_cannot_be_is_infeasible_never_clipped() {
    check(
        &Directive::Replicas(Amount::Add(-5)),
        "replicas is 3, so it can't be changed by -5",
    );
    check(
        &Directive::Replicas(Amount::Scale(1e12)),
        "replicas is 3, so it can't be changed by the factor 1000000000000",
    );
    let less = Amount::Add(ibn_core::units::SignedCpuMillis::new(-500));
    check(
        &cpu(Some("app"), Some(less), None),
        "app.requests.cpu is 400m, so it can't be changed by -500m",
    );
}

#[test]
fn a_relative_amount_needs_something_to_start_from() {
    check(
        &cpu(Some("sidecar"), None, Some(Amount::Scale(2.0))),
        "sidecar.limits.cpu can't be changed by the factor 2: it is not set, so there is nothing to start from",
    );
    check(
        &cpu(
            Some("init"),
            Some(Amount::Scale(2.0)),
            Some(Amount::Scale(2.0)),
        ),
        "the CPU request or limit can't be changed by the factor 2: it is not set, so there is nothing to start from",
    );
    let memory = ResourceAmounts {
        cpu: None,
        memory: Some(Amount::Add(SignedBytes::new(1))),
    };
    let mut state = mixed();
    state.allocation.containers.remove(0);
    let more_memory = Directive::Resources(ResourcesDirective {
        container: None,
        requests: memory,
        limits: ResourceAmounts::default(),
    });
    assert_eq!(
        resolve_directive(&more_memory, &state)
            .unwrap_err()
            .to_string(),
        "the memory request can't be changed by 1: it is not set, so there is nothing to start from",
    );
}

#[test]
fn half_more_cpu_means_requests_and_limits_where_set_on_every_container() {
    let half_more = Some(Amount::Scale(1.5));
    check(
        &cpu(None, half_more, half_more),
        "app.requests.cpu 600m, app.limits.cpu 600m, sidecar.requests.cpu 150m",
    );
}

#[test]
fn cpu_to_a_value_with_no_limit_set_means_requests() {
    let to = Some(Amount::To(CpuMillis::new(250)));
    check(
        &cpu(None, to, to),
        "app.requests.cpu 250m, app.limits.cpu 250m, sidecar.requests.cpu 250m, init.requests.cpu 250m",
    );
}

#[test]
fn a_named_container_is_taken_at_its_word() {
    let to = Some(Amount::To(CpuMillis::new(250)));
    check(
        &cpu(Some("sidecar"), to, to),
        "sidecar.requests.cpu 250m, sidecar.limits.cpu 250m",
    );
    check(
        &cpu(None, None, to),
        "app.limits.cpu 250m, sidecar.limits.cpu 250m, init.limits.cpu 250m",
    );
}

#[test]
fn a_container_that_is_not_there_is_said_to_be_missing() {
    check(
        &cpu(Some("db"), Some(Amount::Scale(2.0)), None),
        "there is no container `db`; there is `app`, `sidecar`, `init`",
    );
}

#[test]
fn only_the_fields_that_are_ordered_are_resolved() {
    let setting =
        resolve_directive(&cpu(Some("app"), Some(Amount::Scale(2.0)), None), &mixed()).unwrap();
    let fields: Vec<String> = setting.fields().iter().map(Field::to_string).collect();
    assert_eq!(fields, ["app.requests.cpu"]);
}

#[test]
fn a_directive_has_to_fit_its_target() {
    let namespace = state(&WorkloadRef::namespace("shop"), 0, Vec::new());
    let quota = Directive::Quota(QuotaAmounts {
        cpu: Some(CpuMillis::new(8000)),
        ..QuotaAmounts::default()
    });
    assert_eq!(
        resolve_directive(&quota, &namespace).unwrap().to_string(),
        "a quota of 8 CPU"
    );
    check(&quota, "a Deployment can't be given a quota");
    assert_eq!(
        resolve_directive(&Directive::Replicas(Amount::To(1)), &namespace)
            .unwrap_err()
            .to_string(),
        "a Namespace can't be given replicas",
    );
}

#[test]
fn no_request_stands_above_its_limit() {
    let order = cpu(Some("app"), Some(Amount::Scale(2.0)), None);
    let wanted = resolve_directive(&order, &mixed())
        .unwrap()
        .apply_to(&mixed().allocation);
    assert_eq!(
        check_requests_below_limits(&wanted)
            .unwrap_err()
            .to_string(),
        "app.requests.cpu would be 800m, above its limit of 400m",
    );
    assert!(check_requests_below_limits(&mixed().allocation).is_ok());
}

#[test]
fn a_restored_field_that_was_not_set_is_not_set_again() {
    let mut state = mixed();
    let order = cpu(Some("sidecar"), None, Some(Amount::To(CpuMillis::new(300))));
    let setting = resolve_directive(&order, &state).unwrap();
    let previous = Setting::from_live(&state, &setting);
    let before = Desired::live(&state);

    let mut desired = before.clone();
    setting.write_to(&mut desired);
    assert_ne!(desired, before);
    state.allocation = desired.allocation().unwrap().clone();
    assert!(setting.matches(&state));

    setting.restore(&previous, &mut desired);
    assert_eq!(desired, before);
}

#[test]
fn a_quota_keeps_the_parts_that_are_not_ordered() {
    let full = QuotaLimits {
        cpu: Some(CpuMillis::new(8000)),
        memory: Some(Bytes::new(1 << 34)),
        pods: Some(50),
    };
    let mut shop = state(&WorkloadRef::namespace("shop"), 0, Vec::new());
    shop.quota = Some(full);
    for order in [
        QuotaAmounts {
            cpu: Some(CpuMillis::new(9000)),
            ..QuotaAmounts::default()
        },
        QuotaAmounts {
            memory: Some(Bytes::new(1 << 35)),
            ..QuotaAmounts::default()
        },
        QuotaAmounts {
            pods: Some(60),
            ..QuotaAmounts::default()
        },
    ] {
        let setting = resolve_directive(&Directive::Quota(order), &shop).unwrap();
        let previous = Setting::from_live(&shop, &setting);
        let mut desired = Desired::live(&shop);
        setting.write_to(&mut desired);
        let expected = QuotaLimits {
            cpu: order.cpu.or(full.cpu),
            memory: order.memory.or(full.memory),
            pods: order.pods.or(full.pods),
        };
        assert_eq!(desired, Desired::Quota(Some(expected)));
        setting.restore(&previous, &mut desired);
        assert_eq!(desired, Desired::Quota(Some(full)));
    }
}

#[test]
fn an_autoscaler_matches_after_defaulting() {
    let mut state = mixed();
    state.allocation.autoscale = Some(Autoscale {
        min: Some(1),
        max: 3,
        cpu_utilization: Some(80),
    });
    let short = Autoscale {
        min: None,
        max: 3,
        cpu_utilization: None,
    };
    assert!(Setting::Autoscale(Some(short)).matches(&state));
    assert!(!Setting::Autoscale(None).matches(&state));
}

#[test]
fn a_manual_change_of_a_held_field_is_seen() {
    let mut state = mixed();
    let setting = Setting::Replicas(3);
    assert!(setting.matches(&state));
    state.allocation.replicas = 4;
    assert!(!setting.matches(&state));
}

#[test]
fn the_hash_of_an_expectation_is_its_own_wherever_it_stands() {
    let more = |pods| Expectation::Directive(Directive::Replicas(Amount::Add(pods)));
    let hash = |uid, all: &[Expectation], index| expectation_hash(uid, all, index).unwrap();
    let two = hash("a", &[more(2)], 0);
    assert_eq!(two.len(), 16);
    assert_eq!(two, hash("a", &[more(3), more(2)], 1));
    for other in [
        hash("b", &[more(2)], 0),
        hash("a", &[more(3)], 0),
        // The second of two equal ones.
        hash("a", &[more(2), more(2)], 1),
    ] {
        assert_ne!(two, other);
    }
    assert_eq!(expectation_hash("a", &[more(2)], 1), None);
}

fn any_amount() -> impl Strategy<Value = Amount<CpuMillis>> {
    prop_oneof![
        (1u64..5000).prop_map(|to| Amount::To(CpuMillis::new(to))),
        (-500i64..500).prop_map(|by| Amount::Add(ibn_core::units::SignedCpuMillis::new(by))),
        (0.1f64..3.0).prop_map(Amount::Scale),
    ]
}

proptest! {
    #[test]
    fn what_is_resolved_and_written_is_what_matches(
        named in any::<bool>(),
        requests in prop::option::of(any_amount()),
        limits in prop::option::of(any_amount()),
    ) {
        let mut state = mixed();
        let directive = cpu(named.then_some("app"), requests, limits);
        if let Ok(setting) = resolve_directive(&directive, &state) {
            let before = Desired::live(&state);
            let previous = Setting::from_live(&state, &setting);
            let mut desired = before.clone();
            setting.write_to(&mut desired);
            let changed: Vec<Field> = before.changes_to(&desired).into_iter().map(|change| change.field).collect();
            let fields = setting.fields();
            prop_assert!(changed.iter().all(|field| fields.contains(field)));

            state.allocation = desired.allocation().unwrap().clone();
            prop_assert!(setting.matches(&state));
            for field in &fields {
                prop_assert_eq!(setting.only(field).unwrap().fields(), vec![field.clone()]);
            }
            setting.restore(&previous, &mut desired);
            prop_assert_eq!(desired, before);
        }
    }

    #[test]
    fn replicas_are_resolved_as_the_arithmetic_says(live in 0u32..1000, by in -1500i32..1500) {
        let mut state = mixed();
        state.allocation = Allocation::new(live, Vec::new());
        let resolved = resolve_directive(&Directive::Replicas(Amount::Add(by)), &state).ok();
        let exact = i64::from(live) + i64::from(by);
        prop_assert_eq!(resolved, u32::try_from(exact).ok().map(Setting::Replicas));
    }

    #[test]
    fn memory_is_scaled_to_the_nearest_byte(live in 0u64..1 << 40, factor in 0.0f64..8.0) {
        let mut state = mixed();
        state.allocation.containers[0].requests.memory = Some(Bytes::new(live));
        let directive = Directive::Resources(ResourcesDirective {
            container: Some("app".to_owned()),
            requests: ResourceAmounts { cpu: None, memory: Some(Amount::Scale(factor)) },
            limits: ResourceAmounts::default(),
        });
        let setting = resolve_directive(&directive, &state).unwrap();
        let Setting::Containers(containers) = setting else { panic!("not containers") };
        let bytes = containers[0].requests.memory.unwrap().get() as f64;
        prop_assert!((bytes - live as f64 * factor).abs() <= 0.5 + 1e-3);
    }
}
