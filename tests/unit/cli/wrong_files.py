# SPDX-License-Identifier: Apache-2.0
"""Files that are wrong, each with the words that must be in a line of the refusal.

The API server gives the same verdict on a FluxInstance, or the reason why it does not is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fluxsm.adapters.folder import starter_folder
from fluxsm.build.distribution import describe_starter

STARTER: Final = f"• {describe_starter(str(starter_folder()))}\n"
"""What a command says that builds from the starter distribution."""

HEAD: Final = (
    "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\n"
    "metadata: {name: flux, namespace: flux-system}\n"
)
PLACE: Final = "distribution: {version: 2.8.x, registry: ghcr.io/fluxcd}"
SYNC: Final = "kind: GitRepository, url: 'https://x.io/y', ref: main, path: ."

PATCHES: Final = "a patch is text to the server"
EMPTY: Final = "the schema admits an empty text"
OBJECTS: Final = "only the objects that are built from it are refused"
VERSION: Final = "what a version of Flux has is not known to the server"
TEXT: Final = "the file is not one object, so there is nothing to ask about"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A file that is refused.

    Attributes:
        text: its content.
        words: what must be in one of the lines.
        admitted: why the API server takes it all the same; empty where it does not.
    """

    text: str
    words: tuple[str, ...]
    admitted: str = ""


def spec(more: str = "", place: str = PLACE) -> str:
    """A file with these parts in its spec."""
    return f"{HEAD}spec: {{{place}{', ' if more and place else ''}{more}}}\n"


def sync(**fields: str) -> str:
    """A file with a sync in which some fields are others."""
    known = dict(part.split(": ", 1) for part in SYNC.split(", ")) | fields
    inner = ", ".join(f"{key}: {value}" for key, value in known.items() if value != "-")
    return spec(f"sync: {{{inner}}}")


def patch(text: str, target: str = "{kind: Deployment, name: helm-controller}") -> str:
    """A file with a patch."""
    indented = text.replace("\n", "\n        ")
    aim = f"\n      target: {target}" if target else ""
    patches = f"    - patch: |-\n        {indented}{aim}\n"
    return f"{HEAD}spec:\n  {PLACE}\n  kustomize:\n    patches:\n{patches}"


def merge(text: str, kind: str = "Deployment", api: str = "apps/v1") -> str:
    """A file with a strategic merge."""
    name = "helm-controller"
    return patch(
        f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}}}\n{text}",
        f"{{kind: {kind}, name: {name}}}",
    )


def pod(text: str) -> str:
    """A file with a strategic merge of the pods."""
    return merge(f"spec: {{template: {{spec: {{{text}}}}}}}")


def _types() -> Iterator[tuple[str, Wrong]]:
    """Every field with a value of another type; nothing is converted."""
    switches = {
        "wait": "", "migrateResources": "", "multitenant": "cluster", "networkPolicy": "cluster",
        "multitenantWorkloadIdentity": "cluster", "objectLevelWorkloadIdentity": "cluster",
    }  # fmt: skip
    for field, block in switches.items():
        path = f".spec.{block}{'.' if block else ''}{field}"
        for value, shown in {"'yes'": "'yes', text", "1": "1, a number", "'true'": "'true', text",
                             "[]": "a list", "enabled": "'enabled', text"}.items():  # fmt: skip
            inner = f"{field}: {value}"
            file = spec(f"{block}: {{{inner}}}" if block else inner)
            words = (f"{path} is {shown}; true or false is expected",)
            yield f"{field} is {value}", Wrong(text=file, words=words)
    texts = {
        "variant": "distribution", "imagePullSecret": "distribution", "artifact": "distribution",
        "artifactPullSecret": "distribution", "size": "cluster", "domain": "cluster",
        "type": "cluster", "tenantDefaultServiceAccount": "cluster", "key": "sharding",
        "storage": "sharding", "class": "storage", "name": "sync", "pullSecret": "sync",
        "provider": "sync", "ref": "sync", "path": "sync",
        "tenantDefaultDecryptionServiceAccount": "cluster",
        "tenantDefaultKubeConfigServiceAccount": "cluster",
    }  # fmt: skip
    whole = {
        "distribution": "version: 2.x, registry: x/y", "cluster": "networkPolicy: true",
        "sharding": "shards: [a]", "storage": "class: a, size: 1Gi", "sync": SYNC,
    }  # fmt: skip
    for field, block in texts.items():
        parts = [part for part in whole[block].split(", ") if not part.startswith(f"{field}:")]
        for value, shown in {"5": "5, a number", "true": "true, a boolean", "{}": "a map"}.items():
            inner = f"{block}: {{{', '.join([*parts, f'{field}: {value}'])}}}"
            file = spec(inner, place="" if block == "distribution" else PLACE)
            words = (f".spec.{block}.{field} is {shown}",)
            yield f"{block}.{field} is {value}", Wrong(text=file, words=words)


