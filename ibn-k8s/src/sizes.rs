//! Requests and limits as the cluster writes them, and what is held of them on a workload.

use std::collections::BTreeMap;

use ibn_core::allocation::{ContainerResources, Field, Resource, ResourceBound};
use ibn_core::units::{Bytes, CpuMillis};
use k8s_openapi::api::core::v1::{Container, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Requests and limits of containers by field, spelled as they were read. What isn't set isn't in here.
pub(crate) type Sizes = BTreeMap<Field, String>;

/// The field of a request or limit.
pub(crate) fn field(container: &str, bound: ResourceBound, resource: Resource) -> Field {
    Field::Resource {
        container: container.to_owned(),
        bound,
        resource,
    }
}

/// Every field that a container of this name has.
pub(crate) fn fields_of(container: &str) -> impl Iterator<Item = Field> + '_ {
    ResourceBound::ALL.into_iter().flat_map(move |bound| {
        Resource::ALL
            .into_iter()
            .map(move |resource| field(container, bound, resource))
    })
}

/// The requests and limits of containers.
pub(crate) fn of_containers(containers: &[Container]) -> Sizes {
    let mut sizes = Sizes::new();
    for container in containers {
        if let Some(resources) = &container.resources {
            read(&container.name, resources, &mut sizes);
        }
    }
    sizes
}

/// Adds the requests and limits of one container.
pub(crate) fn read(container: &str, resources: &ResourceRequirements, into: &mut Sizes) {
    for (bound, amounts) in [
        (ResourceBound::Requests, &resources.requests),
        (ResourceBound::Limits, &resources.limits),
    ] {
        for resource in Resource::ALL {
            let amount = amounts.as_ref().and_then(|all| all.get(name(resource)));
            if let Some(Quantity(text)) = amount {
                into.insert(field(container, bound, resource), text.clone());
            }
        }
    }
}

/// A resource as Kubernetes names it.
pub(crate) const fn name(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu => "cpu",
        Resource::Memory => "memory",
    }
}

const fn bound_name(bound: ResourceBound) -> &'static str {
    match bound {
        ResourceBound::Requests => "requests",
        ResourceBound::Limits => "limits",
    }
}

/// A quantity of a field in millicores or bytes; `None` where it isn't one.
pub(crate) fn amount(field: &Field, text: &str) -> Option<u64> {
    let Field::Resource { resource, .. } = field else {
        return None;
    };
    match resource {
        Resource::Cpu => text.parse::<CpuMillis>().ok().map(CpuMillis::get),
        Resource::Memory => text.parse::<Bytes>().ok().map(Bytes::get),
    }
}

/// Whether two spellings mean the same.
pub(crate) fn is_same(field: &Field, a: Option<&String>, b: Option<&String>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || amount(field, a) == amount(field, b),
        (a, b) => a == b,
    }
}

/// The containers of these names with these sizes.
pub(crate) fn containers(names: &[String], sizes: &Sizes) -> Vec<ContainerResources> {
    let container = |name: &String| {
        let mut container = ContainerResources::new(name);
        for bound in ResourceBound::ALL {
            for resource in Resource::ALL {
                let field = field(name, bound, resource);
                let text = sizes.get(&field);
                container.set_amount(bound, resource, text.and_then(|it| amount(&field, it)));
            }
        }
        container
    };
    names.iter().map(container).collect()
}

/// The fields as the `containers` of a strategic merge patch; `None` takes a value away.
pub(crate) fn patch<'a>(
    changes: impl IntoIterator<Item = (&'a Field, Option<&'a String>)>,
) -> Value {
    let mut containers: BTreeMap<&str, BTreeMap<&str, Map<String, Value>>> = BTreeMap::new();
    for (field, text) in changes {
        if let Field::Resource {
            container,
            bound,
            resource,
        } = field
        {
            let bounds = containers.entry(container).or_default();
            let amounts = bounds.entry(bound_name(*bound)).or_default();
            amounts.insert(name(*resource).to_owned(), json!(text));
        }
    }
    let containers = containers
        .into_iter()
        .map(|(name, resources)| json!({"name": name, "resources": resources}));
    Value::Array(containers.collect())
}

/// The annotation of a workload that says which sizes its pods are held at.
pub(crate) const HELD: &str = "ibn.dev/held-sizes";

/// One field that is held apart from the pod template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hold {
    /// What the pod template said when it was taken over; absent where it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// What pods get; absent where the value is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// Whether the pod template itself was changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_template: bool,
}

/// What is held of a workload's sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Held(pub(crate) BTreeMap<Field, Hold>);

