"""The article's Flask example: its Dockerfile and context, and a stand-in for `python:2.7` that needs no network.

The stand-in has two commands, which are scripts: `pip install -r FILE` unpacks the wheels that FILE names out of `wheels/`, and
`python FILE` answers at port 5000 with what FILE says.
"""

import io
import zipfile
from typing import Final

from labcore.lab.article import FLASK
from labcore.lab.daemons import RunningDaemon
from labcore.lab.experiments import Experiments

APP: Final = """\
from flask import Flask
app = Flask(__name__)
@app.route("/")
def page():
    return "Hello, Flask"
app.run(host="0.0.0.0")
"""
SITE: Final = "/usr/lib/python2.7/site-packages"
PIP: Final = f"""\
#!/bin/sh
mkdir -p {SITE}
while IFS="=" read -r name _ version; do
    unzip -q -o "wheels/$name-$version.whl" -d {SITE} || exit 1
    echo "Successfully installed $name-$version"
done < "$3"
"""
PYTHON: Final = """\
#!/bin/sh
[ "$1" = --version ] && echo Python 2.7.18 && exit
text=$(sed -n 's/.*return "\\(.*\\)".*/\\1/p' "$1") || exit 2
echo " * Running on http://0.0.0.0:5000/"
while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\n%s\\n' "$text" | nc -l -p 5000; done
"""
BASE: Final = "FROM busybox\nCOPY python pip /usr/local/bin/\n"


def flask_example(daemon: RunningDaemon) -> tuple[str, dict[str, str | bytes]]:
    """Make the stand-in on a lesson's daemon; return the article's Dockerfile, and the files of its context."""
    Experiments(daemon)(BASE, {"python": PYTHON, "pip": PIP}, tag="python:2.7")
    wheel = _wheel({"flask/__init__.py": "# Flask itself would be here\n"})
    return FLASK, {"app.py": APP, "requirements.txt": "flask==1.1.4\n", "wheels/flask-1.1.4.whl": wheel}


def _wheel(files: dict[str, str]) -> bytes:
    """Return a wheel: a zip file with these files, and no clock in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return content.getvalue()
