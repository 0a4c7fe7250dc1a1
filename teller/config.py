"""Configuration: a TOML file, overlaid by ``TELLER_*`` variables, overlaid by the command line.

``TELLER_HTTP__PORT=8443`` sets ``port`` in ``[http]``; lists and tables are written as JSON there.
An unknown key anywhere is an error that names the key and where it stands.
"""

import json
import os
import textwrap
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    IPvAnyAddress,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from kyc.packs import INSIGHTFACE_LICENCE, PERMISSIVE
from kyc.registry import CPU
from teller.config_archive import ArchiveSection
from teller.config_parts import ConfigError, OptionalPath, Seconds, Section, secret_of
from teller.turn import TurnUri

__all__ = [
    "ArchiveSection",
    "Config",
    "ConfigError",
    "CustomerNetworkSection",
    "LogSection",
    "load",
    "sample",
]

ENV_PREFIX = "TELLER_"
FILE_VARIABLE = "TELLER_CONFIG"
DEFAULT_FILE = Path("teller.toml")


Port = Annotated[int, Field(ge=0, le=65_535)]


def _turn_uri(value: str) -> str:
    return TurnUri.parse(value).text


TurnText = Annotated[str, AfterValidator(_turn_uri)]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Http(Section):
    """Where the service listens and who may talk to it."""

    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104
    port: Port = Field(default=8443, description="Port to listen on; 0 takes a free one.")
    local_port: int = Field(
        default=8080,
        ge=-1,
        le=65_535,
        description="Plain HTTP for browsers on this machine (127.0.0.1); 0: a free port, -1: off.",
    )
    tls: Literal["auto", "off", "files"] = Field(
        default="auto",
        description="auto: a self-made certificate, kept in data_dir/certs; files: cert and key below; "
        "off: plain HTTP, for use behind a proxy that terminates TLS.",
    )
    cert: OptionalPath = Field(default=None, description="Certificate chain, PEM; for tls = files.")
    key: OptionalPath = Field(default=None, description="Private key, PEM; for tls = files.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+)?$",
        description="How customers reach the service, for links: https://video.bank.example without a path. "
        "Empty: links are paths, to be put behind the address that the agent uses.",
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Addresses or networks whose X-Forwarded-For is believed: 10.0.0.0/8."
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(), description="Web origins besides our own that may open the socket."
    )
    embed_origins: tuple[str, ...] = Field(
        default=(), description="Web origins that may show the customer's page in a frame."
    )

    app_schemes: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*$")], ...] = Field(
        default=(), description="Schemes of the bank's apps that return_to of self-service may have: bankapp."
    )

    @model_validator(mode="after")
    def _files_named(self) -> "Http":
        if self.tls == "files" and not (self.cert and self.key):
            raise ValueError("tls = files needs cert and key")
        return self


class DatabaseSection(Section):
    """The database."""

    url: str = Field(
        default="",
        pattern=r"^(|sqlite\+aiosqlite:///.+|postgresql\+asyncpg://.+)$",
        description="postgresql+asyncpg://user:password@host/name, or sqlite+aiosqlite:///path. "
        "Empty: SQLite in data_dir/teller.db.",
    )


