"""
Measurements against peers and floors of the same run: tables and a plot, no verdict.

Wall times drift on shared machines, so every figure is a median of interleaved runs and is quoted
as a ratio to something measured beside it.
"""
