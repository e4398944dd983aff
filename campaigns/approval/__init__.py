"""Taking a project in: the brief, moratoria, approval."""
