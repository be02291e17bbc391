"""Solutions of lesson 8: a Dockerfile's text becomes instructions."""

# ruff: noqa: F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def logical_lines(text):
    """Return a Dockerfile's instructions, each as one line: no comments, no blank lines, what is continued joined."""
    found, begun, mark = [], "", escape(text)  # a backslash, unless the file's top says otherwise
    lines = iter(text.split("\n"))
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun += line.rstrip()
        if begun.endswith(mark):
            begun = begun[:-1]
        else:
            found.append(heredoc(begun.strip(), lines))  # with the lines that belong to it, if it has `<<`
            begun = ""
    return [*found, begun.strip()] if begun.strip() else found


def value_of(name, rest):
    """Return what stands behind an instruction's name: the words of the exec form, or the text as it is."""
    if name in ("RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD"):
        try:
            words = json.loads(rest)
        except ValueError:
            return rest
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
    return rest


def instruction(line):
    """Return a line as a pair: its instruction's name in upper case, and the value."""
    name, *rest = line.split(None, 1)
    return name.upper(), value_of(name.upper(), "".join(rest).strip())


def parse(text):
    """Return a Dockerfile's instructions as pairs of a name and a value."""
    return [instruction(line) for line in logical_lines(text)]


def escape(text):
    """Return the character that continues a line: what `# escape=` at the file's top says, or a backslash."""
    for line in text.split("\n"):
        found = re.fullmatch(r"\s*#\s*(syntax|check|escape)\s*=\s*(.+?)\s*", line, re.IGNORECASE)
        if not found:
            break
        if found[1].lower() == "escape":
            return found[2]
    return "\\"


def heredoc(line, following):
    """Return a RUN, COPY or ADD with the lines of its heredocs, which are taken from `following`, an iterator."""
    if line.split()[0].upper() in ("RUN", "COPY", "ADD"):
        for dash, end in re.findall(r"(?:^|\s)\d*<<(-?)[\"']?(\w+)[\"']?(?=\s|$)", line):
            for text in following:
                line += f"\n{text}"
                if (text.lstrip("\t") if dash else text) == end:
                    break
    return line
