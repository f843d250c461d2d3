# SPDX-License-Identifier: Apache-2.0
"""One control plane: etcd and kube-apiserver, and if wanted controllers, scheduler and nodes.

Everything listens on 127.0.0.1 on ports that were free, keeps its data in a folder of its own and
ends with this process. Requests are written to an audit log, by user, so that they can be counted.
"""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.controlplane.binary import ControlPlaneError, Programs, find
from tests.controlplane.process import Child, free_ports

# One user per actor. `fluxsm` has all rights, `nobody` none: requests are counted by user.
USERS: Mapping[str, str] = {
    "admin": "system:masters",
    "fluxsm": "system:masters",
    "other": "system:masters",
    "nobody": "",
}
_CONTROLLERS = (
    "deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,"
    "job-controller,namespace-controller,node-lifecycle-controller,serviceaccount-controller,serviceaccount-token-controller,"
    "garbage-collector-controller,disruption-controller,resourcequota-controller,"
    "clusterrole-aggregation-controller,endpointslice-controller,"
    "persistentvolume-binder-controller,root-ca-certificate-publisher-controller"
)
_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [watch]
  omitStages: [ResponseComplete]  # or a watch would be two requests, one of them at its end
- level: Metadata
"""
_START_LIMIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One line of the audit log.

    Attributes:
        user: who asked.
        verb: such as `get`, `patch`, `watch`.
        uri: path and query.
        code: HTTP status of the answer.
        resource: plural of the resource, with `/subresource` where there is one.
        name: name of the object, empty for lists.
        time: when it arrived, RFC 3339.
        agent: how the program calls itself.
    """

    user: str
    verb: str
    uri: str
    code: int
    resource: str
    name: str
    time: str
    agent: str = ""


