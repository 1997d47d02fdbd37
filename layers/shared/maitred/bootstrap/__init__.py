"""The one place where things are wired: one module a function, each importing only what it needs.

A module is imported as the sandbox starts (where Lambda gives a whole CPU and does not count the time);
`services()` wires on the first invocation, from the environment, once a sandbox.
"""
