"""The laboratory: real applications, built and run before and after a rewrite."""