class MediaSection(Section):
    """Sound and picture."""

    workers: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Processes that forward and record. One does for dozens of calls; the second is there at "
        "once when the first one dies. One for every two processors uses the machine.",
    )
    port: Port = Field(
        default=8443,
        description="UDP port of all sound and picture; worker n uses port + n. 0 takes free ones.",
    )
    bind: tuple[IPvAnyAddress, ...] = Field(
        default=(), description="This machine's addresses to use for media. Empty: all of them."
    )
    advertised: tuple[IPvAnyAddress, ...] = Field(
        default=(),
        description="Addresses at which browsers reach this machine through one-to-one NAT: "
        '["203.0.113.9"]. Empty: only its own.',
    )
    turn: tuple[TurnText, ...] = Field(
        default=(),
        description="TURN servers for browsers that cannot send UDP to this machine: "
        '["turn:turn.bank.example:3478?transport=udp", "turns:turn.bank.example:443?transport=tcp"].',
    )
    turn_secret: SecretStr = Field(
        default=SecretStr(""),
        description="What coturn has as static-auth-secret; turn_secret_file is the better place.",
    )
    turn_secret_file: OptionalPath = Field(
        default=None, description="A file that holds the TURN secret alone."
    )
    # A console keeps the credentials of its welcome as long as its session; two hours are for skewed clocks.
    turn_ttl_s: Seconds = Field(
        default=43_200.0,
        le=172_800,
        description="How long a page's TURN credentials open relays; at least tickets.session_s.",
    )
    promise_s: Seconds = Field(
        default=15.0,
        le=120,
        description="A call whose promised media does not arrive within this time is ended.",
    )
    quality_interval_s: Seconds = Field(
        default=5.0, le=300, description="Seconds between two quality facts per seat."
    )
    video_codecs: tuple[Literal["VP8", "H264"], ...] = Field(
        default=("VP8", "H264"),
        min_length=1,
        description="Codecs that are accepted, the preferred one first.",
    )

    @model_validator(mode="after")
    def _ports_fit(self) -> "MediaSection":
        if self.port + self.workers - 1 > 65_535:
            raise ValueError(f"no UDP ports for {self.workers} workers from {self.port} on")
        return self

    @model_validator(mode="after")
    def _secret_named(self) -> "MediaSection":
        if self.turn and not self.turn_secret.get_secret_value() and self.turn_secret_file is None:
            raise ValueError("turn needs turn_secret or turn_secret_file")
        return self

    def secret(self) -> str:
        """Return the secret shared with the TURN servers. Raises ConfigError when its file cannot be read."""
        return secret_of(self.turn_secret, self.turn_secret_file, "media.turn_secret_file")


class RecordingSection(Section):
    """The recorder. At most segment_s + sync_s of a track is lost when the machine dies."""

    segment_s: Seconds = Field(default=4.0, ge=1, le=4, description="Length of a segment; at most 4.")
    sync_s: Seconds = Field(
        default=1.0, le=1, description="Seconds between two syncs of an open segment to disk."
    )
    spool_free_gb: float = Field(
        default=10.0,
        ge=0,
        le=100_000,
        description="Alarm (log, figures, doctor, wallboard) when less than this many GB (2^30) are free "
        "where recordings wait for the archive. Size the disk for a day without the archive.",
    )


class DeskSection(Section):
    """The desk and its sockets. How long it rings, how long a seat is kept and how long wrap-up lasts
    stands in the policy pack.
    """

    hours: str = Field(
        default="",
        description='When agents are there: "Mon-Fri 09:00-12:00, 13:00-18:00; Sat 10:00-16:00". '
        "Empty: always.",
    )
    time_zone: str = Field(default="Asia/Shanghai", description="IANA name of the zone of the hours.")
    holidays: tuple[str, ...] = Field(
        default=(), description='Dates on which the desk stays closed: ["2026-10-01"].'
    )
    assignment: Literal["longest_idle", "random"] = Field(
        default="longest_idle",
        description="Who is rung: the agent who was idle for longest, or one drawn by lot; the journal "
        "keeps every draw.",
    )
    vip_head_start_s: Seconds = Field(
        default=300.0,
        le=7_200,
        description="How much longer an ordinary customer has waited when he goes before an important one.",
    )
    answer_within_s: Seconds = Field(
        default=20.0, le=3_600, description="The service level counts customers answered within this."
    )

    heartbeat_s: Seconds = Field(
        default=5.0,
        le=8,
        description="Seconds between two pings of a page; a dead one is noticed after one and a half.",
    )


class TicketSection(Section):
    """Lifetimes of rights."""

    link_s: Seconds = Field(
        default=86_400.0, le=2_592_000, description="How long a link from an agent can be opened."
    )
    walk_in_s: Seconds = Field(default=300.0, le=3_600, description="How long a walk-in ticket can be used.")
    upload_s: Seconds = Field(default=7_200.0, le=86_400, description="How long a page may upload stills.")
    session_s: Seconds = Field(
        default=36_000.0, le=86_400, description="How long a login lasts: one working day."
    )


