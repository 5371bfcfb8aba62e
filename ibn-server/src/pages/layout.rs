//! The frame of every page: head, navigation, the clock with its speed, and what was just done.

use maud::{DOCTYPE, Markup, html};

use super::{assets, format};
use crate::error::Problem;
use crate::state::ServerState;

/// The parts of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Start,
    Intents,
    Decisions,
    Learning,
    About,
    /// Below one of the others.
    Other,
}

/// The frame of a page.
pub(crate) struct Frame<'a> {
    pub(crate) server: &'a ServerState,
    /// What the page is, for its tab.
    pub(crate) title: &'a str,
    pub(crate) section: Section,
    /// Where the page is, for forms that come back to it.
    pub(crate) path: &'a str,
    /// What was just done.
    pub(crate) told: Option<Markup>,
}

/// Speeds that are offered.
const SPEEDS: [(f64, &str, &str); 5] = [
    (0.0, "Pause", "Let time stand still"),
    (1.0, "1×", "Real time"),
    (10.0, "10×", "10 times as fast"),
    (60.0, "60×", "A minute each second"),
    (600.0, "600×", "Ten minutes each second"),
];

impl Frame<'_> {
    /// The whole page.
    pub(crate) fn around(&self, body: &Markup) -> Markup {
        html! {
            (head(self.title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    div.top-in {
                        a.brand href="/" {
                            (logo())
                            span.word { "ibn" }
                            span.place { (self.server.config().place) }
                        }
                        nav aria-label="Main" {
                            ul {
                                (self.tab(Section::Start, "/", "Overview"))
                                (self.tab(Section::Intents, "/intents", "Intents"))
                                (self.tab(Section::Decisions, "/decisions", "Decisions"))
                                (self.tab(Section::Learning, "/learning", "Learning"))
                                (self.tab(Section::About, "/about", "About"))
                            }
                        }
                        (self.time())
                    }
                }
                main id="main" tabindex="-1" {
                    @if let Some(told) = &self.told {
                        p.told role="status" { (told) }
                    }
                    (body)
                }
                footer.bottom {
                    p {
                        "ibn " (env!("CARGO_PKG_VERSION"))
                        " · sentences are read by " (self.server.translator().name())
                        " · " a href="/about" { "About" }
                        " · " a href="/api/v1/openapi.json" { "API" }
                        " · " a href="/metrics" { "Metrics" }
                    }
                }
            }
        }
    }

    fn tab(&self, section: Section, href: &str, text: &str) -> Markup {
        let current = (self.section == section).then_some("page");
        html! { li { a href=(href) aria-current=[current] { (text) } } }
    }

    fn time(&self) -> Markup {
        let now = self.server.control().now();
        let speed = self.server.speed();
        let simulated = self.server.pace().is_some();
        let label = if simulated { "Simulated time" } else { "Time" };
        html! {
            div.time {
                div.clock id="clock" data-live data-now=(now.as_millisecond()) data-speed=(speed) {
                    span.label { (label) }
                    time.now datetime=(now.to_string()) { (now.strftime("%a %-d %b").to_string()) " " b { (format::clock(now)) } }
                }
                @if simulated {
                    form.speed id="speed" data-live method="post" action="/speed" aria-label="Speed of simulated time" {
                        input type="hidden" name="back" value=(self.path);
                        @for (value, text, help) in SPEEDS {
                            button type="submit" name="speed" value=(value) title=(help)
                                aria-pressed=((speed - value).abs() < 1e-9) { (text) }
                        }
                        @if SPEEDS.iter().all(|(value, ..)| (speed - value).abs() >= 1e-9) {
                            button type="submit" name="speed" value=(speed) title="The speed that it was started with" aria-pressed="true" {
                                (format::number(speed)) "×"
                            }
                        }
                    }
                }
            }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · ibn" }
                link rel="icon" type="image/svg+xml" href=(assets::ICON.url());
                link rel="stylesheet" href=(assets::STYLE.url());
                script src=(assets::SCRIPT.url()) defer {}
            }
        }
    }
}

/// What is wanted, inside its limits.
fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false" {
            rect.logo-limit x="2.5" y="2.5" width="27" height="27" rx="8" {}
            path.logo-way d="M8 21.5c4.5 0 4.5-8 8.5-8s3.500 4.500 7.500 4.500" {}
            circle.logo-now cx="8" cy="21.500" r="2.600" {}
            circle.logo-goal cx="23.500" cy="10" r="3" {}
        }
    }
}

/// A failure as a page, for who asked for a page.
pub(crate) fn problem_page(server: &ServerState, problem: &Problem) -> Markup {
    let frame = Frame {
        server,
        title: &problem.title,
        section: Section::Other,
        path: "/",
        told: None,
    };
    frame.around(&html! {
        section.card.problem {
            h1 { (problem.title) }
            p.lead { (problem.detail) }
            @if !problem.diagnostics.is_empty() {
                (super::parts::diagnostics(&problem.diagnostics))
            }
            p { a.button href="/" { "Back to the overview" } }
        }
    })
}
