"""`labcore image`: a module for each verb."""
