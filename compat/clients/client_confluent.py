"""confluent-kafka (librdkafka): create, produce CODEC, consume."""

import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import records


def create(bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(topic, records.PARTITIONS, 1)]).values():
        future.result(30)


def produce(bootstrap, topic, codec):
    failures = []
    producer = Producer({
        "bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 5,
        "enable.idempotence": True,
    })

    def delivered(error, _):
        if error:
            failures.append(str(error))

    for i in range(records.RECORDS):
        producer.poll(0)
        producer.produce(
            topic, key=records.key(i), value=records.value(i), partition=i % records.PARTITIONS,
            headers=records.headers(i), timestamp=records.timestamp(i), on_delivery=delivered)
    left = producer.flush(60)
    if failures or left:
        sys.exit(f"{len(failures)} failed, {left} left: {failures[:1]}")


def consume(bootstrap, topic):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False,
                         "enable.partition.eof": True})
    digest = records.Digest()
    consumer.assign([TopicPartition(topic, p, 0) for p in range(records.PARTITIONS)])
    ended = set()
    while len(ended) < records.PARTITIONS:
        message = consumer.poll(30)
        if message is None:
            sys.exit("nothing for 30 s")
        if message.error():
            if message.error().name() == "_PARTITION_EOF":
                ended.add(message.partition())
                continue
            sys.exit(str(message.error()))
        headers = [(name, text.decode()) for name, text in message.headers() or []]
        digest.add(message.partition(), message.key().decode(), message.value().decode(), headers,
                   message.timestamp()[1])
    consumer.close()
    print(json.dumps(digest.result()))


if __name__ == "__main__":
    {"create": create, "produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
