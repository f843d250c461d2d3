# SPDX-License-Identifier: Apache-2.0
"""OCI registries: where distributions come from when they are not bundled.

`client` is what the rest of fluxsm sees. The registry protocol comes from `oras`, which is
imported nowhere else; everything around it that must hold towards a slow, broken or hostile
registry (`deadline`, `transport`, `auth`) is here, and what can be decided without a network is
in `fluxsm.rules` (references, Docker configurations, manifests, archives).

`oras` checks what it pushes against schemas, and pulls without; the library for that, 3 MiB, waits
until then.
"""

from __future__ import annotations

from fluxsm.adapters.waiting import let_wait

let_wait("jsonschema")
