"""The player of `h5h264 view` in a notebook."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from html import escape
from typing import Optional, Union

import h5py

from ._program import program
from ._strip import Strip

_TIMEOUT = 30


class Player:
    """The player, as a notebook shows it."""

    def __init__(self, url: str, height: int) -> None:
        #: What shows it in a browser. Whoever knows it can read the file as long as this process runs.
        self.url = url
        self._height = height

    def __repr__(self) -> str:
        return self.url

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{escape(self.url, quote=True)}" width="100%" height="{self._height}" '
            'style="border: 1px solid #ccc" allow="fullscreen"></iframe>'
        )


def show(
    dataset: h5py.Dataset,
    *,
    height: int = 640,
    proxy: Union[bool, str, None] = None,
    n_frames: int = 5,
) -> Union[Player, Strip]:
    """Shows the frames of a dataset in a notebook: as a movie, with the player of `h5h264 view`.

    The program is started once for a file, and ends with this process. Where there is no notebook or no program, or
    the program can't read the file, some of the frames are shown as one picture.

    Parameters
    ----------
    dataset
        Frames are its last two dimensions, or the last three if the last one is a colour.
    height
        Of the player, in pixels.
    proxy
        The player is on the machine of the kernel. True: the browser gets there through jupyter-server-proxy.
        A text: the same, and this is the Jupyter server's address, or its path, such as "/user/me/". False: the browser
        is on the same machine. Default: through the proxy if JupyterHub has started the kernel.
    n_frames
        Of the picture.

    Raises
    ------
    TypeError, ValueError
        It is not a dataset of frames.
    """
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"{type(dataset).__name__} can't be shown (expected an h5py.Dataset)")
    if not _in_notebook():
        return Strip(dataset, n_frames, "The player is for notebooks")
    try:
        server = _serve(_files_of(dataset))
    except OSError as error:
        return Strip(dataset, n_frames, f"The player was not started: {error}")
    fragment = urllib.parse.urlencode({"file": server.file, "path": dataset.name, "view": "play"})
    return Player(f"{_address(server, proxy)}#{fragment}", height)


def _in_notebook() -> bool:
    """Whether a kernel has a page to show something on."""
    interactive = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(interactive, "kernel", None) is not None


def _files_of(dataset: h5py.Dataset) -> tuple[str, ...]:
    """The dataset's file, and those that a virtual dataset gets its values from."""
    name = os.path.abspath(os.fsdecode(dataset.file.filename))
    if not os.path.isfile(name):
        raise FileNotFoundError(f"{dataset.file.filename} is not a file on this machine")
    sources = [source.file_name for source in dataset.virtual_sources()] if dataset.is_virtual else []
    paths = [os.path.join(os.path.dirname(name), source) for source in sources if source != "."]
    return (name, *sorted({path for path in paths if os.path.isfile(path)} - {name}))


class _Server:
    """The program, which serves some files."""

    def __init__(self, files: tuple[str, ...]) -> None:
        # A file, because nobody reads a pipe later.
        with tempfile.TemporaryFile("w+") as messages:
            # Ctrl-C is for the kernel.
            self.process = subprocess.Popen(
                [str(program()), "view", "--no-open", *files],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
                start_new_session=True,
            )
            assert self.process.stdout is not None
            line = self.process.stdout.readline().strip()
            if not line:
                self.process.wait()
                messages.seek(0)
                raise OSError(messages.read().strip() or "h5h264 view has ended")
        url = urllib.parse.urlsplit(line)
        self.port = url.port
        self.token = urllib.parse.parse_qs(url.query)["token"][0]
        # The program's name for the file.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{self.local}api/files", timeout=_TIMEOUT) as response:
            self.file = json.load(response)[0]

    @property
    def local(self) -> str:
        """The token is in the path: pages of others, as a notebook is, don't keep cookies of this one."""
        return f"http://127.0.0.1:{self.port}/{self.token}/"


_servers: dict[tuple[str, ...], _Server] = {}


def _serve(files: tuple[str, ...]) -> _Server:
    server = _servers.get(files)
    if server is None or server.process.poll() is not None:
        server = _servers[files] = _Server(files)
        atexit.register(_end, server.process, os.getpid())
    return server


def _end(process: subprocess.Popen[str], owner: int) -> None:
    # Forked processes leave it alone.
    if os.getpid() == owner:
        process.terminate()
        process.wait()


def _address(server: _Server, proxy: Union[bool, str, None]) -> str:
    hub: Optional[str] = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    if proxy is None:
        proxy = hub is not None
    if proxy is False:
        return server.local
    base = (hub or "/") if proxy is True else proxy
    return f"{base.rstrip('/')}/proxy/{server.port}/{server.token}/"
