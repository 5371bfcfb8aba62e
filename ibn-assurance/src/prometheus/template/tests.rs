use ibn_core::units::Quantile;
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::VectorSelector;
use promql_parser::util::{ExprVisitor, walk_expr};
use proptest::prelude::*;

use super::*;

fn template(text: &str) -> Template {
    Template::new("t", text, &BTreeMap::new()).unwrap()
}

#[track_caller]
fn fails(text: &str, parameters: &[(&str, &str)], part: &str) {
    let parameters = parameters
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let message = Template::new("t", text, &parameters)
        .unwrap_err()
        .to_string();
    assert!(message.contains(part), "{message}");
}

#[test]
fn what_cannot_be_filled_or_parsed_is_refused() {
    fails(r#"up{a="{{nmae}}"}"#, &[], "unknown placeholder `nmae`");
    fails(r#"up{a="{{step}}"}"#, &[], "unknown placeholder `step`");
    fails("up{a=\"{{name\"}", &[], "not followed by a name");
    fails("{{name}}", &[], "`{{name}}` may not stand here");
    fails(
        r#"up{a="{{window}}"}"#,
        &[],
        "`{{window}}` may not stand here",
    );
    fails("up{a=`{{name}}`}", &[], "may not stand here");
    fails("up{a='{{name}}'}", &[], "may not stand here");
    fails(
        r#"label_replace(up, "a", "{{name}}", "b", "")"#,
        &[],
        "may not stand here",
    );
    fails(r#"up{a="{{pods}}"}"#, &[], "`{{pods}}` may not stand here");
    fails("sum(rate(x[{{window}}])", &[], "no PromQL");
    fails("x[5m]", &[], "needed");
    fails(r#""text""#, &[], "needed");
    fails("{{metric}}", &[("metric", "a or b")], "may not stand here");
}

#[test]
fn parameters_are_values_or_words() {
    let parameters = [
        ("metric", "queue_depth"),
        ("shard", r#"a"b"#),
        ("factor", "1.5"),
    ];
    let parameters = parameters.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let text = r#"max({{metric}}{shard="{{shard}}",pod=~"{{shard}}.*"}) * {{ factor }}"#;
    let filled = Template::new("t", text, &parameters).unwrap();
    let web = WorkloadRef::deployment("acme", "web");
    assert_eq!(
        filled.fill(&Binding::new(&web, Duration::from_secs(60))),
        r#"max(queue_depth{shard="a\"b",pod=~"a\"b.*"}) * 1.5"#
    );
}

#[test]
fn windows_quantiles_and_comments() {
    let text = "histogram_quantile({{quantile}}, rate(x_bucket[{{window}}])) # not {{this}}";
    let web = WorkloadRef::deployment("acme", "web");
    let p999 = Quantile::new(0.999).unwrap();
    for (window, written) in [(60_000, "60s"), (1500, "1500ms"), (0, "1ms")] {
        let binding = Binding::new(&web, Duration::from_millis(window)).with_quantile(p999);
        let filled = template(text).fill(&binding);
        assert_eq!(
            filled.trim(),
            format!("histogram_quantile(0.999, rate(x_bucket[{written}]))")
        );
    }
}

#[test]
fn a_mark_in_a_string_is_no_comment_and_an_escape_ends_nothing() {
    let filled = template(r##"up{a="#\"{{name}}",b="x"}"##);
    let web = WorkloadRef::deployment("acme", "web");
    let text = filled.fill(&Binding::new(&web, Duration::from_secs(1)));
    assert_eq!(text, r##"up{a="#\"web",b="x"}"##);
}

#[test]
fn the_pods_of_a_workload_are_told_from_those_of_its_namesakes() {
    let pods = |workload: &WorkloadRef| {
        let text = template(r#"up{pod=~"{{pods}}"}"#)
            .fill(&Binding::new(workload, Duration::from_secs(1)));
        let matchers = matchers_of(&text);
        let [matcher] = matchers.as_slice() else {
            panic!("{matchers:?}")
        };
        matcher.clone()
    };
    let web = pods(&WorkloadRef::deployment("acme", "web"));
    assert!(is_match(&web, "web-5d4f8c7b9-x2zlk"));
    assert!(is_match(&web, "web-6-x2zlk"));
    for other in [
        "web-api-5d4f8c7b9-x2zlk",
        "web-api-x2zlk",
        "web-0",
        "web-5d4f8c7b9",
        "my-web-5d4f8c7b9-x2zlk",
    ] {
        assert!(!is_match(&web, other), "{other}");
    }
    let db = pods(&WorkloadRef::new(
        "acme",
        WorkloadKind::StatefulSet,
        "db.v1",
    ));
    assert!(is_match(&db, "db.v1-0") && is_match(&db, "db.v1-12"));
    assert!(!is_match(&db, "dbxv1-0") && !is_match(&db, "db.v1-0-x"));
}

/// Anchored at both ends, as Prometheus does.
fn is_match(matcher: &Matcher, text: &str) -> bool {
    match &matcher.op {
        MatchOp::Re(pattern) | MatchOp::NotRe(pattern) => pattern.is_match(text),
        other => panic!("{other:?} is no pattern"),
    }
}

/// All matchers of the only selector.
fn matchers_of(text: &str) -> Vec<Matcher> {
    #[derive(Default)]
    struct Found(Vec<VectorSelector>);
    impl ExprVisitor for Found {
        type Error = std::convert::Infallible;
        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
            match expression {
                Expr::VectorSelector(selector) => self.0.push(selector.clone()),
                Expr::MatrixSelector(matrix) => self.0.push(matrix.vs.clone()),
                _ => {}
            }
            Ok(true)
        }
    }
    let expression = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut found = Found::default();
    walk_expr(&mut found, &expression).unwrap();
    let [selector] = found.0.as_slice() else {
        panic!("{text}: {:?}", found.0)
    };
    assert!(selector.matchers.or_matchers.is_empty(), "{text}");
    selector.matchers.matchers.clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever a namespace or workload is called, the expression has the same shape, and its matchers match that name.
    #[test]
    fn nothing_gets_out_of_its_place(namespace in any::<String>(), name in tricky()) {
        let text = r#"sum(rate(x_total{a="fixed",namespace="{{namespace}}",w!="{{name}}",v=~"{{name}}",u!~"pre-{{name}}.*"}[{{window}}]))"#;
        let workload = WorkloadRef::deployment(&namespace, &name);
        let filled = template(text).fill(&Binding::new(&workload, Duration::from_secs(60)));
        let matchers = matchers_of(&filled);
        let names: Vec<&str> = matchers.iter().map(|it| it.name.as_str()).collect();
        prop_assert_eq!(names, ["a", "namespace", "w", "v", "u"]);
        prop_assert_eq!(&matchers[1].value, &namespace);
        prop_assert_eq!(&matchers[2].value, &name);
        prop_assert_eq!(&matchers[3].value, &quote_pattern(&name));
        prop_assert!(is_match(&matchers[3], &name));
        let longer = format!("{name}x");
        prop_assert!(!is_match(&matchers[3], &longer));
    }

    #[test]
    fn no_text_makes_the_reader_fail_otherwise_than_by_an_error(text in tricky()) {
        let _ = Template::new("t", &text, &BTreeMap::new());
    }
}

/// Texts with what means something to PromQL, to patterns or to us.
fn tricky() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "\"",
            "'",
            "`",
            "\\",
            "\n",
            "{{",
            "}}",
            "{",
            "}",
            "[",
            "]",
            "(",
            ")",
            "|",
            ".*",
            "+",
            "$",
            "^",
            "#",
            "//",
            "=~",
            "name",
            "{{name}}",
            "or vector(1)",
            "\"} or up{a=\"",
            "\\\"",
            "é",
            "\u{0}",
            "\u{7f}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
