"""start and delete: a container's transitions by the short commands, which import the JSON's reader only for hooks."""

from __future__ import annotations

from labcore.errors import LabcoreError
from labcore.runtime.oci.life import Life, Lock, NoSuchContainer, StateDamaged, WrongState, directory_of, forget


def start(root: str, name: str) -> None:
    """Let a created container become its program. Raises NoSuchContainer, WrongState; HookFailed, and the container is gone."""
    with Lock(root, name):
        life = Life.load(root, name)
        if (status := life.status()) != "created":
            raise WrongState(f"container {name} cannot be started: it is {status}, and not created")
        if not life.has_program:
            raise WrongState(f"container {name} cannot be started: its config.json has no process")
        try:
            if "startContainer" in life.hooks:
                from labcore.runtime.oci import state

                state.run_hooks_inside("startContainer", state.Store(root).load(name))
            life.write_exec_fifo()
        except LabcoreError:
            destroy(life)
            raise
        life.mark_started()
    if "poststart" in life.hooks:
        from labcore.runtime.oci import state

        state.run_hooks_anyway("poststart", state.Store(root).load(name), "running")


def delete(root: str, name: str, *, force: bool = False) -> None:
    """Forget a container that has ended, and its cgroup.

    With `force` one that runs is killed, and one that is not there is fine. Raises WrongState for one that runs,
    NoSuchContainer, StateDamaged.
    """
    try:
        with Lock(root, name):
            if force:
                _clear_away(root, name)
                return
            life = Life.load(root, name)
            if (status := life.status()) not in ("stopped", "created"):
                raise WrongState(f"container {name} cannot be deleted: it is {status}; kill it first, or delete --force")
            destroy(life)
    except NoSuchContainer:
        if not force:
            raise
        forget(directory_of(root, name))  # its creation was broken off as soon as it had begun


def _clear_away(root: str, name: str) -> None:
    """Destroy a container by whatever can still be read of it: one whose creation was broken off, too."""
    try:
        life = Life.load_unfinished(root, name)
    except StateDamaged:
        from labcore.runtime.oci import state

        life = state.Store(root).rescue(name)
    try:
        destroy(life, hooks=bool(life.pid))
    except StateDamaged:  # so that nobody knows its last hooks
        destroy(life, hooks=False)


def destroy(life: Life, *, hooks: bool = True) -> None:
    """Destroy a container, and run its last hooks, unless they do not count. Raises StateDamaged."""
    if not (hooks and "poststop" in life.hooks):
        life.destroy()
        return
    from labcore.runtime.oci import state

    saved = state.Store(life.root).load(life.name)
    life.destroy()
    state.run_hooks_anyway("poststop", saved, "stopped")
