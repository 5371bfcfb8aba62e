//! What a resize may change of a pod.

use ibn_core::allocation::{ContainerResources, Resource, ResourceBound};
use ibn_core::qos::QosClass;
use ibn_core::units::{Bytes, CpuMillis};
use serde_json::{Value, json};

use super::request::Refusal;

const BOUNDS: [(ResourceBound, &str); 2] = [
    (ResourceBound::Requests, "requests"),
    (ResourceBound::Limits, "limits"),
];

const RESOURCES: [(Resource, &str); 2] = [(Resource::Cpu, "cpu"), (Resource::Memory, "memory")];

/// Takes requests and limits from another pod's containers of the same names; all else of that one is left out.
pub(super) fn take_resources(pod: &mut Value, from: &Value) {
    let from = from.pointer("/spec/containers").and_then(Value::as_array);
    let containers = pod.pointer_mut("/spec/containers");
    let containers = containers.and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        let mut others = from.into_iter().flatten();
        let other = others.find(|it| it.get("name") == container.get("name"));
        if let (Some(other), Some(container)) = (other, container.as_object_mut()) {
            let resources = other.get("resources").cloned().unwrap_or(json!({}));
            container.insert("resources".to_owned(), resources);
        }
    }
}

/// None removed, requests within limits, and the class of service stays.
pub(super) fn check_resize(before: &Value, after: &Value) -> Result<(), Refusal> {
    let (was, is) = (containers(before)?, containers(after)?);
    if QosClass::of(&was) != QosClass::of(&is) {
        return Err(Refusal::invalid(
            "spec: Invalid value: Pod QOS Class may not change as a result of resizing",
        ));
    }
    for (was, is) in was.iter().zip(&is) {
        for (resource, name) in RESOURCES {
            for (bound, _) in BOUNDS {
                if was.amount(bound, resource).is_some() && is.amount(bound, resource).is_none() {
                    return Err(Refusal::invalid(format!(
                        "spec.containers: Forbidden: {name} of `{}` cannot be removed",
                        is.name
                    )));
                }
            }
            let [request, limit] = ResourceBound::ALL.map(|bound| is.amount(bound, resource));
            if request
                .zip(limit)
                .is_some_and(|(request, limit)| request > limit)
            {
                return Err(Refusal::invalid(format!(
                    "spec.containers: Invalid value: {name} of `{}` must be less than or equal to its limit",
                    is.name
                )));
            }
        }
    }
    Ok(())
}

/// The containers of a pod with their requests and limits.
pub(super) fn containers(pod: &Value) -> Result<Vec<ContainerResources>, Refusal> {
    let all = pod.pointer("/spec/containers").and_then(Value::as_array);
    all.into_iter().flatten().map(container).collect()
}

fn container(of: &Value) -> Result<ContainerResources, Refusal> {
    let mut read = ContainerResources::new(of.get("name").and_then(Value::as_str).unwrap_or(""));
    for (bound, bound_name) in BOUNDS {
        for (resource, name) in RESOURCES {
            let text = of.pointer(&format!("/resources/{bound_name}/{name}"));
            let Some(text) = text.and_then(Value::as_str) else {
                continue;
            };
            let amount = match resource {
                Resource::Cpu => text.parse::<CpuMillis>().ok().map(CpuMillis::get),
                Resource::Memory => text.parse::<Bytes>().ok().map(Bytes::get),
            };
            let Some(amount) = amount else {
                return Err(Refusal::invalid(format!(
                    "{text:?} is no quantity of {name}"
                )));
            };
            read.set_amount(bound, resource, Some(amount));
        }
    }
    Ok(read)
}

/// Writes fractions of CPU as thousandths, as the API server does when it stores them.
pub(super) fn canonical(container: &mut Value) {
    for (_, bound) in BOUNDS {
        let place = container.pointer_mut(&format!("/resources/{bound}/cpu"));
        if let Some(place) = place
            && let Some(cpu) = place.as_str().filter(|it| it.contains('.'))
            && let Ok(cpu) = cpu.parse::<CpuMillis>()
        {
            *place = json!(cpu.to_string());
        }
    }
}
