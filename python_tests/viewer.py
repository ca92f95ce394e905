"""A server of `h5h264 view`, and what is asked of it."""

import http.client
import json
import re
import subprocess
import urllib.parse
from pathlib import Path

from support import PROGRAM


class Server:
    """A server and what is asked of it."""

    def __init__(self, *files):
        command = [PROGRAM, "view", "--no-open", *files]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = urllib.parse.urlsplit(self.process.stdout.readline().strip())
        self.token = urllib.parse.parse_qs(self.url.query)["token"][0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def request(self, target, method="GET", **headers):
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        connection.request(method, target, headers={k: v for k, v in headers.items() if v is not None})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def get(self, name, **parameters):
        response, body = self.request(f"/api/{name}?{urllib.parse.urlencode(parameters, doseq=True)}")
        return response.status, body

    def json(self, name, **parameters):
        status, body = self.get(name, **parameters)
        assert status == 200, body
        return json.loads(body)

    def peak_memory(self):
        """In MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1000

    def failure(self, name, **parameters):
        status, body = self.get(name, **parameters)
        return status, json.loads(body)["message"]
