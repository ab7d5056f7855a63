"""A member by confluent-kafka (librdkafka). See run.py for what a member says."""

import json
import signal
import sys

from confluent_kafka import Consumer, KafkaException

bootstrap, topic, group, protocol, instance = sys.argv[1:6]
stopping = False


def stop(*_):
    global stopping
    stopping = True


def say(**what):
    print(json.dumps(what), flush=True)


signal.signal(signal.SIGTERM, stop)
config = {"bootstrap.servers": bootstrap, "group.id": group, "group.protocol": protocol,
          "auto.offset.reset": "earliest", "enable.auto.commit": False}
if protocol == "classic":
    config.update({"session.timeout.ms": 6000, "heartbeat.interval.ms": 500})
if instance != "-":
    config["group.instance.id"] = instance
consumer = Consumer(config)
consumer.subscribe([topic])
assigned = None
while not stopping:
    records = consumer.consume(100, 0.2)
    now = sorted(partition.partition for partition in consumer.assignment())
    if now != assigned:
        assigned = now
        say(assigned=assigned)
    records = [record for record in records if not record.error()]
    for record in records:
        say(partition=record.partition(), offset=record.offset())
    if records:
        try:
            consumer.commit(asynchronous=False)
        except KafkaException as error:
            say(commit=str(error))
consumer.close()
say(closed=True)