def _blocks() -> Iterator[tuple[str, Wrong]]:
    """Maps and lists that are something else."""
    for block in ("cluster", "sharding", "storage", "sync", "kustomize", "commonMetadata"):
        for value, shown in {"5": "5, a number", "[a]": "a list", "x": "'x', text"}.items():
            words = (f".spec.{block} is {shown}; a map is expected",)
            yield f"{block} is {value}", Wrong(text=spec(f"{block}: {value}"), words=words)
    lists = {
        "components": "components: %s", "sharding.shards": "sharding: {shards: %s}",
        "kustomize.patches": "kustomize: {patches: %s}",
    }  # fmt: skip
    for path, form in lists.items():
        for value, shown in {"a": "'a', text", "{}": "a map", "7": "7, a number"}.items():
            words = (f".spec.{path} is {shown}; a list is expected",)
            yield f"{path} is {value}", Wrong(text=spec(form % value), words=words)


def _fields() -> Iterator[tuple[str, Wrong]]:
    """Fields that do not exist, at every level, with the one that was meant."""
    for path, file, near in (
        (".spec.component", spec("component: []"), "components"),
        (".spec.synk", spec("synk: {}"), "sync"),
        (".spec.Wait", spec("Wait: true"), "wait"),
        (".spec.patches", spec("patches: []"), ""),
        (".spec.distribution.regsitry", spec(place="distribution: {version: 2.x, registry: x,"
                                                   " regsitry: y}"), "registry"),
        (".spec.distribution.versions", spec(place="distribution: {version: 2.x, registry: x,"
                                                   " versions: y}"), "version"),
        (".spec.cluster.multiTenant", spec("cluster: {multiTenant: true}"), "multitenant"),
        (".spec.cluster.networkpolicy", spec("cluster: {networkpolicy: no}"), "networkPolicy"),
        (".spec.sharding.shard", spec("sharding: {shards: [a], shard: b}"), "shards"),
        (".spec.storage.sizes", spec("storage: {class: a, size: 1Gi, sizes: x}"), "size"),
        (".spec.storage.className", spec("storage: {class: a, size: 1Gi, className: x}"), ""),
        (".spec.sync.intervall", sync(intervall="1m"), "interval"),
        (".spec.sync.secretRef", sync(secretRef="x"), ""),
        (".spec.sync.branch", sync(branch="main"), ""),
        (".spec.commonMetadata.label", spec("commonMetadata: {label: {}}"), "labels"),
        (".spec.kustomize.patch", spec("kustomize: {patch: []}"), "patches"),
        (".spec.kustomize.patches[0].targets",
         spec("kustomize: {patches: [{patch: '[]', targets: {}}]}"), "target"),
        (".spec.kustomize.patches[1].target.names",
         spec("kustomize: {patches: [{patch: 'x'}, {patch: 'x', target: {names: a}}]}"), "name"),
        (".spec.kustomize.patches[0].target.labelselector",
         spec("kustomize: {patches: [{patch: '[]', target: {labelselector: a}}]}"),
         "labelSelector"),
        (".spec.kustomize.patches[0].op", spec("kustomize: {patches: [{patch: '[]', op: x}]}"), ""),
        (".specs", f"{spec()}specs: {{}}\n", "spec"),
        (".data", f"{spec()}data: {{}}\n", ""),
        (".metadata.lables", spec().replace("name: flux,", "name: flux, lables: {},"), "labels"),
        (".metadata.annotation", spec().replace("name: flux,", "name: flux, annotation: {},"),
         "annotations"),
    ):  # fmt: skip
        words = (f"{path} is not a field", f"(did you mean `{near}`?)" if near else "")
        yield f"the field {path}", Wrong(text=file, words=words)


