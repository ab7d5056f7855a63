"""The broker is killed again and again under idempotent producers.

Two producers with acks=all write numbered records to six partitions while the broker is killed
with SIGKILL and started again, `COMPAT_ROUNDS` times (10 unless told). Afterwards every
acknowledged record is at the offset that was acknowledged, no record is there twice, and each
producer's records are in the order in which it wrote them. `COMPAT_SEED` repeats the moments of the kills.
"""

import os
import random
import sys
import threading
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

sys.path.insert(0, str(Path(__file__).parent.parent))
from local_server import Folder, Server, exit_code, failed, report  # noqa: E402

TOPIC = "kept"
PARTITIONS = 6
PRODUCERS = 2
ROUNDS = int(os.environ.get("COMPAT_ROUNDS", "10"))
SEED = int(os.environ.get("COMPAT_SEED", time.time_ns() % 1_000_000))
OUTSTANDING_MAX = 2000
PROGRESS_SECONDS = 30
FLUSH_SECONDS = 60
READ_SECONDS = 120
PADDING = "x" * 150


class Writer(threading.Thread):
    """One idempotent producer, and what the broker acknowledged to it."""

    def __init__(self, number, bootstrap):
        super().__init__(daemon=True)
        self.number, self.stopping, self.error = number, False, None
        self.written = [0] * PARTITIONS
        self.acknowledged = [{} for _ in range(PARTITIONS)]
        self.acknowledged_count = self.refused = self.left = 0
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 2,
            "message.timeout.ms": 0, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100,
            "retry.backoff.ms": 20, "retry.backoff.max.ms": 100, "error_cb": self.note_error, "log_level": 0})

    def note_error(self, error):
        if error.fatal():
            self.error = error.str()

    def delivered(self, sequence, error, message):
        if error:
            self.refused += 1
            return
        self.acknowledged[message.partition()][sequence] = message.offset()
        self.acknowledged_count += 1

    def write(self, partition):
        sequence = self.written[partition]
        self.producer.produce(TOPIC, f"{self.number} {sequence} {PADDING}", partition=partition,
                              on_delivery=lambda error, message: self.delivered(sequence, error, message))
        self.written[partition] += 1

    def run(self):
        try:
            turn = 0
            while not self.stopping and not self.error:
                self.write(turn % PARTITIONS)
                turn += 1
                self.producer.poll(0.1 if len(self.producer) > OUTSTANDING_MAX else 0)
                time.sleep(0.0005)
            self.left = self.producer.flush(FLUSH_SECONDS)
        except (BufferError, KafkaException) as error:
            self.error = str(error)


def total_acknowledged(writers):
    return sum(writer.acknowledged_count for writer in writers)


def await_progress(writers, before):
    """Each round acknowledges something, or nothing would be put at risk."""
    deadline = time.monotonic() + PROGRESS_SECONDS
    while total_acknowledged(writers) == before:
        if time.monotonic() > deadline or any(writer.error for writer in writers):
            raise RuntimeError(f"nothing was acknowledged within {PROGRESS_SECONDS} s of a restart; "
                               f"{[writer.error for writer in writers]}")
        time.sleep(0.005)


def run_rounds(server, writers):
    """Kills and restarts; gives the longest and the median time until the broker serves again."""
    chance, starts = random.Random(SEED), []
    for _ in range(ROUNDS):
        await_progress(writers, total_acknowledged(writers))
        time.sleep(chance.uniform(0, 0.6))
        server.kill()
        begun = time.monotonic()
        server.start()
        starts.append(time.monotonic() - begun)
    await_progress(writers, total_acknowledged(writers))
    return max(starts), sorted(starts)[len(starts) // 2]


def read_partition(bootstrap, partition):
    """What is in a partition: (offset, producer, sequence) each, in the order of the log."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False,
                         "auto.offset.reset": "error", "enable.partition.eof": False, "log_level": 0})
    consumer.assign([TopicPartition(TOPIC, partition, 0)])
    _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=30)
    found, deadline = [], time.monotonic() + READ_SECONDS
    while (not found or found[-1][0] < end - 1) and end:
        for message in consumer.consume(5000, timeout=0.1):
            if message.error():
                raise RuntimeError(message.error().str())
            producer, sequence, _ = message.value().decode().split(" ")
            found.append((message.offset(), int(producer), int(sequence)))
        if time.monotonic() > deadline:
            raise RuntimeError(f"partition {partition}: read {len(found)} records, the log ends at {end}")
    consumer.close()
    return found


def check(writers, logs):
    lost, twice, moved, reordered = [], [], [], []
    for writer in writers:
        for partition, log in enumerate(logs):
            places, last = {}, -1
            for offset, producer, sequence in log:
                if producer != writer.number:
                    continue
                if sequence in places:
                    twice.append((partition, writer.number, sequence, places[sequence], offset))
                elif sequence < last:
                    reordered.append((partition, writer.number, sequence, last))
                places.setdefault(sequence, offset)
                last = max(last, sequence)
            for sequence, offset in writer.acknowledged[partition].items():
                if sequence not in places:
                    lost.append((partition, writer.number, sequence, offset))
                elif offset >= 0 and places[sequence] != offset:
                    moved.append((partition, writer.number, sequence, offset, places[sequence]))
    say("no_acknowledged_record_is_lost", lost)
    say("no_record_is_there_twice", twice)
    say("acknowledged_offsets_are_those_of_the_log", moved)
    say("each_producers_records_are_in_order", reordered)


def say(name, wrong):
    report(f"kill.{name}", f"{len(wrong)} (seed {SEED}), such as {wrong[0]}" if wrong else None)


def check_kills(server):
    bootstrap = server.start()
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    topic = NewTopic(TOPIC, PARTITIONS, 1, config={"segment.bytes": str(4 << 20)})
    admin.create_topics([topic])[TOPIC].result(30)
    writers = [Writer(number, bootstrap) for number in range(PRODUCERS)]
    begun = time.monotonic()
    for writer in writers:
        writer.start()
    try:
        longest, median = run_rounds(server, writers)
    finally:
        for writer in writers:
            writer.stopping = True
        for writer in writers:
            writer.join(FLUSH_SECONDS + 10)
    errors = [writer.error for writer in writers if writer.error]
    stuck = sum(writer.left + writer.refused for writer in writers)
    written = sum(sum(writer.written) for writer in writers)
    report("kill.every_record_is_acknowledged_in_the_end",
           errors or (f"{stuck} of {written} are not" if stuck else None),
           f"{ROUNDS} kills in {time.monotonic() - begun:.0f} s, {total_acknowledged(writers)} of {written} records "
           f"acknowledged, serves again after {median * 1000:.0f} ms (median), {longest * 1000:.0f} ms (longest), "
           f"seed {SEED}")
    check(writers, [read_partition(bootstrap, partition) for partition in range(PARTITIONS)])


def main():
    with Folder("kill") as folder:
        server = Server(folder)
        try:
            check_kills(server)
        except Exception as error:
            failed("kill", f"{error} (seed {SEED})")
        finally:
            server.kill()
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
