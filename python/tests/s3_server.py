"""An S3 server on this machine (moto), which counts what is asked of it."""

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "frames"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass
class Server:
    """`application` is moto's; what it answers to reading is counted."""

    application: object
    endpoint: str = ""
    n_requests: int = 0
    n_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ, start_response):
        body = b"".join(self.application(environ, start_response))
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            with self.lock:
                self.n_requests += 1
                self.n_bytes += len(body)
        return [body]

    def take(self):
        """Requests and bytes since this was asked last."""
        with self.lock:
            taken = self.n_requests, self.n_bytes
            self.n_requests = self.n_bytes = 0
        return taken

    @property
    def fsspec_options(self):
        """For `fsspec.filesystem("s3", …)` and all that takes storage options."""
        return {"key": "key", "secret": "secret", "client_kwargs": {"endpoint_url": self.endpoint}}

    @property
    def obstore_options(self):
        """For `obstore.store.S3Store(BUCKET, …)`."""
        return {
            "endpoint": self.endpoint,
            "access_key_id": "key",
            "secret_access_key": "secret",
            "region": "us-east-1",
            "virtual_hosted_style_request": False,
            "client_options": {"allow_http": True},
        }


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


@contextmanager
def serve():
    """A server with an empty bucket, `BUCKET`."""
    import boto3

    before = {name: os.environ.get(name) for name in KEYS}
    os.environ.update(KEYS)
    server = Server(DomainDispatcherApplication(create_backend_app))
    http = make_server("127.0.0.1", 0, server, threaded=True, request_handler=_Quiet)
    server.endpoint = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        boto3.client("s3", endpoint_url=server.endpoint).create_bucket(Bucket=BUCKET)
        server.take()
        yield server
    finally:
        http.shutdown()
        thread.join()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