def _required() -> Iterator[tuple[str, Wrong]]:
    """Fields that are missing, null or empty."""
    for path, form, admitted in (
        ("distribution.version", "distribution: {registry: x%s}", True),
        ("distribution.registry", "distribution: {version: 2.x%s}", True),
        ("sharding.shards", "sharding: {key: a%s}", False),
        ("storage.class", "storage: {size: 1Gi%s}", True),
        ("storage.size", "storage: {class: a%s}", True),
        ("sync.kind", "sync: {url: 'https://x', ref: a, path: b%s}", False),
        ("sync.url", "sync: {kind: Bucket, ref: a, path: b%s}", True),
        ("sync.ref", "sync: {kind: Bucket, url: x, path: b%s}", True),
        ("sync.path", "sync: {kind: Bucket, url: x, ref: b%s}", True),
    ):
        field = path.rpartition(".")[2]
        place = "" if path.startswith("distribution") else PLACE
        empty = "[]" if field == "shards" else "''"
        for name, value in {"missing": "", "null": ", %s: null", "empty": f", %s: {empty}"}.items():
            file = spec(form % (value.replace("%s", field)), place)
            reason = EMPTY if name == "empty" and admitted else ""
            missing = (f".spec.{path} is required",)
            yield f"{path} is {name}", Wrong(text=file, words=missing, admitted=reason)
    for name, file, words in (
        ("no apiVersion", spec().partition("\n")[2], ".apiVersion is required; write"),
        ("no kind", spec().replace("kind: FluxInstance\n", ""), ".kind is required; write"),
        ("no metadata", HEAD.partition("meta")[0] + spec().partition(HEAD)[2],
         ".metadata is required; write"),
        ("no name", spec().replace("name: flux, ", ""), ".metadata.name is required"),
        ("no spec", HEAD + "spec:\n", ".spec is required"),
        ("an empty spec", HEAD + "spec: {}\n", ".spec.distribution is required"),
        ("an older apiVersion", spec().replace("/v1", "/v1beta1"),
         ".apiVersion is 'fluxcd.controlplane.io/v1beta1'; allowed: fluxcd.controlplane.io/v1"),
        ("another group", spec().replace("fluxcd.controlplane.io", "fluxcd.io"),
         ".apiVersion is 'fluxcd.io/v1'; allowed: fluxcd.controlplane.io/v1"),
        ("a kind in lower case", spec().replace("FluxInstance", "fluxinstance"),
         ".kind is 'fluxinstance'; allowed: FluxInstance"),
        ("a kind of the same group", spec().replace("FluxInstance", "ResourceSet"),
         ".kind is 'ResourceSet'; allowed: FluxInstance"),
        ("another name", spec().replace("name: flux,", "name: main,"),
         ".metadata.name is 'main'; the only accepted name for a FluxInstance is 'flux'"),
        ("a name that is a number", spec().replace("name: flux,", "name: 5,"),
         ".metadata.name is 5, a number"),
        ("a namespace that is none", spec().replace("flux-system", "Flux_System"),
         ".metadata.namespace is 'Flux_System', which is not a DNS label"),
        ("a label that is none", spec().replace("name: flux,", "name: flux, labels: {a: b c},"),
         ".metadata.labels.a is 'b c', which is not a label value"),
        ("an annotation that is a number",
         spec().replace("name: flux,", "name: flux, annotations: {a/b: 5},"),
         '.metadata.annotations["a/b"] is 5, a number; text is expected; put it in quotes: "5"'),
        ("a switch for an annotation",
         spec().replace("name: flux,", "name: flux, annotations: {a: on},"),
         '.metadata.annotations.a is on, a boolean; text is expected; put it in quotes: "on"'),
        ("metadata that is a list", spec().replace("{name: flux, namespace: flux-system}", "[a]"),
         ".metadata is a list; a map is expected"),
    ):  # fmt: skip
        # Without a spec the schema has nothing to say, and nothing would be installed.
        reason = EMPTY if name == "no spec" else ""
        yield name, Wrong(text=file, words=(words,), admitted=reason)


