use fleuve_client::{Admin, ClientError, Config, ConfigError};

fn refusal(config: Config) -> String {
    match Admin::new(&config) {
        Ok(_) => panic!("{config:?} was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn without_a_broker_the_error_says_what_to_set() {
    let error = refusal(Config::new());
    assert!(
        error.starts_with("bootstrap.servers is not set: give the address"),
        "{error}"
    );
}

#[test]
fn a_bad_number_is_refused_with_what_is_expected() {
    let error = refusal(Config::bootstrap("localhost:9092").set("request.timeout.ms", "soon"));
    assert_eq!(
        error,
        "request.timeout.ms=soon: expected a whole number from 0 to 2147483647"
    );
}

#[test]
fn an_address_without_a_port_is_refused() {
    let error = refusal(Config::bootstrap("localhost"));
    assert_eq!(
        error,
        "bootstrap.servers=localhost: expected host:port, or several separated by commas"
    );
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let config = Config::bootstrap("localhost:9092").set("sasl.mechanism", "PLAIN");
    let Err(ClientError::Config(ConfigError::Unsupported { key, .. })) = Admin::new(&config) else {
        panic!("accepted");
    };
    assert_eq!(key, "sasl.mechanism");
}

#[test]
fn a_password_is_not_shown() {
    let config = Config::new().set("ssl.keystore.password", "secret");
    assert!(!format!("{config:?}").contains("secret"));
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_named() {
    let config = Config::bootstrap("127.0.0.1:1").set("default.api.timeout.ms", "1");
    let admin = Admin::new(&config).expect("the configuration is right");
    let error = admin
        .describe_cluster()
        .await
        .expect_err("nobody listens on port 1");
    assert!(
        error
            .to_string()
            .starts_with("cannot reach a broker at 127.0.0.1:1: "),
        "{error}"
    );
}