class KycSection(Section):
    """Identity checks."""

    models_dir: OptionalPath = Field(
        default=None,
        description="Folder of the fetched models, and in cards/ of your own calibration cards. Empty: "
        "data_dir/models.",
    )
    pack: Literal["auto", "base", "open", "insightface"] = Field(
        default="auto",
        description="Which models decide. auto: open as soon as a file of it is in models_dir, else base, "
        "which is for demos and never approves by itself.",
    )
    insightface_dir: OptionalPath = Field(
        default=None,
        description="For pack = insightface: an existing folder with its models; nothing is ever fetched.",
    )
    production: bool = Field(
        default=True,
        description="Refuse to start with models that are for demos, whose licence is not among those below, "
        "or that judge without a calibration card. false: say so in the log and go on.",
    )
    licences: tuple[str, ...] = Field(
        default=PERMISSIVE,
        description="SPDX names of licences that are allowed. A bank that holds InsightFace's licence adds "
        f"{INSIGHTFACE_LICENCE}.",
    )
    providers: tuple[str, ...] = Field(
        default=(CPU,),
        min_length=1,
        description="What runs the models, by ONNX Runtime's names, the best first: "
        '["CUDAExecutionProvider", "CPUExecutionProvider"].',
    )
    outside: Literal["none", "demo"] = Field(
        default="none",
        description="Registries, lists, one-time codes and the bank's books. demo: made-up answers and codes "
        "in data_dir/outbox.jsonl, to try the service; only with production = false.",
    )


class CustomerNetworkSection(Section):
    """What is known of the networks that customers come from: advice for the agent, never a refusal. The
    files are the bank's to buy and to renew; they are read at the start.
    """

    country_db: OptionalPath = Field(
        default=None,
        description="Countries and operators: an MMDB file such as GeoLite2-Country or GeoIP2-Enterprise. "
        "Empty: no country is known.",
    )
    anonymous_db: OptionalPath = Field(
        default=None,
        description="VPN, proxies, Tor and hosting: an MMDB file such as GeoIP2-Anonymous-IP or IPinfo "
        "Privacy. Empty: nothing is known of them.",
    )
    home_countries: tuple[CountryCode, ...] = Field(
        default=("CN",),
        description="Countries from which customers are expected, ISO 3166-1: all others raise a doubt.",
    )


class LogSection(Section):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level shown."
    )
    format: Literal["console", "json"] = Field(
        default="console", description="console for people, json for machines."
    )
    show_personal_data: bool = Field(
        default=False, description="Show pii_ values; honoured at level debug only, never for production."
    )


class AuditSection(Section):
    """The auditor's desk."""

    may_download: tuple[str, ...] = Field(
        default=(),
        description='Logins that may take files of records away: ["anna"]. All others play and read them in '
        "the page.",
    )


class PolicySection(Section):
    """What a case must go through."""

    pack: str = Field(
        default="cn-account-opening",
        min_length=1,
        description="Name of a policy pack that comes along, or path of a YAML file.",
    )


class Config(BaseSettings):
    """All of it. ``load`` builds one."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter="__"
    )

    data_dir: Path = Field(
        default=Path("teller-data"),
        description="Everything the service keeps: database, keys, journals, recordings.",
    )
    http: Http = Http()
    database: DatabaseSection = DatabaseSection()
    archive: ArchiveSection = ArchiveSection()
    media: MediaSection = MediaSection()
    recording: RecordingSection = RecordingSection()
    desk: DeskSection = DeskSection()
    tickets: TicketSection = TicketSection()
    kyc: KycSection = KycSection()
    customer_network: CustomerNetworkSection = CustomerNetworkSection()
    log: LogSection = LogSection()
    audit: AuditSection = AuditSection()
    policy: PolicySection = PolicySection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what ``load`` merged, so that a Config built in code does not depend on variables."""
        return (init_settings,)

    @model_validator(mode="after")
    def _credentials_last(self) -> "Config":
        if self.media.turn and self.media.turn_ttl_s < self.tickets.session_s:
            raise ValueError("media.turn_ttl_s is less than tickets.session_s")
        return self

    @property
    def database_url(self) -> str:
        """Return the URL of the database in use."""
        return self.database.url or f"sqlite+aiosqlite:///{self.data_dir / 'teller.db'}"

    @property
    def archive_dir(self) -> Path:
        """Return the folder of the directory archive."""
        return self.archive.path or self.data_dir / "archive"

    @property
    def behind_https(self) -> bool:
        """Return whether a proxy terminates TLS, so that requests look plain that are not."""
        return self.http.tls == "off" and self.http.public_url.startswith("https://")

    @property
    def https(self) -> bool:
        """Return whether browsers come by HTTPS with a certificate that they trust by themselves."""
        return self.http.tls == "files" or self.behind_https

    @property
    def certs_dir(self) -> Path:
        """Return the folder of the self-made certificate."""
        return self.data_dir / "certs"


