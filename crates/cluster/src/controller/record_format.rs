//! The bytes of [`Record`]s, as `docs/formats/metadata-log.md` describes them.
//!
//! Each is the value of one record of an ordinary version 2 batch. What is read is checked: a
//! type or version that is not known here is an error, never skipped, since the state after it
//! would be a guess. Start at [`encode`] and [`decode`].

use fleuve_model::{BrokerId, LeaderEpoch, PartitionId, ProducerId, TopicId, TopicName};
use uuid::Uuid;

use super::{BrokerEpoch, ConfigResource, Endpoint, Record};

/// The version that is written, of every type.
const VERSION: u8 = 0;

const CLUSTER_CREATED: u8 = 1;
const BROKER_REGISTERED: u8 = 2;
const BROKER_UNREGISTERED: u8 = 3;
const TOPIC_CREATED: u8 = 4;
const TOPIC_DELETED: u8 = 5;
const PARTITION_SET: u8 = 6;
const CONFIG_SET: u8 = 7;
const PRODUCER_IDS_ALLOCATED: u8 = 8;

const RESOURCE_TOPIC: u8 = 1;
const RESOURCE_BROKER: u8 = 2;
const RESOURCE_ALL_BROKERS: u8 = 3;
const RESOURCE_GROUP: u8 = 4;
const RESOURCE_CLIENT_METRICS: u8 = 5;

/// Why bytes are not a record that this version of Fleuve can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFormatError {
    #[error("the metadata record ends before its fields do")]
    Truncated,
    #[error("the metadata record has {0} bytes behind its fields")]
    TrailingBytes(usize),
    #[error("metadata records of type {0} are of a newer version of Fleuve")]
    UnknownType(u8),
    #[error("version {version} of metadata record type {record_type} is newer than this Fleuve")]
    UnknownVersion { record_type: u8, version: u8 },
    #[error("the metadata record holds an invalid {0}")]
    Invalid(&'static str),
}

type Result<T> = std::result::Result<T, RecordFormatError>;

/// The bytes of `record`.
pub fn encode(record: &Record) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(64));
    match record {
        Record::ClusterCreated { cluster_id } => {
            out.header(CLUSTER_CREATED);
            out.string(cluster_id);
        }
        Record::BrokerRegistered {
            broker,
            incarnation,
            epoch,
            endpoints,
            rack,
        } => {
            out.header(BROKER_REGISTERED);
            out.i32(broker.value());
            out.bytes(incarnation.as_bytes());
            out.i64(epoch.value());
            out.list(endpoints, Writer::endpoint);
            out.optional(rack.as_deref(), |out, rack| out.string(rack));
        }
        Record::BrokerUnregistered { broker } => {
            out.header(BROKER_UNREGISTERED);
            out.i32(broker.value());
        }
        Record::TopicCreated { name, id } => {
            out.header(TOPIC_CREATED);
            out.string(name.as_str());
            out.bytes(id.as_bytes());
        }
        Record::TopicDeleted { id } => {
            out.header(TOPIC_DELETED);
            out.bytes(id.as_bytes());
        }
        Record::PartitionSet {
            topic,
            partition,
            replicas,
            in_sync_replicas,
            leader,
            leader_epoch,
            partition_epoch,
        } => {
            out.header(PARTITION_SET);
            out.bytes(topic.as_bytes());
            out.i32(partition.value());
            out.list(replicas, |out, broker| out.i32(broker.value()));
            out.list(in_sync_replicas, |out, broker| out.i32(broker.value()));
            out.optional(*leader, |out, leader| out.i32(leader.value()));
            out.i32(leader_epoch.value());
            out.u32(*partition_epoch);
        }
        Record::ConfigSet {
            resource,
            name,
            value,
        } => {
            out.header(CONFIG_SET);
            out.resource(resource);
            out.string(name);
            out.optional(value.as_deref(), |out, value| out.string(value));
        }
        Record::ProducerIdsAllocated { broker, next } => {
            out.header(PRODUCER_IDS_ALLOCATED);
            out.i32(broker.value());
            out.i64(next.value());
        }
    }
    out.0
}

/// The record whose bytes these are, all of them.
pub fn decode(bytes: &[u8]) -> Result<Record> {
    let mut fields = Reader(bytes);
    let record_type = fields.u8()?;
    let version = fields.u8()?;
    if !(CLUSTER_CREATED..=PRODUCER_IDS_ALLOCATED).contains(&record_type) {
        return Err(RecordFormatError::UnknownType(record_type));
    }
    if version > VERSION {
        return Err(RecordFormatError::UnknownVersion {
            record_type,
            version,
        });
    }
    let record = decode_fields(record_type, &mut fields)?;
    match fields.0.len() {
        0 => Ok(record),
        left => Err(RecordFormatError::TrailingBytes(left)),
    }
}

