"""A request on its way."""

from __future__ import annotations

import pytest

from worlds.aws.calls import Call


def test_an_unverified_request_has_no_caller() -> None:
    """To ask for one before the signature is checked is a mistake of the world's own."""
    call = Call("sts", "AssumeRole", "eu-west-1", {}, 0.0)

    with pytest.raises(RuntimeError, match="unsigned action asked for its caller"):
        _ = call.principal