def load(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration; ``overrides`` is nested like the file and wins over all.

    Without ``path`` the file named by ``TELLER_CONFIG`` is read, else ``teller.toml`` if there is one.

    Raises:
        ConfigError: a file that cannot be read, an unknown key or a bad value.
    """
    file = _file_to_read(path)
    data = {} if file is None else _read(file)
    from_env = _read_environment()
    merged = _merge(_merge(data, from_env), overrides or {})
    try:
        return Config(**merged)
    except ValidationError as error:
        lines = tuple(
            _line(fault["loc"], fault["type"], fault["msg"], _place(fault["loc"], from_env, file))
            for fault in error.errors()
        )
        raise ConfigError(lines) from error


def _file_to_read(path: Path | None) -> Path | None:
    named = path or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    return named


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError((f"{file}: {error.strerror}",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError((f"{file}: {error}",)) from error


def _read_environment() -> dict[str, Any]:
    known = {name.upper() for name in Config.model_fields}
    unknown = [
        f"environment: {name} is not a setting"
        for name in sorted(os.environ)
        if name.startswith(ENV_PREFIX)
        and name != FILE_VARIABLE
        and name.removeprefix(ENV_PREFIX).split("__")[0].upper() not in known
    ]
    if unknown:
        raise ConfigError(tuple(unknown))
    try:
        return dict(EnvSettingsSource(Config)())
    except SettingsError as error:
        raise ConfigError((f"environment: {error}",)) from error


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[key] = _merge(under, value) if both else value  # type: ignore[arg-type]
    return merged


def _place(where: tuple[int | str, ...], from_env: Mapping[str, Any], file: Path | None) -> str:
    found: Any = from_env
    for part in where[:2]:
        found = found.get(part) if isinstance(found, Mapping) else None
    if where and found is not None:
        return "environment"
    return "configuration" if file is None else str(file)


def _line(where: tuple[int | str, ...], kind: str, text: str, place: str) -> str:
    name = ".".join(str(part) for part in where)
    if kind == "extra_forbidden":
        return f"{place}: {name} is not a setting"
    said = text.removeprefix("Value error, ")
    return f"{place}: {name}: {said}" if name else f"{place}: {said}"


def sample() -> str:
    """Return a TOML file with every key, its explanation and its default."""
    parts = ["# Configuration of Video Teller. Every key is shown with its default.\n"]
    parts += [_sample_key(name, field) for name, field in Config.model_fields.items() if not _section(field)]
    for name, field in Config.model_fields.items():
        section = _section(field)
        if section is not None:
            keys = "".join(_sample_key(key, value) for key, value in section.model_fields.items())
            parts.append(f"{_comment(section.__doc__ or '')}[{name}]\n{keys}")
    return "\n".join(parts)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _sample_key(name: str, field: FieldInfo) -> str:
    return f"{_comment(field.description or '')}{name} = {_toml(field.default)}\n"


def _comment(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 100, initial_indent="# ", subsequent_indent="# ") + "\n"


def _toml(value: Any) -> str:
    match value:
        case None:
            return '""'
        case SecretStr():
            return json.dumps(value.get_secret_value())
        case Path():
            return json.dumps(str(value))
        case _:
            return json.dumps(value)
