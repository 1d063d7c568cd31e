"""Pods whose secrets are in Azure, alone and together with AWS."""
