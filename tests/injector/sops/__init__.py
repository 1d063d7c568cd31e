"""Tests of `injector.sops`; the real `sops` makes the documents and says what is in them."""
