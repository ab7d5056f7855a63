//! A recording, as exchanges: each request with what it was answered.

use fleuve_spark_connect::messages::*;
use prost::Message;

use super::answers::{Answer, Outcome};
use super::text_format::{Schema, Text};

/// One request and its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) section: String,
    pub(crate) call: String,
    /// The request as text.
    pub(crate) request: String,
    pub(crate) is_cut: bool,
    operation_id: Option<String>,
    responses: Vec<String>,
    error: Option<String>,
}

/// The requests of a log in their order. Answers of operations are told apart by their ids, for they may overlap.
pub(crate) fn exchanges(log: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut section = String::new();
    for line in log.lines() {
        if let Some(name) = line.strip_prefix("##### ") {
            section = name.to_owned();
        } else if let Some((call, text)) = line.strip_prefix("> ").and_then(|l| l.split_once(": "))
        {
            let (parsed, is_cut) = Text::parse(text);
            exchanges.push(Exchange {
                section: section.clone(),
                call: call.to_owned(),
                request: text.to_owned(),
                is_cut,
                operation_id: parsed.string("operation_id"),
                responses: Vec::new(),
                error: None,
            });
        } else if let Some((call, text)) = line.strip_prefix("< ").and_then(|l| l.split_once(": "))
        {
            if let Some(exchange) = asked(&mut exchanges, call, text) {
                exchange.responses.push(text.to_owned());
            }
        } else if let Some(error) = line.strip_prefix("ERR ")
            && let Some((_, class)) = error.split_once('[')
            && let Some(exchange) = failed(&mut exchanges)
        {
            exchange.error = class.split(']').next().map(str::to_owned);
        }
    }
    exchanges
}

/// The request that a response answers.
fn asked<'a>(
    exchanges: &'a mut [Exchange],
    call: &str,
    response: &str,
) -> Option<&'a mut Exchange> {
    let (response, _) = Text::parse(response);
    let operation = response.string("operation_id");
    let fits = |exchange: &&mut Exchange| {
        exchange.call == call
            && match call {
                "ExecutePlan" => exchange.operation_id == operation,
                // Releases are sent from threads of their own: the first unanswered one is meant.
                "ReleaseExecute" => {
                    exchange.operation_id == operation && exchange.responses.is_empty()
                }
                _ => exchange.responses.is_empty(),
            }
    };
    if call == "ReleaseExecute" {
        return exchanges.iter_mut().find(fits);
    }
    exchanges.iter_mut().rev().find(fits)
}

/// The request that an error answers: the last one that asked for something to be done.
fn failed(exchanges: &mut [Exchange]) -> Option<&mut Exchange> {
    let last = exchanges.iter_mut().rev();
    let mut asked = last.filter(|e| !matches!(e.call.as_str(), "ReleaseExecute" | "Config"));
    asked
        .next()
        .filter(|exchange| exchange.call != "ReleaseSession")
}

impl Exchange {
    /// What Spark answered.
    pub(crate) fn expected(&self, schema: &Schema) -> Outcome {
        match &self.error {
            Some(class) => Err(class.clone()),
            None => Ok(self
                .responses
                .iter()
                .filter_map(|text| self.answer(schema, text))
                .collect()),
        }
    }

    /// A response; nothing if it is one of those that are not compared.
    fn answer(&self, schema: &Schema, text: &str) -> Option<Answer> {
        let (mut text, _) = Text::parse(text);
        if text.remove("execution_progress") | text.remove("metrics") {
            return None;
        }
        let bytes = |message: &str| schema.encode(message, &text);
        const SAME: &str = "the facts and our messages agree";
        Some(match self.call.as_str() {
            "Config" => Answer::Config(
                ConfigResponse::decode(bytes("ConfigResponse").as_slice()).expect(SAME),
            ),
            "AnalyzePlan" => Answer::Analyze(Box::new(
                AnalyzePlanResponse::decode(bytes("AnalyzePlanResponse").as_slice()).expect(SAME),
            )),
            "FetchErrorDetails" => Answer::Details(Box::new(
                FetchErrorDetailsResponse::decode(bytes("FetchErrorDetailsResponse").as_slice())
                    .expect(SAME),
            )),
            "ReleaseExecute" => Answer::Released(
                ReleaseExecuteResponse::decode(bytes("ReleaseExecuteResponse").as_slice())
                    .expect(SAME),
            ),
            "ReleaseSession" => Answer::Closed(
                ReleaseSessionResponse::decode(bytes("ReleaseSessionResponse").as_slice())
                    .expect(SAME),
            ),
            _ => Answer::Execute(Box::new(
                ExecutePlanResponse::decode(bytes("ExecutePlanResponse").as_slice()).expect(SAME),
            )),
        })
    }
}
