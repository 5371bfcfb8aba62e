//! What learners report: reward, exploration, and the actions that were chosen.

use std::collections::BTreeMap;

use axum::extract::State;
use ibn_core::workload::WorkloadRef;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::layout::{Frame, Section};
use super::{format, parts};
use crate::board::LearningHour;
use crate::plot::{Line, Plot};
use crate::state::ServerState;

/// The code of the reason by which a learner says how far it is trusted.
const STANDING: &str = "Rung";

/// How often each action was chosen, and how often of these to explore.
type Actions = BTreeMap<(String, u32), (u32, u32)>;

/// `GET /learning`.
pub(crate) async fn page(State(server): State<ServerState>) -> Markup {
    let now = server.control().now();
    let learning = server.board().learning();
    let mut actions: BTreeMap<WorkloadRef, Actions> = BTreeMap::new();
    let mut said: BTreeMap<WorkloadRef, String> = BTreeMap::new();
    for record in server.board().decisions(400) {
        // The newest come first.
        let standing = record
            .decision
            .reasons
            .iter()
            .find(|reason| reason.code == STANDING);
        if let Some(standing) = standing {
            said.entry(record.decision.workload.clone())
                .or_insert_with(|| parts::sentence(&standing.message));
        }
        if let Some(policy) = &record.decision.policy {
            let counts = actions
                .entry(record.decision.workload.clone())
                .or_default()
                .entry((policy.policy.clone(), policy.action))
                .or_default();
            counts.0 += 1;
            counts.1 += u32::from(policy.explored);
        }
    }
    let mut workloads: Vec<&WorkloadRef> = learning.keys().chain(actions.keys()).collect();
    workloads.sort();
    workloads.dedup();
    let frame = Frame {
        server: &server,
        title: "Learning",
        section: Section::Learning,
        path: "/learning",
        told: None,
    };
    frame.around(&html! {
        div.page-head {
            h1 { "Learning" }
            p.lead { "For each workload a learner tunes the allocation inside the limits. It begins in the shadow of a rule and is let act as it proves better; where it does harm, it falls back." }
            p.help { "Its reward counts violated periods, cores and changes against it: it is at most zero, and nearer to zero is better. “Off by” is the mean distance between the reward that it expected and the one that came." }
        }
        div id="learning" data-live {
            @if workloads.is_empty() {
                p.empty.card { "No learner has reported yet. One reports after each decision that it took, once its outcome is known." }
            }
            @for workload in workloads {
                section.learner {
                    h2 { (parts::workload_link(workload)) }
                    @if let Some(said) = said.get(workload) { p { (parts::rich(said)) } }
                    @if let Some(hours) = learning.get(workload) { (reports(workload, hours, now)) }
                    @if let Some(actions) = actions.get(workload) { (chosen(actions)) }
                }
            }
        }
    })
}

fn reports(workload: &WorkloadRef, hours: &[LearningHour], now: Timestamp) -> Markup {
    let Some(last) = hours.last() else {
        return html! {};
    };
    let id = |what: &str| format!("{what}-{}-{}", workload.namespace, workload.name);
    let from = hours.first().map_or(now, |hour| hour.at);
    let end = last
        .at
        .checked_add(SignedDuration::from_hours(1))
        .unwrap_or(last.at);
    let line = |name: &'static str, class: &'static str, of: fn(&LearningHour) -> f64| Line {
        name,
        class,
        stepped: true,
        points: hours
            .iter()
            .map(|hour| (hour.at, Some(of(hour))))
            .chain([(end, Some(of(last)))])
            .collect(),
    };
    let plot =
        |id: &str, title: &str, summary: String, write: fn(f64) -> String, line: Line<'_>| {
            Plot {
                id,
                title,
                summary,
                from,
                to: end,
                now: None,
                write,
                lines: vec![line],
                bands: Vec::new(),
                spans: Vec::new(),
                spans_are: "",
            }
            .figure()
        };
    html! {
        dl.figures.wide {
            div { dt { "Reward this hour" } dd { b { (format::number(last.reward)) } } }
            div { dt { "Off by" } dd { b { (format::number(last.error)) } } }
            div { dt { "Explores" } dd { b { (format::percent(last.exploration)) } } }
            div { dt { "Experiences" } dd { b { (format::number(last.experiences_so_far as f64)) } } }
        }
        div.plots {
            (plot(
                &id("reward"),
                "Mean reward, hour by hour",
                format!("The mean reward of the newest hour is {}.", format::number(last.reward)),
                format::number,
                line("reward", "c1", |hour| hour.reward),
            ))
            (plot(
                &id("exploration"),
                "Share of actions that are explored",
                format!("{} of the actions are explored.", format::percent(last.exploration)),
                format::percent,
                line("exploration", "c2", |hour| hour.exploration),
            ))
        }
    }
}

fn chosen(actions: &Actions) -> Markup {
    let most = actions.values().map(|(count, _)| *count).max().unwrap_or(1);
    html! {
        div.card {
            h3 { "Actions chosen lately" }
            div.wide-table { table.numeric {
                caption.sr { "Actions that the policy chose in the newest decisions" }
                thead { tr { th scope="col" { "Policy" } th scope="col" { "Action" } th scope="col" { "Chosen" } th scope="col" { "To explore" } th scope="col" { span.sr { "Share" } } } }
                tbody {
                    @for ((policy, action), (count, explored)) in actions {
                        tr {
                            th scope="row" { (policy) }
                            td { (action) }
                            td { (count) }
                            td { (explored) }
                            td.bar { (parts::meter(&format!("{count} times"), f64::from(*count), f64::from(most) * 1.12)) }
                        }
                    }
                }
            } }
        }
    }
}
