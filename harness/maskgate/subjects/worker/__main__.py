"""Entry of a worker: `python .../worker/__main__.py CHANNEL LIFELINE SETTINGS`.

Old syntax on purpose: an interpreter that is too old must get as far as saying so.
"""

import os
import sys

TOO_OLD = 97  # exit status, read by maskgate.subjects.process
NAME = "maskgate_worker"


def die_with_parent(lifeline):  # type: (int) -> None
    """Have the kernel end this process (SIGIO) when the parent's end of `lifeline` closes.

    Works whatever this process is busy with and however the parent ended. PR_SET_PDEATHSIG does
    not serve: it fires when the parent's *thread* ends.
    """
    import fcntl
    import select

    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(1)


def import_package():  # type: () -> None
    """Make this folder importable as NAME, without putting its parent or itself on sys.path."""
    import importlib.util

    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    # The interpreter put the folder of this file first, unless told not to (PYTHONSAFEPATH).
    if os.path.realpath(sys.path[0]) == os.path.realpath(folder):
        del sys.path[0]
    spec = importlib.util.spec_from_file_location(
        NAME, folder + "/__init__.py", submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    if sys.hexversion < 0x03070000:
        sys.stderr.write(".".join(str(number) for number in sys.version_info[:3]))
        sys.exit(TOO_OLD)
    die_with_parent(int(sys.argv[2]))
    import_package()
    loop = __import__(NAME + ".loop", fromlist=["main"])
    loop.main(int(sys.argv[1]), sys.argv[3])
