"""Measurements that take a whole machine for a while; each writes a file that the README quotes."""