fn decode_fields(record_type: u8, fields: &mut Reader<'_>) -> Result<Record> {
    let record = match record_type {
        CLUSTER_CREATED => Record::ClusterCreated {
            cluster_id: fields.string()?,
        },
        BROKER_REGISTERED => Record::BrokerRegistered {
            broker: fields.broker()?,
            incarnation: Uuid::from_bytes(fields.array()?),
            epoch: BrokerEpoch::new(fields.i64()?)
                .map_err(|_| RecordFormatError::Invalid("broker epoch"))?,
            endpoints: fields.list(Reader::endpoint)?,
            rack: fields.optional(Reader::string)?,
        },
        BROKER_UNREGISTERED => Record::BrokerUnregistered {
            broker: fields.broker()?,
        },
        TOPIC_CREATED => Record::TopicCreated {
            name: fields.topic()?,
            id: fields.topic_id()?,
        },
        TOPIC_DELETED => Record::TopicDeleted {
            id: fields.topic_id()?,
        },
        PARTITION_SET => Record::PartitionSet {
            topic: fields.topic_id()?,
            partition: PartitionId::new(fields.i32()?)
                .map_err(|_| RecordFormatError::Invalid("partition"))?,
            replicas: fields.list(Reader::broker)?,
            in_sync_replicas: fields.list(Reader::broker)?,
            leader: fields.optional(Reader::broker)?,
            leader_epoch: LeaderEpoch::new(fields.i32()?)
                .map_err(|_| RecordFormatError::Invalid("leader epoch"))?,
            partition_epoch: u32::from_be_bytes(fields.array()?),
        },
        CONFIG_SET => Record::ConfigSet {
            resource: fields.resource()?,
            name: fields.string()?,
            value: fields.optional(Reader::string)?,
        },
        PRODUCER_IDS_ALLOCATED => Record::ProducerIdsAllocated {
            broker: fields.broker()?,
            next: ProducerId::new(fields.i64()?)
                .map_err(|_| RecordFormatError::Invalid("producer id"))?,
        },
        unknown => return Err(RecordFormatError::UnknownType(unknown)),
    };
    Ok(record)
}

struct Writer(Vec<u8>);

impl Writer {
    fn header(&mut self, record_type: u8) {
        self.0.extend([record_type, VERSION]);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn i32(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.bytes(&value.to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        self.u32(u32::try_from(length).expect("a request's parts are smaller than 4 GiB"));
    }

    fn string(&mut self, text: &str) {
        self.length(text.len());
        self.bytes(text.as_bytes());
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.length(items.len());
        items.iter().for_each(|item| write(self, item));
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn endpoint(&mut self, endpoint: &Endpoint) {
        self.string(&endpoint.listener);
        self.string(&endpoint.host);
        self.bytes(&endpoint.port.to_be_bytes());
        self.string(&endpoint.security_protocol);
    }

    fn resource(&mut self, resource: &ConfigResource) {
        match resource {
            ConfigResource::Topic(name) => {
                self.0.push(RESOURCE_TOPIC);
                self.string(name.as_str());
            }
            ConfigResource::Broker(Some(id)) => {
                self.0.push(RESOURCE_BROKER);
                self.i32(id.value());
            }
            ConfigResource::Broker(None) => self.0.push(RESOURCE_ALL_BROKERS),
            ConfigResource::Group(name) => {
                self.0.push(RESOURCE_GROUP);
                self.string(name);
            }
            ConfigResource::ClientMetrics(name) => {
                self.0.push(RESOURCE_CLIENT_METRICS);
                self.string(name);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(RecordFormatError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many bytes were taken"))
    }

    fn u8(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn length(&mut self) -> Result<usize> {
        let length = u32::from_be_bytes(self.array()?);
        usize::try_from(length).map_err(|_| RecordFormatError::Truncated)
    }

    fn string(&mut self) -> Result<String> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?);
        text.map(str::to_owned)
            .map_err(|_| RecordFormatError::Invalid("string"))
    }

    /// Every item has at least one byte, so a claimed length allocates nothing by itself.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Reader<'a>) -> Result<T>) -> Result<Vec<T>> {
        let length = self.length()?;
        if length > self.0.len() {
            return Err(RecordFormatError::Truncated);
        }
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(read(self)?);
        }
        Ok(items)
    }

    fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(RecordFormatError::Invalid("presence byte")),
        }
    }

    fn broker(&mut self) -> Result<BrokerId> {
        BrokerId::new(self.i32()?).map_err(|_| RecordFormatError::Invalid("broker id"))
    }

    fn topic(&mut self) -> Result<TopicName> {
        TopicName::new(&self.string()?).map_err(|_| RecordFormatError::Invalid("topic name"))
    }

    fn topic_id(&mut self) -> Result<TopicId> {
        TopicId::from_wire(self.array()?).ok_or(RecordFormatError::Invalid("topic id"))
    }

    fn endpoint(&mut self) -> Result<Endpoint> {
        Ok(Endpoint {
            listener: self.string()?,
            host: self.string()?,
            port: u16::from_be_bytes(self.array()?),
            security_protocol: self.string()?,
        })
    }

    fn resource(&mut self) -> Result<ConfigResource> {
        match self.u8()? {
            RESOURCE_TOPIC => self.topic().map(ConfigResource::Topic),
            RESOURCE_BROKER => Ok(ConfigResource::Broker(Some(self.broker()?))),
            RESOURCE_ALL_BROKERS => Ok(ConfigResource::Broker(None)),
            RESOURCE_GROUP => self.string().map(ConfigResource::Group),
            RESOURCE_CLIENT_METRICS => self.string().map(ConfigResource::ClientMetrics),
            _ => Err(RecordFormatError::Invalid("config resource")),
        }
    }
}
