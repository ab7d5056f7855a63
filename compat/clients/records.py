"""The records that every client writes and reads, and the digest by which readings are compared.

Record i of a topic goes to partition i % 3, so that the order within a partition is known. A
digest is taken over one JSON line a record, in the order of the offsets: once without the
timestamps (`content`, which is known before anything runs) and once with them (`full`).
"""

import hashlib
import json
import os

PARTITIONS = 3
RECORDS = 10_000
# Recent, or retention would take the records away; one for all programs of a run.
TIMESTAMP_BASE = int(os.environ["COMPAT_TIMESTAMP_BASE"])


def key(i):
    return f"key-{i % 97}"


def value(i):
    return f"value-{i}-" + "abcdefghij" * (i % 7)


def headers(i):
    return [("writer", "compat"), ("colour", "blue")]


def timestamp(i):
    return TIMESTAMP_BASE + i


class Digest:
    """What one reader saw of one topic."""

    def __init__(self):
        self.partitions = {p: [0, hashlib.sha256(), hashlib.sha256()] for p in range(PARTITIONS)}

    def add(self, partition, key, value, headers, timestamp):
        entry = self.partitions[partition]
        record = [key, value, [[name, text] for name, text in headers]]
        entry[0] += 1
        entry[1].update(line(record))
        entry[2].update(line(record + [timestamp]))

    def result(self):
        return {
            str(p): {"count": count, "content": content.hexdigest(), "full": full.hexdigest()}
            for p, (count, content, full) in self.partitions.items()
        }


def line(record):
    return (json.dumps(record, separators=(",", ":")) + "\n").encode()


def expected(records=RECORDS):
    """The digest of a topic that was written as the module says."""
    digest = Digest()
    for i in range(records):
        digest.add(i % PARTITIONS, key(i), value(i), headers(i), timestamp(i))
    return digest.result()
