"""Options for pytest runs that a test starts: without plugins that are slow to import and that no nested run uses."""

QUIET = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:hypothesispytest")
