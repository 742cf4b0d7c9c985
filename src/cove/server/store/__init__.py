"""Sessions and keys on disk, in SQLite: durable before anybody is answered."""
