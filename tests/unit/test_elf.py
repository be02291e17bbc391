import os
from pathlib import Path

import pytest

from labcore.elf import HEAD_SIZE, read_program
from labcore.native import program


def head(path: str | Path) -> bytes:
    return Path(path).read_bytes()[:HEAD_SIZE]


def test_a_dynamic_program_names_its_loader() -> None:
    found = read_program(head("/proc/self/exe"))
    assert found is not None
    assert found.machine == os.uname().machine
    assert found.loader is not None
    assert Path(found.loader).exists()


def test_a_static_program_names_none() -> None:
    assert read_program(head(program("labcore-hello"))) == (os.uname().machine, None)


def test_another_architecture_is_named() -> None:
    changed = bytearray(head("/proc/self/exe"))
    changed[18:20] = (0xF3).to_bytes(2, "little")
    found = read_program(bytes(changed))
    assert found is not None
    assert found.machine == "riscv64"


@pytest.mark.parametrize("text", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" + b"\xff" * 60, b"\x7fELF\x02" + b"\xff" * 4000])
def test_what_is_no_program_does_not_confuse_it(text: bytes) -> None:
    read_program(text)
