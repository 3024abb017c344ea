"""Checks this host and tells the cure of each problem.

Runs on the host's own Python with nothing but the standard library, as it is there before anything
is built.
"""
