# SPDX-License-Identifier: Apache-2.0
"""The page as HTML, from the answers of the API: what is in those is redacted."""
