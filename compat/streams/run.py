"""Streaming queries as PySpark users write them, against `fleuve server`. See README.md.

`COMPAT_ONLY=substring` runs the checks whose name has it; `COMPAT_ROUNDS=n` says how often servers are killed;
`--record` runs `programs/` on Apache Spark and writes down what they give.
"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from local_server import Folder, Server, exit_code, failed, ok, skipped  # noqa: E402
from support import Skip  # noqa: E402

SUBJECTS = ["checks_w6", "checks_sinks", "checks_queries", "checks_kill", "checks_spark", "checks_programs"]


class World:
    """What a check is given: a server, a session, a folder of its own."""

    def __init__(self, server, folder):
        self.server, self.root, self.folder = server, folder, folder
        self.spark = None

    def session(self):
        from pyspark.sql import SparkSession
        self.spark = SparkSession.builder.remote(self.server.remote).appName("compat").create()
        return self.spark

    def of(self, name):
        self.folder = self.root / name
        self.folder.mkdir()
        return self



def run_check(world, check):
    name = check.__name__
    if os.environ.get("COMPAT_ONLY", "") not in name:
        return
    try:
        figures = check(world.of(name))
    except Skip as why:
        skipped(name, why)
    except Exception as error:  # one failed check must not hide the others
        failed(name, " ".join(f"{type(error).__name__}: {error}".split())[:600])
    else:
        ok(name, figures or "")
    for query in world.spark.streams.active:
        query.stop()


def main():
    import importlib
    sys.modules.setdefault("run", sys.modules[__name__])
    try:
        import pyspark.sql.connect.client  # noqa: F401
    except ImportError as error:
        return skipped("streams", f"pyspark-client is not installed ({error})")
    with Folder("streams") as folder:
        server = Server(folder, spark=True)
        try:
            server.start()
        except RuntimeError as error:
            if "no Spark Connect" in str(error):
                return skipped("streams", "this binary was built without Spark Connect")
            raise
        world = World(server, folder)
        try:
            if sys.argv[1:] == ["--record"]:
                from checks_programs import record
                return record(server, folder, os.environ.get("COMPAT_ONLY", ""))
            world.session()
            for subject in SUBJECTS:
                for check in importlib.import_module(subject).CHECKS:
                    run_check(world, check)
        finally:
            if world.spark:
                world.spark.stop()
            server.stop()


if __name__ == "__main__":
    main()
    sys.exit(exit_code())
