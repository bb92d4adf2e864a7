"""The exercises of the four assignments, one module each."""
