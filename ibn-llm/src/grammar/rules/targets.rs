//! What a clause is about: names, groups, pronouns, containers.

use crate::grammar::engine::{Builder, Caps};
use crate::grammar::sem::{ContainerPick, KindWord, Owner, Pick, Sem, Target};
use ibn_core::workload::WorkloadKind;

pub(super) fn add(g: &mut Builder) {
    g.words(
        "det",
        &[
            "the", "my", "our", "your", "this", "that", "these", "those", "a", "an",
        ],
    );
    g.rule("kindword", &["deployment/deploy/deployments"], |_| {
        kind(Some(WorkloadKind::Deployment))
    });
    g.rule(
        "kindword",
        &["statefulset/statefulsets/sts", "stateful set/sets"],
        |_| kind(Some(WorkloadKind::StatefulSet)),
    );
    g.rule(
        "kindword",
        &["workload/workloads/service/services/app/apps/application/applications/microservice/microservices/component/components"],
        |_| kind(None),
    );
    g.rule("nsword", &["namespace/namespaces/ns"], |_| Some(Sem::Unit));
    g.rule("nsorunknown", &["<n:nsname>", "<n:unknown1>"], |c| {
        c.get("n").cloned()
    });
    // `in shop`, `in the shop namespace`, `of namespace shop`
    g.rule(
        "inplace",
        &[
            "in/inside/within/from/under [the] <n:nsname> [<nsword>]",
            "in/inside/within/from/of/under [the] <nsword> [called/named] <n:nsorunknown>",
            "of/in [the] <n:unknown1> <nsword>",
            "in/inside/within <n:unknown1>",
            "of the <n:nsname> <nsword>",
        ],
        |c| c.get("n").cloned(),
    );
    // One workload by its name.
    g.rule("pick", &["[<det>] <n:name> [<k:kindword>]"], pick);
    g.rule(
        "pick",
        &[
            "[<det>] <k:kindword> [called/named] <n:name>",
            "[<det>] <k:kindword> {slash} <n:name>",
            "<p:nsname> {slash} <n:name>",
            "<p:nsname> {slash} <k:kindword> {slash} <n:name>",
            "[<det>] <n:name> [<k:kindword>] <p:inplace>",
            "[<det>] <k:kindword> [called/named] <n:name> <p:inplace>",
        ],
        pick,
    );
    g.rule(
        "pick",
        &["[the] <p:nsname> {possessive} <n:name> [<k:kindword>]"],
        loose_pick,
    );
    // `acme web`, `the web of acme`
    g.rule("pick", &["[<det>] <t:placed> [<k:kindword>]"], |c| {
        let mut picks = c.picks("t");
        if let (Some(Pick::Named { kind, .. }), Some(word)) = (picks.first_mut(), c.kind("k")) {
            *kind = word.kind;
        }
        one(picks.pop()?)
    });
    g.rule(
        "pick",
        &[
            "[<det>] <n:wlname> [<k:kindword>] of <p:nsonly>",
            "[<det>] <k:kindword> [called/named] <n:wlname> of <p:nsonly>",
        ],
        loose_pick,
    );
    // `the workers of globex`: only with the namespace, and all of them one workload.
    g.rule(
        "plurals",
        &[
            "[<det>] <n:plural> of <p:nsonly>",
            "[<det>] <n:plural> of <p:unknown1>",
            "[<det>] <n:plural> <p:inplace>",
            "[the] <p:nsonly> {possessive} <n:plural>",
            "[the] <p:nsonly> <n:plural>",
        ],
        loose_pick,
    );
    g.rule("pick", &["<t:plurals>"], |c| {
        Some(Sem::Target(c.target("t")?))
    });
    // A namespace by its kind.
    g.rule(
        "pick",
        &[
            "[<det>] <nsword> [called/named] <n:nsname>",
            "[<det>] <n:nsname> <nsword>",
            "[<det>] <nsword> {slash} <n:nsname>",
            "everyone/everybody in [the] [<nsword>] <n:nsname> [<nsword>]",
            "all of <n:nsname>",
            "<n:nsname> as a whole",
            "[the] whole/entire <nsword> <n:nsname>",
            "[the] team <n:nsname>",
            "[the] <n:nsname> team",
        ],
        |c| {
            let hit = c.name("n")?;
            one(Pick::Named {
                hit,
                kind: Some(WorkloadKind::Namespace),
                namespace: None,
            })
        },
    );
    g.rule(
        "pick",
        &[
            "[<det>] <nsword> [called/named] <u:unknown1>",
            "[<det>] <u:unknown1> <nsword>",
        ],
        |c| {
            one(Pick::Unknown {
                text: c.text("u")?,
                kind: Some(WorkloadKind::Namespace),
                namespace: None,
            })
        },
    );
    // A name that is not in the catalog.
    g.rule(
        "pick",
        &[
            "[<det>] <u:unknown> [<k:kindword>] [<p:inplace>]",
            "[<det>] <k:kindword> [called/named] <u:unknown> [<p:inplace>]",
            "<p:nsname> {slash} <u:unknown1>",
            "<p:unknown1> {slash} <u:unknown1>",
            "[<det>] <k:kindword> {slash} <u:unknown1>",
        ],
        |c| {
            one(Pick::Unknown {
                text: c.text("u")?,
                kind: c.kind("k").and_then(|word| word.kind),
                namespace: c.place("p"),
            })
        },
    );
    g.rule("pick", &["<p:unknown1> {slash} <n:name>"], pick);
    g.rule(
        "pick",
        &[
            "[<det>] <p:nsonly> <u:unknown> [<k:kindword>]",
            "[<det>] <p:nsonly> {possessive} <u:unknown> [<k:kindword>]",
            "[<det>] <u:unknown> [<k:kindword>] of <p:nsonly>",
        ],
        |c| {
            one(Pick::Unknown {
                text: c.text("u")?,
                kind: c.kind("k").and_then(|word| word.kind),
                namespace: c.place("p"),
            })
        },
    );
    g.rule(
        "pick",
        &[
            "[<det>] <p:unknown1> <n:wlname> [<k:kindword>]",
            "[<det>] <p:unknown1> {possessive} <n:wlname> [<k:kindword>]",
            "[<det>] <n:wlname> [<k:kindword>] of <p:unknown1>",
        ],
        pick,
    );
    // Groups.
    g.rule(
        "group0",
        &[
            "every/each [single] <k:kindword> [<p:inplace>]",
            "all [of] [the/my/our/your] <k:kindword> [<p:inplace>]",
            "any/every/all <k:kindword> [that/which] [is/are] [<p:inplace>]",
            "all [of] [the] <p:nsname> <k:kindword>",
            "all [of] <p:nsname> {possessive} <k:kindword>",
            "everything [that is] <p:inplace>",
            "everything",
            "all of <p:nsname>",
            "all <p:inplace>",
            "[the] whole/entire <p:nsname> [<nsword>]",
            "[the] whole/entire <nsword> <p:nsorunknown>",
            "the <k:kinds> <p:inplace>",
            "every <p:nsname> <k:kindword>",
            "both [of] [the] <k:kinds> [<p:inplace>]",
        ],
        |c| {
            one(Pick::Group {
                kind: c.kind("k").and_then(|word| word.kind),
                namespace: c.place("p"),
                except: Vec::new(),
            })
        },
    );
    g.rule("kinds", &["deployments"], |_| {
        kind(Some(WorkloadKind::Deployment))
    });
    g.rule("kinds", &["statefulsets"], |_| {
        kind(Some(WorkloadKind::StatefulSet))
    });
    g.rule(
        "kinds",
        &["workloads/services/apps/applications/microservices"],
        |_| kind(None),
    );
    g.rule("group", &["<g:group0>"], |c| {
        Some(Sem::Target(c.target("g")?))
    });
    g.rule(
        "group",
        &[
            "<g:group0> except/but/excluding/without [for] <x:picks>",
            "<g:group0> {comma} except/excluding [for] <x:picks>",
            "<g:group0> other than <x:picks>",
            "<g:group0> apart from <x:picks>",
        ],
        |c| {
            let except = c.picks("x");
            match c.picks("g").into_iter().next()? {
                Pick::Group {
                    kind, namespace, ..
                } => one(Pick::Group {
                    kind,
                    namespace,
                    except,
                }),
                _ => None,
            }
        },
    );
    g.words(
        "conj",
        &[
            "and",
            "{comma}",
            "{comma} and",
            "as well as",
            "plus",
            "{and}",
            "and also",
            "along with",
            "together with",
        ],
    );
    // `web, api and worker`
    g.rule("picks", &["<t:pick>", "<t:pick> <conj> <t:picks>"], |c| {
        Some(Sem::Target(Target {
            picks: c.picks("t"),
            together: false,
        }))
    });
    g.rule("target", &["<t:picks>"], |c| {
        Some(Sem::Target(c.target("t")?))
    });
    g.rule(
        "target",
        &["[both] <t:picks> [each]", "both <t:pick> and <t:pick>"],
        |c| {
            Some(Sem::Target(Target {
                picks: c.picks("t"),
                together: false,
            }))
        },
    );
    g.rule(
        "target",
        &["<t:picks> together", "<t:picks> combined"],
        |c| {
            let picks = c.picks("t");
            (picks.len() > 1).then_some(Sem::Target(Target {
                picks,
                together: true,
            }))
        },
    );
    g.rule(
        "target",
        &[
            "<t:group>",
            "<t:group> <conj> <t:picks>",
            "<t:picks> <conj> <t:group>",
            "<t:group> <conj> <t:group>",
        ],
        |c| {
            Some(Sem::Target(Target {
                picks: c.picks("t"),
                together: false,
            }))
        },
    );
    g.rule(
        "target",
        &[
            "it/them/they/itself/themselves",
            "both/each/all of them",
            "they both/all",
        ],
        |_| one(Pick::Pronoun),
    );
    g.costly("target", 5, &["the/this/that/my/our <kindword>"], |_| {
        one(Pick::Pronoun)
    });
    // `its memory`, `web's memory`, `the web memory`
    g.rule("ownerof", &["its/their"], |_| one(Pick::Pronoun));
    g.rule("ownerof", &["<t:target> {possessive}", "<t:target>"], |c| {
        Some(Sem::Target(c.target("t")?))
    });
    // Containers.
    g.words("containerword", &["container/containers"]);
    g.rule(
        "container",
        &[
            "[the] <c:cname> <containerword>",
            "[the] <containerword> [called/named] <c:cname>",
        ],
        |c| Some(Sem::Container(c.container("c")?)),
    );
    g.rule(
        "container",
        &[
            "[the] <c:unknown1> <containerword>",
            "[the] <containerword> [called/named] <c:unknown1>",
        ],
        |c| Some(Sem::Container(ContainerPick::Unknown(c.text("c")?))),
    );
    g.rule(
        "container",
        &[
            "all [of] [the/its/their] <containerword>",
            "every/each <containerword>",
            "each of [the/its] <containerword>",
            "both [of] [the/its] <containerword>",
            "the <containerword2>",
        ],
        |_| Some(Sem::Container(ContainerPick::All)),
    );
    g.words("containerword2", &["containers"]);
    // Whose resources they are.
    g.rule(
        "owner",
        &["<t:target>", "the <kindof> of <t:target>"],
        owner,
    );
    g.words("kindof", &["pod/pods"]);
    g.rule(
        "owner",
        &[
            "<c:container> (of/in/from/on/inside/for) <t:target>",
            "<t:target> [{possessive}] <c:container>",
            "its/their <c:container>",
            "<c:container>",
            "<t:target> {comma} <c:container> {comma}",
            "<t:target> on <c:container>",
        ],
        owner,
    );
    g.rule(
        "owner",
        &[
            "[the] <u:cname> (in/of/from) <t:target>",
            "<t:target> {slash} <u:cname>",
            "<t:target> {possessive} <u:cname>",
        ],
        |c| {
            Some(Sem::Owner(Owner {
                target: c.target("t"),
                container: c.container("u"),
            }))
        },
    );
    g.rule("poss", &["its/their"], |_| {
        Some(Sem::Owner(Owner {
            target: Some(Target::one(Pick::Pronoun)),
            container: None,
        }))
    });
    g.rule("poss", &["<o:owner> [{possessive}]"], |c| {
        Some(Sem::Owner(c.owner("o")?))
    });
}

fn kind(kind: Option<WorkloadKind>) -> Option<Sem> {
    Some(Sem::Kind(KindWord { kind }))
}

fn one(pick: Pick) -> Option<Sem> {
    Some(Sem::Target(Target::one(pick)))
}

fn pick(c: &Caps<'_>) -> Option<Sem> {
    one(Pick::Named {
        hit: c.name("n")?,
        kind: c.kind("k").and_then(|word| word.kind),
        namespace: c.place("p"),
    })
}

/// The same, with a namespace that may hold for the other names of a list too.
fn loose_pick(c: &Caps<'_>) -> Option<Sem> {
    one(Pick::Named {
        hit: c.name("n")?,
        kind: c.kind("k").and_then(|word| word.kind),
        namespace: c.loose_place("p"),
    })
}

fn owner(c: &Caps<'_>) -> Option<Sem> {
    Some(Sem::Owner(Owner {
        target: c.target("t"),
        container: c.container("c"),
    }))
}
