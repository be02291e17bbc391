"""`labcore lesson`: a module for each verb."""
