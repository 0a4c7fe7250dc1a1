"""A time authority on the loopback address: openssl's ``ts`` behind HTTP, with a root of its own."""

import contextlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[authority]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = us
[us]
dir = {root}
serial = {root}/serial
crypto_device = builtin
signer_cert = {root}/tsa.pem
signer_key = {root}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass(slots=True)
class Authority:
    """Where it listens, and the root that vouches for it."""

    url: str
    root: Path


def _openssl(*words: str) -> None:
    subprocess.run(("openssl", *words), check=True, capture_output=True, timeout=60)


def make_authority(root: Path) -> None:
    """Make root and authority certificates under ``root``."""
    root.mkdir(parents=True)
    config = root / "ts.cnf"
    config.write_text(_CONFIG.format(root=root))
    (root / "serial").write_text("01\n")
    for name, subject in (("root", "/CN=Test Root"), ("tsa", "/CN=Test Time Authority")):
        _openssl(
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{root}/{name}.key"
        )
        _openssl("req", "-new", "-config", str(config), "-key", f"{root}/{name}.key", "-subj", subject,
                 "-out", f"{root}/{name}.csr")  # fmt: skip
    common = ("-days", "30", "-extfile", str(config))
    _openssl("x509", "-req", "-in", f"{root}/root.csr", "-signkey", f"{root}/root.key", *common,
             "-extensions", "root", "-out", f"{root}/root.pem")  # fmt: skip
    _openssl("x509", "-req", "-in", f"{root}/tsa.csr", "-CA", f"{root}/root.pem",
             "-CAkey", f"{root}/root.key", "-CAcreateserial", *common,
             "-extensions", "authority", "-out", f"{root}/tsa.pem")  # fmt: skip


@contextlib.contextmanager
def running_authority(root: Path, port: int = 0) -> Iterator[Authority]:
    """Answer timestamp queries at ``port``; the certificates under ``root`` are made if there are none."""
    if not root.exists():
        make_authority(root)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query, reply = root / "query", root / "reply"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            _openssl(
                "ts", "-reply", "-config", f"{root}/ts.cnf", "-queryfile", str(query), "-out", str(reply)
            )
            content = reply.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Authority(f"http://127.0.0.1:{server.server_address[1]}/", root / "root.pem")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
