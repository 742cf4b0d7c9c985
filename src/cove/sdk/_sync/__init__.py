"""The client without waiting words: all of it is generated, never changed by hand."""
