pytest_plugins = ["tests.fixtures_database", "tests.fixtures_asterisk", "tests.fixtures_floor"]
