//! Which crate may use which: the edges between workspace crates, and outside crates that some may never reach.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata};

use super::Finding;

/// What one workspace crate may and may never use.
struct Rule {
    name: &'static str,
    /// Workspace crates that it may depend on. As a dev dependency, `ibn-testkit` may come on top.
    may: May,
    /// Outside crates that it must not reach, over any number of steps.
    never: &'static [&'static str],
}

enum May {
    Use(&'static [&'static str]),
    /// Everything but `ibn-testkit`.
    UseAll,
}

const TESTKIT: &str = "ibn-testkit";

/// The client libraries of a cluster: they compile with `ibn-k8s`, the facade's feature, the binary and the
/// end-to-end tests, nowhere else.
const KUBE: &[&str] = &[
    "kube",
    "kube-core",
    "kube-client",
    "kube-runtime",
    "k8s-openapi",
];

/// No IO, no async runtime, no ambient randomness.
const PURE: &[&str] = &[
    "async-std",
    "getrandom",
    "hyper",
    "k8s-openapi",
    "kube",
    "kube-client",
    "kube-core",
    "kube-runtime",
    "mio",
    "rand",
    "reqwest",
    "rusqlite",
    "smol",
    "tokio",
    "ureq",
];

/// The table of the crates. A new crate gets a line here first.
const RULES: &[Rule] = &[
    Rule {
        name: "ibn-core",
        may: May::Use(&[]),
        never: PURE,
    },
    Rule {
        name: "ibn-llm",
        may: May::Use(&["ibn-core"]),
        never: KUBE,
    },
    Rule {
        name: "ibn-sim",
        may: May::Use(&["ibn-core"]),
        never: KUBE,
    },
    Rule {
        name: "ibn-k8s",
        may: May::Use(&["ibn-core"]),
        never: &[],
    },
    Rule {
        name: "ibn-assurance",
        may: May::Use(&["ibn-core"]),
        never: KUBE,
    },
    Rule {
        name: "ibn-drl",
        may: May::Use(&["ibn-core"]),
        never: KUBE,
    },
    Rule {
        name: "ibn-runtime",
        may: May::Use(&["ibn-core"]),
        never: KUBE,
    },
    Rule {
        name: "ibn-server",
        may: May::Use(&["ibn-core", "ibn-runtime"]),
        never: KUBE,
    },
    Rule {
        name: "ibn",
        may: May::UseAll,
        never: &[],
    },
    Rule {
        name: "ibn-cli",
        may: May::UseAll,
        never: &[],
    },
    Rule {
        name: TESTKIT,
        may: May::Use(&["ibn-core"]),
        never: KUBE,
    },
    Rule {
        name: "ibn-e2e",
        may: May::UseAll,
        never: &[],
    },
    Rule {
        name: "ibn-examples",
        may: May::UseAll,
        never: KUBE,
    },
    Rule {
        name: "ibn-benches",
        may: May::UseAll,
        never: KUBE,
    },
    Rule {
        name: "xtask",
        may: May::Use(&[]),
        never: KUBE,
    },
];

/// Packages and what they depend on.
#[derive(Debug, Default)]
pub(super) struct Graph {
    members: BTreeSet<String>,
    edges: BTreeMap<String, BTreeSet<(String, Kind)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Normal or build.
    Normal,
    Dev,
}

impl Graph {
    /// Declared edges between members, so that optional ones count; resolved edges to and among outside crates.
    pub(super) fn read(metadata: &Metadata) -> Result<Self> {
        let mut graph = Self::default();
        let names: BTreeMap<_, _> = metadata
            .packages
            .iter()
            .map(|it| (&it.id, it.name.to_string()))
            .collect();
        for package in metadata.workspace_packages() {
            graph.members.insert(package.name.to_string());
            for dependency in &package.dependencies {
                if dependency.path.is_some() {
                    graph.add(
                        package.name.as_ref(),
                        &dependency.name,
                        kind(dependency.kind),
                    );
                }
            }
        }
        let resolve = metadata
            .resolve
            .as_ref()
            .context("cargo metadata resolved nothing")?;
        for node in &resolve.nodes {
            let from = names.get(&node.id).context("a node is no package")?;
            for dependency in &node.deps {
                let to = names
                    .get(&dependency.pkg)
                    .context("a dependency is no package")?;
                for dep_kind in &dependency.dep_kinds {
                    graph.add(from, to, kind(dep_kind.kind));
                }
            }
        }
        Ok(graph)
    }

