pytest_plugins = ["tests.fixtures_database"]
