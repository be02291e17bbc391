"""The grammar: docker's nouns with their verbs, docker's short forms, and labcore's own commands.

A command's path is its module's: `image ls` is labcore/cli/image/ls.py, which has `arguments(parser)` and
`main(args) -> exit status`. It is imported when it is asked for. To add a command, write that file and its line here.
"""

from __future__ import annotations

NOUNS = {
    "container": "Manage containers",
    "image": "Manage images",
    "registry": "Serve a registry, and know the users of others",
    "system": "Manage what labcore keeps",
    "volume": "Manage volumes",
    "lesson": "Work through the lessons: check, solve, reset",
    "vm": "Run a virtual machine, to compare containers with",
}

COMMANDS = {
    "container attach": "Attach this terminal's streams to a running container",
    "container commit": "Create an image from a container's changes",
    "container cp": "Copy files between a container and this machine",
    "container create": "Create a new container, and do not start it",
    "container diff": "List what a container has changed in its files",
    "container exec": "Run a further program in a running container",
    "container export": "Write a container's files as one tar archive",
    "container inspect": "Print all that is known of containers, as JSON",
    "container kill": "Send a signal to running containers",
    "container logs": "Print what a container has put out",
    "container ls": "List containers",
    "container prune": "Remove all stopped containers",
    "container rename": "Give a container another name",
    "container restart": "Stop containers and start them again",
    "container rm": "Remove containers, with all that they have written",
    "container run": "Create and run a new container from an image",
    "container start": "Start stopped containers",
    "container stop": "Stop running containers",
    "container wait": "Wait until containers stop, and print their exit codes",
    "image history": "Show how an image was made",
    "image import": "Make an image of a root file system's archive",
    "image inspect": "Print all that is known of images, as JSON",
    "image load": "Get images from an archive",
    "image ls": "List images",
    "image prune": "Remove unused images",
    "image pull": "Download an image from a registry",
    "image push": "Upload an image to the registry of its name",
    "image rm": "Remove images",
    "image save": "Write images into an archive that docker and podman read too",
    "image tag": "Give an image a further name",
    "registry gc": "Remove what no image of your own registry needs",
    "registry login": "Keep a user and a password for a registry",
    "registry logout": "Forget a registry's user and password",
    "registry search": "Find images in a registry by a part of their names",
    "registry serve": "Serve a registry of your own, or a cache of another",
    "system df": "Show what takes how much of the disk",
    "system info": "Show what is kept here, and what this machine is",
    "system prune": "Remove all that nothing needs",
    "volume create": "Create a volume",
    "volume inspect": "Print all that is known of volumes, as JSON",
    "volume ls": "List volumes",
    "volume prune": "Remove unused volumes",
    "volume rm": "Remove volumes, with all that is in them",
    "inspect": "Print all that is known of containers, images, volumes, as JSON",
    "version": "Show the versions of labcore and of what it runs on",
    "seed": "Make images on the spot: busybox, alpine, debian, nginx, python",
    "plan": "Print what `run` would do, op by op, and start nothing",
    "doctor": "Try what this machine can do, and name the cures",
    "lab": "Start a first container, then JupyterLab with the lessons",
    "bench": "Measure labcore and its peers side by side",
    "fsck": "Look for damage in what is kept",
    "rootless": "Run a program as root of a user namespace",
    "completion": "Print the completion script for a shell",
    "lesson list": "List the lessons that there are",
    "lesson start": "Make your working copy of a lesson",
    "lesson status": "Show which steps you have written, and which have passed",
    "lesson check": "Check a lesson's saved steps: the mark that counts",
    "lesson solve": "Fill a lesson's blanks in with the solutions",
    "lesson reset": "Begin a lesson anew; what you wrote is kept",
    "lesson demo": "Open a lesson in large type, solved and warm",
    "vm setup": "Fetch and make what guests need",
    "vm run": "Start a virtual machine, and run a command in it",
    "vm list": "List what is here",
}

# What docker types for short.
SHORT = {
    "attach": "container attach",
    "commit": "container commit",
    "cp": "container cp",
    "create": "container create",
    "diff": "container diff",
    "exec": "container exec",
    "export": "container export",
    "kill": "container kill",
    "logs": "container logs",
    "ps": "container ls",
    "rename": "container rename",
    "restart": "container restart",
    "rm": "container rm",
    "run": "container run",
    "start": "container start",
    "stop": "container stop",
    "wait": "container wait",
    "history": "image history",
    "images": "image ls",
    "import": "image import",
    "load": "image load",
    "pull": "image pull",
    "push": "image push",
    "rmi": "image rm",
    "save": "image save",
    "tag": "image tag",
    "info": "system info",
    "login": "registry login",
    "logout": "registry logout",
    "search": "registry search",
}

# Other words of docker's for some verbs.
ALIASES = {
    "container list": "container ls",
    "container ps": "container ls",
    "container remove": "container rm",
    "image list": "image ls",
    "image remove": "image rm",
    "volume list": "volume ls",
    "volume remove": "volume rm",
}

# In the help of `labcore`: those that are wanted first, as docker lists them, and those that docker has not.
COMMON = (
    "run", "exec", "ps", "build", "bake", "pull", "push", "images", "login", "logout", "search", "version", "info",
)  # fmt: skip
OWN = ("seed", "plan", "doctor", "lab", "lesson", "vm", "bench", "fsck", "rootless", "registry", "completion")

# Those that make containers, or reach for their files: an ordinary user becomes root of a user namespace for them.
AS_ROOT = {"container", "inspect", "system", "volume", "plan", "lesson", "lab", "bench"}