def _values() -> Iterator[tuple[str, Wrong]]:
    """Values of the right type that the schema or a rule refuses."""
    version = "distribution: {version: %s, registry: x/y}"
    for name, file, words in (
        ("a version that is a number", spec(place=version % "2.10"),
         '.spec.distribution.version is 2.10, a number; text is expected; put it in quotes: "2.1'),
        ("an interval without unit", sync(interval="60"), 'write "60s"'),
        ("a size without unit", spec("storage: {class: a, size: 10}"), 'write "10Gi"'),
        ("an interval in words", sync(interval="1 minute"),
         ".spec.sync.interval is '1 minute'; allowed: a duration such as 60s, 5m or 1h30m"),
        ("an interval in days", sync(interval="1d"), "a duration such as 60s"),
        ("an empty interval", sync(interval="''"), "a duration such as 60s"),
        ("a negative interval", sync(interval="-1m"), "a duration such as 60s"),
        ("an artifact by https", spec(place="distribution: {version: 2.x, registry: x, artifact:"
                                            " 'https://x/y'}"),
         ".spec.distribution.artifact is 'https://x/y'; allowed: a reference such as oci://"),
        ("an unknown variant", spec(place="distribution: {version: 2.x, registry: x, variant:"
                                          " alpine}"), ".spec.distribution.variant is 'alpine'"),
        ("an unknown type", spec("cluster: {type: eks}"), ".spec.cluster.type is 'eks'; allowed:"),
        ("a type in capitals", spec("cluster: {type: AWS}"), "(did you mean `aws`?)"),
        ("an unknown size", spec("cluster: {size: xl}"), "allowed: small, medium, large"),
        ("an unknown component", spec("components: [source-controler]"),
         ".spec.components[0] is 'source-controler'; allowed:"),
        ("a URL that is a number", sync(url="5"),
         ".spec.sync.url is 5, a number; text is expected: a URL such as https://"),
        ("a near component", spec("components: [source-controler]"),
         "(did you mean `source-controller`?)"),
        ("a component that is a number", spec("components: [5]"), ".spec.components[0] is 5"),
        ("a component that is null", spec("components: [null]"), ".spec.components[0] is null"),
        ("an unknown storage of shards", spec("sharding: {shards: [a], storage: disk}"),
         ".spec.sharding.storage is 'disk'; allowed: ephemeral, persistent"),
        ("no storage for shards", spec("sharding: {shards: [a], storage: persistent}"),
         ".spec.storage must be set when .spec.sharding.storage is 'persistent'"),
        ("a shard that is a number", spec("sharding: {shards: [1]}"), ".spec.sharding.shards[0]"),
        ("tenants without objects", spec("cluster: {multitenantWorkloadIdentity: true}"),
         ".spec.cluster.objectLevelWorkloadIdentity must be true when"),
        ("tenants with objects off", spec("cluster: {multitenantWorkloadIdentity: true,"
                                          " objectLevelWorkloadIdentity: false}"),
         ".spec.cluster.objectLevelWorkloadIdentity must be true when"),
        ("gcp for git", sync(provider="gcp"),
         "sync.provider 'gcp' is only supported for OCIRepository and Bucket"),
        ("github for a bucket", sync(provider="github", kind="Bucket"),
         "sync.provider 'github' is only supported for GitRepository"),
        ("github for OCI", sync(provider="github", kind="OCIRepository", url="'oci://x/y'"),
         "sync.provider 'github' is only supported for GitRepository"),
        ("an unknown provider", sync(provider="gitlab"), ".spec.sync.provider is 'gitlab'"),
        ("an unknown source", sync(kind="HelmRepository"),
         ".spec.sync.kind is 'HelmRepository'; allowed: OCIRepository, GitRepository, Bucket"),
        ("a source in lower case", sync(kind="bucket"), "(did you mean `Bucket`?)"),
        ("a name of 64 characters", sync(name="n" * 64),
         ".spec.sync.name has 64 characters; allowed are 63"),
        ("a label that is a number", spec("commonMetadata: {labels: {a: 1_0}}"),
         ".spec.commonMetadata.labels.a is 1_0, a number; text is expected; put it in quot"),
        ("a label that is a switch", spec("commonMetadata: {labels: {a: yes}}"),
         ".spec.commonMetadata.labels.a is yes, a boolean"),
        ("an annotation that is a list", spec("commonMetadata: {annotations: {a: [b]}}"),
         ".spec.commonMetadata.annotations.a is a list; text is expected"),
        ("a patch that is a list", spec("kustomize: {patches: [{patch: [{op: add}]}]}"),
         ".spec.kustomize.patches[0].patch is a list; text is expected"),
        ("a patch that is a map", spec("kustomize: {patches: [{patch: {kind: x}}]}"),
         ".spec.kustomize.patches[0].patch is a map; text is expected"),
        ("no patch", spec("kustomize: {patches: [{target: {}}]}"),
         ".spec.kustomize.patches[0].patch is required"),
        ("a target that is text", spec("kustomize: {patches: [{patch: '[]', target: x}]}"),
         ".spec.kustomize.patches[0].target is 'x', text; a map is expected"),
        ("a component among patches", spec("kustomize: {patches: [5]}"),
         ".spec.kustomize.patches[0] is 5, a number; a map is expected"),
        ("a key twice", spec("wait: true, wait: false"), "the key 'wait' is there twice"),
    ):  # fmt: skip
        yield name, Wrong(text=file, words=(words,))


