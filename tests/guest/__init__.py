"""Tests of the guest: in this process, and over a real socket."""
