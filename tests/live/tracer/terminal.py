"""A shell with job control in a terminal of its own, driven by what happens and not by a clock: a busy machine may take its time.

A script is a list of what is typed, and of what is then waited for: PROMPT, runs(NAME), stopped, gone, says(TEXT).
"""
import fcntl
import os
import pty
import select
import struct
import termios
import time

PATIENCE = 30  # seconds that anything may take


def processes():
    """(pid, name, state, parent, process group) of all."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                text = stat.read()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        yield int(pid), name, rest[0], int(rest[1]), int(rest[2])


def until(holds, times=1):
    """Waits until it holds as many times in a row; whether it came to that."""
    end, seen = time.monotonic() + PATIENCE, 0
    while seen < times and time.monotonic() < end:
        seen = seen + 1 if holds() else 0
        time.sleep(0.02)
    return seen >= times


class Terminal:
    def __init__(self):
        self.shell, self.master = pty.fork()
        if self.shell == 0:
            # Wide enough that readline scrolls no line.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 1000, 0, 0))
            os.environ.update(PS1="$ ", TERM="dumb")
            os.execlp("bash", "bash", "--norc", "--noprofile", "-i")
        self.output, self.typed_at = b"", 0
        self.wait(PROMPT)

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.output += os.read(self.master, 65536)
            except OSError:
                return

    def type(self, text):
        self.read()
        self.typed_at = len(self.output)
        os.write(self.master, text.encode())

    def wait(self, condition, times=1):
        def holds():
            self.read()
            return condition(self)

        if not until(holds, times):
            self.output += f"\n(not within {PATIENCE} s: {condition.__name__})\n".encode()

    def since(self):
        return self.output[self.typed_at:].decode(errors="replace").replace("\r", "")

    def jobs(self):
        """The shell's children, the ones of the command that it runs now first."""
        return [entry for entry in processes() if entry[3] == self.shell]

    def run(self, script, command):
        for item in script:
            if isinstance(item, str):
                self.type(item.replace("@", command))
            else:
                self.wait(item)
        self.type("exit\n")
        self.wait(ended)
        self.read()
        os.close(self.master)
        os.waitpid(self.shell, 0)
        return self.output.decode(errors="replace").replace("\r", "")


def PROMPT(terminal):
    # The echo of what was typed comes first, then what the command wrote; bash is at its prompt once it has the terminal again.
    return terminal.since().endswith("$ ") and os.tcgetpgrp(terminal.master) == terminal.shell


def runs(wanted):
    """A process of that name, of the group in the foreground, waits for something."""
    def a_process_runs(terminal):
        group = os.tcgetpgrp(terminal.master)
        return group != terminal.shell and any(
            name == wanted and state == "S" and its == group for _, name, state, _, its in processes())
    return a_process_runs


def stopped(terminal):
    return any(state == "T" for _, _, state, _, _ in terminal.jobs())


def gone(terminal):
    return not terminal.jobs()


def says(text):
    def it_is_said(terminal):
        return text in terminal.since()
    return it_is_said


def ended(terminal):
    try:
        with open(f"/proc/{terminal.shell}/stat") as stat:
            return stat.read().rpartition(") ")[2][0] == "Z"
    except OSError:
        return True
