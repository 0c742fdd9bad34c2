"""Worker processes that do not outlive what started them."""

from __future__ import annotations

import os
import threading
from multiprocessing import connection, parent_process


def leave_with_parent() -> None:
    """End this process as soon as its parent has ended, however that was; made to be a pool's ``initializer``.

    A worker that waits for work would otherwise wait forever once its parent was killed.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_after, args=(parent.sentinel,), daemon=True).start()


def _leave_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
