"""How fast Spark Connect answers: from a session to its first row, memory, and queries over parquet beside Apache Spark.

    python bench.py [rows of the largest table]

`FLEUVE_BIN` names the server. Both engines read the same files, which are drawn from a seed in the shape of TPC-H's tables;
the queries are TPC-H's first, third, fifth (without suppliers), sixth and twelfth. The engines take turns, and must give
the same rows.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from local_server import Folder, Server  # noqa: E402

SEED = 11
ROUNDS = 5
SESSIONS = 20
QUERIES = {
    "1: grouped totals": """
        SELECT returnflag, linestatus, sum(quantity), sum(price), sum(price * (1 - discount)) AS paid,
               avg(quantity), avg(discount), count(*) FROM lineitem WHERE shipped <= DATE '1998-09-02'
        GROUP BY returnflag, linestatus ORDER BY returnflag, linestatus""",
    "3: three tables, the ten best": """
        SELECT l.orderkey, sum(l.price * (1 - l.discount)) AS revenue, o.ordered FROM customer c
        JOIN orders o ON c.custkey = o.custkey JOIN lineitem l ON l.orderkey = o.orderkey
        WHERE c.segment = 'BUILDING' AND o.ordered < DATE '1995-03-15' AND l.shipped > DATE '1995-03-15'
        GROUP BY l.orderkey, o.ordered ORDER BY revenue DESC, l.orderkey LIMIT 10""",
    "5: three tables, by nation": """
        SELECT c.nation, sum(l.price * (1 - l.discount)) AS revenue FROM customer c
        JOIN orders o ON c.custkey = o.custkey JOIN lineitem l ON l.orderkey = o.orderkey
        WHERE o.ordered >= DATE '1994-01-01' AND o.ordered < DATE '1995-01-01'
        GROUP BY c.nation ORDER BY revenue DESC""",
    "6: filter and total": """
        SELECT sum(price * discount) AS revenue FROM lineitem WHERE shipped >= DATE '1994-01-01'
        AND shipped < DATE '1995-01-01' AND discount BETWEEN 0.05 AND 0.07 AND quantity < 24""",
    "12: two tables, conditional counts": """
        SELECT l.mode, sum(CASE WHEN o.priority IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END) AS high,
               sum(CASE WHEN o.priority NOT IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END) AS low
        FROM orders o JOIN lineitem l ON o.orderkey = l.orderkey
        WHERE l.mode IN ('MAIL', 'SHIP') AND l.shipped >= DATE '1994-01-01' AND l.shipped < DATE '1995-01-01'
        GROUP BY l.mode ORDER BY l.mode""",
}


def write_tables(folder, lines):
    """`lineitem` with so many rows, a quarter as many orders, a fortieth as many customers."""
    import datetime
    from decimal import Decimal

    import pyarrow as arrow
    from pyarrow import parquet
    chance = random.Random(SEED)
    money, start = arrow.decimal128(12, 2), datetime.date(1992, 1, 1)
    orders, customers = max(lines // 4, 1), max(lines // 40, 1)

    def day(least=0):
        return start + datetime.timedelta(days=chance.randrange(least, 2500))

    def cents(low, high):
        return Decimal(chance.randrange(low, high)) / 100

    tables = {
        "lineitem": {
            "orderkey": arrow.array([chance.randrange(orders) for _ in range(lines)], arrow.int64()),
            "quantity": arrow.array([cents(100, 5100) for _ in range(lines)], money),
            "price": arrow.array([cents(90_000, 10_500_000) for _ in range(lines)], money),
            "discount": arrow.array([cents(0, 11) for _ in range(lines)], money),
            "returnflag": arrow.array([chance.choice("ANR") for _ in range(lines)]),
            "linestatus": arrow.array([chance.choice("OF") for _ in range(lines)]),
            "shipped": arrow.array([day(1) for _ in range(lines)]),
            "mode": arrow.array([chance.choice(["AIR", "MAIL", "RAIL", "SHIP", "TRUCK"]) for _ in range(lines)])},
        "orders": {
            "orderkey": arrow.array(range(orders), arrow.int64()),
            "custkey": arrow.array([chance.randrange(customers) for _ in range(orders)], arrow.int64()),
            "ordered": arrow.array([day() for _ in range(orders)]),
            "priority": arrow.array([chance.choice(["1-URGENT", "2-HIGH", "3-MEDIUM", "5-LOW"]) for _ in range(orders)])},
        "customer": {
            "custkey": arrow.array(range(customers), arrow.int64()),
            "nation": arrow.array([f"NATION {chance.randrange(25)}" for _ in range(customers)]),
            "segment": arrow.array([chance.choice(["BUILDING", "MACHINERY", "FURNITURE"]) for _ in range(customers)])}}
    for name, columns in tables.items():
        parquet.write_table(arrow.table(columns), folder / f"{name}.parquet", compression="snappy")


def use_tables(spark, folder):
    for name in ["lineitem", "orders", "customer"]:
        spark.read.parquet(f"{folder}/{name}.parquet").createOrReplaceTempView(name)


def run(spark, query):
    began = time.monotonic()
    rows = spark.sql(query).collect()
    return time.monotonic() - began, [[str(value) for value in row] for row in rows]


def answer_lines(folder):
    """Apache Spark in a process of its own: a query a line in, its seconds and rows a line out."""
    from pyspark.sql import SparkSession
    out, sys.stdout = sys.stdout, sys.stderr
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    use_tables(spark, folder)
    print(json.dumps(spark.version), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(spark, json.loads(line))), file=out, flush=True)
    spark.stop()


class ApacheSpark:
    def __init__(self, folder):
        peers = Path(os.environ.get("FLEUVE_PEERS", Path.home() / ".cache/fleuve/peers"))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SPARK_")}
        self.process = subprocess.Popen([peers / "spark/bin/python", __file__, "--answer", str(folder)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=environment, cwd=folder)
        self.version = json.loads(self.process.stdout.readline())

    def run(self, query):
        self.process.stdin.write(json.dumps(query) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def processes(pid):
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += processes(int(child))
    return found


def cpu_seconds(pid):
    total = 0
    for process in processes(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, what):
    """`VmRSS` now or `VmHWM` at most, of a process and its children."""
    total = 0
    for process in processes(pid):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith(what))
    return total // 1024


def first_row(server):
    """Milliseconds from nothing to a session's first row."""
    from pyspark.sql import SparkSession
    began = time.monotonic()
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.spark_port}").create()
    if spark.range(1).collect()[0].id != 0:
        raise AssertionError("the first row is another")
    took = (time.monotonic() - began) * 1000
    spark.stop()
    return took


