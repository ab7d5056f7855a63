//! Configuration keys and values.

use super::{Exception, SparkError};

impl SparkError {
    pub fn configuration_not_found(key: &str) -> Self {
        Self::new(
            Exception::NoSuchElement,
            "SQL_CONF_NOT_FOUND",
            "42K0I",
            format!(
                "The SQL config \"{key}\" cannot be found. Please verify that the config exists."
            ),
        )
        .with("sqlConf", format!("\"{key}\""))
    }

    pub fn cannot_modify_static_configuration(key: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "CANNOT_MODIFY_STATIC_CONFIG",
            "46110",
            format!("Cannot modify the value of the static Spark config \"{key}\"."),
        )
        .with("key", format!("\"{key}\""))
    }

    pub fn cannot_modify_configuration(key: &str) -> Self {
        Self::new(
            Exception::Analysis,
            "CANNOT_MODIFY_CONFIG",
            "46110",
            format!("Cannot modify the value of the Spark config \"{key}\"."),
        )
        .with("key", format!("\"{key}\""))
        .with("docroot", "https://spark.apache.org/docs/latest")
    }

    pub fn invalid_configuration_value(key: &str, value: &str, type_name: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "INVALID_CONF_VALUE.TYPE_MISMATCH",
            "22022",
            format!("The value '{value}' in the config \"{key}\" is invalid: it should be a {type_name}."),
        )
        .with("confName", key)
        .with("confValue", value)
        .with("confType", type_name)
    }

    pub fn configuration_out_of_range(key: &str, value: &str, requirement: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "INVALID_CONF_VALUE.REQUIREMENT",
            "22022",
            format!("The value '{value}' in the config \"{key}\" is invalid. {requirement}"),
        )
        .with("confName", key)
        .with("confValue", value)
        .with("confRequirement", requirement)
    }

    /// A time zone that a function was given.
    pub fn unknown_time_zone(zone: &str) -> Self {
        Self::new(
            Exception::DateTime,
            "INVALID_TIMEZONE",
            "22009",
            format!("The timezone: {zone} is invalid. It must be a region in the form 'area/city' or an offset like '+01:00'."),
        )
        .with("timeZone", zone)
    }

    pub fn invalid_time_zone(key: &str, value: &str) -> Self {
        Self::new(
            Exception::IllegalArgument,
            "INVALID_CONF_VALUE.TIME_ZONE",
            "22022",
            format!("The value '{value}' in the config \"{key}\" is invalid. Cannot resolve the given timezone."),
        )
        .with("confName", key)
        .with("confValue", value)
    }
}
