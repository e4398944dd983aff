"""The `prozvon` command's groups, one module each."""
