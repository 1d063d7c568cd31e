"""Facts of the cluster that a decision needs, behind one interface."""
