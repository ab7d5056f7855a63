//! Many consumers of one group in one process, each with connections of its own.
//!
//! ```text
//! cargo run -p fleuve-client --example group_crowd -- BOOTSTRAP classic|consumer MEMBERS PARTITIONS
//! ```
//!
//! They all join at once and settle: each partition has one owner. One record is written to each
//! partition, and each is got once. Half of the members leave, the rest settle again. Prints how
//! long each took; ends with an error if anything is got twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fleuve_client::admin::NewTopic;
use fleuve_client::{Admin, Config, Consumer, Producer, ProducerRecord};
use fleuve_model::{PartitionId, TopicName, TopicPartition};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(20);
const GIVE_UP: Duration = Duration::from_secs(240);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the members have, and what they got.
#[derive(Default)]
struct Seen {
    assigned: BTreeMap<usize, Vec<PartitionId>>,
    got: BTreeMap<PartitionId, Vec<usize>>,
}

impl Seen {
    /// Whether each of the partitions has one owner, and everybody has one.
    fn is_settled(&self, members: usize, partitions: usize) -> bool {
        let mut owned: Vec<_> = self.assigned.values().flatten().collect();
        let all = owned.len() == partitions;
        owned.sort();
        owned.dedup();
        let busy = self.assigned.values().filter(|owned| !owned.is_empty());
        all && owned.len() == partitions && busy.count() == members
    }

    /// How many partitions' records were got by now, if none was got twice.
    fn got_once(&self) -> Result<usize, Failure> {
        match self.got.iter().find(|(_, by)| by.len() > 1) {
            Some((partition, by)) => Err(format!("members {by:?} got {partition}'s record").into()),
            None => Ok(self.got.len()),
        }
    }
}

struct Crowd {
    bootstrap: String,
    protocol: String,
    topic: TopicName,
    partitions: usize,
    seen: Arc<Mutex<Seen>>,
    running: JoinSet<Result<(), Failure>>,
    leaving: Vec<CancellationToken>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, protocol, members, partitions] = &arguments[..] else {
        println!("Enter bootstrap server, protocol, and how many members and partitions");
        return Ok(());
    };
    let members: usize = members.parse()?;
    let topic = TopicName::new(&format!("crowd-{protocol}-{}", std::process::id()))?;
    let mut crowd = Crowd {
        bootstrap: bootstrap.clone(),
        protocol: protocol.clone(),
        topic,
        partitions: partitions.parse()?,
        seen: Arc::default(),
        running: JoinSet::new(),
        leaving: Vec::new(),
    };
    crowd.create_topic().await?;
    (0..members).for_each(|number| crowd.join(number));
    let joined = crowd.settle(members).await?;
    crowd.write_and_get().await?;
    let stay = members - members / 2;
    crowd.leave(stay);
    let left = crowd.settle(stay).await?;
    crowd.write_and_get().await?;
    crowd.leave(0);
    while let Some(ended) = crowd.running.join_next().await {
        ended??;
    }
    println!(
        "{members} members share {partitions} partitions after {:.1} s, \
         the {stay} that stay after another {:.1} s",
        joined.as_secs_f64(),
        left.as_secs_f64()
    );
    Ok(())
}

impl Crowd {
    fn config(&self) -> Config {
        Config::bootstrap(&self.bootstrap)
    }

    async fn create_topic(&self) -> Result<(), Failure> {
        let admin = Admin::new(&self.config())?;
        let topic = NewTopic::new(self.topic.as_str(), i32::try_from(self.partitions)?);
        for (_, created) in admin.create_topics(&[topic], false).await? {
            created?;
        }
        admin.close();
        Ok(())
    }

    fn join(&mut self, number: usize) {
        let config = self
            .config()
            .set("group.id", format!("group-{}", self.topic))
            .set("group.protocol", &self.protocol)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false");
        let (topic, seen) = (self.topic.clone(), self.seen.clone());
        let leaving = CancellationToken::new();
        self.leaving.push(leaving.clone());
        self.running
            .spawn(consume(number, config, topic, seen, leaving));
    }

    /// All members from the one numbered `first` on leave.
    fn leave(&mut self, first: usize) {
        for leaving in self.leaving.drain(first..) {
            leaving.cancel();
        }
    }

    async fn settle(&mut self, members: usize) -> Result<Duration, Failure> {
        let partitions = self.partitions;
        self.until("settled", |seen| Ok(seen.is_settled(members, partitions)))
            .await
    }

    /// Writes a record to each partition and waits until each was got, by one member.
    async fn write_and_get(&mut self) -> Result<(), Failure> {
        self.seen().got.clear();
        let producer = Producer::new(&self.config())?;
        for number in 0..i32::try_from(self.partitions)? {
            let partition = PartitionId::new(number)?;
            let record = ProducerRecord::new(self.topic.clone(), "x").partition(partition);
            drop(producer.send(record).await?);
        }
        producer.close().await;
        let partitions = self.partitions;
        self.until("got", |seen| Ok(seen.got_once()? == partitions))
            .await?;
        Ok(())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("no member panics")
    }

    async fn until(
        &mut self,
        what: &str,
        is_done: impl Fn(&Seen) -> Result<bool, Failure>,
    ) -> Result<Duration, Failure> {
        let start = Instant::now();
        while !is_done(&self.seen())? {
            while let Some(ended) = self.running.try_join_next() {
                ended??;
            }
            if start.elapsed() > GIVE_UP {
                let seen = self.seen();
                let owned: usize = seen.assigned.values().map(Vec::len).sum();
                let (members, got) = (seen.assigned.len(), seen.got.len());
                let why = format!(
                    "not {what} after {GIVE_UP:?}: {members} members own {owned}, {got} are got"
                );
                return Err(why.into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(start.elapsed())
    }
}

/// One member, until it is told to leave.
async fn consume(
    number: usize,
    config: Config,
    topic: TopicName,
    seen: Arc<Mutex<Seen>>,
    leaving: CancellationToken,
) -> Result<(), Failure> {
    let mut consumer = Consumer::new(&config)?;
    consumer.subscribe([topic])?;
    while !leaving.is_cancelled() {
        let records = consumer.poll(POLL).await?;
        let owned = consumer.assignment();
        let owned = owned
            .iter()
            .map(|TopicPartition { partition, .. }| *partition);
        seen.lock()
            .expect("no member panics")
            .assigned
            .insert(number, owned.collect());
        if records.is_empty() {
            continue;
        }
        consumer.commit().await?;
        let mut seen = seen.lock().expect("no member panics");
        for record in records {
            let got = seen.got.entry(record.partition.partition).or_default();
            got.push(number);
        }
    }
    seen.lock()
        .expect("no member panics")
        .assigned
        .remove(&number);
    Ok(consumer.close().await?)
}
