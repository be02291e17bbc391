"""Options: CreateOptions from keywords and from docker's strings, and what a spec is made of."""
