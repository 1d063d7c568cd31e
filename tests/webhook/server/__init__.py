"""The admission server over real sockets: odd clients, odd input, load, and the end of its life."""
