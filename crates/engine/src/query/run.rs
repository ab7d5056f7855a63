//! The task of a query: triggers until it is stopped, done or fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tracing::{info, warn};

use super::events::StreamEvent;
use super::handle::{Ended, StreamingQuery};
use super::program::StreamProgram;
use super::report::{ReportHead, progress};
use super::trigger::Trigger;
use crate::clock::Clock;
use crate::error::StreamError;
use crate::micro_batch::{MicroBatches, Triggered};
use crate::progress::format_timestamp_ms;
use crate::source::Admission;

/// How long to wait after a trigger that found nothing, `spark.sql.streaming.pollingDelay`.
const POLLING_DELAY_DEFAULT: Duration = Duration::from_millis(10);
/// How often an idle query says that it is idle.
const IDLE_EVENT_INTERVAL: Duration = Duration::from_secs(10);

/// What a query's task owns.
pub(super) struct Run {
    pub(super) query: Arc<StreamingQuery>,
    pub(super) batches: MicroBatches<StreamProgram>,
    pub(super) trigger: Trigger,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: broadcast::Sender<StreamEvent>,
    pub(super) head: ReportHead,
    pub(super) previous_trigger_ms: Option<i64>,
    pub(super) last_event: Duration,
    pub(super) _temporary: Option<super::start::TemporaryCheckpoint>,
}

impl Run {
    /// Runs to the end and says how it came.
    pub(super) async fn run_out(mut self) {
        let cancelled = self.query.cancelled();
        let ended = tokio::select! {
            biased;
            () = cancelled.cancelled() => Ended::Stopped,
            result = self.triggers() => match result {
                Ok(()) => Ended::Stopped,
                Err(error) => Ended::Failed(error),
            },
        };
        let (mut exception, mut class) = (None, None);
        if let Ended::Failed(error) = &ended {
            let error = error.to_spark();
            class = Some(error.class().to_owned());
            exception = Some(error.to_string());
            warn!(id = %self.head.id, run_id = %self.head.run_id, %error, "a streaming query failed");
        }
        let event = StreamEvent::terminated(
            self.query.session(),
            self.head.id,
            self.head.run_id,
            exception.as_deref(),
            class.as_deref(),
        );
        let (query, events) = (Arc::clone(&self.query), self.events.clone());
        // Sources, state and sink are let go of before anybody hears of the end.
        drop(self);
        query.end(ended);
        // Nobody may be listening.
        let _ = events.send(event);
    }

    async fn triggers(&mut self) -> Result<(), StreamError> {
        match self.trigger {
            Trigger::AsFastAsPossible => loop {
                if !self.one_trigger().await? {
                    self.query
                        .set_status("Waiting for data to arrive", Some(false), false);
                    self.clock.wait(POLLING_DELAY_DEFAULT).await;
                }
            },
            Trigger::ProcessingTime(interval) => loop {
                let began_ms = self.clock.now_ms();
                self.one_trigger().await?;
                self.until_next(began_ms, interval).await;
            },
            Trigger::Once => {
                let mut policy = self.batches.policy();
                policy.admission = Admission::Everything;
                self.batches.set_policy(policy);
                self.one_trigger().await.map(|_| ())
            }
            Trigger::AvailableNow => {
                self.batches.stop_at_available().await?;
                while self.one_trigger().await? {}
                Ok(())
            }
        }
    }

    /// Waits for the next multiple of the interval.
    async fn until_next(&mut self, began_ms: i64, interval: Duration) {
        let interval_ms = interval.as_millis().max(1) as i64;
        let now_ms = self.clock.now_ms();
        let spent_ms = now_ms - began_ms;
        if spent_ms > interval_ms {
            warn!(
                "Current batch is falling behind. The trigger interval is {interval_ms} \
                 milliseconds, but spent {spent_ms} milliseconds"
            );
        }
        let next_ms = (began_ms.div_euclid(interval_ms) + 1) * interval_ms;
        let next_ms = if next_ms <= now_ms {
            (now_ms.div_euclid(interval_ms) + i64::from(now_ms % interval_ms != 0)) * interval_ms
        } else {
            next_ms
        };
        self.query
            .set_status("Waiting for next trigger", None, false);
        let wait = Duration::from_millis((next_ms - now_ms).max(0) as u64);
        self.clock.wait(wait).await;
    }

    /// One trigger: whether a batch ran.
    async fn one_trigger(&mut self) -> Result<bool, StreamError> {
        let number = self.query.trigger_begins();
        let began_ms = self.clock.now_ms();
        self.query.set_status("Processing new data", None, true);
        let triggered = self.batches.trigger().await?;
        let ran = match triggered {
            Triggered::Ran(report) => {
                self.query
                    .set_status("Processing new data", Some(true), true);
                let progress = progress(&self.head, *report, self.previous_trigger_ms);
                info!(
                    batch = progress.batch_id,
                    rows = progress.num_input_rows(),
                    ms = progress.batch_duration,
                    query = %self.head.id,
                    "a batch is committed"
                );
                self.announce(StreamEvent::progress(self.query.session(), &progress));
                self.query.add_progress(progress);
                true
            }
            Triggered::Idle => {
                self.idle();
                self.query.trigger_was_idle(number);
                false
            }
        };
        self.previous_trigger_ms = Some(began_ms);
        Ok(ran)
    }

    fn idle(&mut self) {
        if self.clock.elapsed().saturating_sub(self.last_event) >= IDLE_EVENT_INTERVAL {
            let timestamp = format_timestamp_ms(self.clock.now_ms());
            let (id, run_id) = (self.head.id, self.head.run_id);
            self.announce(StreamEvent::idle(
                self.query.session(),
                id,
                run_id,
                &timestamp,
            ));
        }
    }

    fn announce(&mut self, event: StreamEvent) {
        self.last_event = self.clock.elapsed();
        // Nobody may be listening.
        let _ = self.events.send(event);
    }
}
