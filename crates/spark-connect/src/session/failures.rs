//! Failures that a client may still ask about, by error id.
//!
//! Always true: only the newest [`FAILURES_MAX`] are kept.

use std::collections::VecDeque;

use uuid::Uuid;

use crate::failure::Failure;

const FAILURES_MAX: usize = 100;

#[derive(Default)]
pub(crate) struct Failures {
    kept: VecDeque<(String, Failure)>,
}

impl Failures {
    /// Keeps `failure` and gives the id by which it can be asked for.
    pub(crate) fn keep(&mut self, failure: &Failure) -> String {
        let id = Uuid::new_v4().to_string();
        self.kept.push_back((id.clone(), failure.clone()));
        if self.kept.len() > FAILURES_MAX {
            self.kept.pop_front();
        }
        id
    }

    /// The failure, which is forgotten by this.
    pub(crate) fn take(&mut self, id: &str) -> Option<Failure> {
        let position = self.kept.iter().position(|(kept, _)| kept == id)?;
        self.kept.remove(position).map(|(_, failure)| failure)
    }
}
