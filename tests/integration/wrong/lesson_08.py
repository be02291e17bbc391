"""Wrong answers to the steps of lesson 8: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import REFERENCE_BY_SOLUTION
from tests.integration.wrong.lesson_03 import _but


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=8)


LOGICAL_LINES = r"""
def logical_lines(text):
    found, begun = [], ""
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun += line.rstrip()
        if begun.endswith("\\"):
            begun = begun[:-1]
        else:
            found.append(begun.strip())
            begun = ""
    return [*found, begun.strip()] if begun.strip() else found
"""
VALUE_OF = """
def value_of(name, rest):
    if name in ("RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD"):
        try:
            words = json.loads(rest)
        except ValueError:
            return rest
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
    return rest
"""
INSTRUCTION = """
def instruction(line):
    name, *rest = line.split(None, 1)
    return name.upper(), value_of(name.upper(), "".join(rest).strip())
"""
ESCAPE = r"""
def escape(text):
    for line in text.split("\n"):
        found = re.fullmatch(r"\s*#\s*(syntax|check|escape)\s*=\s*(.+?)\s*", line, re.IGNORECASE)
        if not found:
            break
        if found[1].lower() == "escape":
            return found[2]
    return "\\"
"""
HEREDOC = r"""
def heredoc(line, following):
    if line.split()[0].upper() in ("RUN", "COPY", "ADD"):
        for dash, end in re.findall(r'''(?:^|\s)\d*<<(-?)["']?(\w+)["']?(?=\s|$)''', line):
            for text in following:
                line += f"\n{text}"
                if (text.lstrip("\t") if dash else text) == end:
                    break
    return line
"""
PARSER = """
    from labcore.builder.parser import parse as labcores
    from labcore.builder.learners import pair_of
    {rest}
"""

WRONG: dict[str, dict[str, str]] = {
    "logical_lines": {
        "a faked print": 'def logical_lines(text):\n    print("FROM busybox")\n    return ["FROM busybox"]\n',
        "a hard-coded file": 'def logical_lines(text):\n    return ["FROM python:2.7", "WORKDIR /app"]\n',
        "a call of the reference": _reference("logical_lines"),
        "a call of labcore's": "def logical_lines(text):"
        + PARSER.format(rest="return [each.source for each in labcores(text).instructions]"),
        "the lines as they are": 'def logical_lines(text):\n    return text.split("\\n")\n',
        "comments stay": _but(LOGICAL_LINES, (' or line.lstrip().startswith("#")', "")),
        "comments at the margin only": _but(LOGICAL_LINES, ('line.lstrip().startswith("#")', 'line.startswith("#")')),
        "cut at any #": _but(LOGICAL_LINES, ("        begun += line.rstrip()", '        begun += line.split("#")[0].rstrip()')),
        "blank lines stay": _but(LOGICAL_LINES, ("not line.strip() or ", "")),
        "a blank line ends what is continued": _but(
            LOGICAL_LINES,
            (
                "            continue\n",
                "            if begun and not line.strip():\n                found.append(begun.strip())\n"
                '                begun = ""\n            continue\n',
            ),
        ),
        "a comment ends what is continued": _but(
            LOGICAL_LINES,
            (
                "            continue\n",
                "            if begun and line.strip():\n                found.append(begun.strip())\n"
                '                begun = ""\n            continue\n',
            ),
        ),
        "the backslash stays": _but(LOGICAL_LINES, ("begun = begun[:-1]", "pass")),
        "nothing behind the backslash": _but(LOGICAL_LINES, ("begun += line.rstrip()", 'begun += line.rstrip("\\r")')),
        "one continuation only": _but(
            LOGICAL_LINES, ('if begun.endswith("\\\\"):', 'if begun.endswith("\\\\") and begun == line.rstrip():')
        ),
        "backslashes go everywhere": _but(
            LOGICAL_LINES,
            ("begun = begun[:-1]", "begun = begun[:-1]"),
            ("found.append(begun.strip())", 'found.append(begun.strip().replace("\\\\", ""))'),
        ),
        "each line is stripped": _but(LOGICAL_LINES, ("begun += line.rstrip()", "begun += line.strip()")),
        "the last one is lost": _but(
            LOGICAL_LINES, ("return [*found, begun.strip()] if begun.strip() else found", "return found")
        ),
        "an empty one at the end": _but(
            LOGICAL_LINES, ("return [*found, begun.strip()] if begun.strip() else found", "return [*found, begun.strip()]")
        ),
    },
    "value_of": {
        "a faked print": 'def value_of(name, rest):\n    print(["python"])\n    return rest\n',
        "a hard-coded list": 'def value_of(name, rest):\n    return ["/bin/echo"] if rest.startswith("[") else rest\n',
        "a call of the reference": _reference("value_of"),
        "a call of labcore's": """
