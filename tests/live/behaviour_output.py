#!/usr/bin/env python3
"""behaviour_output.py SOCKWHY: no output of `sockwhy run` holds the command up or changes how it ends, and bad input is one line."""
import os
import signal
import stat
import subprocess
import sys
import threading
import time

from behaviour import Tool, check, load, wait_for

tool = Tool(sys.argv[1])
# Notes when it is done, in a file: the tool's own end may come later.
STAMP = "for i in 1 2 3 4 5 6 7 8 9; do : 2>/dev/null </dev/tcp/127.0.0.1/1; done; touch {}; exit 6"
PATIENCE = 10


def full_pipe():
    """Both ends of a pipe that takes no byte more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    return reader, writer


def stalled(name, *arguments, **options):
    """The command ends in its time and with its status; the tool within its patience."""
    began = time.monotonic()
    mark = tool.path(name.replace(" ", "-") + ".done")
    process = tool.start(*arguments, "--", "bash", "-c", STAMP.format(mark), **options)
    ended = wait_for(lambda: os.path.exists(mark), 5)
    check(f"{name}: the command goes on", ended)
    try:
        status = process.wait(3 * PATIENCE)
    except subprocess.TimeoutExpired:
        status = "none"
        process.kill()
    check(f"{name}: the tool ends as the command did", status == 6, f"{status} after {time.monotonic() - began:.1f} s")


def stalls():
    os.mkfifo(tool.path("nobody.json"))
    os.mkfifo(tool.path("late.json"))
    _, err = full_pipe()
    _, out = full_pipe()
    late = {}

    def read_late():
        time.sleep(2)
        late["report"] = load(tool.path("late.json"))

    jobs = [threading.Thread(target=stalled, args=args, kwargs=options) for args, options in (
        (("standard error full",), {"stderr": err}),
        (("a report to a full pipe", "-o", "json:-"), {"stdout": out, "stderr": subprocess.DEVNULL}),
        (("a FIFO that nobody reads", "-o", "nobody.json"), {"stderr": subprocess.DEVNULL}),
        (("an incident to a full pipe", "-o", f"pcapng:/proc/self/fd/{out}"), {"pass_fds": [out], "stderr": subprocess.DEVNULL}),
        (("a reader who comes late", "-o", "late.json"), {}))] + [threading.Thread(target=read_late)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    check("who comes late reads the whole report", bool(late["report"]) and late["report"]["status"] == "failed", str(late)[:200])


def recorder_of(pid):
    """The tool's own child, beside the command."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        children = file.read().split()
    for child in children:
        with open(f"/proc/{child}/cmdline", "rb") as file:
            if file.read().split(b"\0")[0].decode() == tool.program:
                return int(child)
    return 0


def frozen():
    """The recorder stands still, as on a disk that answers nobody: the command does not."""
    mark, go = tool.path("frozen.done"), tool.path("go")
    script = "import os, socket, time\n" \
             f"while not os.path.exists('{go}'): time.sleep(0.01)\n" \
             "a, b = socket.socketpair()\n" \
             "for i in range(200000): a.send(b'x'); b.recv(1)\n" \
             f"open('{mark}', 'w')"
    process = tool.start("-o", "frozen.json", "--", "python3", "-c", script)
    wait_for(lambda: recorder_of(process.pid))
    recorder = recorder_of(process.pid)
    os.kill(recorder, signal.SIGSTOP)
    open(go, "w", encoding="utf-8").close()
    check("the recorder stands still, the command goes on", wait_for(lambda: os.path.exists(mark), 50))
    os.kill(recorder, signal.SIGCONT)
    check("and ends as it would", process.wait() == 0)
    report = load(tool.path("frozen.json"))
    check("what was lost meanwhile is said", any("lost" in limit["what"] for limit in report["limits"]), str(report["limits"]))


