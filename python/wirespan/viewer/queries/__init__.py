"""What the viewer's numbers are made of: one file for each question, a function from filters to plain data.

Each function takes the store to read from and returns what the API sends. Durations are nanoseconds, instants
unix microseconds, ids hex text.
"""
