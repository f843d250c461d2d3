# SPDX-License-Identifier: Apache-2.0
"""`make run`: a FluxInstance on its way to Ready, state by state, on a real API server.

Starts a control plane of its own (or uses the current kubeconfig), installs the CRDs, starts the
operator as it runs in production, applies the sample, and prints each transition as it happens.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from fluxsm.api import names
from tests.controlplane.binary import ControlPlaneError, find
from tests.controlplane.cluster import Cluster

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "manifests" / "samples" / "flux.yaml"
PROGRESS_SECONDS = 2.0
LIMIT_SECONDS = 300.0


@dataclass(slots=True)
class Story:
    """What the operator's log has said so far.

    Attributes:
        state: the state that was entered last.
        message: why.
        problems: warnings and errors.
        changed: set on each transition.
    """

    state: str = ""
    message: str = ""
    problems: list[str] = field(default_factory=list)
    changed: threading.Event = field(default_factory=threading.Event)


class StoppedError(Exception):
    """The user asked to end."""


def main(args: list[str]) -> int:
    """Run the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make run")
    parser.add_argument("--cluster", choices=["local", "current"], default="local")
    parser.add_argument("--once", action="store_true")
    wanted = parser.parse_args(args)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with _cluster(wanted.cluster) as kubectl:
            return _show(kubectl, once=wanted.once)
    except (StoppedError, KeyboardInterrupt):
        print("\nended")
        return 0
    except ControlPlaneError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise StoppedError


Kubectl = Callable[..., str]


@contextmanager
def _cluster(kind: str) -> Iterator[Kubectl]:
    """A way to call kubectl on the wanted cluster."""
    if kind == "current":
        print("► using the current kubeconfig")
        yield _current_kubectl
        return
    print("► starting a local control plane")
    with Cluster() as cluster:
        os.environ["KUBECONFIG"] = str(cluster.kubeconfig("fluxsm"))
        print(f"  KUBECONFIG={os.environ['KUBECONFIG']}")
        yield cluster.kubectl


def _current_kubectl(*args: str, stdin: str = "") -> str:
    command = [*find().command("kubectl"), *args]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ControlPlaneError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def _show(kubectl: Kubectl, *, once: bool) -> int:
    namespace = names.DEFAULT_NAMESPACE
    kubectl("apply", "--server-side", "-f", str(ROOT / "manifests" / "crd"))
    manifest = json.dumps(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    )
    kubectl("apply", "-f", "-", stdin=manifest)
    print("► starting the operator")
    with _operator(namespace) as story:
        kubectl("apply", "-f", str(SAMPLE))
        print(f"► applied {SAMPLE.relative_to(ROOT)}")
        reached = _follow(story, kubectl, namespace)
        print()
        print(kubectl("get", "fluxinstance", "--namespace", namespace), end="")
        if not reached:
            print(f"\n✗ not Ready: {story.state}: {story.message}", file=sys.stderr)
            print("\n".join(story.problems[-5:]), file=sys.stderr)
        if once:
            return 0 if reached else 1
        print("\nThe operator goes on until Ctrl-C. Try: kubectl -n flux-system get fluxinstance")
        while True:
            time.sleep(3600)


@contextmanager
def _operator(namespace: str) -> Iterator[Story]:
    """The operator as a process, its log shown as a story."""
    command = [
        sys.executable,
        "-m",
        "fluxsm",
        "run",
        "--health-addr=",
        "--metrics-addr=",
        "--web-server-port=0",
    ]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RUNTIME_NAMESPACE": namespace, "NOTIFICATIONS_DISABLED": "true"},
    )
    story = Story()
    reader = threading.Thread(target=_read, args=(process, story), daemon=True)
    reader.start()
    try:
        yield story
    finally:
        process.terminate()
        process.wait(timeout=15)
        reader.join(timeout=5)


def _read(process: subprocess.Popen[str], story: Story) -> None:
    begin = time.monotonic()
    for text in process.stderr or ():
        try:
            line: dict[str, Any] = json.loads(text)
        except ValueError:
            story.problems.append(text.rstrip())
            continue
        if line["msg"] == "transition":
            story.state, story.message = line["to"], line["message"]
            elapsed = time.monotonic() - begin
            print(f"  {elapsed:6.2f}s  {line['from']:>16} → {line['to']:<16} {_short(line)}")
            story.changed.set()
        elif line["level"] != "info":
            story.problems.append(line["msg"])


def _short(line: dict[str, Any]) -> str:
    text = f"{line['event']}. {line['message']}".rstrip(". ")
    return text if len(text) <= 100 else f"{text[:97]}..."


def _follow(story: Story, kubectl: Kubectl, namespace: str) -> bool:
    """Wait for Ready, and say what is waited for while nothing happens."""
    limit = time.monotonic() + LIMIT_SECONDS
    path = (
        "--namespace",
        namespace,
        "-o",
        'jsonpath={.status.conditions[?(@.type=="Ready")].message}',
    )
    while time.monotonic() < limit:
        if story.state == "Ready":
            return True
        if story.state == "Failed":
            return False
        story.changed.clear()
        if not story.changed.wait(PROGRESS_SECONDS):
            message = kubectl("get", "fluxinstance", names.SINGLETON, *path)
            print(f"           … {message or 'waiting for the operator'}")
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
