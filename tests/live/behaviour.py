"""What the tests of the whole program's behaviour share: checks that print a line each, a folder, and who is left behind."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

MARK = f"SOCKWHY_TEST={os.getpid()}"  # in the environment of all that a test starts
failed = 0


def check(name, good, text=""):
    global failed
    failed += not good
    print("ok  " if good else "FAIL", name, "" if good else text, flush=True)
    return good


def environment():
    return dict(os.environ, LC_ALL="C.UTF-8", **dict([MARK.split("=")]))


def left_behind():
    """Processes that carry the mark: the command's, and sockwhy's own."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                marked = MARK.encode() in file.read().split(b"\0")
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                comm = file.read().strip()
        except OSError:
            continue
        if marked:
            found.append(f"{comm}[{pid}]")
    return found


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def load(path):
    """The report, or None."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


class Tool:
    """`sockwhy run` in a folder of its own."""

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.folder = tempfile.mkdtemp(prefix="sockwhy-live.")

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([self.program, "run", *arguments], env=environment(), cwd=self.folder, **options)

    def run(self, *arguments, **options):
        """Status, standard output, standard error, seconds."""
        began = time.monotonic()
        process = self.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err, time.monotonic() - began

    def done(self):
        left = [] if wait_for(lambda: not left_behind(), 3) else left_behind()
        check("no process is left behind", not left, str(left))
        files = [name for name in os.listdir(self.folder) if name.endswith((".tmp", ".journal"))]
        check("no unfinished file is left behind", not files, str(files))
        shutil.rmtree(self.folder, ignore_errors=True)
        sys.exit(1 if failed else 0)
