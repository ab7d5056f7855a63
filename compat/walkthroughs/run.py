"""The sessions of courses, word for word.

Each `.txt` beside this file is one session on a fresh machine: a private network in which port
9092 is free, an empty home. The lines:

    $ command     runs to its end; must exit with 0, or with the code of a line `= code`
    & command     a server: runs in the background until the session ends
    ^ command     runs until its output is as expected, then gets Ctrl-C
    @ command     as ^, but started before the next command, whose lines it then sees
    < text        a line of standard input for the next command
    > text        a line of standard output; {name} stands for anything
    ! text        a line that must be among those of standard error (its beginning)

What stands in `bin/` of that machine are the links that `fleuve install-scripts` makes.

Python programs beside this file (`w*.py`) are sessions too: run with the address of a server of
their own and the folder of the links, they print their checks' lines themselves.
"""

import fcntl
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TIMEOUT = 30


class Mismatch(Exception):
    pass


class Running:
    """A command under way, its streams collected line by line."""

    def __init__(self, command, environment, folder, text=""):
        words = shlex.split(command)
        program = words[0] if "/" in words[0] else f"bin/{words[0]}"
        self.command = command
        self.process = subprocess.Popen([folder / program, *words[1:]], cwd=folder, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        bufsize=1)
        self.output, self.errors = [], []
        self.readers = [threading.Thread(target=self.collect, args=pair, daemon=True) for pair in (
            (self.process.stdout, self.output), (self.process.stderr, self.errors))]
        for reader in self.readers:
            reader.start()
        if text:
            self.process.stdin.write(text)
            self.process.stdin.flush()

    @staticmethod
    def collect(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def wait(self):
        code = self.process.wait(TIMEOUT)
        for reader in self.readers:
            reader.join(TIMEOUT)
        return code

    def interrupt_when(self, ready):
        deadline = time.monotonic() + TIMEOUT
        while not ready() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait()


class Step:
    def __init__(self, kind, command, text):
        self.kind, self.command, self.text = kind, command, text
        self.output, self.errors, self.code = [], [], 0

    def check(self, running, code):
        if self.kind == "$" and code != self.code:
            raise Mismatch(f"{self.command}: exit code {code}: {running.output[-3:]} {running.errors[-3:]}")
        if (self.output or self.kind != "$" or self.code == 0) and len(running.output) != len(self.output):
            raise Mismatch(f"{self.command}: {running.output} instead of {self.output}; {running.errors[-3:]}")
        for seen, expected in zip(running.output, self.output):
            pattern = re.sub(r"\\\{\w+\\\}", ".*", re.escape(expected))
            if not re.fullmatch(pattern, seen):
                raise Mismatch(f"{self.command}: {seen!r} instead of {expected!r}")
        for expected in self.errors:
            if not any(line.startswith(expected) for line in running.errors):
                raise Mismatch(f"{self.command}: {expected!r} is not on standard error: {running.errors[-5:]}")

    def satisfied(self, running):
        """Whether all that is expected has been printed; nothing to be printed is as good as a moment."""
        return len(running.output) >= len(self.output) if self.output else time.monotonic() > running.started + 1.5


def read(path):
    steps, text = [], ""
    for line in path.read_text().splitlines():
        kind, rest = line[:1], line[2:]
        if kind in ("$", "&", "^", "@"):
            steps.append(Step(kind, rest, text))
            text = ""
        elif kind == "<":
            text += rest + "\n"
        elif kind == ">":
            steps[-1].output.append(rest)
        elif kind == "!":
            steps[-1].errors.append(rest)
        elif kind == "=":
            steps[-1].code = int(rest)
        elif line.strip() and kind != "#":
            raise ValueError(f"{path.name}: {line!r}")
    return steps


def fresh_machine():
    """A folder with the configuration files, and the environment of who works in it."""
    folder = Path(tempfile.mkdtemp(prefix="fleuve-walkthrough-"))
    shutil.copytree(ROOT / "config", folder / "config")
    binary = os.path.abspath(os.environ["FLEUVE_BIN"])
    subprocess.run([binary, "install-scripts", folder / "bin"], check=True, stdout=subprocess.DEVNULL)
    properties = folder / "config" / "server.properties"
    text = properties.read_text()
    properties.write_text(re.sub(r"(?m)^log\.dirs=.*$", f"log.dirs={folder}/data", text))
    return folder, {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "share")}


def run_program(path):
    """Runs a session that is a program, and says whether it went well."""
    folder, environment = fresh_machine()
    server = Running("bin/kafka-server-start.sh config/server.properties", environment, folder)
    try:
        wait_for_port(server)
        # Its tools (cargo, for one) need the home that they were installed in.
        return subprocess.run([sys.executable, path, "localhost:9092", folder / "bin"], timeout=600).returncode == 0
    finally:
        server.process.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def play(path):
    folder, environment = fresh_machine()
    servers, early = [], None
    try:
        for step in read(path):
            running = Running(step.command, environment, folder, step.text)
            running.started = time.monotonic()
            if step.kind == "&":
                servers.append(running)
                wait_for_port(running)
            elif step.kind == "@":
                early = (step, running)
                time.sleep(2)
            elif early:
                watched = early[1]
                # The lines below the second command are those that the first one sees.
                running.interrupt_when(lambda: len(watched.output) >= len(step.output))
                code = watched.interrupt_when(lambda: len(watched.output) >= len(step.output))
                step.check(watched, code)
                early = None
            elif step.kind == "^":
                step.check(running, running.interrupt_when(lambda: step.satisfied(running)))
            else:
                step.check(running, running.wait())
    finally:
        for server in servers:
            server.process.terminate()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_port(server):
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 9092)) == 0:
                return
        if server.process.poll() is not None:
            raise Mismatch(f"{server.command} ended: {server.errors[-5:]} {server.output[-5:]}")
        time.sleep(0.02)
    raise Mismatch(f"{server.command}: nothing listens on port 9092")


def raise_loopback():
    """Switches the loopback device of the private network on."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


def main():
    if "FLEUVE_PRIVATE_NETWORK" not in os.environ:
        environment = {**os.environ, "FLEUVE_PRIVATE_NETWORK": "1"}
        probe = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True)
        if probe.returncode:
            print("SKIPPED walkthroughs: no private network can be made here, and port 9092 may be taken", flush=True)
            return 0
        command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, __file__, *sys.argv[1:]]
        return subprocess.run(command, env=environment).returncode
    raise_loopback()
    failures = 0
    for path in sorted(HERE.glob("w*.txt")):
        if sys.argv[1:] and path.stem not in sys.argv[1:]:
            continue
        try:
            play(path)
            print(f"ok walkthroughs.{path.stem}", flush=True)
        except Exception as error:
            failures += 1
            print(f"FAILED walkthroughs.{path.stem}: {type(error).__name__}: {error}", flush=True)
    for path in sorted(HERE.glob("w*.py")):
        if sys.argv[1:] and path.stem not in sys.argv[1:]:
            continue
        try:
            failures += not run_program(path)
        except Exception as error:
            failures += 1
            print(f"FAILED walkthroughs.{path.stem}: {type(error).__name__}: {error}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