def full_disk():
    folder = tool.path("full")
    os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    try:
        for name in "old.json", "old.pcapng":
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("old")
        with open(os.path.join(folder, "fill"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        for name in "old.json", "old.pcapng", "new.txt":
            status, out, err, _ = tool.run("-o", f"{folder}/{name}", "--", "sh", "-c", "echo out; exit 9")
            check(f"a full disk ({name}): the command undisturbed", (status, out) == (9, "out\n"), f"{status} {out}")
            check(f"a full disk ({name}): said in one line", err.count("\n") == 1 and "No space left" in err, err)
        with open(os.path.join(folder, "old.json"), encoding="utf-8") as file:
            check("a full disk leaves the old file", file.read() == "old")
        check("and nothing else", sorted(os.listdir(folder)) == ["fill", "old.json", "old.pcapng"], str(os.listdir(folder)))
    finally:
        subprocess.run(["umount", folder], check=True)


def files():
    with open(tool.path("old.json"), "w", encoding="utf-8") as file:
        file.write("old")
    os.chmod(tool.path("old.json"), 0o644)
    umask = os.umask(0)
    status, _, err, _ = tool.run("-o", "old.json", "-o", "a.txt", "-o", "a.pcapng", "-o", "a.pcap", "-o", "a.html", "-o", "a.md", "--",
                                 "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1")
    os.umask(umask)
    names = ("old.json", "a.txt", "a.pcapng", "a.pcap", "a.html", "a.md")
    check("every format", status == 1 and all(os.path.getsize(tool.path(n)) > 10 for n in names), err)
    check("for the user alone", all(stat.S_IMODE(os.stat(tool.path(n)).st_mode) == 0o600 for n in names))
    process = tool.start("-o", "pcapng:-", "--", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    incident = process.stdout.read()
    process.wait()
    check("an incident to standard output", incident.startswith(b"\x0a\x0d\x0d\x0a") and b"ECONNREFUSED" in incident, str(incident[:40]))
    with open(tool.path("shared"), "w", encoding="utf-8") as file:
        tool.start("-o", "json:/dev/stdout", "--", "echo", "hello", stdout=file).wait()
    with open(tool.path("shared"), encoding="utf-8") as file:
        text = file.read()
    check("/dev/stdout is added to, not replaced", text.startswith("hello\n{"), text[:40])


def bad_input():
    os.mkdir(tool.path("folder.json"))
    plain = tool.path("plain")
    open(plain, "w", encoding="utf-8").close()
    for arguments, wanted in (
        ([], 2), (["--"], 2), (["--", "no-such-command"], 127), (["--", plain], 126), (["--", tool.folder], 126),
        (["--", "/no/such/command"], 127), (["--no-such-option", "--", "true"], 2), (["-z", "--", "true"], 2),
        (["--slow"], 2), (["--slow", "soon", "--", "true"], 2), (["--slow=-1s", "--", "true"], 2), (["--linger", "1x", "--", "true"], 2),
        (["--settle", "", "--", "true"], 2), (["-i", "no-such-if", "--", "true"], 2), (["--filter", "no such filter", "--", "true"], 2),
        (["-o", "report", "--", "true"], 2), (["-o", "report.doc", "--", "true"], 2), (["-o", "json:", "--", "true"], 2),
        (["-o", "folder.json", "--", "true"], 2), (["-o", "no/such/folder.json", "--", "true"], 125),
        (["-o", "plain/x.json", "--", "true"], 125), (["--without", "luck", "--", "true"], 2)):
        status, out, err, _ = tool.run(*arguments)
        words = " ".join(arguments).replace(tool.folder, "FOLDER")
        check(f"sockwhy run {words}", status == wanted and not out and err.count("\n") == 1 and err.startswith("sockwhy: "),
              f"status {status}, wanted {wanted}: {err}")
    check("nothing was left of these", not os.path.exists(tool.path("report")))
    for arguments, wanted in (([], 2), (["dance"], 2), (["explain"], 2), (["explain", "no-such-file"], 2), (["explain", tool.folder], 2),
                              (["attach"], 2), (["attach", "x"], 2), (["attach", "999999999"], 125)):
        done = subprocess.run([tool.program] + arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        words = " ".join(arguments).replace(tool.folder, "FOLDER")
        check(f"sockwhy {words}", done.returncode == wanted and not done.stdout and done.stderr.count("\n") == 1,
              f"status {done.returncode}, wanted {wanted}: {done.stderr}")


for part in files, bad_input, full_disk, frozen, stalls:
    part()
tool.done()
