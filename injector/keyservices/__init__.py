"""Key services: whatever decrypts the data key of a SOPS document with the pod's own identity."""
