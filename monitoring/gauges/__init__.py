"""What the database knows and Prometheus wants: leads left, work left, outcomes by list."""
