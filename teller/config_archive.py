"""The configuration of the archive: where records live, and how they are kept there."""

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from teller.config_parts import OptionalPath, Section, secret_of


class ArchiveSection(Section):
    """Where records live for years."""

    kind: Literal["directory", "s3"] = Field(default="directory", description="directory, or s3.")
    path: OptionalPath = Field(default=None, description="For directory. Empty: data_dir/archive.")
    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+)?$",
        description="For s3: https://store.example:9000. Object lock needs https.",
    )
    bucket: str = Field(default="", description="For s3: the bucket, which must exist.")
    region: str = Field(default="us-east-1", description="For s3: the bucket's region.")
    access_key: str = Field(default="", description="For s3.")
    secret_key: SecretStr = Field(
        default=SecretStr(""), description="For s3; secret_key_file is the better place."
    )
    secret_key_file: OptionalPath = Field(
        default=None, description="For s3: a file that holds the secret key alone."
    )
    ca_file: OptionalPath = Field(
        default=None, description="For s3: certificates to trust, PEM. Empty: the system's."
    )
    signing_key: OptionalPath = Field(
        default=None,
        description="Ed25519 private key, PEM, that signs records. Empty: data_dir/keys/records.pem, "
        "made when it is first needed. Keep a copy: records name it for ever.",
    )
    timestamp_url: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="A time authority (RFC 3161) that puts its time on every record's signature. It gets a "
        "hash, nothing else. Empty: none.",
    )
    master_key: OptionalPath = Field(
        default=None,
        description="32 bytes that wrap the key of every record. Empty: data_dir/keys/archive.key, made when "
        "it is first needed. Keep a copy apart from the database: without it no record can be read.",
    )
    object_lock_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="For s3: days for which no one may delete a record, from its upload on; the policy's "
        "rules of retention lengthen them once the case has its verdict. 0 sets no lock at all.",
    )
    sse: str = Field(
        default="none",
        pattern=r"^(none|s3|kms:\S+)$",
        description="For s3: have the server encrypt besides: none, s3 (its own keys) or kms:KEY, one of "
        "its key store. Needs https.",
    )
    erase_when_due: bool = Field(
        default=False,
        description="Erase records whose retention has ended, once an hour. false: only tell of them.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "ArchiveSection":
        if self.kind == "s3":
            wanted = {"endpoint": self.endpoint, "bucket": self.bucket, "access_key": self.access_key}
            missing = [name for name, value in wanted.items() if not value]
            if not self.secret_key.get_secret_value() and self.secret_key_file is None:
                missing.append("secret_key or secret_key_file")
            if missing:
                raise ValueError(f"kind = s3 needs {', '.join(missing)}")
        if self.sse != "none" and not self.endpoint.startswith("https://"):
            raise ValueError("sse needs kind = s3 and an https endpoint")
        return self

    def secret(self) -> str:
        """Return the secret key. Raises ConfigError when its file cannot be read."""
        return secret_of(self.secret_key, self.secret_key_file, "archive.secret_key_file")
