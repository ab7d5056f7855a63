"""kafka-python: create, produce CODEC, consume."""

import json
import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

import records


def create(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, records.PARTITIONS, 1)])
    admin.close()


def produce(bootstrap, topic, codec):
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, acks="all",
                             compression_type=None if codec == "none" else codec)
    futures = [
        producer.send(
            topic, key=records.key(i).encode(), value=records.value(i).encode(),
            partition=i % records.PARTITIONS, timestamp_ms=records.timestamp(i),
            headers=[(name, text.encode()) for name, text in records.headers(i)])
        for i in range(records.RECORDS)
    ]
    producer.flush(60)
    for future in futures:
        future.get(1)
    producer.close()


def consume(bootstrap, topic):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, group_id=None)
    partitions = [TopicPartition(topic, p) for p in range(records.PARTITIONS)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    digest = records.Digest()
    while any(consumer.position(p) < ends[p] for p in partitions):
        for batch in consumer.poll(timeout_ms=5000).values():
            for record in batch:
                headers = [(name, text.decode()) for name, text in record.headers]
                digest.add(record.partition, record.key.decode(), record.value.decode(), headers,
                           record.timestamp)
    consumer.close()
    print(json.dumps(digest.result()))


if __name__ == "__main__":
    {"create": create, "produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