def sessions(server, fresh):
    """`fresh` has had no session yet; the client loads its libraries with the first one of `server`."""
    first_row(server)
    first = first_row(fresh)
    later = sorted(first_row(server) for _ in range(SESSIONS))
    print(f"session to first row: {first:.0f} ms the first of a server, later median {statistics.median(later):.0f} ms, "
          f"least {later[0]:.0f} ms, most {later[-1]:.0f} ms ({SESSIONS} sessions)", flush=True)


def queries(server, folder, lines):
    from pyspark.sql import SparkSession
    write_tables(folder, lines)
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.spark_port}").create()
    use_tables(spark, folder)
    engines = [("fleuve", server.process.pid, lambda query: run(spark, query))]
    peer = None
    try:
        peer = ApacheSpark(folder)
        engines.append((f"Apache Spark {peer.version}", peer.process.pid, peer.run))
    except (OSError, ValueError) as why:
        print(f"SKIPPED Apache Spark: {why}", flush=True)
    for name, query in QUERIES.items():
        figures = {engine: ([], []) for engine, *_ in engines}
        answers = {}
        # The first turn is for what engines do once: plans compiled, files opened.
        for turn in range(ROUNDS + 1):
            for engine, pid, ask in engines:
                before = cpu_seconds(pid)
                seconds, answers[engine] = ask(query)
                if turn:
                    figures[engine][0].append(seconds)
                    figures[engine][1].append(cpu_seconds(pid) - before)
        if any(rows != answers["fleuve"] for rows in answers.values()):
            raise AssertionError(f"{name}: the engines give different rows: {answers}")
        for engine, (seconds, cpu) in figures.items():
            print(f"{name}, {engine}: median {statistics.median(seconds) * 1000:.0f} ms, "
                  f"{statistics.median(cpu) * 1000:.0f} ms of processor time", flush=True)
    for engine, pid, _ in engines:
        print(f"{engine}: {memory_mib(pid, 'VmHWM')} MiB at most", flush=True)
    if peer:
        peer.stop()
    # While the server is there: the client would ask one that is gone to let go, again and again.
    spark.stop()


def main(lines):
    with Folder("bench-connect") as folder, Folder("bench-connect-fresh") as other:
        server, fresh = Server(folder, spark=True), Server(other, spark=True)
        server.start()
        fresh.start()
        pid = server.process.pid
        try:
            print(f"resident before the first session: {memory_mib(pid, 'VmRSS')} MiB", flush=True)
            sessions(server, fresh)
            fresh.stop()
            print(f"resident after {SESSIONS + 1} sessions: {memory_mib(pid, 'VmRSS')} MiB", flush=True)
            print(f"queries over {lines} rows of lineitem, {ROUNDS} turns each", flush=True)
            queries(server, folder, lines)
        finally:
            server.stop()
            fresh.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--answer"]:
        answer_lines(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
