"""The taxi trips' batch program on both engines: equal rows, equal schemas, equal files.

Apache Spark runs as itself, in one JVM, and reads and writes our broker through its own Kafka connector (published up to
4.2.0; it loads in Spark 4.3). Without Spark the comparison is skipped aloud.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("w6_batch.py")
TOPICS = Path(__file__).resolve().parents[2] / "bin/kafka-topics.sh"
TRIPS, PARTITIONS, SECONDS = 200, 8, 300
FIELDS = ["dropoff_latitude", "extra", "fare_amount", "lpep_dropoff_datetime", "lpep_pickup_datetime", "passenger_count",
          "store_and_fwd_flag", "tip_amount", "total_amount", "trip_distance", "vendorid"]


def trips(seed=1):
    """Trips as the city publishes them: every value a string, and what is not known is absent."""
    chance = random.Random(seed)
    for number in range(TRIPS):
        fare = chance.randrange(250, 9000)
        trip = {"dropoff_latitude": f"40.{chance.randrange(10**6):06}", "extra": chance.choice(["0", "0.5", "1"]),
                "fare_amount": f"{fare / 100:.2f}", "lpep_dropoff_datetime": f"2013-08-{number % 28 + 1:02}T09:09:06.000",
                "lpep_pickup_datetime": f"2013-08-{number % 28 + 1:02}T08:14:37.000",
                "passenger_count": str(chance.randrange(1, 7)), "store_and_fwd_flag": chance.choice("YN"),
                "tip_amount": "0", "total_amount": f"{fare / 100 + 1:.2f}", "trip_distance": f".{number % 100:02}",
                "vendorid": str(chance.randrange(1, 9))}
        for name in ("extra", "tip_amount", "store_and_fwd_flag"):
            if chance.random() < 0.1:
                del trip[name]
        yield trip


def spark_peer():
    """Spark's Python and the folder of its connector, or why they are not there."""
    peers = Path(os.environ.get("FLEUVE_PEERS", Path.home() / ".cache/fleuve/peers"))
    python, jars = peers / "spark/bin/python", peers / "spark-jars/libs"
    if not python.exists():
        return None, None, f"no Apache Spark at {python.parent.parent}"
    if not jars.is_dir():
        return None, None, f"no Kafka connector of Spark at {jars}"
    return python, jars, None


def create_topics(bootstrap, topics):
    for topic in topics:
        subprocess.run([str(TOPICS), "--bootstrap-server", bootstrap, "--create", "--topic", topic, "--partitions",
                        str(PARTITIONS), "--replication-factor", "1"],
                       check=True, capture_output=True, text=True, timeout=60)


def run(python, folder, bootstrap, name, engine, actions):
    out = folder / f"{name}-{len(list(folder.glob('*.json')))}.json"
    command = [str(python), str(PROGRAM), "--bootstrap", bootstrap, "--folder", str(folder), "--name", name,
               "--out", str(out), *engine, *actions]
    # A client in this process leaves its mode in the environment; Spark itself would take it for its own.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SPARK_")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=folder, env=environment)
    if done.returncode:
        raise AssertionError(f"{name}: {done.stderr[-1500:]}")
    return json.loads(out.read_text())


def differences(ours, theirs, what):
    return [f"{what}, {key}: {str(ours[key])[:200]} instead of {str(theirs[key])[:200]}"
            for key in theirs if ours[key] != theirs[key]]


def compare(folder, remote, bootstrap):
    """Runs the program on both engines; why they differ, or nothing."""
    python, jars, why = spark_peer()
    if why:
        return "SKIPPED", why
    with open(folder / "trips.jsonl", "w") as file:
        file.writelines(json.dumps(trip) + "\n" for trip in trips())
    create_topics(bootstrap, ["trips-fleuve", "trips-spark"])
    reads = ["read:trips-fleuve", "read:trips-spark"]
    ours = run(sys.executable, folder, bootstrap, "fleuve", ["--remote", remote], ["write:trips-fleuve"])
    theirs = run(python, folder, bootstrap, "spark", ["--jars", str(jars)], ["write:trips-spark", *reads])
    ours |= run(sys.executable, folder, bootstrap, "fleuve", ["--remote", remote], reads)
    found = differences(ours["write:trips-fleuve"], theirs["write:trips-spark"], "written")
    for action in reads:
        found += differences(ours[action], theirs[action], action)
    # What either engine wrote: the same keys and values in the same partitions. Offsets may differ within one.
    contents = [sorted(record[:3] for record in theirs[action]["records"]) for action in reads]
    if contents[0] != contents[1]:
        found.append("the topics differ in what the engines wrote")
    if len(contents[0]) != TRIPS:
        found.append(f"{len(contents[0])} records instead of {TRIPS}")
    return ("FAILED", "; ".join(found)) if found else ("ok", f"{TRIPS} trips, {len(theirs[reads[0]]['files'])} files")
