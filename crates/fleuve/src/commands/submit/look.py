"""Prints, as JSON, what this Python has for a program of Spark Connect, without importing any of it."""
import importlib.util
import json
import os

NEEDED = ["pandas", "pyarrow", "grpc", "grpc_status", "google.rpc"]


def spec(name):
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def main():
    found = {"pyspark": None, "has_connect": False, "takes_settings": False, "missing": []}
    pyspark = spec("pyspark")
    if pyspark and pyspark.submodule_search_locations:
        folder = list(pyspark.submodule_search_locations)[0]
        session = os.path.join(folder, "sql", "connect", "session.py")
        found["pyspark"] = folder
        found["has_connect"] = os.path.exists(session)
        if found["has_connect"]:
            with open(session, encoding="utf-8") as lines:
                found["takes_settings"] = "PYSPARK_REMOTE_INIT_CONF_LEN" in lines.read()
            found["missing"] = [name for name in NEEDED if not spec(name)]
    print(json.dumps(found))


main()