def _rules() -> Iterator[tuple[str, Wrong]]:
    """What the schema admits, but no object that is built from it is admitted."""
    secret = "distribution: {version: 2.8.x, registry: x/y, %s: A_b}"
    label, name = "is not a DNS label", "is not a DNS name"
    for title, file, words in (
        ("a sync name in capitals", sync(name="Cluster_1"), f".spec.sync.name: 'Cluster_1' {name}"),
        ("a sync name with a dash at its end", sync(name="a-"), f".spec.sync.name: 'a-' {name}"),
        ("a pull secret in capitals", sync(pullSecret="My_Secret"), ".spec.sync.pullSecret: "),
        ("an image pull secret", spec(place=secret % "imagePullSecret"),
         f".spec.distribution.imagePullSecret: 'A_b' {name}"),
        ("an artifact pull secret", spec(place=secret % "artifactPullSecret"),
         f".spec.distribution.artifactPullSecret: 'A_b' {name}"),
        ("a storage class", spec("storage: {class: Fast Disk, size: 1Gi}"), ".spec.storage.class:"),
        ("a domain", spec("cluster: {domain: 'https://x'}"), ".spec.cluster.domain: 'https://x'"),
        ("a domain with a dot at its end", spec("cluster: {domain: a.b.}"), ".spec.cluster.domain"),
        ("an account", spec("cluster: {tenantDefaultServiceAccount: A b}"),
         f".spec.cluster.tenantDefaultServiceAccount: 'A b' {name}"),
        ("a size in words", spec("storage: {class: a, size: much}"),
         ".spec.storage.size: 'much' is not a quantity such as 10Gi"),
        ("a size with GB", spec("storage: {class: a, size: 10GB}"), "is not a quantity"),
        ("a size of nothing", spec("storage: {class: a, size: '0'}"), "is not more than zero"),
        ("a negative size", spec("storage: {class: a, size: '-1Gi'}"), "is not more than zero"),
        ("an interval of nothing", sync(interval="0s"), ".spec.sync.interval is '0s'"),
        ("an endless interval", sync(interval="9" * 20 + "h"), ".spec.sync.interval"),
        ("a short SSH address", sync(url="git@git.example.com:acme/fleet.git"),
         "write ssh://git@git.example.com/acme/fleet.git"),
        ("git by OCI", sync(url="'oci://x/y'"), ".spec.sync.url is 'oci://x/y'; allowed: a URL"),
        ("git by file", sync(url="'file:///x'"), ".spec.sync.url is 'file:///x'; allowed"),
        ("git without a scheme", sync(url="github.com/a/b"), ".spec.sync.url is 'github.com/a/b'"),
        ("OCI by https", sync(kind="OCIRepository"), "such as oci://registry.example.com/team"),
        ("a sync without its controller",
         spec(f"components: [source-controller, helm-controller], sync: {{{SYNC}}}"),
         ".spec.sync needs source-controller and kustomize-controller in .spec.components"),
        ("a sync without both", spec(f"components: [helm-controller], sync: {{{SYNC}}}"),
         "source-controller and kustomize-controller are not there"),
        ("a shard in capitals", spec("sharding: {shards: [ok, Not_OK]}"),
         f".spec.sharding.shards[1]: 'Not_OK' {label}"),
        ("a shard twice", spec("sharding: {shards: [a, a]}"), "'a' is listed 2 times"),
        ("a shard that is too long", spec(f"sharding: {{shards: [{'s' * 50}]}}"), "42 are allowed"),
        ("an empty shard", spec("sharding: {shards: ['']}"), ".spec.sharding.shards[0]: ''"),
        ("a shard key", spec("sharding: {shards: [a], key: a b}"), ".spec.sharding.key: 'a b'"),
        ("a label key", spec("commonMetadata: {labels: {'bad key!': x}}"),
         ".spec.commonMetadata.labels has the key 'bad key!', which is not a key such as team"),
        ("a label value", spec("commonMetadata: {labels: {ok: has spaces in it}}"),
         ".spec.commonMetadata.labels.ok is 'has spaces in it', which is not a label value"),
        ("a label value that is long", spec(f"commonMetadata: {{labels: {{a: {'v' * 64}}}}}"),
         "at most 63 characters"),
        ("an annotation key", spec("commonMetadata: {annotations: {'a/b/c': x}}"),
         ".spec.commonMetadata.annotations has the key 'a/b/c'"),
        ("a label key with a bad prefix", spec("commonMetadata: {labels: {'A_b/c': x}}"),
         "has the key 'A_b/c'"),
        ("a registry with a scheme", spec(place="distribution: {version: 2.8.x, registry:"
                                                " 'https://ghcr.io/fluxcd'}"), "without a scheme"),
        ("a component twice", spec("components: [helm-controller, helm-controller]"),
         "Deployment/flux-system/helm-controller would be created twice"),
    ):  # fmt: skip
        yield title, Wrong(text=file, words=(words,), admitted=OBJECTS)
    for title, file, words in (
        ("no range", spec(place="distribution: {version: '>>2', registry: x/y}"),
         "'>>2' is not a version range"),
        ("no such version", spec(place="distribution: {version: 3.x, registry: x/y}"),
         ".spec.distribution.version '3.x'"),
        ("source-watcher too early",
         spec("components: [source-watcher]", "distribution: {version: 2.6.x, registry: x/y}"),
         "source-watcher needs Flux 2.7.0 or newer, not v2.6.4"),
        ("tenants too early",
         spec("cluster: {multitenantWorkloadIdentity: true, objectLevelWorkloadIdentity: true}",
              "distribution: {version: 2.6.x, registry: x/y}"), "needs Flux 2.7.0 or newer"),
        ("aws for git too early", sync(provider="aws"), "needs Flux 2.9.0 or newer, not v2.8.8"),
    ):  # fmt: skip
        yield title, Wrong(text=file, words=(words,), admitted=VERSION)