def value_of(name, rest):
    from labcore.builder.parser.lexing import list_of
    return list_of(rest) or rest
""",
        "whatever is JSON": _but(
            VALUE_OF, ("        if isinstance(words, list) and all(isinstance(word, str) for word in words):\n    ", "")
        ),
        "any list": _but(VALUE_OF, (" and all(isinstance(word, str) for word in words)", "")),
        "any instruction": _but(VALUE_OF, ('name in ("RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD")', "True")),
        "programs only": _but(VALUE_OF, (', "SHELL", "VOLUME", "COPY", "ADD"', "")),
        "single quotes are as good": _but(VALUE_OF, ("json.loads(rest)", """json.loads(rest.replace("'", '"'))""")),
        "the shell form is split": _but(VALUE_OF, ("            return rest\n", "            return rest.split()\n")),
        "an error for what is none": _but(VALUE_OF, ("            return rest\n", "            raise\n")),
        "split by hand": """
def value_of(name, rest):
    if name in ("RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD") and rest[:1] == "[" and rest[-1:] == "]":
        return [word.strip().strip('"') for word in rest[1:-1].split(",")]
    return rest
""",
        "an empty list is none": _but(VALUE_OF, ("isinstance(words, list) and", "words and isinstance(words, list) and")),
    },
    "instruction": {
        "a faked print": 'def instruction(line):\n    print(("FROM", "busybox"))\n    return "FROM", ""\n',
        "a hard-coded name": _but(INSTRUCTION, ("return name.upper(),", 'return "RUN",')),
        "a call of the reference": _reference("instruction"),
        "a call of labcore's": "def instruction(line):" + PARSER.format(rest="return pair_of(labcores(line).instructions[0])"),
        "as it is written": _but(INSTRUCTION, ("return name.upper(),", "return name,")),
        "the value is asked as it is written": _but(INSTRUCTION, ("value_of(name.upper()", "value_of(name")),
        "parted by one blank": _but(INSTRUCTION, ("line.split(None, 1)", 'line.split(" ", 1)')),
        "always a text": _but(INSTRUCTION, ("value_of(name.upper(), ", "("), (".strip())", ".strip())")),
        "all words": _but(INSTRUCTION, ("line.split(None, 1)", "line.split()"), ('"".join', '" ".join')),
        "there must be something": """
def instruction(line):
    name, rest = line.split(None, 1)
    return name.upper(), value_of(name.upper(), rest.strip())
""",
        "white space at the end stays": _but(INSTRUCTION, ('"".join(rest).strip()', '"".join(rest)')),
    },
    "parse": {
        "a faked print": 'def parse(text):\n    print([("FROM", "busybox")])\n    return []\n',
        "a hard-coded article": """
def parse(text):
    return [("FROM", "python:2.7"), ("MAINTAINER", "Angel_Kitty <angelkitty6698@gmail.com>"), ("COPY", ". /app"),
        ("WORKDIR", "/app"), ("RUN", "pip install -r requirements.txt"), ("EXPOSE", "5000"), ("ENTRYPOINT", ["python"]),
        ("CMD", ["app.py"])]
