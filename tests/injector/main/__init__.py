"""Tests of the programs: init, worker, exit codes, messages."""
