"""Commands and views of builds."""
