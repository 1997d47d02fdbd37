"""The only place that wires objects: one module for each function, which imports only what it needs.

A module is imported as the sandbox starts, where Lambda gives a whole CPU and does not count the time. Its
`services()` wires the function from the environment, once a sandbox, when the first invocation comes. Tests
make the services themselves, from settings and a `Runtime` whose adapters they choose.
"""
