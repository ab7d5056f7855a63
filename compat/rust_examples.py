"""The examples of our client crate, which suites run as one more client."""

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def build(*names):
    """Builds the examples from what is on this machine; gives the path of each, by name.

    Without cargo this is a `LookupError`, a reason to skip. `COMPAT_PROFILE=release` has them optimised.
    """
    if not shutil.which("cargo"):
        raise LookupError("no cargo here")
    command = ["cargo", "build", "--offline", "--quiet", "-p", "fleuve-client", "--message-format=json",
               "--profile", os.environ.get("COMPAT_PROFILE", "dev")]
    for name in names:
        command += ["--example", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the examples do not build: {done.stderr[-600:]}")
    artifacts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {artifact["target"]["name"]: artifact["executable"] for artifact in artifacts if artifact.get("executable")}
