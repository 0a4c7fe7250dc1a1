"""The configuration: what is accepted, what is refused and how that is said."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from contract.errors import UserError
from media.settings import MediaSettings
from teller import config
from teller.config import Config, ConfigError
from teller.media_worker import media_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(config.ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            assert kind.__doc__, f"section {name} has no explanation"
            yield from _fields(kind, f"{path}{name}.")
        else:
            yield f"{path}{name}", field


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "bank.toml"
    file.write_text(text)
    return file


def _lines(path: Path | None = None, **overrides: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.load(path, overrides)
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, UserError)
    return caught.value.lines


def test_every_field_is_explained_and_stands_in_the_sample() -> None:
    """Each key has a description, and the sample shows it in its section."""
    parsed = tomllib.loads(config.sample())
    for path, field in _fields(Config):
        assert field.description, f"{path} has no description"
        value: Any = parsed
        for part in path.split("."):
            assert part in value, f"{path} is not in the sample"
            value = value[part]


def test_sample_holds_nothing_but_known_keys_and_parses_to_the_defaults(tmp_path: Path) -> None:
    """Starting with the unchanged sample is starting without a file."""
    assert config.load(_written(tmp_path, config.sample())) == config.load() == Config()


def test_sample_comments_fit_a_terminal() -> None:
    """No line of the sample is longer than 100 characters."""
    assert max(map(len, config.sample().splitlines())) <= 100


def test_file_environment_and_overrides_win_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line wins over variables, variables over the file, the file over defaults."""
    file = _written(tmp_path, '[http]\nport = 1001\nhost = "127.0.0.1"\nlocal_port = 1002\n')
    monkeypatch.setenv("TELLER_HTTP__PORT", "2001")
    monkeypatch.setenv("TELLER_HTTP__LOCAL_PORT", "2002")
    read = config.load(file, {"http": {"local_port": 3002}})
    assert (read.http.host, read.http.port, read.http.local_port) == ("127.0.0.1", 2001, 3002)
    assert read.http.tls == "auto"


def test_lists_in_variables_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists and tables can be given in a variable."""
    monkeypatch.setenv("TELLER_MEDIA__TURN", '["turn:turn.example"]')
    monkeypatch.setenv("TELLER_MEDIA__TURN_SECRET", "hush")
    assert config.load().media.turn == ("turn:turn.example",)


def test_file_is_found_by_variable_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument, TELLER_CONFIG and then ./teller.toml are read."""
    config.DEFAULT_FILE.write_text("[http]\nport = 1\n")
    assert config.load().http.port == 1
    monkeypatch.setenv(config.FILE_VARIABLE, str(_written(tmp_path, "[http]\nport = 2\n")))
    assert config.load().http.port == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[http]\nprot = 1\n", "http.prot is not a setting"),
        ("[htpp]\nport = 1\n", "htpp is not a setting"),
        ("speed = 1\n", "speed is not a setting"),
        ('[http]\nport = "many"\n', "http.port: Input should be a valid integer"),
        ("[http]\nport = 70000\n", "http.port: Input should be less than or equal to 65535"),
        ('[http]\ntls = "files"\n', "http: tls = files needs cert and key"),
        ('[http]\npublic_url = "bank.example"\n', "http.public_url: String should match"),
        (
            '[http]\ntrusted_proxies = ["proxy"]\n',
            "http.trusted_proxies.0: value is not a valid IPv4 or IPv6 network",
        ),
        ('[http]\ntrusted_proxies = ["10.0.0.9/8"]\n', "http.trusted_proxies.0: value is not a valid"),
        ("[recording]\nsegment_s = 5\n", "recording.segment_s: Input should be less than or equal to 4"),
        ("[desk]\nheartbeat_s = nan\n", "desk.heartbeat_s: Input should be a finite number"),
        ('[database]\nurl = "mysql://x/y"\n', "database.url: String should match"),
        ('[archive]\nkind = "s3"\n', "archive: kind = s3 needs endpoint, bucket, access_key, secret_key"),
        ("[media]\nvideo_codecs = []\n", "media.video_codecs: Tuple should have at least 1 item"),
        (
            '[media]\nturn = ["stun:a.example"]\nturn_secret = "x"\n',
            "media.turn.0: turn:host:3478?transport=udp",
        ),
        ('[media]\nturn = ["turn:a.example"]\n', "media: turn needs turn_secret or turn_secret_file"),
        (
            '[media]\nturn = ["turn:a.example"]\nturn_secret = "x"\nturn_ttl_s = 3600\n',
            "media.turn_ttl_s is less than tickets.session_s",
        ),
        ("http = 3\n", "http: Input should be a valid dictionary"),
    ],
)
def test_bad_file_is_refused_with_one_line_naming_key_and_file(tmp_path: Path, text: str, line: str) -> None:
    """Each fault is one sentence that starts with the file and names the key."""
    file = _written(tmp_path, text)
    (said,) = _lines(file)
    assert said.startswith(f"{file}: {line}")


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    """Two faults are two lines, so that one need not try again and again."""
    assert len(_lines(_written(tmp_path, "[http]\nport = -1\nprot = 1\n"))) == 2


def test_bad_value_never_appears_in_the_message(tmp_path: Path) -> None:
    """A secret in the wrong place is not printed."""
    file = _written(tmp_path, '[archive]\nsecret_key = ["hunter2"]\nregion = ["hunter2"]\n')
    assert "hunter2" not in "".join(_lines(file))