""",
        "a call of the reference": _reference("parse"),
        "a call of labcore's": "def parse(text):"
        + PARSER.format(rest="return [pair_of(each) for each in labcores(text).instructions]"),
        "line by line": 'def parse(text):\n    return [instruction(line) for line in text.split("\\n") if line.strip()]\n',
        "without values": "def parse(text):\n    return [instruction(line)[0] for line in logical_lines(text)]\n",
        "the lines": "def parse(text):\n    return [line.split(None, 1) for line in logical_lines(text)]\n",
        "each name once": "def parse(text):\n    return list(dict(map(instruction, logical_lines(text))).items())\n",
        "sorted": "def parse(text):\n    return sorted((instruction(line) for line in logical_lines(text)), key=str)\n",
        "the last is missing": "def parse(text):\n    return [instruction(line) for line in logical_lines(text)[:-1]]\n",
    },
    "heredoc": {
        "a faked print": 'def heredoc(line, following):\n    print("END")\n    return line\n',
        "a hard-coded end": _but(HEREDOC, ("== end:", '== "END":')),
        "a call of the reference": _reference("heredoc"),
        "no lines": "def heredoc(line, following):\n    return line\n",
        "all lines": 'def heredoc(line, following):\n    return "\\n".join([line, *following]) if "<<" in line else line\n',
        "without its end": _but(
            HEREDOC,
            (
                """                line += f"\\n{text}"
                if (text.lstrip("\\t") if dash else text) == end:
                    break
""",
                """                if (text.lstrip("\\t") if dash else text) == end:
                    break
                line += f"\\n{text}"
""",
            ),
        ),
        "the end may be indented": _but(HEREDOC, ('(text.lstrip("\\t") if dash else text)', "text.strip()")),
        "tabs always": _but(HEREDOC, ('(text.lstrip("\\t") if dash else text)', 'text.lstrip("\\t")')),
        "tabs never": _but(HEREDOC, ('(text.lstrip("\\t") if dash else text)', "text")),
        "the first only": _but(HEREDOC, ("(?=\\s|$)''', line):", "(?=\\s|$)''', line)[:1]:")),
        "any instruction": _but(HEREDOC, ('if line.split()[0].upper() in ("RUN", "COPY", "ADD"):', "if True:")),
        "capitals only": _but(HEREDOC, (".upper() in", " in")),
        "no quotes": _but(HEREDOC, ("""["']?(\\w+)["']?""", "(\\w+)")),
        "any <<": _but(HEREDOC, ("(?:^|\\s)\\d*<<", "<<"), ("(?=\\s|$)", "")),
        "comments are left out": _but(
            HEREDOC,
            (
                "                line +=",
                '                if text[:1] == "#":\n                    continue\n                line +=',
            ),
        ),
        "it may begin with it": _but(HEREDOC, ("== end:", "[: len(end)] == end:")),
    },
    "escape": {
        "a faked print": 'def escape(text):\n    print("`")\n    return "\\\\"\n',
        "a hard-coded sign": 'def escape(text):\n    return "`" if "`" in text else "\\\\"\n',
        "a call of the reference": _reference("escape"),
        "a call of labcore's": """
def escape(text):
    from labcore.builder.parser import read_directives
    return read_directives(text).escape
""",
        "anywhere": _but(ESCAPE, ("            break\n", "            continue\n")),
        "any comment before it": _but(
            ESCAPE, ("            break\n", '            if line[:1] != "#":\n                break\n            continue\n')
        ),
        "over blank lines": _but(
            ESCAPE, ("            break\n", "            if line.strip():\n                break\n            continue\n")
        ),
        "on the first line only": _but(ESCAPE, ('text.split("\\n")', 'text.split("\\n")[:1]')),
        "small letters only": _but(ESCAPE, (", re.IGNORECASE", "")),
        "without blanks": _but(ESCAPE, (r"\s*#\s*(syntax|check|escape)\s*=\s*(.+?)\s*", "#(syntax|check|escape)=(.+)")),
        "nothing where nothing is said": _but(ESCAPE, ('return "\\\\"', "return None")),
        "any name": _but(ESCAPE, ("(syntax|check|escape)", "(\\w+)")),
    },
}

UNRULY: dict[str, str] = {}  # nothing that lessons 1 and 3 have not met
