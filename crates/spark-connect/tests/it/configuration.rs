//! The seven operations on a session's settings.

use fleuve_spark_connect::messages::config_request::{
    Get, GetAll, GetOption, GetWithDefault, IsModifiable, Set, Unset, operation::OpType,
};
use fleuve_spark_connect::messages::{ConfigResponse, KeyValue};

use crate::support::client::error_class;
use crate::support::{Client, TestSession, serve};

fn pair(key: &str, value: Option<&str>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: value.map(str::to_owned),
    }
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

async fn ask(session: &TestSession, operation: OpType) -> ConfigResponse {
    session.config(operation).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_set_read_and_unset() {
    let (server, _) = serve(&[("spark.color", "green")]).await;
    let session = Client::connect(server.address()).await.session();
    let set = Set {
        pairs: vec![pair("a.b", Some("1")), pair("a.c", Some("2"))],
        silent: None,
    };
    assert_eq!(ask(&session, OpType::Set(set)).await.pairs, []);
    let got = ask(
        &session,
        OpType::Get(Get {
            keys: keys(&["a.c", "a.b", "spark.color"]),
        }),
    )
    .await;
    assert_eq!(
        got.pairs,
        [
            pair("a.c", Some("2")),
            pair("a.b", Some("1")),
            pair("spark.color", Some("green"))
        ]
    );
    let got = ask(
        &session,
        OpType::GetAll(GetAll {
            prefix: Some("a.".to_owned()),
        }),
    )
    .await;
    assert_eq!(got.pairs, [pair("b", Some("1")), pair("c", Some("2"))]);
    ask(
        &session,
        OpType::Unset(Unset {
            keys: keys(&["a.b"]),
        }),
    )
    .await;
    let got = ask(
        &session,
        OpType::GetOption(GetOption {
            keys: keys(&["a.b", "a.c"]),
        }),
    )
    .await;
    assert_eq!(got.pairs, [pair("a.b", None), pair("a.c", Some("2"))]);
    let wanted = GetWithDefault {
        pairs: vec![
            pair("a.b", Some("x")),
            pair("a.c", Some("x")),
            pair("d", None),
        ],
    };
    let got = ask(&session, OpType::GetWithDefault(wanted)).await;
    assert_eq!(
        got.pairs,
        [
            pair("a.b", Some("x")),
            pair("a.c", Some("2")),
            pair("d", None)
        ]
    );
    let missing = session
        .config(OpType::Get(Get {
            keys: keys(&["a.b"]),
        }))
        .await
        .unwrap_err();
    assert_eq!(error_class(&missing), "SQL_CONF_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_set_is_an_error_or_silently_a_warning() {
    let (server, _) = serve(&[]).await;
    let session = Client::connect(server.address()).await.session();
    let pairs = vec![pair("static.key", Some("1")), pair("fine", Some("1"))];
    let refused = session
        .config(OpType::Set(Set {
            pairs: pairs.clone(),
            silent: None,
        }))
        .await
        .unwrap_err();
    assert_eq!(error_class(&refused), "CANNOT_MODIFY_STATIC_CONFIG");
    let warned = ask(
        &session,
        OpType::Set(Set {
            pairs,
            silent: Some(true),
        }),
    )
    .await;
    assert_eq!(warned.warnings.len(), 1);
    assert!(warned.warnings[0].contains("static.key"));
    let asked = ask(
        &session,
        OpType::IsModifiable(IsModifiable {
            keys: keys(&["static.key", "fine"]),
        }),
    )
    .await;
    assert_eq!(
        asked.pairs,
        [
            pair("static.key", Some("false")),
            pair("fine", Some("true"))
        ]
    );
    let got = ask(
        &session,
        OpType::Get(Get {
            keys: keys(&["fine"]),
        }),
    )
    .await;
    assert_eq!(got.pairs, [pair("fine", Some("1"))]);
}
