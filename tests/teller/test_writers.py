"""A server that seals what others left waits until they are gone."""

import subprocess
import sys
from pathlib import Path

from teller.writers import wait_for_writers, writing

_HOLD = """
import sys
from pathlib import Path
from teller.writers import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_nobody_writes(tmp_path: Path) -> None:
    """Without a writer there is nothing to wait for."""
    assert wait_for_writers(tmp_path, 0.0)


def test_several_write_at_once(tmp_path: Path) -> None:
    """Writers do not exclude each other; the last one that leaves ends the wait."""
    with writing(tmp_path), writing(tmp_path):
        assert not wait_for_writers(tmp_path, 0.0)
    assert wait_for_writers(tmp_path, 0.0)


def test_a_killed_writer_holds_up_nobody(tmp_path: Path) -> None:
    """Its lock ends with its process."""
    words = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert not wait_for_writers(tmp_path, 0.0)
        process.kill()
        assert wait_for_writers(tmp_path, 30.0)
