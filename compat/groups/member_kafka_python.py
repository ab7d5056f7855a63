"""A member by kafka-python. See run.py for what a member says."""

import json
import signal
import sys

from kafka import KafkaConsumer
from kafka.errors import KafkaError

bootstrap, topic, group, protocol, instance = sys.argv[1:6]
assert protocol == "classic", "kafka-python knows the classic protocol only"
stopping = False


def stop(*_):
    global stopping
    stopping = True


def say(**what):
    print(json.dumps(what), flush=True)


signal.signal(signal.SIGTERM, stop)
consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                         enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=500,
                         group_instance_id=None if instance == "-" else instance)
assigned = None
while not stopping:
    batches = consumer.poll(timeout_ms=200, max_records=100)
    now = sorted(partition.partition for partition in consumer.assignment())
    if now != assigned:
        assigned = now
        say(assigned=assigned)
    for partition, records in batches.items():
        for record in records:
            say(partition=partition.partition, offset=record.offset)
    if batches:
        try:
            consumer.commit()
        except KafkaError as error:
            say(commit=str(error))
consumer.close()
say(closed=True)
