//! Indicators from nodes.

use super::decode::Decode;
use super::intent::words;
use super::metadata::header;
use super::node::Node;
use super::reader::Reader;
use crate::indicator::{Direction, Indicator, IndicatorSpec};
use crate::intent::{API_VERSION, Metadata};
use crate::validate::{self, Findings};

impl Decode for Indicator {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            reader.fields(node, &["apiVersion", "kind", "metadata", "spec", "status"])?;
        header(&mut fields, "Indicator");
        let metadata: Option<Metadata> = fields.required("metadata");
        let draft = fields.required_with("spec", Draft::decode);
        fields.drop_system_field("status");
        let mut findings = Findings::default();
        if let Some(metadata) = &metadata {
            validate::indicator_name(&metadata.name, &mut findings);
        }
        if let Some(draft) = &draft {
            validate::indicator_spec(&draft.spec, &mut findings);
            if !draft.has_query {
                findings
                    .diagnostics
                    .retain(|found| found.path != "spec.query");
            }
        }
        reader.report_rules(node, findings.diagnostics);
        Some(Self {
            api_version: API_VERSION.to_owned(),
            kind: "Indicator".to_owned(),
            metadata: metadata?,
            spec: draft?.spec,
        })
    }
}

/// A spec whose query may be unreadable, so that the rules can look at the rest.
struct Draft {
    spec: IndicatorSpec,
    has_query: bool,
}

impl Draft {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["unit", "direction", "query", "parameters"])?;
        let unit = fields.or_default("unit");
        let direction = fields.required("direction");
        let query = fields.required("query");
        let errors = fields.reader().error_count();
        let parameters = fields.optional("parameters");
        let parameters_are_whole = fields.reader().error_count() == errors && !node.is_partial();
        Some(Self {
            // The placeholders of a query can be judged only by parameters that could be read.
            has_query: query.is_some() && parameters_are_whole,
            spec: IndicatorSpec {
                unit: unit.unwrap_or_default(),
                direction: direction.unwrap_or(Direction::LowerIsBetter),
                query: query.unwrap_or_default(),
                parameters: parameters.flatten().unwrap_or_default(),
            },
        })
    }
}

words! {
    Direction { "LowerIsBetter" = LowerIsBetter, "HigherIsBetter" = HigherIsBetter }
}