def test_secrets_are_hidden_in_the_printed_configuration() -> None:
    """Printing the configuration shows stars."""
    section = config.ArchiveSection(secret_key=SecretStr("hunter2"))
    assert "hunter2" not in repr(section)
    assert section.secret() == "hunter2"


@pytest.mark.parametrize(
    ("section", "key"),
    [(config.ArchiveSection, "secret_key_file"), (config.MediaSection, "turn_secret_file")],
)
def test_secret_comes_from_its_file(
    tmp_path: Path, section: type[config.ArchiveSection | config.MediaSection], key: str
) -> None:
    """The secret's file holds the secret alone; a line feed at its end does not matter."""
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    assert section.model_validate({key: file}).secret() == "hunter2"
    for content, fault in ((b"\n", "is empty"), (b"\xff", "not a text")):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=f"{key}: .*{fault}"):
            section.model_validate({key: file}).secret()
    with pytest.raises(ConfigError, match=f"{key}: No such file"):
        section.model_validate({key: tmp_path / "none"}).secret()


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("TELLER_HTTP__PROT", "1", "environment: http.prot is not a setting"),
        ("TELLER_HTPP__PORT", "1", "environment: TELLER_HTPP__PORT is not a setting"),
        ("TELLER_HTTP__PORT", "x", "environment: http.port: Input should be a valid integer"),
        ("TELLER_MEDIA__TURN", "[", "environment: error parsing value"),
    ],
)
def test_bad_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str) -> None:
    """A misspelt or bad variable stops the start as a misspelt key does."""
    monkeypatch.setenv(name, value)
    (said,) = _lines()
    assert said.startswith(line)


def test_bad_override_is_laid_to_the_configuration() -> None:
    """A fault from the command line names no file."""
    assert _lines(http={"port": -5})[0].startswith("configuration: http.port: ")


@pytest.mark.parametrize(("content", "what"), [(b"[http", "Expected"), (b"\xff", "utf-8")])
def test_unreadable_file_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    """What is not TOML is named."""
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    assert what in _lines(file)[0]


def test_missing_named_file_is_refused(tmp_path: Path) -> None:
    """A file that was asked for must be there."""
    assert _lines(tmp_path / "none.toml") == (f"{tmp_path / 'none.toml'}: No such file or directory",)


def test_places_default_to_the_data_directory(tmp_path: Path) -> None:
    """Database, archive and certificate lie in data_dir unless told otherwise."""
    read = config.load(None, {"data_dir": str(tmp_path)})
    assert read.database_url == f"sqlite+aiosqlite:///{tmp_path}/teller.db"
    assert read.archive_dir == tmp_path / "archive"
    assert read.certs_dir == tmp_path / "certs"
    elsewhere = config.load(
        None, {"archive": {"path": "/srv/a"}, "database": {"url": "postgresql+asyncpg://u@h/d"}}
    )
    assert elsewhere.archive_dir == Path("/srv/a")
    assert elsewhere.database_url == "postgresql+asyncpg://u@h/d"


def test_proxies_are_addresses_or_networks() -> None:
    """A single address is a network of one."""
    read = config.load(None, {"http": {"trusted_proxies": ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]}})
    assert [str(network) for network in read.http.trusted_proxies] == [
        "127.0.0.1/32", "10.0.0.0/8", "fd00::/8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("http", "behind", "https"),
    [
        ({}, False, False),
        ({"public_url": "https://b.example"}, False, False),
        ({"tls": "off"}, False, False),
        ({"tls": "off", "public_url": "http://b.example"}, False, False),
        ({"tls": "off", "public_url": "https://b.example"}, True, True),
        ({"tls": "files", "cert": "c", "key": "k"}, False, True),
    ],
)
def test_how_browsers_come_is_one_rule(http: dict[str, str], behind: bool, https: bool) -> None:
    """By HTTPS that they trust: the bank's own certificate, here or at the proxy that public_url names."""
    read = config.load(None, {"http": http})
    assert (read.behind_https, read.https) == (behind, https)


def test_rooms_have_the_defaults_that_the_configuration_has(tmp_path: Path) -> None:
    """A number that stands twice is the same number."""
    free = config.MediaSection(port=0)
    assert media_settings(Config(data_dir=tmp_path, media=free), 0) == MediaSettings()


@pytest.mark.parametrize(("port", "number", "own"), [(8443, 0, 8443), (8443, 3, 8446), (0, 3, 0)])
def test_each_media_worker_has_a_port_of_its_own(tmp_path: Path, port: int, number: int, own: int) -> None:
    """They are neighbours, for one rule in the firewall; without a port each takes a free one."""
    section = config.MediaSection(port=port, workers=4)
    assert media_settings(Config(data_dir=tmp_path, media=section), number).port == own


def test_complete_s3_section_is_accepted() -> None:
    """With all it needs, S3 is a legal archive."""
    section = config.ArchiveSection(
        kind="s3", endpoint="https://s3.example", bucket="b", access_key="a", secret_key=SecretStr("s")
    )
    assert section.kind == "s3"


def test_configuration_cannot_be_changed() -> None:
    """It is frozen, all the way down."""
    with pytest.raises(ValueError, match="frozen"):
        Config().http.port = 1
