"""A campaign as a file: TOML or YAML, there and back."""
