# SPDX-License-Identifier: Apache-2.0
"""From a spec and a distribution to the ordered objects, the images, the digest, the revision.

Pure: no clock, file, environment or network. Inputs are never changed.
"""

from __future__ import annotations
