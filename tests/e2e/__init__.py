"""The chart in a real cluster: `make e2e` with KUBECONFIG; see docs/testing.md."""
