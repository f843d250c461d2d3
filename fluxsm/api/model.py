# SPDX-License-Identifier: Apache-2.0
"""What all models of the API have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A part of the API: snake_case here, camelCase there; unknown fields are dropped."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        # Built when first used: a command starts at once, and parts are built once, in the whole.
        defer_build=True,
    )