def _patches() -> Iterator[tuple[str, Wrong]]:
    """Patches; all of them are text to the API server."""
    where = ".spec.kustomize.patches[0].patch"
    everything = "$patch: delete\nkind: x\nmetadata: {name: x}"
    for title, file, words in (
        ("an empty target that deletes", patch(everything, "{}"),
         ".spec.kustomize.patches[0].target is empty, so it selects every object"),
        ("everything deleted", patch(everything, "{name: .*}"), "deletes every object"),
        ("no YAML", patch("a: ["), f"{where} is not valid YAML: at the end"),
        ("a tab", patch("- op: add\n\tpath: /a"), "a tab is there; YAML is indented with blanks"),
        ("a word", patch("word"), f"{where} is neither form"),
        ("an operation in a map", patch("op: add\npath: /a"), f"{where} is neither form"),
        ("no target", patch("[]", ""), ".spec.kustomize.patches[0].target is required"),
        ("an expression that is open", patch("[]", "{name: (source}"),
         "'(source' is not a regular expression: a ( is not closed; an example is"),
        ("an expression that is closed", patch("[]", "{kind: a)}"), "a ) is not opened"),
        ("a star alone", patch("[]", "{name: '*-controller'}"), "nothing stands before *"),
        ("look-around", patch("[]", "{name: '(?=x)'}"), "look-around is not supported"),
        ("a selector", patch("[]", "{labelSelector: 'a in b'}"), "'a in b'"),
        ("an operation in capitals", patch("[{op: Add, path: /x}]"),
         "op is 'Add'; allowed are add"),
        ("no path", patch("[{op: add}]"), "path is missing"),
        ("a path without a slash", patch("[{op: add, path: x, value: 1}]"),
         "does not start with /"),
        ("a missing parent", patch("[{op: add, path: /spec/a/b, value: 1}]"),
         "there is no /spec/a"),
        ("an element by name",
         patch("[{op: remove, path: /spec/template/spec/containers/manager}]"),
         "elements cannot be addressed by name"),
        ("a test that fails", patch("[{op: test, path: /spec/replicas, value: true}]"),
         "the test fails: the value is 1, not true"),
        ("another object", patch("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}", ""),
         f"{where} names Deployment x, which is not among the built objects"),
        ("another namespace", patch("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name:"
                                    " helm-controller, namespace: x}", ""),
         "its namespace is not x, but flux-system"),
        ("another shape", merge("spec: {template: []}"), "is a map in the object and a list"),
        ("a directive of kubectl", merge("spec: {$retainKeys: [a]}"),
         "$retainKeys is not supported"),
        ("an unknown directive", merge("spec: {$patch: odd}"), "$patch is 'odd'"),
        ("an element without its key", pod("containers: [{image: x}]"), "merges by name"),
        ("a value beside its source", pod("containers: [{name: manager, env: [{name: GOMEMLIMIT,"
                                          " value: 8}]}]"), "env[0].value is 8, a number"),
        ("a text beside its source", pod("containers: [{name: manager, env: [{name: GOMEMLIMIT,"
                                         " value: 8MiB}]}]"), "`valueFrom: null`"),
        ("two sources of a volume", pod("volumes: [{name: temp, hostPath: {path: /x}}]"),
         "`emptyDir: null`"),
        ("two probes", pod("containers: [{name: manager, readinessProbe: {exec: {command: [a]}}}]"),
         "`httpGet: null`"),
        ("replicas as text", merge("spec: {replicas: two}"), ".spec.replicas is 'two', text"),
        ("replicas below zero", merge("spec: {replicas: -1}"), ".spec.replicas is -1; allowed: 0"),
        ("an argument that is a number", pod("containers: [{name: manager, args: [1]}]"),
         "args[0] is 1, a number; text is expected"),
        ("memory in words", pod("containers: [{name: manager, resources: {limits: {memory: x}}}]"),
         "limits.memory is 'x', which is not a quantity such as 512Mi"),
        ("a label of a patch", merge("spec: {template: {metadata: {labels: {a: b c}}}}"),
         ".spec.template.metadata.labels.a is 'b c', which is not a label value"),
        ("another selector", merge("spec: {selector: {matchLabels: {x: y}}}"),
         ".spec.selector.matchLabels does not match the labels of"),
        ("a pull policy", pod("containers: [{name: manager, imagePullPolicy: always}]"),
         "(did you mean `Always`?)"),
        ("an unknown volume", pod("containers: [{name: manager, volumeMounts: [{name: odd,"
                                  " mountPath: /odd}]}]"), "volumeMounts name 'odd', which is not"),
        ("a port", pod("containers: [{name: manager, ports: [{containerPort: 99999}]}]"),
         "containerPort is 99999; allowed: 65535 or less"),
        ("an image", patch("[{op: replace, path: /spec/template/spec/containers/0/image, value:"
                           " 'a/b:c:d'}]"), "'a/b:c:d' is not an image reference"),
    ):  # fmt: skip
        yield title, Wrong(text=file, words=(words,), admitted=PATCHES)


