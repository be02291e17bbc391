"""The rules, by the names that BuildKit gives them: why each is one, and what to do."""

from __future__ import annotations

import re

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

WORDS: Final = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # between them


class Rule(Record):
    """A rule: its `reason`, and the `cure`. One that is `experimental` is checked only if `# check=experimental=` says so."""

    name: str
    reason: str
    cure: str
    experimental: bool = False
    has_page: bool = True

    @property
    def url(self) -> str:
        """Docker's page of the rule; empty if there is none."""
        if not self.has_page:
            return ""
        return f"https://docs.docker.com/go/dockerfile/rule/{WORDS.sub('-', self.name).lower()}/"


_ALL: Final = (
    Rule(
        "StageNameCasing",
        "A stage is found by its name in any case, and most are written in lower case: capitals look like a difference.",
        "Write the name behind AS in lower case.",
    ),
    Rule(
        "FromAsCasing",
        "FROM and AS are one instruction, and are easier to read in one case.",
        "Write AS in capitals if FROM is, and in small letters if it is not.",
    ),
    Rule(
        "NoEmptyContinuation",
        "A blank line within an instruction is skipped today, and will be an error one day: it often hides a forgotten end.",
        "Take the blank line out, or make it a comment.",
    ),
    Rule(
        "ConsistentInstructionCasing",
        "Any case is understood, but a file of two is hard to read and to search.",
        "Write all instructions in capitals, as is usual, or all in small letters.",
    ),
    Rule(
        "DuplicateStageName",
        "Of two stages with one name only the last can be reached by it.",
        "Give each stage a name of its own.",
    ),
    Rule(
        "ReservedStageName",
        "scratch means the empty image, and context the build context: a stage of that name cannot be told from them.",
        "Choose another name for the stage.",
    ),
    Rule(
        "JSONArgsRecommended",
        "What is no JSON list is run by a shell, which then is process 1: it does not pass on the signal of `docker stop`.",
        'Write it as a list: CMD ["program", "argument"]. If a shell is wanted, say so by SHELL.',
    ),
    Rule(
        "MaintainerDeprecated",
        "MAINTAINER says one thing only, in a place of its own; labels say it, and anything else, where tools look for it.",
        'Write LABEL org.opencontainers.image.authors="…".',
    ),
    Rule(
        "UndefinedArgInFrom",
        "FROM knows only ARGs that stand before the first FROM; any other variable is empty there.",
        "Declare it by ARG before the first FROM, or correct its name.",
    ),
    Rule(
        "UndefinedVar",
        "A variable that no ARG or ENV has set is empty, without an error.",
        "Declare it by ARG or ENV in this stage, or correct its name; for a plain dollar sign write \\$.",
    ),
    Rule(
        "MultipleInstructionsDisallowed",
        "An image has one CMD, one ENTRYPOINT and one HEALTHCHECK: the last of a stage wins, and this one does nothing.",
        "Take this one out.",
    ),
    Rule(
        "WorkdirRelativePath",
        "A relative path begins where the image below has ended, which its next version may change.",
        "Begin with an absolute path: WORKDIR /app.",
    ),
    Rule(
        "LegacyKeyValueFormat",
        "NAME VALUE with a blank can say one pair only, and is easily taken for two names.",
        "Write NAME=VALUE, with quotes if the value has blanks.",
    ),
    Rule(
        "InvalidBaseImagePlatform",
        "The image that FROM names is there for another platform alone: its programs run under an emulator, or not at all.",
        "Name an image that is made for the wanted platform, or say by --platform that this one is meant.",
        has_page=False,
    ),
    Rule(
        "RedundantTargetPlatform",
        "The target's platform is what FROM takes anyway.",
        "Leave --platform out.",
    ),
    Rule(
        "SecretsUsedInArgOrEnv",
        "Everybody who has the image can read its ENV, and the ARGs in its history.",
        "Hand secrets to the one step that needs them: RUN --mount=type=secret,id=….",
    ),
    Rule(
        "InvalidDefaultArgInFrom",
        "Without a --build-arg this FROM names no image: the file cannot be built as it is.",
        "Give the ARG a default that makes a whole name.",
    ),
    Rule(
        "FromPlatformFlagConstDisallowed",
        "A platform that is written out makes the image one for that platform alone, whatever the build is for.",
        "Leave --platform out, or write $BUILDPLATFORM; if it is meant, name the platform in the stage's name.",
    ),
    Rule(
        "CopyIgnoredFile",
        "What .dockerignore leaves out is never sent: it cannot be copied.",
        "Take it out of .dockerignore, or out of COPY.",
        experimental=True,
    ),
    Rule(
        "InvalidDefinitionDescription",
        "A comment just above an ARG or a named stage describes it, if it begins with its name; tools show it.",
        "Begin the comment with the name, or part it from the instruction by a blank line.",
        experimental=True,
    ),
    Rule(
        "ExposeProtoCasing",
        "Protocols are written in small letters wherever ports are shown and compared.",
        "Write 80/tcp.",
    ),
    Rule(
        "ExposeInvalidFormat",
        "EXPOSE tells a port of the container; an address or a port of the host means nothing there, and may become an error.",
        "Write the container's port alone, and the host's in `docker run -p`.",
    ),
)
RULES: Final = {rule.name: rule for rule in _ALL}
