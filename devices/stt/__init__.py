"""Speech engines: those that run here, each in a process of its own, and services.

Why processes: PocketSphinx holds Python's lock for seconds on end, in which no thread would answer
a poll; a process can be given up after a while, and takes nothing along when native code fails.
"""
