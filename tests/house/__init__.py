"""Tests of the house itself: directions, purity, words, sizes, documents."""
