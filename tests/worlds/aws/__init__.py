"""Tests of the AWS world: botocore asks, the world refuses what AWS refuses."""
