"""Tests of injector.contract: what webhook and injector agree on."""
