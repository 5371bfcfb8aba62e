use super::*;

#[test]
fn every_kind_has_a_definition_with_a_structural_schema() {
    let crds = crds().unwrap();
    let names: Vec<_> = crds
        .iter()
        .map(|crd| crd.spec.names.kind.as_str())
        .collect();
    assert_eq!(names, ["Intent", "Guardrail", "Indicator", "Decision"]);
    for crd in &crds {
        let schema = crd.spec.versions[0]
            .schema
            .as_ref()
            .unwrap()
            .open_api_v3_schema
            .as_ref()
            .unwrap();
        let text = serde_json::to_string(schema).unwrap();
        for word in ["$ref", "nullable", "oneOf"] {
            assert!(!text.contains(word), "{}: {text}", crd.spec.names.kind);
        }
        let spec = &schema.properties.as_ref().unwrap()["spec"];
        assert_eq!(spec.type_.as_deref(), Some("object"));
    }
}

#[test]
fn the_yaml_reads_back_as_the_same_definitions() {
    let yaml = crds_yaml().unwrap();
    let documents: Vec<&str> = yaml
        .split("---\n")
        .filter(|text| !text.is_empty())
        .collect();
    assert_eq!(documents.len(), 4);
    for (document, crd) in documents.iter().zip(crds().unwrap()) {
        let value: Value = serde_saphyr::from_str(document).unwrap();
        assert_eq!(value, serde_json::to_value(crd).unwrap());
    }
}
