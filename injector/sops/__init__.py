"""
SOPS documents, decrypted without the `sops` binary: pure, from bytes to bytes.

Whoever calls gives the data key's services; nothing here opens a connection or a file.
"""
