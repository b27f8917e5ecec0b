"""The command line: typer commands that parse, call the engine and hand the result to a reporter."""
