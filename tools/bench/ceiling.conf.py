"""The server's own settings of gunicorn, for the application to measure by."""

from pathlib import Path
from runpy import run_path

HOOKS = {"when_ready", "post_fork", "post_worker_init", "worker_exit", "on_exit"}
ROOT = Path(__file__).resolve().parents[2]

_server = run_path(str(ROOT / "deploy" / "gunicorn.conf.py"))
globals().update({name: value for name, value in _server.items() if name not in HOOKS})
wsgi_app = "tools.bench.ceiling:application"
