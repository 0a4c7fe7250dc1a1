"""Many waiting customers and some agents against one real server, over real sockets."""
