"""The output of a container that is attached to before its start, however soon it is removed."""

from labcore.engine import Engine
from labcore.engine.container.create import create
from labcore.engine.container.start import start
from labcore.engine.container.state import get, shim_of
from labcore.engine.containers import remove
from labcore.spec import CreateOptions
from tests.conftest import needs_root


def test_a_reader_from_before_the_start_has_the_output_of_a_removed_container(engine: Engine) -> None:
    needs_root()
    made = create(engine, CreateOptions(image="busybox", command=("echo", "hello")))
    reader = shim_of(engine, made).reader()
    try:
        start(engine, made.id).wait(20)
        remove(engine, get(engine, made.id).id, force=True)
        assert b"".join(record.data for records in reader.available() for record in records) == b"hello\n"
    finally:
        reader.close()
