# SPDX-License-Identifier: Apache-2.0
"""Waits of commands: what is waited for, from watches, and what a person sees meanwhile."""