class Cluster:
    """A control plane. Use it as a context manager."""

    def __init__(
        self,
        *,
        controllers: bool = True,
        stages: str = "",
        apiserver_flags: Sequence[str] = (),
        programs: Programs | None = None,
    ) -> None:
        """Describe a control plane; nothing runs yet.

        Args:
            controllers: False leaves controllers, scheduler and nodes out: nothing ever becomes
                ready by itself.
            stages: kwok Stage documents instead of the fast ones.
            apiserver_flags: further flags of the kube-apiserver.
            programs: where the programs are; found or built when not given.
        """
        self._programs = programs or find()
        self._controllers = controllers
        self._stages = stages
        self._flags = list(apiserver_flags)
        self.folder = Path(tempfile.mkdtemp(prefix="fluxsm-controlplane-"))
        ports = free_ports(6)
        self._etcd_port, self._peer_port, self._port = ports[:3]
        self._side_ports = ports[3:]
        self._children: dict[str, Child] = {}
        self.server = f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Start and stop

    def start(self) -> None:
        """Start everything and wait until the API server is ready.

        Raises:
            ControlPlaneError: a part ended or did not become ready; its log is quoted.
        """
        try:
            self._write_files()
            self._start("etcd", self._etcd_flags())
            self._start("kube-apiserver", self._apiserver_flags())
            self._await(self._is_ready, "kube-apiserver")
            if self._controllers:
                self._start_controllers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything and remove the data."""
        for child in reversed(self._children.values()):
            child.stop()
        self._children.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, part: str) -> None:
        """Kill a part, such as `kube-apiserver`; the others stay."""
        self._children[part].stop()

    def restart(self, part: str) -> None:
        """Start a part that was killed, on the same ports, and wait until the API server is ready.

        Raises:
            ControlPlaneError: it did not become ready.
        """
        child = self._children[part]
        child.stop()
        child.start()
        self._await(self._is_ready, part)

    def child(self, part: str) -> Child:
        """The process of a part, for signals."""
        return self._children[part]

    # Use

    def kubeconfig(self, user: str = "admin") -> Path:
        """A kubeconfig for a user."""
        path = self.folder / f"{user}.kubeconfig"
        path.write_text(json.dumps(self._kubeconfig(user)))
        path.chmod(0o600)
        return path

    def service_account(self, user: str) -> Path:
        """A folder like the one that a pod finds its service account in, for a user."""
        folder = self.folder / f"{user}.account"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "token").write_text(_token(user))
        (folder / "ca.crt").write_text(self._ca())
        return folder

    def pod_environment(self) -> dict[str, str]:
        """The environment variables that tell a pod where the API server is."""
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self._port)}

    def kubectl(self, *args: str, user: str = "admin", stdin: str = "") -> str:
        """Run kubectl and return what it printed.

        Raises:
            ControlPlaneError: it failed; the message is its own.
        """
        command = [*self._programs.command("kubectl"), "--kubeconfig", str(self.kubeconfig(user))]
        done = subprocess.run(
            [*command, *args], input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ControlPlaneError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Any:
        """Send a request as admin, without any client library.

        Raises:
            urllib.error.HTTPError: the answer is not 2xx.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.server}{path}",
            data=data,
            method=method,
            headers={"Authorization": f"Bearer {_token('admin')}", "Content-Type": content_type},
        )
        context = ssl.create_default_context(cadata=self._ca())
        with urllib.request.urlopen(request, context=context, timeout=15) as answer:
            return json.load(answer)

    def create_namespace(self, name: str) -> str:
        """Create a namespace and return its name."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.request("POST", "/api/v1/namespaces", body)
        return name

    def audit(self, user: str | None = None) -> list[Request]:
        """The requests so far, of one user or of all."""
        lines = (self.folder / "audit.log").read_text().splitlines()
        found = [_audited(json.loads(line)) for line in lines]
        return [item for item in found if user is None or item.user == user]

    def compact(self) -> None:
        """Make etcd forget all history, so that old resourceVersions are expired."""
        base = f"http://127.0.0.1:{self._etcd_port}"
        status = _post(f"{base}/v3/kv/range", {"key": base64.b64encode(b"x").decode()})
        revision = status["header"]["revision"]
        _post(f"{base}/v3/kv/compaction", {"revision": revision, "physical": True})

    def stored(self, key: str) -> Any:
        """An object as it lies in etcd, by its key below `/registry/`; None when there is none."""
        wanted = base64.b64encode(f"/registry/{key}".encode()).decode()
        answer = _post(f"http://127.0.0.1:{self._etcd_port}/v3/kv/range", {"key": wanted})
        found = answer.get("kvs") or []
        return json.loads(base64.b64decode(found[0]["value"])) if found else None

    # Parts

    def _start(self, name: str, flags: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        command = [*self._programs.command(name), *flags]
        child = Child(name, command, self.folder / f"{name}.log", env)
        self._children[name] = child
        child.start()

    def _start_controllers(self) -> None:
        config = str(self.kubeconfig("admin"))
        common = [
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            # The default is 20 requests per second: 34 Deployments would need 15 s to roll out.
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
        ]
        manager = [
            *common,
            f"--service-account-private-key-file={self.folder / 'sa.key'}",
            f"--root-ca-file={self.folder / 'certs' / 'apiserver.crt'}",
            "--use-service-account-credentials=true",
            f"--controllers={_CONTROLLERS}",
            # The fake node sends no heartbeat; after 50 s all Pods would be marked as not ready.
            "--node-monitor-grace-period=24h",
            f"--secure-port={self._side_ports[0]}",
        ]
        self._start("kube-controller-manager", manager)
        self._start("kube-scheduler", [*common, f"--secure-port={self._side_ports[1]}"])
        nodes = [
            f"--config={self.folder / 'stages.yaml'}",
            f"--kubeconfig={config}",
            "--manage-all-nodes=true",
            f"--server-address=127.0.0.1:{self._side_ports[2]}",
        ]
        self._start("kwok", nodes, {"HOME": str(self.folder)})
        self._create_node()
        # One that ended, because a port was taken, would only show as pods that never get ready.
        schemes = {"kube-controller-manager": "https", "kube-scheduler": "https", "kwok": "http"}
        for port, (part, scheme) in zip(self._side_ports, schemes.items(), strict=True):
            self._await(partial(_answers, f"{scheme}://127.0.0.1:{port}/healthz"), part)

    def _create_node(self) -> None:
        amounts = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": "node-0",
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"kubernetes.io/os": "linux", "kubernetes.io/hostname": "node-0"},
            },
            "status": {"allocatable": amounts, "capacity": amounts},
        }
        self.request("POST", "/api/v1/nodes", node)

    def _etcd_flags(self) -> list[str]:
        client = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{self._peer_port}"
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=error",
        ]

    def _apiserver_flags(self) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--secure-port={self._port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--cert-dir={self.folder / 'certs'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'sa.pub'}",
            f"--service-account-signing-key-file={self.folder / 'sa.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--allow-privileged=true",
            f"--audit-policy-file={self.folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self.folder / 'audit.log'}",
            *self._flags,
        ]

    # Files

    def _write_files(self) -> None:
        key = self.folder / "sa.key"
        _openssl("genrsa", "-out", str(key), "2048")
        _openssl("rsa", "-in", str(key), "-pubout", "-out", str(self.folder / "sa.pub"))
        lines = [f'{_token(user)},{user},{user},"{group}"' for user, group in USERS.items()]
        (self.folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        (self.folder / "audit-policy.yaml").write_text(_AUDIT_POLICY)
        (self.folder / "audit.log").touch()
        if self._controllers:
            (self.folder / "stages.yaml").write_text(self._stages or self._default_stages())

    def _default_stages(self) -> str:
        command = self._programs.command("stages")
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def _kubeconfig(self, user: str) -> dict[str, Any]:
        ca = base64.b64encode(self._ca().encode()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {"server": self.server, "certificate-authority-data": ca},
                }
            ],
            "users": [{"name": user, "user": {"token": _token(user)}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        }

    def _ca(self) -> str:
        return (self.folder / "certs" / "apiserver.crt").read_text()

    # Waiting

    def _is_ready(self) -> bool:
        return _answers(f"{self.server}/readyz")

    def _await(self, ready: Callable[[], bool], part: str) -> None:
        child = self._children[part]
        limit = time.monotonic() + _START_LIMIT
        while not ready():
            if not child.pid or time.monotonic() > limit:
                raise ControlPlaneError(f"{part} did not become ready:\n{child.tail()}")
            time.sleep(0.05)


def _answers(address: str) -> bool:
    """Whether a part says that it is well; its certificate is its own."""
    headers = {"Authorization": f"Bearer {_token('admin')}"}
    request = urllib.request.Request(address, headers=headers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(request, context=context, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # also URLError and HTTPError
        return False


def _token(user: str) -> str:
    return f"token-of-{user}"


def _audited(line: Mapping[str, Any]) -> Request:
    ref = line.get("objectRef") or {}
    parts = [ref.get("resource", ""), ref.get("subresource", "")]
    return Request(
        user=line["user"]["username"],
        verb=line["verb"],
        uri=line["requestURI"],
        code=(line.get("responseStatus") or {}).get("code", 0),
        resource="/".join(part for part in parts if part),
        name=ref.get("name", ""),
        time=line["requestReceivedTimestamp"],
        agent=line.get("userAgent", ""),
    )


def _openssl(*args: str) -> None:
    try:
        subprocess.run(["openssl", *args], check=True, capture_output=True)
    except FileNotFoundError:
        raise ControlPlaneError("the control plane needs the openssl program") from None


def _post(url: str, body: Mapping[str, Any]) -> Any:
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as answer:
        return json.load(answer)
