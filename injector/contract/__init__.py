"""
What the webhook and the injector agree on. Standard library only.

The injector owns this package, since the program that reads a document owns its schema. The
webhook writes only what these modules say the injector can read. No I/O, no clock, no environment.
"""
