"""aiokafka: create, produce CODEC, consume."""

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import records


async def create(bootstrap, topic):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, records.PARTITIONS, 1)])
    await admin.close()


async def produce(bootstrap, topic, codec):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, enable_idempotence=True,
                                compression_type=None if codec == "none" else codec)
    await producer.start()
    sent = []
    for i in range(records.RECORDS):
        sent.append(await producer.send(
            topic, key=records.key(i).encode(), value=records.value(i).encode(),
            partition=i % records.PARTITIONS, timestamp_ms=records.timestamp(i),
            headers=[(name, text.encode()) for name, text in records.headers(i)]))
    await asyncio.gather(*sent)
    await producer.stop()


async def consume(bootstrap, topic):
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    partitions = [TopicPartition(topic, p) for p in range(records.PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    ends = await consumer.end_offsets(partitions)
    digest = records.Digest()
    left = sum(ends.values())
    while left:
        batches = await asyncio.wait_for(consumer.getmany(timeout_ms=5000), 30)
        for batch in batches.values():
            for record in batch:
                left -= 1
                headers = [(name, text.decode()) for name, text in record.headers]
                digest.add(record.partition, record.key.decode(), record.value.decode(), headers,
                           record.timestamp)
    await consumer.stop()
    print(json.dumps(digest.result()))


if __name__ == "__main__":
    command = {"create": create, "produce": produce, "consume": consume}[sys.argv[1]]
    asyncio.run(command(*sys.argv[2:]))
