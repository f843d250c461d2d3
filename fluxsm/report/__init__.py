# SPDX-License-Identifier: Apache-2.0
"""The FluxReport and `flux_resource_info`: collected, counted and written."""
