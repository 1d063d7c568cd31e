"""Tests of the injector's transport."""
