"""The side of a submission: what runs in its process, apart from the library and from the marks.

The three modules here import nothing but Python and torch: the process of a submission loads them by themselves.
"""
