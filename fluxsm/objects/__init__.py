# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes objects mean: pure rules without input or output."""
