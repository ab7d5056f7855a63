"""A broker of a suite's own, and the lines a suite says.

The broker listens on a port the system chose, and keeps it when it is started again, so that
clients find it. Start at [`Server`]; a suite ends with `sys.exit(exit_code())`.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS = 30
failures = 0


def ok(name, figures=""):
    print(f"ok {name}{': ' if figures else ''}{figures}", flush=True)


def failed(name, why):
    global failures
    failures += 1
    print(f"FAILED {name}: {why}", flush=True)


def skipped(name, why):
    print(f"SKIPPED {name}: {why}", flush=True)


def report(name, error, figures=""):
    """One check: passed, with what was measured, unless there is an error."""
    if error:
        failed(name, f"{error}{'; ' if figures else ''}{figures}")
    else:
        ok(name, figures)


def exit_code():
    return 1 if failures else 0


class Server:
    """`fleuve server` over one data directory; what it logs is in `server.log` beside it.

    With `spark` it opens the Spark Connect door too, which keeps its port as the broker does.
    """

    def __init__(self, folder, data=None, spark=False, **settings):
        self.folder, self.process, self.port = folder, None, 0
        self.spark_port = 0 if spark else None
        self.settings = {"log.dirs": data or folder / "data", "offsets.topic.replication.factor": 1, **settings}

    def start(self):
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        lines = [f"{key}={value}\n" for key, value in self.settings.items()]
        lines.append(f"listeners=PLAINTEXT://127.0.0.1:{self.port}\n")
        lines.append(f"spark.connect.grpc.binding.port={self.spark_port}\n" if self.spark_port is not None
                     else "fleuve.spark.connect.enabled=false\n")
        (self.folder / "server.properties").write_text("".join(lines))
        command = [os.path.abspath(os.environ["FLEUVE_BIN"]), "server", str(self.folder / "server.properties"), "--ready-file", str(ready)]
        with open(self.folder / "server.log", "a") as log:
            # Tables go below the folder that the server is started in.
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)
        self.await_ready(ready)
        addresses = json.loads(ready.read_text())
        self.port = int(addresses["kafka"].rsplit(":", 1)[1])
        if self.spark_port is not None:
            self.spark_port = int(addresses["spark_connect"].rsplit(":", 1)[1])
        return self.bootstrap

    def await_ready(self, ready):
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists() or not ready.read_text().strip():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start: " + self.log()[-2000:])
            time.sleep(0.005)

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    @property
    def remote(self):
        return f"sc://127.0.0.1:{self.spark_port}"

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")

    def resident_bytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the server is gone: " + self.log()[-2000:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class Folder:
    """A temporary folder; `COMPAT_KEEP=1` leaves it for whoever looks into a failure."""

    def __init__(self, name):
        self.path = Path(tempfile.mkdtemp(prefix=f"fleuve-{name}-"))

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        if os.environ.get("COMPAT_KEEP"):
            print(f"kept {self.path}", flush=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
