use job_spec::PodSpec;
use job_spec::pod_schema::{POD_SPEC, UnknownFields, normalize, unknown_fields};
use serde_json::{Value, json};

fn normalized(value: Value) -> Value {
    normalize(POD_SPEC, &value, UnknownFields::Drop).expect("a Pod spec")
}

#[test]
fn a_spec_is_written_as_go_would_after_reading_it() {
    let cases = [
        (json!({}), json!({"containers": null})),
        (json!({"containers": []}), json!({"containers": []})),
        (json!({"containers": [{}]}), json!({"containers": [{"name": "", "resources": {}}]})),
        // Nothing in a list of strings is the empty string.
        (
            json!({"containers": [{"name": "a", "args": ["x", null, "1"]}]}),
            json!({"containers": [{"name": "a", "args": ["x", "", "1"], "resources": {}}]}),
        ),
        // Empty values go, unless they are behind pointers.
        (
            json!({"containers": [], "nodeName": "", "hostNetwork": false, "volumes": [],
                "nodeSelector": {}, "priority": 0, "enableServiceLinks": false,
                "securityContext": {}, "affinity": {"nodeAffinity": {}}}),
            json!({"containers": [], "priority": 0, "enableServiceLinks": false,
                "securityContext": {}, "affinity": {"nodeAffinity": {}}}),
        ),
        // Quantities become canonical.
        (
            json!({"containers": [{"name": "a", "resources": {
                "limits": {"cpu": 0.5, "memory": "1024Mi"}, "requests": {"cpu": 2}}}]}),
            json!({"containers": [{"name": "a", "resources": {
                "limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "2"}}}]}),
        ),
        (
            json!({"containers": [], "volumes": [{"name": "v", "emptyDir": {"sizeLimit": 1024}}]}),
            json!({"containers": [],
                "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024"}}]}),
        ),
        // Fields that are always written, deep inside.
        (
            json!({"containers": [{"name": "a", "livenessProbe": {"httpGet": {}},
                "volumeMounts": [{}], "ports": [{}]}]}),
            json!({"containers": [{"name": "a", "resources": {},
                "livenessProbe": {"httpGet": {"port": 0}},
                "volumeMounts": [{"name": "", "mountPath": ""}], "ports": [{"containerPort": 0}]}]}),
        ),
        (json!({"containers": [], "bogus": {"a": 1}}), json!({"containers": []})),
    ];
    for (value, expected) in cases {
        assert_eq!(normalized(value.clone()), expected, "{value}");
        assert_eq!(normalized(expected.clone()), expected, "once is enough");
    }
}

#[test]
fn unknown_fields_are_kept_where_they_are_to_be_named_later() {
    let spec = PodSpec::from_value(&json!({
        "containers": [{"name": "a", "comand": ["x"]}], "bogus": {"deep": [null, 1]},
    }));
    let kept = spec.normalized(UnknownFields::Keep).expect("a Pod spec").to_value();
    assert_eq!(kept["bogus"], json!({"deep": [null, 1]}));
    assert_eq!(unknown_fields(&kept), ["bogus", "containers[0].comand"]);
    let dropped = spec.normalized(UnknownFields::Drop).expect("a Pod spec").to_value();
    assert!(unknown_fields(&dropped).is_empty());
}

#[test]
fn a_value_in_the_wrong_place_is_named_with_its_path() {
    let cases = [
        (json!([]), "a mapping"),
        (json!({"containers": {}}), "a list at containers"),
        (json!({"containers": ["x"]}), "a mapping at containers[0]"),
        (
            json!({"containers": [{"env": [{}, {"value": []}]}]}),
            "sequence, expected a string, in quotes if need be, at containers[0].env[1].value",
        ),
        // Prow takes no number or boolean for a string either.
        (json!({"containers": [{"args": [1]}]}), "integer `1`, expected a string"),
        (json!({"containers": [{"env": [{"value": true}]}]}), "boolean `true`, expected a string"),
        (json!({"containers": [{"image": 1.5}]}), "floating point `1.5`, expected a string"),
        (json!({"containers": [{"tty": "yes"}]}), "true or false at containers[0].tty"),
        (json!({"priority": "high"}), "a whole number at priority"),
        (json!({"priority": 1.5}), "a whole number at priority"),
        (
            json!({"containers": [{"resources": {"limits": {"cpu": "lots"}}}]}),
            "containers[0].resources.limits.cpu: \"lots\" is not a quantity",
        ),
        (
            json!({"containers": [{"livenessProbe": {"httpGet": {"port": true}}}]}),
            "a number or a string at containers[0].livenessProbe.httpGet.port",
        ),
    ];
    for (value, expected) in cases {
        let error = normalize(POD_SPEC, &value, UnknownFields::Drop).expect_err("refused");
        assert!(error.to_string().contains(expected), "{value}: {error}");
    }
}

#[test]
fn free_mappings_take_any_key() {
    let spec = json!({
        "containers": [{"name": "a", "resources": {"limits": {"example.com/gpu": 1}}}],
        "nodeSelector": {"a/b": "c"},
        "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "k", "labelSelector": {"matchLabels": {"x": "y"}}}]}},
        "volumes": [{"name": "v", "csi": {"driver": "d", "volumeAttributes": {"z": "1"}}}],
    });
    assert_eq!(unknown_fields(&spec), Vec::<String>::new());
}
