//! The one query that asks for a signal's value and for the time of its samples.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use prometheus_http_query::response::Data;
use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::template::{Binding, Template};
use crate::error::{Error, Result};

/// Carries whether a series of the answer is the value or its time.
const PART: &str = "ibn_part";

/// A template for the value, and one for the time of the samples behind it.
///
/// Prometheus gives a result the time of the question, and repeats the last sample for five minutes; after a target
/// has stopped, `rate(x[5m])` goes on for as long. So the time of a reading is asked for beside it: for each selector of
/// the expression the time of its newest sample (`timestamp()`, and where the series has just ended its last one within
/// the window, to a twelfth of that), and of these the oldest. A selector that finds nothing says nothing of the time, and one with an offset
/// or `@` is meant to be old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignalQuery {
    value: Template,
    time: Option<Template>,
}

impl SignalQuery {
    pub(super) fn new(
        signal: &str,
        text: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let value = Template::new(signal, text, parameters)?;
        let expression = value.sample().map_err(|reason| Error::Template {
            signal: signal.to_owned(),
            reason,
        })?;
        let time = time_text(&expression)
            .map(|text| Template::derived(signal, &Template::unmark(&text)))
            .transpose()?;
        Ok(Self { value, time })
    }

    pub(super) fn value(&self) -> &Template {
        &self.value
    }

    /// The expression that gives both.
    pub(super) fn fill(&self, binding: &Binding<'_>) -> String {
        let value = self.value.fill(binding);
        let value = if self.value.is_scalar() {
            format!("vector({value})")
        } else {
            value
        };
        let value = part(&value, "value");
        match &self.time {
            Some(time) => format!("{value} or {}", part(&time.fill(binding), "time")),
            None => value,
        }
    }

    /// Value and time from the answer. Nothing where there is no value, where there are several, or where there are
    /// samples but none has a time within the window.
    pub(super) fn read(&self, answer: &Data, asked_at: Timestamp) -> Option<(f64, Timestamp)> {
        let Data::Vector(series) = answer else {
            return None;
        };
        let of = |wanted: &str| {
            let mut found = series.iter().filter(|it| is_part(it.metric(), wanted));
            let first = found.next()?;
            found.next().is_none().then(|| first.sample().value())
        };
        let value = of("value")?;
        let at = match &self.time {
            Some(_) => timestamp(of("time")?)?,
            None => asked_at,
        };
        Some((value, at))
    }
}

fn part(expression: &str, name: &str) -> String {
    // Without the label, an empty pattern matches: the label is set on each series.
    format!(r#"label_replace({expression}, "{PART}", "{name}", "{PART}", "")"#)
}

fn is_part(metric: &HashMap<String, String>, wanted: &str) -> bool {
    metric.get(PART).is_some_and(|part| part == wanted)
}

fn timestamp(seconds: f64) -> Option<Timestamp> {
    let millis = (seconds * 1000.0).round();
    (millis.abs() < 9e15)
        .then(|| Timestamp::from_millisecond(millis as i64).ok())
        .flatten()
}

/// The expression for the time; `None` where no selector tells it.
fn time_text(expression: &Expr) -> Option<String> {
    let mut selectors = Selectors::default();
    // The visitor never fails.
    let _ = walk_expr(&mut selectors, expression);
    let newest: Vec<String> = selectors
        .found
        .iter()
        .enumerate()
        .map(|(idx, selector)| {
            format!(
                r#"label_replace(max(timestamp({selector}) or max_over_time(timestamp({selector})[{{{{window}}}}:{{{{step}}}}])), "ibn_selector", "{idx}", "ibn_selector", "")"#
            )
        })
        .collect();
    (!newest.is_empty()).then(|| format!("min({})", newest.join(" or ")))
}

#[derive(Default)]
struct Selectors {
    found: Vec<String>,
}

impl Selectors {
    fn add(&mut self, selector: &VectorSelector) {
        let text = selector.to_string();
        if selector.offset.is_none() && selector.at.is_none() && !self.found.contains(&text) {
            self.found.push(text);
        }
    }
}

impl ExprVisitor for Selectors {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        match expression {
            Expr::VectorSelector(selector) => self.add(selector),
            Expr::MatrixSelector(matrix) => self.add(&matrix.vs),
            _ => {}
        }
        Ok(true)
    }
}
