"""An ordinary play of ansible's community.docker modules, `ansible_play.yml`; what has come of each task is printed as JSON."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PLAY = Path(__file__).with_name("ansible_play.yml")

with tempfile.TemporaryDirectory() as folder:
    words = [sys.executable, "-m", "ansible.cli.playbook", "-i", "localhost,"]
    words += ["-e", f"python={sys.executable} folder={folder}", str(PLAY)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    print(json.dumps(json.loads(Path(folder, "told").read_text()), indent=1))
