"""The miniature daemon: the learner's handlers behind the supplied HTTP, on a unix socket, in a sandbox."""

from labcore.lab.miniature.containers import Container, Containers, Exec, NoSuchContainer
from labcore.lab.miniature.messages import Asked, Hijack, Reply

__all__ = ["Asked", "Container", "Containers", "Exec", "Hijack", "NoSuchContainer", "Reply"]