impl Held {
    /// What an annotation says; nothing where it can't be read.
    pub(crate) fn read(annotation: Option<&String>) -> Self {
        let read = annotation.and_then(|text| serde_json::from_str(text).ok());
        read.unwrap_or_default()
    }

    /// The annotation that says it; `None` for none.
    pub(crate) fn annotation(&self) -> Option<String> {
        (!self.0.is_empty())
            .then(|| serde_json::to_string(self).ok())
            .flatten()
    }

    /// What pods are to have. Where the template was changed since a field was taken over, the template says what.
    pub(crate) fn over(&self, template: &Sizes) -> Sizes {
        let mut sizes = template.clone();
        for (field, hold) in self.in_force(template) {
            match &hold.to {
                Some(to) => sizes.insert(field.clone(), to.clone()),
                None => sizes.remove(field),
            };
        }
        sizes
    }

    /// What is held apart from the template, as long as the template says what it said then.
    pub(crate) fn in_force<'a>(
        &'a self,
        template: &'a Sizes,
    ) -> impl Iterator<Item = (&'a Field, &'a Hold)> {
        self.0.iter().filter(|(field, hold)| {
            !hold.in_template && is_same(field, hold.from.as_ref(), template.get(*field))
        })
    }

    /// The same without what stands for nothing any more, since the template was changed since.
    ///
    /// A template that is changed back later means what it says, too: so what is out of force is to be forgotten before long.
    pub(crate) fn without_stale(&self, template: &Sizes) -> Self {
        let is_current = |(field, hold): &(&Field, &Hold)| {
            let said = if hold.in_template {
                &hold.to
            } else {
                &hold.from
            };
            is_same(field, said.as_ref(), template.get(*field))
        };
        let current = self.0.iter().filter(is_current);
        Self(
            current
                .map(|(field, hold)| (field.clone(), hold.clone()))
                .collect(),
        )
    }

    /// The same where `field` is to be `to`; what the template says anyway, in its own spelling, isn't held.
    pub(crate) fn hold(&mut self, field: &Field, template: &Sizes, to: Option<String>) {
        let from = template.get(field).cloned();
        if is_same(field, from.as_ref(), to.as_ref()) {
            self.0.remove(field);
        } else {
            let hold = Hold {
                from,
                to,
                in_template: false,
            };
            self.0.insert(field.clone(), hold);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu() -> Field {
        "app.requests.cpu".parse().unwrap()
    }

    fn sizes(text: &str) -> Sizes {
        Sizes::from([(cpu(), text.to_owned())])
    }

    #[test]
    fn what_is_held_stands_until_the_template_changes() {
        let mut held = Held::default();
        held.hold(&cpu(), &sizes("0.5"), Some("750m".to_owned()));
        assert_eq!(held.over(&sizes("0.5")), sizes("750m"));
        assert_eq!(
            held.over(&sizes("500m")),
            sizes("750m"),
            "spelled otherwise"
        );
        assert_eq!(held.over(&sizes("600m")), sizes("600m"), "edited since");
        assert_eq!(held.without_stale(&sizes("500m")), held);
        assert_eq!(held.without_stale(&sizes("600m")), Held::default());
    }

    #[test]
    fn what_the_template_says_is_not_held() {
        let mut held = Held::default();
        held.hold(&cpu(), &sizes("0.5"), Some("750m".to_owned()));
        held.hold(&cpu(), &sizes("0.5"), Some("500m".to_owned()));
        assert_eq!(held.annotation(), None);
        assert_eq!(
            held.over(&sizes("0.5")),
            sizes("0.5"),
            "in its own spelling"
        );
    }

    #[test]
    fn the_annotation_reads_back() {
        let mut held = Held::default();
        held.hold(&cpu(), &Sizes::new(), Some("750m".to_owned()));
        held.hold(
            &"app.limits.memory".parse().unwrap(),
            &sizes("1"),
            Some("1Gi".to_owned()),
        );
        let text = held.annotation().unwrap();
        assert_eq!(
            text,
            r#"{"app.requests.cpu":{"to":"750m"},"app.limits.memory":{"to":"1Gi"}}"#
        );
        assert_eq!(Held::read(Some(&text)), held);
        assert_eq!(Held::read(Some(&"{".to_owned())), Held::default());
    }

    #[test]
    fn a_patch_names_only_what_changes() {
        let text = "750m".to_owned();
        let limit: Field = "app.limits.memory".parse().unwrap();
        assert_eq!(
            patch([(&cpu(), Some(&text)), (&limit, None)]),
            json!([{"name": "app", "resources": {"requests": {"cpu": "750m"}, "limits": {"memory": null}}}])
        );
    }
}
