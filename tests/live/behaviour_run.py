#!/usr/bin/env python3
"""behaviour_run.py SOCKWHY: the command does not notice `sockwhy run`, and the report is written however it ends.

What concerns the tracer alone (threads, children, job control, ...) is in tracer/behaviour.py, which runs on `sockwhy run` too.
"""
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from behaviour import Tool, check, left_behind, load, wait_for

tool = Tool(sys.argv[1])


def small():
    seconds = tool.run("--linger", "30s", "-o", "t.json", "--", "true")[3]
    report = load(tool.path("t.json"))
    check("true ends at once", seconds < 15, f"{seconds:.2f} s")
    check("true is clean", report["status"] == "clean", report["status"])
    check("true opens no capture", not report["capture"]["available"] and not report["capture"]["interfaces"])
    check("true leaves its report on standard error", tool.run("--", "true")[2].count("true") > 0)


def pipes():
    status, out, _, _ = tool.run("-o", "p.json", "--", "cat", stdin=open("/etc/os-release", encoding="utf-8"))
    check("standard input and output are the command's", (status, out) == (0, open("/etc/os-release", encoding="utf-8").read()))
    process = tool.start("-o", "p.json", "--", "sh", "-c", "echo a; exec >&-; sleep 20", stdout=subprocess.PIPE)
    began = time.monotonic()
    out = process.stdout.read()
    check("the end of its output is seen when it closes it", out == b"a\n" and time.monotonic() - began < 15)
    process.terminate()
    process.wait()
    # A listener that accepts nobody: the last attempt is still open when the command ends, so the tool lingers.
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fill = []
    for _ in range(3):
        fill.append(socket.socket())
        fill[-1].setblocking(False)
        fill[-1].connect_ex(full.getsockname())
    script = f"import socket; socket.create_connection(('127.0.0.1', {full.getsockname()[1]}), 0.2)"
    process = tool.start("-o", "p.json", "--", "python3", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read()
    end = time.monotonic()
    process.stderr.read()
    process.wait()
    check("its output ends with the command, though the tool lingers", time.monotonic() - end > 0.3, f"{time.monotonic() - end:.2f} s")
    for one in fill + [full]:
        one.close()
    status, out, _, _ = tool.run("-o", "p.json", "--", "sh", "-c", "yes | head -1; echo ${PIPESTATUS:-}")
    check("SIGPIPE is what it was", (status, out) == (0, "y\n\n"), out)
    status = subprocess.run(["bash", "-c", f"{tool.program} run -- sh -c 'exit 5' 2>&-"], check=False).returncode
    check("without standard error", status == 5, str(status))


def inherited():
    """A connection and a listener that were open before the tool came."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def abort():
        peer, _ = server.accept()
        peer.recv(1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()

    thread = threading.Thread(target=abort)
    thread.start()
    client = socket.create_connection(("127.0.0.1", port))
    status, _, err, _ = tool.run("-o", "i.json", "--", "bash", "-c", f"printf x >&{client.fileno()}; head -c 1 <&{client.fileno()}",
                                 pass_fds=[client.fileno()])
    thread.join()
    report = load(tool.path("i.json"))
    finding = (report["findings"] or [{"severity": "none", "flow": {}}])[0]
    check("the reset of an inherited connection is explained",
          finding["severity"] == "failure" and finding["flow"].get("remote") == f"127.0.0.1:{port}", f"exit {status} {finding} {err}")
    check("its packets were captured", report["capture"]["available"] and report["counts"]["packets"] > 0, str(report["counts"]))
    client.close()
    listener = socket.create_server(("127.0.0.1", 0))
    script = f"import socket; s = socket.socket(fileno={listener.fileno()}); c, _ = s.accept(); c.sendall(c.recv(9)); c.close()"
    process = tool.start("-o", "i.json", "--", "python3", "-c", script, pass_fds=[listener.fileno()])
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"hello")
        check("an inherited listener serves", client.recv(9) == b"hello")
    process.wait()
    report = load(tool.path("i.json"))
    check("and that is healthy", not [f for f in report["findings"] if f["severity"] != "note"], str(report["findings"]))


def signals():
    trap = "trap 'echo got; exit 3' TERM INT; echo ready; while :; do sleep 0.05; done"
    for number in (signal.SIGTERM, signal.SIGINT):
        process = tool.start("-o", "s.json", "--", "sh", "-c", trap, stdout=subprocess.PIPE, text=True, start_new_session=True)
        process.stdout.readline()
        process.send_signal(number)
        out = process.stdout.read()
        check(f"{number.name} reaches the command once", (process.wait(), out) == (3, "got\n"), f"{process.returncode} {out}")
        report = load(tool.path("s.json"))
        check(f"{number.name}: the report is written", bool(report) and report["target"]["exit"].get("code") == 3)
        os.unlink(tool.path("s.json"))
        process = tool.start("-o", "s.json", "--", "sh", "-c", "echo ready; exec sleep 60", stdout=subprocess.PIPE, start_new_session=True)
        process.stdout.readline()
        process.send_signal(number)
        check(f"{number.name} kills it, and the status says so", process.wait() == -number, str(process.returncode))
        report = load(tool.path("s.json"))
        check(f"{number.name}: that report is written too", bool(report) and "signal" in report["target"]["exit"], str(report)[:200])


def killed():
    """With SIGKILL the command dies with the tool; what was recorded until then is written."""
    script = "python3 -c 'import socket; socket.socket().connect_ex((\"127.0.0.1\", 1))'; sleep 300 & echo ready; sleep 300; true"
    process = tool.start("-o", "k.json", "-o", "k.pcapng", "--", "sh", "-c", script, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.kill()
    process.wait()
    check("after SIGKILL nothing lives on", wait_for(lambda: not left_behind(), 5), str(left_behind()))
    report = load(tool.path("k.json"))
    check("after SIGKILL the report is there", bool(report) and report["findings"][0]["verdict"] == "refused-by-rst", str(report)[:300])
    check("after SIGKILL the incident is there", os.path.exists(tool.path("k.pcapng")))


def daemon():
    """What the command leaves in the background is followed to its end, as under strace."""
    status, out, _, seconds = tool.run("-o", "d.json", "--", "sh", "-c", "(sleep 0.5; echo late) & echo early; exit 4")
    check("a background child is followed", (status, out) == (4, "early\nlate\n") and seconds > 0.4, f"{status} {out!r} {seconds:.2f}")


for part in small, pipes, inherited, signals, killed, daemon:
    part()
tool.done()
