"""botocore for the injector: one session per worker, trimmed data, our transport, our errors."""
