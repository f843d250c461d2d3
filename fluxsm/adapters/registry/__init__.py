# SPDX-License-Identifier: Apache-2.0
"""OCI registries: where distributions come from when they are not bundled.

`client` is what the rest of fluxsm sees. The registry protocol comes from `oras`, which is
imported nowhere else; everything around it that must hold towards a slow, broken or hostile
registry (`deadline`, `transport`, `auth`) is here, and what can be decided without a network is
in `fluxsm.rules` (references, Docker configurations, manifests, archives).
"""
