//! What a query tells about each batch, in Spark's JSON.
//!
//! Always true: a field says what was measured or counted in that batch, or is absent.
//! Start at [`StreamingQueryProgress`].

use indexmap::IndexMap;
use serde::Serialize;
use uuid::Uuid;

/// One batch of a query, as `lastProgress` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamingQueryProgress {
    pub id: Uuid,
    pub run_id: Uuid,
    pub name: Option<String>,
    /// When the trigger began, ISO 8601 in UTC with milliseconds.
    pub timestamp: String,
    pub batch_id: u64,
    pub batch_duration: u64,
    pub duration_ms: IndexMap<String, u64>,
    pub event_time: IndexMap<String, String>,
    pub state_operators: Vec<StateOperatorProgress>,
    pub sources: Vec<SourceProgress>,
    pub sink: SinkProgress,
    pub observed_metrics: IndexMap<String, serde_json::Value>,
}

/// One stateful operator in one batch.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct StateOperatorProgress {
    pub operator_name: String,
    pub num_rows_total: u64,
    pub num_rows_updated: u64,
    pub all_updates_time_ms: u64,
    pub num_rows_removed: u64,
    pub all_removals_time_ms: u64,
    pub commit_time_ms: u64,
    pub memory_used_bytes: u64,
    pub num_rows_dropped_by_watermark: u64,
    pub num_shuffle_partitions: u64,
    pub num_state_store_instances: u64,
    pub custom_metrics: IndexMap<String, i64>,
}

/// One source in one batch. Offsets are JSON inside a string.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceProgress {
    pub description: String,
    pub start_offset: Option<String>,
    pub end_offset: Option<String>,
    pub latest_offset: Option<String>,
    pub num_input_rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_rows_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed_rows_per_second: Option<f64>,
    pub metrics: IndexMap<String, String>,
}

/// The sink in one batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkProgress {
    pub description: String,
    /// −1 where the sink does not count.
    pub num_output_rows: i64,
    pub metrics: IndexMap<String, String>,
}

impl StreamingQueryProgress {
    /// The JSON that Spark's `StreamingQueryProgress.json` is.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings always serialize")
    }

    pub fn num_input_rows(&self) -> u64 {
        self.sources
            .iter()
            .map(|source| source.num_input_rows)
            .sum()
    }

    /// The JSON of listener events, which has sums over the sources at the top.
    pub fn event_json(&self) -> serde_json::Value {
        let sum = |rate: fn(&SourceProgress) -> Option<f64>| -> f64 {
            self.sources.iter().filter_map(rate).sum()
        };
        let mut value = serde_json::to_value(self).expect("numbers and strings always serialize");
        for (shown, source) in value["sources"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .zip(&self.sources)
        {
            let nested = |offset: &Option<String>| {
                offset.as_deref().map_or(serde_json::Value::Null, |json| {
                    serde_json::from_str(json).unwrap_or_else(|_| json.into())
                })
            };
            shown["startOffset"] = nested(&source.start_offset);
            shown["endOffset"] = nested(&source.end_offset);
            shown["latestOffset"] = nested(&source.latest_offset);
        }
        value["numInputRows"] = self.num_input_rows().into();
        value["inputRowsPerSecond"] = sum(|source| source.input_rows_per_second).into();
        value["processedRowsPerSecond"] = sum(|source| source.processed_rows_per_second).into();
        value
    }
}

/// What a query is doing, as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamingQueryStatus {
    pub message: String,
    pub is_data_available: bool,
    pub is_trigger_active: bool,
}

/// Formats milliseconds since 1970 as Spark's progress does.
pub fn format_timestamp_ms(ms: i64) -> String {
    let seconds = ms.div_euclid(1_000);
    let days = seconds.div_euclid(86_400);
    let second_of_day = seconds.rem_euclid(86_400);
    let (year, month, day) = civil_date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second_of_day / 3_600,
        second_of_day / 60 % 60,
        second_of_day % 60,
        ms.rem_euclid(1_000)
    )
}

/// The proleptic Gregorian date of a day counted from 1970-01-01.
fn civil_date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
