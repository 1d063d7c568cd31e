"""Tests of what is installed: the chart, its manifests, the image's files."""
