"""Compares whole HDF5 writes and reads through this filter with those through others.

scripts/bench runs it. Everything that is timed is timed in a process of its own (worker.py), on
files in memory. Each experiment is a module that yields a Section: tables and targets.
"""
