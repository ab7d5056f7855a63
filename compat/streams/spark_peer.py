"""Apache Spark in a process of its own, which runs the queries it is told, one JSON line each.

    {"program": "python source", "arguments": {…}}

The source defines `run(spark, **arguments)`; the answer is a line `= {"ok": …}` or `= {"error": "…"}`.
"""

import json
import os
import sys
import traceback


def session(jars, folder):
    from pyspark.sql import SparkSession
    return SparkSession.builder.master("local[2]").appName("peer") \
        .config("spark.jars", jars) \
        .config("spark.ui.enabled", "false") \
        .config("spark.sql.shuffle.partitions", "2") \
        .config("spark.sql.warehouse.dir", os.path.join(folder, "warehouse")) \
        .config("spark.driver.extraJavaOptions", f"-Duser.timezone=UTC -Dderby.system.home={folder}") \
        .config("spark.sql.session.timeZone", "UTC") \
        .getOrCreate()


def answer(value):
    print("= " + json.dumps(value), flush=True)


def main(jars, folder):
    spark = session(jars, folder)
    spark.sparkContext.setLogLevel("ERROR")
    answer({"ok": spark.version})
    for line in sys.stdin:
        command = json.loads(line)
        names = {}
        try:
            exec(command["program"], names)
            answer({"ok": names["run"](spark, **command["arguments"])})
        except Exception:
            answer({"error": traceback.format_exc()[-4000:]})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
