# SPDX-License-Identifier: Apache-2.0
"""Read what `fluxsm doctor` judges. Whatever cannot be read is a finding, not the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fluxsm import __version__
from fluxsm.api import names
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.cli import connection, distribution, registry
from fluxsm.cli.instance import subject
from fluxsm.core import checkup
from fluxsm.core.checkup import Finding
from fluxsm.core.instance import Instance
from fluxsm.errors import (
    ArtifactError,
    BuildError,
    ClusterError,
    FluxsmError,
    ForbiddenError,
    InvalidError,
    MalformedError,
    NotFoundError,
)
from fluxsm.objects import inventory, manifest
from fluxsm.objects.timestamp import parse_time

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

PARALLEL: Final = 8
_DEPLOYMENT: Final = Kind("apps", "v1", "Deployment")
_LEASE: Final = Kind("coordination.k8s.io", "v1", "Lease")
_REPORT: Final = Kind(names.GROUP, names.VERSION, names.REPORT_KIND)
_CRD_NAME: Final = f"{names.INSTANCE_PLURAL}.{names.GROUP}"
_REVIEWS: Final = "authorization.k8s.io/v1"
_OPERATOR: Final = "app.kubernetes.io/name=flux-operator"


class Examination:
    """Looks at an installation, part after part."""

    def __init__(
        self, cluster: KubeCluster, namespace: str, environment: Mapping[str, str]
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            cluster: where.
            namespace: of the operator.
            environment: the variables of this process.
        """
        self._cluster = cluster
        self._namespace = namespace
        self._environment = environment
        self._find = connection.finder(cluster)

    def findings(self) -> Iterator[Finding]:
        """What is found, in an order in which one thing explains the next.

        Raises:
            UnavailableError: the API server cannot be reached, so there is nothing to look at.
        """
        version = self._cluster.server_version()
        text = f"{self._cluster.host} answers, Kubernetes {version.get('gitVersion', '')}"
        yield checkup.good("API server", text)
        yield from checkup.proxies("this shell", self._environment)
        deployments = self._deployments()
        account = self._account(deployments)
        parts: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
            ("clock", self._clock),
            ("definition of FluxInstance", self._definition),
            ("operator", lambda: checkup.operator(deployments, self._version(), __version__)),
            ("leader", self._leader),
            ("rights", lambda: self._rights(account)),
            ("stored versions", self._stored_versions),
            ("instance", self._instance),
        )
        for about, look in parts:
            try:
                yield from look()
            except (ClusterError, MalformedError) as error:
                yield checkup.unknown(about, error)

    def _deployments(self) -> Sequence[Manifest]:
        found = self._cluster.list(_DEPLOYMENT, namespace=self._namespace, labels=_OPERATOR)
        try:
            return tuple(found)
        except ClusterError:
            return ()

    def _account(self, deployments: Sequence[Manifest]) -> str:
        """The service account of the operator, as the API server calls it."""
        path = ("spec", "template", "spec", "serviceAccountName")
        name = next((manifest.text(item, *path) for item in deployments), "") or names.MANAGER
        return f"system:serviceaccount:{self._namespace}:{name}"

    def _clock(self) -> Iterator[Finding]:
        """The API server stamps an object with its time in a dry run, too."""
        began = datetime.now(UTC)
        asked = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "fluxsm-doctor", "namespace": self._namespace},
        }
        (answer,) = self._cluster.apply_all([asked], dry_run=True)
        if isinstance(answer, ClusterError):
            raise answer
        stamp = manifest.text(answer.manifest, "metadata", "creationTimestamp")
        middle = began + (datetime.now(UTC) - began) / 2
        yield checkup.clock(parse_time(stamp) if stamp else None, middle)

    def _definition(self) -> Iterator[Finding]:
        yield checkup.definition(self._find(ObjectRef(CRD, "", _CRD_NAME)))

    def _version(self) -> str:
        try:
            found = next(iter(self._cluster.list(_REPORT)), {})
        except NotFoundError:
            return ""
        return manifest.text(found, "spec", "operator", "version")

    def _leader(self) -> Iterator[Finding]:
        leases = tuple(self._cluster.list(_LEASE, namespace=self._namespace))
        yield checkup.leader(leases, datetime.now(UTC))

    def _rights(self, account: str) -> Iterator[Finding]:
        """Those of the service account, else, where nobody may ask for them, one's own."""
        wanted = list(_wanted(self._namespace))
        try:
            refused = self._refused(wanted, account)
        except ForbiddenError:
            yield checkup.rights("this account", self._refused(wanted, ""), len(wanted))
        else:
            yield checkup.rights(account, refused, len(wanted))

    def _refused(self, wanted: Sequence[Mapping[str, str]], account: str) -> list[str]:
        def ask(attributes: Mapping[str, str]) -> bool:
            spec: dict[str, Any] = {"resourceAttributes": dict(attributes)}
            if account:
                spec |= {"user": account, "groups": ["system:serviceaccounts"]}
            kind = "SubjectAccessReview" if account else "SelfSubjectAccessReview"
            body = {"apiVersion": _REVIEWS, "kind": kind, "metadata": {}, "spec": spec}
            return bool((self._cluster.create(body).get("status") or {}).get("allowed"))

        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            answers = list(pool.map(ask, wanted))
        return [_words(item) for item, allowed in zip(wanted, answers, strict=True) if not allowed]

    def _stored_versions(self) -> Iterator[Finding]:
        yield checkup.stored_versions(self._cluster.list(CRD, labels=f"{names.PART_OF_LABEL}=flux"))

    def _instance(self) -> Iterator[Finding]:
        found = self._find(subject.ref_of(self._namespace, names.SINGLETON))
        if found is None:
            text = f"there is none in the namespace {self._namespace}"
            yield checkup.warning("instance", text, "fluxsm install -f FILE makes one")
            return
        instance = Instance(found)
        yield checkup.readiness(found)
        yield self._distribution(instance)
        yield from self._registry(instance)
        refs = [entry.ref for entry in inventory.of_status(found)]
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            objects = [item for item in pool.map(self._find, refs) if item is not None]
        yield checkup.field_managers(objects)

    def _distribution(self, instance: Instance) -> Finding:
        try:
            reference = instance.spec.distribution.artifact or ""
            bundled = distribution.open_distribution(None)
        except BuildError as error:
            return checkup.unknown("distribution", error)
        return checkup.distribution(reference, bundled.source, is_starter=bundled.is_starter)

    def _registry(self, instance: Instance) -> Iterator[Finding]:
        """Whether the artifact can be had from here, with the login that the operator has."""
        from fluxsm.objects.redaction import redact

        try:
            spec = instance.spec.distribution
        except BuildError:
            return
        if not spec.artifact:
            return
        from fluxsm.adapters.registry.source import ArtifactSource

        secret = None
        if spec.artifact_pull_secret:
            ref = ObjectRef(Kind("", "v1", "Secret"), self._namespace, spec.artifact_pull_secret)
            try:
                secret = self._cluster.get(ref)
            except NotFoundError:
                remedy = "create it, of the type kubernetes.io/dockerconfigjson"
                yield checkup.problem("pull secret", f"{ref} does not exist", remedy)
                return
            except FluxsmError as error:
                yield checkup.unknown("pull secret", error)
                return
        try:
            digest = ArtifactSource(registry.settings()).digest(spec.artifact, secret)
        except (ArtifactError, InvalidError) as error:
            remedy = "check address and login; from here the way may be another than in the cluster"
            yield checkup.warning("registry", redact(str(error)), remedy)
        else:
            yield checkup.good("registry", f"{spec.artifact} is {digest}")


def _wanted(namespace: str) -> Iterator[dict[str, str]]:
    """Each right of the generated roles, as a review asks for it."""
    from fluxsm.adapters.kube import rbac

    for grants, where in ((rbac.CLUSTER, ""), (rbac.NAMESPACE, namespace)):
        for rule in (grant.rule() for grant in grants):
            for group in rule.get("apiGroups") or ():
                for resource in rule.get("resources") or ():
                    for name in rule.get("resourceNames") or ("",):
                        main, _, part = resource.partition("/")
                        for verb in rule["verbs"]:
                            given = {
                                "group": group,
                                "resource": main,
                                "subresource": part,
                                "verb": verb,
                                "name": name,
                                "namespace": where,
                            }
                            yield {key: value for key, value in given.items() if value}


def _words(attributes: Mapping[str, str]) -> str:
    part = f"/{attributes['subresource']}" if "subresource" in attributes else ""
    group = f".{attributes['group']}" if "group" in attributes else ""
    return f"{attributes['verb']} {attributes['resource']}{group}{part}"
