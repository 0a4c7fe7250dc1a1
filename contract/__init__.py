"""What every room agrees on: ids, phases, wire messages, facts, ports, errors.

A leaf. It imports the standard library only, does no I/O and knows no event loop.
"""
