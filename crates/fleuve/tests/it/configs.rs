use serde_json::json;

use crate::server::Server;

#[test]
fn a_config_is_set_read_and_taken_back() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let set = server.output(&["config", "set", "topic", "t", "retention.ms=5000"]);
    assert_eq!(set, "Set retention.ms=5000 for topic t.\n");
    assert_eq!(
        server.output(&["config", "get", "topic", "t", "retention.ms"]),
        "5000\n"
    );
    let listed = server.json(&["config", "list", "topic", "t"]);
    assert_eq!(listed[0]["source"], "DYNAMIC_TOPIC_CONFIG");
    assert_eq!(listed.as_array().unwrap().len(), 1);
    server.output(&["config", "unset", "topic", "t", "retention.ms"]);
    let keys = [
        "config",
        "get",
        "topic",
        "t",
        "retention.ms",
        "cleanup.policy",
    ];
    let values = json!({ "retention.ms": "604800000", "cleanup.policy": "delete" });
    assert_eq!(server.json(&keys), values);
}

#[test]
fn a_misspelt_key_is_told_with_the_one_that_is_meant() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    for words in [
        &["config", "set", "topic", "t", "retention.m=5"][..],
        &["config", "unset", "topic", "t", "retention.m"],
        &["config", "get", "topic", "t", "retention.m"],
    ] {
        let done = server.run(words);
        assert_eq!(done.status.code(), Some(1));
        assert!(
            done.errors.contains("topic t has no config retention.m\n"),
            "{done:?}"
        );
        assert!(
            done.errors.contains("did you mean retention.ms?"),
            "{done:?}"
        );
    }
}

#[test]
fn a_value_that_cannot_be_is_refused_with_the_brokers_reason() {
    let server = Server::start();
    server.output(&["topic", "create", "t"]);
    let done = server.run(&["config", "set", "topic", "t", "retention.ms=soon"]);
    assert!(
        done.errors
            .starts_with("error: topic t cannot be configured so\n"),
        "{done:?}"
    );
    assert!(done.errors.contains("why:  Invalid value soon"), "{done:?}");
}

#[test]
fn brokers_and_groups_have_configs_too() {
    let server = Server::start();
    let listed = server.output(&["config", "list", "broker", "0"]);
    assert!(listed.contains("server.properties"), "{listed}");
    let absent = server.run(&["config", "list", "broker", "7"]);
    assert!(
        absent.errors.contains("why:  the cluster has 0"),
        "{absent:?}"
    );
    let key = "consumer.session.timeout.ms";
    server.output(&["config", "set", "group", "g", &format!("{key}=50000")]);
    assert_eq!(
        server.output(&["config", "get", "group", "g", key]),
        "50000\n"
    );
}
