# SPDX-License-Identifier: Apache-2.0
"""Which cluster, namespace and account a command works with: the flags of all verbs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fluxsm.api import names
from fluxsm.cli import color
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.durations import Duration

if TYPE_CHECKING:
    from fluxsm.adapters.kube.client import KubeClient
    from fluxsm.adapters.kube.cluster import KubeCluster

F = TypeVar("F", bound=Callable[..., Any])

MANAGER: Final = "flux-operator-ctl"
"""Field manager of annotations: that of the reference's client, so either can undo the other's."""

TIMEOUT: Final = "1m"
"""Limit of a command, as in the reference."""

_NAMESPACE: Final = "Namespace. [default: that of the context, else flux-system]"
_OPERATOR_NAMESPACE: Final = "Namespace of the operator. [default: flux-system]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the flags say about the cluster.

    Attributes:
        kubeconfig: path; None for KUBECONFIG, the default file, or the account of the pod.
        context: of the kubeconfig; None for the current one.
        namespace_flag: what `-n` says, None without.
        timeout: limit of the whole command.
        user: who to act as, None for oneself.
        groups: of the user to act as.
        uid: of the user to act as.
        server: address of the API server, instead of that of the kubeconfig.
        token: credentials, instead of those of the kubeconfig.
        tls_server_name: name in the certificate of the server.
        client_certificate: file.
        client_key: file.
        certificate_authority: file.
        insecure: whether the certificate of the server is not checked.
    """

    kubeconfig: str | None
    context: str | None
    namespace_flag: str | None
    timeout: timedelta
    user: str | None
    groups: tuple[str, ...]
    uid: str | None
    server: str | None
    token: str | None
    tls_server_name: str | None
    client_certificate: str | None
    client_key: str | None
    certificate_authority: str | None
    insecure: bool

    @property
    def seconds(self) -> float:
        """The limit in seconds."""
        return self.timeout.total_seconds()

    @property
    def namespace(self) -> str:
        """What `-n` says, else the namespace of the context, else that of Flux.

        Raises:
            UsageError: the kubeconfig cannot be read.
        """
        if self.namespace_flag:
            return self.namespace_flag
        from fluxsm.adapters.kube.configuration import read_namespace

        return read_namespace(self._place, self.context) or names.DEFAULT_NAMESPACE

    @property
    def operator_namespace(self) -> str:
        """What `-n` says, else where the operator is unless somebody wanted otherwise.

        The context does not count: an operator is not put into the namespace somebody works in.
        """
        return self.namespace_flag or names.DEFAULT_NAMESPACE

    def connect(self, manager: str = MANAGER) -> KubeCluster:
        """The API server, as the account that the flags say.

        Args:
            manager: field manager of what is written, or rehearsed.

        Raises:
            UsageError: there is no usable kubeconfig, or a file of it is missing.
        """
        from fluxsm.adapters.kube.cluster import KubeCluster

        return KubeCluster(self.open(), manager=manager)

    def open(self) -> KubeClient:
        """The connection to the API server, as the account that the flags say.

        Raises:
            UsageError: as `connect`.
        """
        from fluxsm.adapters.kube.access import Access, open_client

        access = Access(
            kubeconfig=self._place,
            context=self.context,
            user=self.user,
            groups=self.groups,
            uid=self.uid,
            server=self.server,
            token=self.token,
            tls_server_name=self.tls_server_name,
            client_certificate=self.client_certificate,
            client_key=self.client_key,
            certificate_authority=self.certificate_authority,
            insecure=self.insecure,
        )
        return open_client(access, self.seconds)

    @property
    def _place(self) -> str | None:
        return self.kubeconfig or os.environ.get("KUBECONFIG") or None


def options(command: F) -> F:
    """Give a command the flags of a cluster; it gets them as one argument, `target`.

    The flags that few people need are not in its help: `fluxsm options` lists them.
    """
    return _add(common())(command)


def operator_options(timeout: str) -> Callable[[F], F]:
    """The same flags for a command about the operator itself.

    Args:
        timeout: limit of its waits, unless a flag says another.
    """
    return _add(common(_OPERATOR_NAMESPACE, timeout, least="0s", what="Limit of a wait."))


def _add(shown: Sequence[Callable[[Any], Any]]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        @wraps(command)
        def call(*args: Any, **given: Any) -> Any:
            own = {item.name: given.pop(item.name) for item in fields(Target)}
            return command(*args, target=Target(**own), **given)

        found: Any = color.option(call)
        for option in (*rare_options(hidden=True), *reversed(shown)):
            found = option(found)
        return found  # type: ignore[no-any-return] # click adds its options to the function

    return decorate


def common(
    namespace: str = _NAMESPACE,
    timeout: str = TIMEOUT,
    *,
    least: str = "1ms",
    what: str = "Limit of the whole command.",
) -> list[Callable[[F], F]]:
    """The flags that the help of every verb shows.

    Args:
        namespace: help of `-n`.
        timeout: the limit without a flag.
        least: the shortest limit.
        what: help of the limit.
    """
    return [
        click.option(
            "-n",
            "--namespace",
            "namespace_flag",
            metavar="NAME",
            shell_complete=offer("namespaces"),
            callback=lambda _ctx, _param, value: value and value.removeprefix("="),  # -n=NAME
            help=namespace,
        ),
        click.option(
            "--context",
            "--kube-context",
            "context",
            shell_complete=offer("contexts"),
            help="Context of the kubeconfig.",
        ),
        click.option(
            "--kubeconfig", type=click.Path(dir_okay=False), help="[default: $KUBECONFIG]"
        ),
        click.option(
            "--timeout",
            type=Duration(least=least),
            default=timeout,
            show_default=True,
            help=what,
        ),
    ]


def rare_options(*, hidden: bool) -> list[Callable[[F], F]]:
    """The flags that `fluxsm options` shows."""
    file = click.Path(dir_okay=False)
    described: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (("--as", "--kube-as", "user"), {"help": "User to act as."}),
        (
            ("--as-group", "--kube-as-group", "groups"),
            {"help": "Group to act as; may be repeated.", "multiple": True},
        ),
        (("--as-uid", "--kube-as-uid", "uid"), {"help": "UID to act as."}),
        (("--server", "--kube-server", "server"), {"help": "Address of the API server."}),
        (("--token", "--kube-token", "token"), {"help": "Bearer token."}),
        (
            ("--tls-server-name", "--kube-tls-server-name", "tls_server_name"),
            {"help": "Name in the certificate of the API server."},
        ),
        (
            ("--client-certificate", "--kube-client-certificate", "client_certificate"),
            {"help": "File with the client certificate.", "type": file},
        ),
        (
            ("--client-key", "--kube-client-key", "client_key"),
            {"help": "File with the client key.", "type": file},
        ),
        (
            (
                "--certificate-authority",
                "--kube-certificate-authority",
                "certificate_authority",
            ),
            {"help": "File with the authority that signed the server's certificate.", "type": file},
        ),
        (
            ("--insecure-skip-tls-verify", "--kube-insecure-skip-tls-verify", "insecure"),
            {"help": "Do not check the server's certificate.", "is_flag": True},
        ),
    ]
    return [click.option(*flags, **extra, hidden=hidden) for flags, extra in described]
