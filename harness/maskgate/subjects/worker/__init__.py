"""The side of a subject that runs where the framework is.

Every file here needs the standard library (Python 3.7 or newer), NumPy and the framework, nothing
of maskgate: `__main__.py` is started by its path in any interpreter. maskgate imports the same
files for the other end of the channel and for subjects in its own process.
"""
