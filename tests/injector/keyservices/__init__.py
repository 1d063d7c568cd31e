"""Tests of the key services: who decrypts the data key of a SOPS document, and who does not."""