    fn add(&mut self, from: &str, to: &str, kind: Kind) {
        self.edges
            .entry(from.to_owned())
            .or_default()
            .insert((to.to_owned(), kind));
    }

    fn of(&self, name: &str) -> impl Iterator<Item = &(String, Kind)> {
        self.edges.get(name).into_iter().flatten()
    }

    /// The first path found from `start` to one of `targets`: `start`'s own edges of any kind, then what those need to build.
    fn path_to(&self, start: &str, targets: &[&str]) -> Option<Vec<String>> {
        let mut seen = BTreeSet::new();
        let mut open = vec![vec![start.to_owned()]];
        while let Some(path) = open.pop() {
            let Some(last) = path.last() else { continue };
            if targets.contains(&last.as_str()) {
                return Some(path);
            }
            for (next, kind) in self.of(last) {
                if (*kind == Kind::Normal || path.len() == 1) && seen.insert(next.clone()) {
                    open.push(path.iter().chain([next]).cloned().collect());
                }
            }
        }
        None
    }
}

fn kind(kind: DependencyKind) -> Kind {
    match kind {
        DependencyKind::Development => Kind::Dev,
        _ => Kind::Normal,
    }
}

/// Every edge that the table does not allow, every crate that it does not know, every reach to a forbidden crate.
pub(super) fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &graph.members {
        let Some(rule) = RULES.iter().find(|rule| rule.name == member) else {
            findings.push(Finding::error(
                member,
                "the table of crate arrows does not name it",
            ));
            continue;
        };
        for (to, kind) in graph.of(member) {
            if graph.members.contains(to) && !allows(rule, to, *kind) {
                let how = match kind {
                    Kind::Normal => "depend on",
                    Kind::Dev => "have as a dev dependency",
                };
                findings.push(Finding::error(member, format!("may not {how} `{to}`")));
            }
        }
        if let Some(path) = forbidden(graph, rule) {
            findings.push(Finding::error(
                member,
                format!(
                    "may never reach `{}`: {}",
                    path.last().map_or("", String::as_str),
                    path.join(" -> ")
                ),
            ));
        }
    }
    findings
}

fn allows(rule: &Rule, to: &str, kind: Kind) -> bool {
    let in_table = match rule.may {
        May::Use(names) => names.contains(&to),
        May::UseAll => to != TESTKIT,
    };
    in_table || (kind == Kind::Dev && to == TESTKIT)
}

