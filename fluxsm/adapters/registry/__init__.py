# SPDX-License-Identifier: Apache-2.0
"""OCI registries: where distributions come from when they are not bundled.

`client` is what the rest of fluxsm sees. Addresses come from `oras`, which is imported nowhere else
(`protocol`); everything around them that must hold towards a slow, broken or hostile registry
(`deadline`, `transport`, `auth`) is here, over `urllib3`, and so is what can be decided without a
network (references, Docker configurations, manifests, archives).
"""

from __future__ import annotations
