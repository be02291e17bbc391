"""What the commands for learners say, in the reader's language."""

from labcore.language import Catalogue

say = Catalogue("cli")
