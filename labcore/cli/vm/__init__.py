"""`labcore vm`: a module for each verb."""
