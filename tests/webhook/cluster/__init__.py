"""Facts from the Kubernetes API."""
