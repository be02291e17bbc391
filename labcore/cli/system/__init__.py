"""`labcore system`: a module for each verb."""
