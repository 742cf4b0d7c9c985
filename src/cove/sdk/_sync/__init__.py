"""The client without waiting words: generated from `_async`, never changed by hand."""
