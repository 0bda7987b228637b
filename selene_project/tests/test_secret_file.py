import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from selene_project import secret_file

ROOT = Path(__file__).resolve().parents[2]
# Waits until all are ready, so that they meet.
READ_AT_ONCE = """
import sys
from pathlib import Path
from selene_project import secret_file
print("ready", flush=True)
sys.stdin.readline()
print(secret_file.read_or_make(Path(sys.argv[1])))
"""


def test_the_first_start_makes_every_secret_and_later_ones_find_the_same(tmp_path):
    made = secret_file.read_or_make(tmp_path / "data" / "secrets.env")

    assert list(made) == list(secret_file.NAMES)
    assert len(set(made.values())) == len(secret_file.NAMES)
    assert min(map(len, made.values())) >= 44
    assert secret_file.read_or_make(tmp_path / "data" / "secrets.env") == made


def test_the_field_key_is_one_that_fernet_takes(tmp_path):
    made = secret_file.read_or_make(tmp_path / "secrets.env")

    fernet = Fernet(made["SELENE_FIELD_KEY"])

    assert fernet.decrypt(fernet.encrypt(b"token")) == b"token"


def test_only_its_owner_may_read_the_file(tmp_path):
    secret_file.read_or_make(tmp_path / "secrets.env")

    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600


def test_nothing_but_the_file_is_left_in_the_folder(tmp_path):
    secret_file.read_or_make(tmp_path / "secrets.env")

    assert [path.name for path in tmp_path.iterdir()] == ["secrets.env"]


@pytest.mark.parametrize("attempt", range(3))
def test_processes_that_start_at_once_end_with_the_same_secrets(tmp_path, attempt):
    command = [sys.executable, "-c", READ_AT_ONCE, str(tmp_path / "secrets.env")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    starts = [subprocess.Popen(command, cwd=ROOT, text=True, **pipes) for _ in range(4)]
    for start in starts:
        assert start.stdout.readline() == "ready\n"
    for start in starts:
        start.stdin.write("\n")
        start.stdin.flush()

    answers = {start.communicate()[0] for start in starts}

    assert answers == {f"{secret_file.read_or_make(tmp_path / 'secrets.env')}\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.env"]


def test_what_an_operator_added_to_the_file_is_kept(tmp_path):
    path = tmp_path / "secrets.env"
    made = secret_file.read_or_make(path)
    path.write_text(path.read_text() + "# kept in the safe\nEXTRA=a=b\n")

    assert secret_file.read_or_make(path) == made | {"EXTRA": "a=b"}
