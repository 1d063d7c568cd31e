"""One pod with secrets of all five families."""
