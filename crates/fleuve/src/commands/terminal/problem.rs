//! What went wrong, why, and what to do next.
//!
//! Every failure of our own commands is one of these. What the client and the brokers say is
//! turned into one in [`Problem::from`], so that the same failure reads the same everywhere.

use std::fmt;
use std::io;

use fleuve_client::{ClientError, ConfigError};
use fleuve_model::ErrorCode;

use super::paint::{Paint, Style};

/// A failure, told to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    what: String,
    why: Option<String>,
    next: Vec<String>,
    /// Whoever read the output has gone: nothing is left to say, and nobody to say it to.
    is_silent: bool,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Problem {
        Problem {
            what: what.into(),
            why: None,
            next: Vec::new(),
            is_silent: false,
        }
    }

    /// The same with a reason.
    #[must_use]
    pub(crate) fn because(mut self, why: impl Into<String>) -> Problem {
        self.why = Some(why.into());
        self
    }

    /// The same with a further thing to do.
    #[must_use]
    pub(crate) fn next(mut self, step: impl Into<String>) -> Problem {
        self.next.push(step.into());
        self
    }

    /// The same at a place, such as a line of a file.
    #[must_use]
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Problem {
        self.what = format!("{place}: {}", self.what);
        self
    }

    /// Nobody reads the output any more: nothing to say, and nobody to say it to.
    pub(crate) fn reader_gone() -> Problem {
        Problem {
            is_silent: true,
            ..Problem::new("whoever read the output has gone")
        }
    }

    /// Nobody answers at the address.
    pub(crate) fn unreachable(tried: &str, reason: &str) -> Problem {
        Problem::new(format!("no broker answers at {tried}"))
            .because(reason)
            .next("start one here: `fleuve server`")
            .next("or name another: --bootstrap-server HOST:PORT, or FLEUVE_BOOTSTRAP_SERVER")
    }

    /// Something of that name is not there; `near` is what is there and looks like it.
    pub(crate) fn missing(kind: &str, name: &str, near: Option<&str>) -> Problem {
        let problem = Problem::new(format!("{kind} {name} does not exist"));
        let problem = match near {
            Some(near) => problem.next(format!("did you mean {near}?")),
            None => problem,
        };
        problem.next(format!("`fleuve {kind} list` shows what is there"))
    }

    /// Whether there is nobody to tell it to.
    pub(crate) const fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// The text for a terminal.
    pub(crate) fn painted(&self, paint: Paint) -> String {
        let head = |style, word: &str| paint.style(style, word);
        let mut text = format!("{} {}\n", head(Style::Bad, "error:"), self.what);
        if let Some(why) = &self.why {
            text += &format!("  {} {why}\n", head(Style::Dim, "why: "));
        }
        for step in &self.next {
            text += &format!("  {} {step}\n", head(Style::Name, "next:"));
        }
        text
    }
}

/// On one line, for where only one is read.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Problem::reader_gone();
        }
        Problem::new(error.to_string())
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Problem {
        Problem::new(error.to_string()).next(
            "check --command-config and --command-property; the keys are those of Kafka's clients",
        )
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Problem {
        match error {
            ClientError::Config(error) => error.into(),
            ClientError::Broker {
                code,
                subject,
                message,
            } => of_refusal(code, &subject, message),
            ClientError::Unreachable { tried, reason } => Problem::unreachable(&tried, &reason),
            ClientError::TimedOut { .. } => Problem::new(error.to_string())
                .next("`fleuve doctor` looks for what stands between you and the broker"),
            ClientError::Disconnected { .. } | ClientError::Decode { .. } => {
                Problem::new(error.to_string())
                    .because("whoever listens there may not speak Kafka's protocol")
                    .next("`fleuve doctor` tells what answers there")
            }
            ClientError::UnsupportedApi { .. } => Problem::new(error.to_string())
                .because("the broker is older or newer than this command understands")
                .next("`fleuve doctor` lists the versions of both"),
            other => Problem::new(other.to_string()),
        }
    }
}

/// A broker said no.
fn of_refusal(code: ErrorCode, subject: &str, message: Option<String>) -> Problem {
    let subject = subject
        .replace("configs of Topic ", "topic ")
        .replace("configs of Broker ", "broker ")
        .replace("configs of Group ", "group ");
    let problem = Problem::new(match explanation(code) {
        Some(words) => format!("{subject} {words}"),
        None => format!("{subject}: {code}"),
    });
    let said = message.filter(|message| !message.is_empty());
    let problem = match said {
        Some(message) => problem.because(format!("{message} ({code})")),
        None => problem,
    };
    steps(code)
        .iter()
        .fold(problem, |problem, step| problem.next(*step))
}

/// The most frequent refusals in words; the subject stands before them.
fn explanation(code: ErrorCode) -> Option<&'static str> {
    let words = match code {
        ErrorCode::UnknownTopicOrPartition | ErrorCode::GroupIdNotFound => "does not exist",
        ErrorCode::TopicAlreadyExists => "exists already",
        ErrorCode::InvalidReplicationFactor => "cannot have so many replicas",
        ErrorCode::InvalidPartitions => "cannot have so many partitions",
        ErrorCode::InvalidTopicException => "cannot have this name",
        ErrorCode::InvalidConfig => "cannot be configured so",
        ErrorCode::NonEmptyGroup => "has members",
        ErrorCode::MessageTooLarge => "is too large",
        ErrorCode::GroupSubscribedToTopic => "is read by a member at this moment",
        _ => return None,
    };
    Some(words)
}

fn steps(code: ErrorCode) -> &'static [&'static str] {
    match code {
        ErrorCode::UnknownTopicOrPartition => &["`fleuve topic list` shows what is there"],
        ErrorCode::TopicAlreadyExists => &[
            "take another name, or add --if-not-exists",
            "`fleuve topic alter` changes one that is there",
        ],
        ErrorCode::InvalidReplicationFactor => {
            &["leave --replication-factor away: the broker has a default"]
        }
        ErrorCode::InvalidConfig => {
            &["`fleuve config list topic NAME --all` shows every key and its value"]
        }
        ErrorCode::NonEmptyGroup | ErrorCode::GroupSubscribedToTopic => {
            &["stop the group's members first; `fleuve group describe NAME` shows them"]
        }
        ErrorCode::GroupIdNotFound => &["`fleuve group list` shows what is there"],
        ErrorCode::MessageTooLarge => &[
            "raise the topic's limit: `fleuve config set topic NAME max.message.bytes=BYTES`",
            "and the producer's: --command-property max.request.size=BYTES",
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_why_and_what_next() {
        let problem = Problem::new("no").because("of this").next("do that");
        assert_eq!(
            problem.painted(Paint::new(false)),
            "error: no\n  why:  of this\n  next: do that\n"
        );
    }

    #[test]
    fn a_refusal_is_told_in_words_with_the_brokers_own_behind_them() {
        let refusal = ClientError::Broker {
            code: ErrorCode::TopicAlreadyExists,
            subject: "topic orders".to_owned(),
            message: Some("Topic 'orders' already exists.".to_owned()),
        };
        let text = Problem::from(refusal).painted(Paint::new(false));
        assert!(text.starts_with("error: topic orders exists already\n  why:  Topic 'orders'"));
        assert!(text.contains("next: take another name"), "{text}");
    }
}
