//! `zookeeper-server-start` and `zookeeper-server-stop`: there is nothing to start or stop.

use super::grammar::{Given, Grammar};
use super::script::{Console, Failure, Running, Script};

pub(super) const START: Script = Script {
    name: "zookeeper-server-start",
    grammar: &GRAMMAR,
    action: start,
};
pub(super) const STOP: Script = Script {
    name: "zookeeper-server-stop",
    grammar: &GRAMMAR,
    action: stop,
};

/// Files and a `-daemon` are no options and are taken as they come.
const GRAMMAR: Grammar = Grammar {
    purpose: "USAGE: zookeeper-server-start.sh [-daemon] zookeeper.properties",
    options: &[],
};

fn start<'a>(_: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(async move {
        let message =
            "Fleuve needs no ZooKeeper: nothing to start. Go on with kafka-server-start.sh.";
        writeln!(console.output, "{message}").map_err(Failure::from)
    })
}

fn stop<'a>(_: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(async move {
        let message = "Fleuve needs no ZooKeeper: nothing to stop.";
        writeln!(console.output, "{message}").map_err(Failure::from)
    })
}