def _texts() -> Iterator[tuple[str, Wrong]]:
    """Files that are not one object."""
    for title, text, words in (
        ("nothing", "", "is empty; a FluxInstance is expected"),
        ("comments alone", "# nothing\n", "is empty"),
        ("text", "flux", "is not an object; a FluxInstance is expected"),
        ("a list", "- a\n", "is not an object"),
        ("an open list", "a: [", "is not valid YAML: at the end"),
        ("a tab in front", HEAD + "spec:\n\tdistribution: {}\n",
         "line 5, column 1: a tab is there; YAML is indented with blanks only"),
        ("a colon too much", HEAD + "spec: a: b\n", "a colon is not expected here"),
        ("an open quote", HEAD + "spec: 'a\n", "a quote is not closed"),
        ("a value that begins with @", HEAD + "spec: @x\n", "a value cannot begin with @"),
        ("a binary", "\x00\x01", "it has a character that no text has"),
        ("another kind", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
         "is an object of kind Pod; a FluxInstance is expected"),
        ("other kinds", "kind: Pod\n---\nkind: Service\n", "is objects of Pod, Service"),
        ("two instances", f"{spec()}---\n{spec()}", "has 2 objects of kind FluxInstance"),
        ("two instances in a list", ("kind: List\nitems:\n- {kind: FluxInstance}\n"
                                    "- {kind: FluxInstance}\n"), "has 2 objects of kind"),
        ("an instance in a list", ("apiVersion: v1\nkind: List\nitems:\n- kind: FluxInstance\n"
                                  "  spec:\n    wait: 1\n"), ":6: .spec.wait is 1"),
        ("an instance after a namespace", "kind: Namespace\nmetadata: {name: x}\n---\n"
                                          + spec("wait: 1"), ":7: .spec.wait is 1"),
        ("too much", "a" * (6 << 20), "has more than 1.5 MiB"),
    ):  # fmt: skip
        yield title, Wrong(text=text, words=(words,), admitted=TEXT)


