"""The demo's story: the stage it plays on, its scenes, how they are watched from outside, and how they are told."""
