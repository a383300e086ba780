#!/usr/bin/env python3
"""busy.py SOCKWHY: a capture on an interface where others send at full speed. Drops are none or are reported, and where there are any,
no certain verdict rests on a packet that is missing; what is healthy is not blamed; what needs no absence is still said. Each twice: as it comes,
and with the recorder stopped for a while, so that packets are lost for sure.

Everything happens in a network namespace of its own (loopback)."""
import ctypes, json, os, signal, subprocess, sys, tempfile, time

CLONE_NEWNET = 0x40000000
sockwhy = os.path.abspath(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(CLONE_NEWNET) != 0:
    sys.exit("a network namespace cannot be made: %s" % os.strerror(ctypes.get_errno()))
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
# nobody listens at 127.0.0.2:81 and nobody says so: a silence that only the missing packets show
subprocess.run(["nft", "-f", "-"], input="table ip t { chain i { type filter hook prerouting priority 0;\n ip daddr 127.0.0.2 drop\n }\n }\n", text=True, check=True)

FLOOD = """
import ctypes, socket, signal
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sink.bind(("127.0.0.1", 0))
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); out.connect(sink.getsockname())
while True:
    try: out.send(b"x" * 1400)
    except OSError: pass
"""
SERVER = """
import socket, threading, time
s = socket.create_server(("127.0.0.1", %d)); kept = []
def serve():
    while True:
        c = s.accept()[0]; kept.append(c)
        if c.recv(100).startswith(b"hello"): c.sendall(b"world"); c.close()
threading.Thread(target=serve, daemon=True).start()
"""
CLIENTS = {
    "healthy": ("time.sleep(0.005); c = socket.create_connection(('127.0.0.1', 7001)); c.sendall(b'hello'); assert c.recv(9) == b'world'", set()),
    "refused": ("time.sleep(0.005); socket.socket().connect_ex(('127.0.0.1', 1))", {"refused-by-rst"}),
    "silent": ("c = socket.create_connection(('127.0.0.1', 7001)); c.sendall(b'silence'); c.settimeout(2)\ntry: c.recv(9)\nexcept OSError: pass", None),
    "unanswered": ("c = socket.socket(); c.settimeout(2)\ntry: c.connect(('127.0.0.2', 81))\nexcept OSError: pass", None),
}
bad = []


def stop_recorder(tool, seconds):
    """It is the child in a process group of its own."""
    time.sleep(1)
    children = [int(pid) for pid in open("/proc/%d/task/%d/children" % (tool, tool)).read().split()]
    for pid in (p for p in children if os.getpgid(p) == p):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)


def run(name, code, folder, stopped):
    report = os.path.join(folder, name + ".json")
    tool = subprocess.Popen([sockwhy, "run", "-q", "-o", report, "--", sys.executable, "-c", "import socket, time\ntime.sleep(0.5)\nfor _ in range(%d):\n    " % (1 if code.endswith("pass") else 300)
                     + code.replace("\n", "\n    ")], stderr=subprocess.DEVNULL)
    if stopped:
        stop_recorder(tool.pid, stopped)
    tool.wait(timeout=90)
    with open(report) as f:
        return json.load(f)


def run_lossy(name, code, folder):
    """Stopped for longer until something is lost: on a busy machine the others send little."""
    for seconds in (0.7, 1.4, 2.8, 5.6):
        report = run(name, code, folder, seconds)
        if report["capture"]["dropped"]:
            break
    return report


def judge(name, report, wanted, lossy):
    capture, blamed = report["capture"], [f for f in report["findings"] if f["severity"] != "note"]
    verdicts = {f["verdict"] for f in blamed}
    certain = {f["verdict"] for f in blamed if f["confidence"] == "certain"}
    print("%-10s %8d seen %6d kept %8d dropped  %s" % (name, capture["seen"], capture["kept"], capture["dropped"],
                                                     ["%s, %s" % (f["verdict"], f["confidence"]) for f in blamed]), flush=True)
    if capture["dropped"] and capture["complete"]:
        bad.append("%s: the capture lost packets and calls itself complete" % name)
    if lossy and not capture["dropped"]:
        bad.append("%s: nothing was lost, though the recorder was stopped" % name)
    if wanted is not None and verdicts != wanted:
        bad.append("%s: said %s, wanted %s" % (name, verdicts, wanted))
    if wanted is None and capture["dropped"] and certain:
        bad.append("%s: %d packets were lost, and %s is certain" % (name, capture["dropped"], certain))
    if wanted is None and not verdicts:
        bad.append("%s: nothing was found" % name)


children = [subprocess.Popen([sys.executable, "-c", SERVER % 7001 + "time.sleep(600)"])]
children += [subprocess.Popen([sys.executable, "-c", FLOOD]) for _ in range(2)]
try:
    with tempfile.TemporaryDirectory() as folder:
        for name, (code, wanted) in CLIENTS.items():
            for lossy in (False, True):
                judge(name, run_lossy(name, code, folder) if lossy else run(name, code, folder, 0), wanted, lossy)
finally:
    for child in children:
        child.kill()
for line in bad:
    print(line)
sys.exit(bool(bad))
