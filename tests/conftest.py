"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.openbao"]

# No test asserts a time: on a busy machine one example may take long.
settings.register_profile("syrette", deadline=None)
settings.load_profile("syrette")