WRONG: Final[dict[str, Wrong]] = {
    f"{part.__name__[1:]}: {name}": wrong
    for part in (_types, _blocks, _fields, _required, _values, _rules, _patches, _texts)
    for name, wrong in part()
}

GOOD: Final[dict[str, str]] = {
    "the least": spec(),
    "nulls": spec("cluster: null, sync: null, wait: null, components: null"),
    "switches of YAML 1.1": spec("wait: yes, cluster: {networkPolicy: off, multitenant: y}"),
    "quoted numbers": spec("commonMetadata: {labels: {a: '1', b: 'true', c: ''}}"),
    "a full sync": sync(name="a.b", interval="1h30m", pullSecret="x", provider="generic"),
    "a sync by SSH": sync(url="'ssh://git@git.example.com/a/b'"),
    "a bucket": sync(kind="Bucket", url="minio.example.com:9000"),
    "all components": spec("components: [source-controller, kustomize-controller, helm-controller,"
                           " notification-controller, image-reflector-controller,"
                           " image-automation-controller, source-watcher]"),
    "tenants": spec("cluster: {multitenant: true, multitenantWorkloadIdentity: true,"
                    " objectLevelWorkloadIdentity: true, tenantDefaultServiceAccount: flux}"),
    "persistent shards": spec("sharding: {shards: [a], storage: persistent},"
                              " storage: {class: fast, size: 10Gi}"),
    "an empty list of components": spec("components: []"),
    "a status": spec() + "status: {conditions: []}\n",
    "metadata of the server": spec().replace(
        "name: flux,", "name: flux, generation: 3, uid: x, creationTimestamp: null,"
        " labels: {a: b}, annotations: {'A/b': 'c d'}, finalizers: ['a.b/c'],"
    ),
    "a patch": patch("[]"),
    "an anchor": HEAD + "spec:\n  distribution: &d {version: 2.x, registry: x/y}\n"
                        "  commonMetadata: {labels: {a: &l '1', b: *l}}\n",
}  # fmt: skip
