"""Who the pod is: from the projected token to sessions, one file per cloud."""
