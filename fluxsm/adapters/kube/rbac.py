# SPDX-License-Identifier: Apache-2.0
"""What the operator may do in a cluster: one table, from which manifests/rbac is made.

Every row is needed by requests that the operator really sends: without it the API server refuses
one of them, as tests/integration/test_rbac.py shows for each. Why the operator cannot do
with less than the right to give rights away: docs/adr/0016-rights.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fluxsm.api import names

READ: Final = ("get", "list", "watch")
MANAGE: Final = (*READ, "create", "patch", "delete")
"""Apply (which is a patch that may create), watch for health and drift, and prune. `list` is for
API servers that cannot stream a first list, `get` for a deletion whose object has just changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """One rule of a role.

    Attributes:
        why: what it is for.
        groups: API groups; the core group is empty.
        resources: plurals, with `/subresource`.
        verbs: of the API.
        only: names that it is limited to; empty means all.
    """

    why: str
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    only: tuple[str, ...] = ()

    def rule(self) -> dict[str, Any]:
        """The rule as it stands in a Role or ClusterRole."""
        found: dict[str, Any] = {
            "apiGroups": list(self.groups),
            "resources": list(self.resources),
            "verbs": list(self.verbs),
        }
        return found | ({"resourceNames": list(self.only)} if self.only else {})


CLUSTER: Final = (
    PolicyRule(
        why="The kinds of Flux.",
        groups=("apiextensions.k8s.io",),
        resources=("customresourcedefinitions",),
        verbs=MANAGE,
    ),
    PolicyRule(
        why="Trim storedVersions after a migration.",
        groups=("apiextensions.k8s.io",),
        resources=("customresourcedefinitions/status",),
        verbs=("patch",),
    ),
    PolicyRule(
        why="The namespace of Flux; it is never deleted.",
        groups=("",),
        resources=("namespaces",),
        verbs=(*READ, "create", "patch"),
    ),
    PolicyRule(
        why="The rights of the Flux controllers.",
        groups=("rbac.authorization.k8s.io",),
        resources=("clusterroles", "clusterrolebindings"),
        verbs=MANAGE,
    ),
    PolicyRule(
        why="Give the Flux controllers rights that the operator itself has not:"
        " kustomize-controller and helm-controller get cluster-admin.",
        groups=("rbac.authorization.k8s.io",),
        resources=("clusterroles",),
        verbs=("bind", "escalate"),
    ),
    PolicyRule(
        why="What the Flux controllers consist of.",
        groups=("",),
        resources=("serviceaccounts", "services", "resourcequotas", "persistentvolumeclaims"),
        verbs=MANAGE,
    ),
    PolicyRule(
        why="The Flux controllers.",
        groups=("apps",),
        resources=("deployments",),
        verbs=MANAGE,
    ),
    PolicyRule(
        why="See why a controller does not start.",
        groups=("apps",),
        resources=("replicasets",),
        verbs=("list",),
    ),
    PolicyRule(
        why="See why a controller does not start.",
        groups=("",),
        resources=("pods",),
        verbs=("list",),
    ),
    PolicyRule(
        why="The network policies of Flux.",
        groups=("networking.k8s.io",),
        resources=("networkpolicies",),
        verbs=MANAGE,
    ),
    PolicyRule(
        why="The sync of the instance; migration of what is stored; removal of Flux finalizers.",
        groups=(
            "source.toolkit.fluxcd.io",
            "kustomize.toolkit.fluxcd.io",
            "helm.toolkit.fluxcd.io",
            "notification.toolkit.fluxcd.io",
            "image.toolkit.fluxcd.io",
            "source.extensions.fluxcd.io",
        ),
        resources=("*",),
        verbs=MANAGE,
    ),
    PolicyRule(
        why="Count the nodes, for the report.",
        groups=("",),
        resources=("nodes",),
        verbs=("list",),
    ),
    PolicyRule(
        why="Count the operator's own objects, for the report; the last two kinds are those of the"
        " reference.",
        groups=(names.GROUP,),
        resources=(names.INSTANCE_PLURAL, "resourcesets", "resourcesetinputproviders"),
        verbs=("list",),
    ),
)
"""In the whole cluster: managed objects are watched by their owner label, wherever they are."""

NAMESPACE: Final = (
    PolicyRule(
        why="The instance, its finalizer and its status.",
        groups=(names.GROUP,),
        resources=(names.INSTANCE_PLURAL,),
        verbs=(*READ, "patch"),
    ),
    PolicyRule(
        why="The instance, its finalizer and its status.",
        groups=(names.GROUP,),
        resources=(f"{names.INSTANCE_PLURAL}/status",),
        verbs=("patch",),
    ),
    PolicyRule(
        why="The report, which is made again when it is deleted or annotated; the page shows it.",
        groups=(names.GROUP,),
        resources=(names.REPORT_PLURAL,),
        verbs=("list", "watch", "create", "update"),
    ),
    PolicyRule(
        why="The report.",
        groups=(names.GROUP,),
        resources=(f"{names.REPORT_PLURAL}/status",),
        verbs=("patch",),
    ),
    PolicyRule(
        why="Pull secrets, read by the name that the instance gives and never kept.",
        groups=("",),
        resources=("secrets",),
        verbs=("get",),
    ),
    PolicyRule(
        why="Events of the instance, which the page shows.",
        groups=("",),
        resources=("events",),
        verbs=("create", "list", "watch"),
    ),
    PolicyRule(
        why="Leader election.",
        groups=("coordination.k8s.io",),
        resources=("leases",),
        verbs=("create",),
    ),
    PolicyRule(
        why="Leader election.",
        groups=("coordination.k8s.io",),
        resources=("leases",),
        verbs=("get", "update"),
        only=(names.MANAGER,),
    ),
)
"""In the namespace of the operator."""

USER_RESOURCES: Final = (names.INSTANCE_PLURAL, names.REPORT_PLURAL)
"""What the roles for people are about."""
