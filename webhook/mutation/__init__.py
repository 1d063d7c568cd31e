"""The pure room: an admission request, the context and the settings give a verdict."""

from webhook.mutation.pipeline import mutate

__all__ = ["mutate"]
