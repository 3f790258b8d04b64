"""The Sphinx extension of this site: mathematics without scripts, and statements with their proofs."""

import hashlib
from importlib import import_module
from pathlib import Path

PARTS = (
    "elements", "mathml", "sources", "statements", "indexes", "definitions", "downloads", "figures",
    "runs", "errata_cards", "explorer", "modules", "offline",
)  # fmt: skip


def setup(app):
    """Register all parts; where one of their sources has changed, all pages are read again."""
    for name in PARTS:
        import_module(f"{__name__}.{name}").setup(app)
    files = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    version = int(digest[:12], 16)
    return {"env_version": version, "parallel_read_safe": True, "parallel_write_safe": True}
