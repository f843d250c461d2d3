# SPDX-License-Identifier: Apache-2.0
"""Whether data is what the API server would take, without asking it.

Pure, and without a library: what reads schemas and rules here is loaded by the operator as well as
by the command line, and the libraries for it cost more memory and time than the rest of a build.
"""

from __future__ import annotations
