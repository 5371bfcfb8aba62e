//! What the ordered amounts of CPU and memory come to in a pod and in all pods, held against the bounds of the same sentence.

use ibn_core::allocation::Resources;
use ibn_core::catalog::CatalogWorkload;
use ibn_core::intent::{
    Amount, BudgetLimit, Constraints, Directive, Expectation, Range, ResourceAmounts,
    ResourcesDirective,
};
use ibn_core::translation::Translation;
use ibn_core::units::{Bytes, CpuMillis, Magnitude};

use super::clash;

type Answer<T> = Result<T, Translation>;

/// How to look at CPU or memory.
struct Field<T: Magnitude> {
    name: &'static str,
    ordered: fn(&ResourceAmounts) -> Option<Amount<T>>,
    live: fn(&Resources) -> Option<T>,
    range: fn(&Constraints) -> Range<T>,
    budget: fn(&BudgetLimit) -> Option<T>,
    count: fn(T) -> u64,
    make: fn(u64) -> T,
}

const CPU: Field<CpuMillis> = Field {
    name: "CPU",
    ordered: |amounts| amounts.cpu,
    live: |resources| resources.cpu,
    range: |constraints| constraints.cpu,
    budget: |budget| budget.cpu,
    count: CpuMillis::get,
    make: CpuMillis::new,
};

const MEMORY: Field<Bytes> = Field {
    name: "memory",
    ordered: |amounts| amounts.memory,
    live: |resources| resources.memory,
    range: |constraints| constraints.memory,
    budget: |budget| budget.memory,
    count: Bytes::get,
    make: Bytes::new,
};

/// The question which of an amount and a bound holds, where both were said and exclude each other.
///
/// What was not ordered may still move, so only ordered amounts count; relative ones are resolved from the catalog.
pub(crate) fn check(
    workload: Option<&CatalogWorkload>,
    constraints: &Constraints,
    expectations: &[Expectation],
) -> Answer<()> {
    field(workload, constraints, expectations, &CPU)?;
    field(workload, constraints, expectations, &MEMORY)
}

fn field<T: Magnitude>(
    workload: Option<&CatalogWorkload>,
    constraints: &Constraints,
    expectations: &[Expectation],
    field: &Field<T>,
) -> Answer<()> {
    let (range, budget) = (
        (field.range)(constraints),
        (field.budget)(&constraints.budget),
    );
    let live = workload.map(|workload| workload.replicas);
    let ordered = pods(expectations, live);
    if let (Some(min), Some(budget)) = (range.min, budget) {
        let pods = ordered.or(constraints.replicas.min).unwrap_or(1);
        if (field.count)(min).saturating_mul(pods.into()) > (field.count)(budget) {
            return Err(clash::either(
                field.name,
                format!("at least {min} in each pod"),
                in_all(budget, pods),
            ));
        }
    }
    let sums = Sums::of(workload, expectations, field);
    if let (Some(most), Some(max)) = (sums.most, range.max)
        && most > (field.count)(max)
    {
        return Err(of_pod(field, workload, most, format!("at most {max}")));
    }
    for least in [sums.requests_of_all, sums.limits_of_all] {
        if let (Some(least), Some(min)) = (least, range.min)
            && least < (field.count)(min)
        {
            return Err(of_pod(field, workload, least, format!("at least {min}")));
        }
    }
    let is_bounded = constraints.replicas != Range::default();
    let present = live.filter(|_| ordered.is_none() && !is_bounded);
    let pods = ordered
        .or(constraints.replicas.min)
        .or(present)
        .unwrap_or(1);
    if let (Some(each), Some(budget)) = (sums.requests, budget)
        && each.saturating_mul(pods.into()) > (field.count)(budget)
    {
        let each = (field.make)(each);
        let one = match present {
            Some(1) | None if pods == 1 => format!("{each} in a pod"),
            Some(_) => format!("{each} in each of the {pods} pods that there are now"),
            None => format!("{each} in each of {pods} pods"),
        };
        return Err(clash::either(field.name, one, in_all(budget, pods)));
    }
    Ok(())
}

fn of_pod<T: Magnitude>(
    field: &Field<T>,
    workload: Option<&CatalogWorkload>,
    ordered: u64,
    bound: String,
) -> Translation {
    let ordered = (field.make)(ordered);
    let name = workload.map_or(String::new(), |it| format!(" of `{}`", it.name));
    clash::either(
        field.name,
        format!("{ordered} in a pod{name}"),
        format!("{bound} in a pod"),
    )
}

fn in_all<T: Magnitude>(budget: T, pods: u32) -> String {
    if pods == 1 {
        return format!("at most {budget} in all pods together");
    }
    format!("at most {budget} in all {pods} pods together")
}

/// The least number of pods that is ordered.
fn pods(expectations: &[Expectation], live: Option<u32>) -> Option<u32> {
    expectations.iter().find_map(|it| match it {
        Expectation::Directive(Directive::Replicas(Amount::To(pods))) => Some(*pods),
        Expectation::Directive(Directive::Replicas(amount)) => amount.resolve(live?),
        Expectation::Directive(Directive::Autoscale(autoscale)) => Some(autoscale.min_replicas()),
        _ => None,
    })
}

/// What is ordered for one pod, in the base unit.
#[derive(Default)]
struct Sums {
    /// The requests that are ordered.
    requests: Option<u64>,
    /// The greater of request and limit, where one is ordered.
    most: Option<u64>,
    /// The requests and the limits, where they are ordered for every container.
    requests_of_all: Option<u64>,
    limits_of_all: Option<u64>,
}

impl Sums {
    fn of<T: Magnitude>(
        workload: Option<&CatalogWorkload>,
        expectations: &[Expectation],
        field: &Field<T>,
    ) -> Self {
        let directives: Vec<&ResourcesDirective> = expectations
            .iter()
            .filter_map(|it| match it {
                Expectation::Directive(Directive::Resources(directive)) => Some(directive),
                _ => None,
            })
            .collect();
        let known = workload
            .map(|it| it.containers.as_slice())
            .unwrap_or_default();
        let mut containers: Vec<_> = known
            .iter()
            .map(|it| (Some(it.name.as_str()), it.requests, it.limits))
            .collect();
        if containers.is_empty() {
            containers.push((None, Resources::default(), Resources::default()));
        }
        let mut requests = Vec::new();
        let mut limits = Vec::new();
        for (name, requested, limited) in containers {
            let amount = |side: fn(&ResourcesDirective) -> &ResourceAmounts, live: Resources| {
                let amount = directives
                    .iter()
                    .filter(|it| it.container.is_none() || name == it.container.as_deref())
                    .find_map(|it| (field.ordered)(side(it)))?;
                let resolved = match (amount, (field.live)(&live)) {
                    (Amount::To(value), _) => Some(value),
                    (_, None) => None,
                    (_, Some(live)) => amount.resolve(live),
                };
                resolved.map(field.count)
            };
            requests.push(amount(|it| &it.requests, requested));
            limits.push(amount(|it| &it.limits, limited));
        }
        Self {
            requests: some(requests.iter().copied()),
            most: some(requests.iter().zip(&limits).map(|(a, b)| *a.max(b))),
            requests_of_all: every(&requests),
            limits_of_all: every(&limits),
        }
    }
}

/// The sum, where all are there.
fn every(amounts: &[Option<u64>]) -> Option<u64> {
    amounts
        .iter()
        .try_fold(0u64, |sum, amount| Some(sum.saturating_add((*amount)?)))
}

/// The sum of those that are there, where any is.
fn some(amounts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    amounts.flatten().reduce(u64::saturating_add)
}