/// What tests of the core use (proptest has its own randomness) is no part of the core.
fn forbidden(graph: &Graph, rule: &Rule) -> Option<Vec<String>> {
    if rule.name == "ibn-core" {
        let mut normal = Graph::default();
        for (from, edges) in &graph.edges {
            for (to, kind) in edges {
                if *kind == Kind::Normal {
                    normal.add(from, to, *kind);
                }
            }
        }
        return normal.path_to(rule.name, rule.never);
    }
    graph.path_to(rule.name, rule.never)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str, Kind)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to, kind) in edges {
            graph.add(from, to, *kind);
            for name in [from, to] {
                if name.starts_with("ibn") || *name == "xtask" {
                    graph.members.insert((*name).to_owned());
                }
            }
        }
        graph
    }

    #[track_caller]
    fn check_edges(edges: &[(&str, &str, Kind)], expected: &[&str]) {
        let found: Vec<_> = check(&graph(edges))
            .iter()
            .map(Finding::to_string)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_arrows_of_the_table_pass() {
        check_edges(
            &[
                ("ibn-sim", "ibn-core", Kind::Normal),
                ("ibn-sim", "ibn-testkit", Kind::Dev),
                ("ibn-core", "ibn-testkit", Kind::Dev),
                ("ibn-server", "ibn-runtime", Kind::Normal),
                ("ibn", "ibn-k8s", Kind::Normal),
                ("ibn-k8s", "kube", Kind::Normal),
                ("ibn-cli", "ibn-k8s", Kind::Normal),
            ],
            &[],
        );
    }

    #[test]
    fn capability_crates_never_use_each_other_not_even_in_tests() {
        check_edges(
            &[("ibn-drl", "ibn-sim", Kind::Dev)],
            &["error: ibn-drl: may not have as a dev dependency `ibn-sim`"],
        );
        check_edges(
            &[("ibn-llm", "ibn-k8s", Kind::Normal)],
            &["error: ibn-llm: may not depend on `ibn-k8s`"],
        );
    }

    #[test]
    fn the_testkit_is_never_a_normal_dependency() {
        for user in ["ibn-sim", "ibn-cli", "ibn"] {
            let expected = format!("error: {user}: may not depend on `ibn-testkit`");
            check_edges(&[(user, "ibn-testkit", Kind::Normal)], &[&expected]);
        }
    }

    #[test]
    fn the_runtime_knows_no_simulator() {
        check_edges(
            &[("ibn-runtime", "ibn-sim", Kind::Dev)],
            &["error: ibn-runtime: may not have as a dev dependency `ibn-sim`"],
        );
    }

    #[test]
    fn kube_is_found_over_several_steps() {
        check_edges(
            &[
                ("ibn-server", "helper", Kind::Normal),
                ("helper", "kube-client", Kind::Normal),
                ("ibn-assurance", "other", Kind::Normal),
                ("other", "kube", Kind::Dev),
            ],
            &[
                "error: ibn-server: may never reach `kube-client`: ibn-server -> helper -> kube-client",
            ],
        );
    }

    #[test]
    fn the_core_reaches_no_runtime_but_its_tests_may() {
        check_edges(
            &[
                ("ibn-core", "proptest", Kind::Dev),
                ("proptest", "rand", Kind::Normal),
            ],
            &[],
        );
        check_edges(
            &[
                ("ibn-core", "futures", Kind::Normal),
                ("futures", "tokio", Kind::Normal),
            ],
            &["error: ibn-core: may never reach `tokio`: ibn-core -> futures -> tokio"],
        );
    }

    #[test]
    fn an_unknown_crate_is_a_finding() {
        check_edges(
            &[("ibn-new", "ibn-core", Kind::Normal)],
            &["error: ibn-new: the table of crate arrows does not name it"],
        );
    }

    /// The same through `cargo metadata`: a made-up workspace with an optional edge that the table forbids.
    #[test]
    fn a_violation_is_found_in_the_metadata_of_a_workspace() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"ibn-sim\", \"ibn-drl\"]\n",
        );
        for (name, dependencies) in [
            ("ibn-sim", ""),
            (
                "ibn-drl",
                "[dependencies]\nibn-sim = { path = \"../ibn-sim\", optional = true }\n",
            ),
        ] {
            write(
                &format!("{name}/Cargo.toml"),
                &format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{dependencies}"),
            );
            write(&format!("{name}/src/lib.rs"), "");
        }
        let metadata = cargo_metadata::MetadataCommand::new()
            .current_dir(root.path())
            .other_options(vec!["--offline".to_owned()])
            .exec()
            .unwrap();
        let found = check(&Graph::read(&metadata).unwrap());
        assert_eq!(
            found,
            [Finding::error("ibn-drl", "may not depend on `ibn-sim`")]
        );
    }
}
