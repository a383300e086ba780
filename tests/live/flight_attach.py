#!/usr/bin/env python3
"""flight_attach.py SOCKWHY: the flight recorder beside a program that runs already: what ends it, what it keeps, what it shows.

The program talks to itself all the time, ten times a second; when a file appears it does what its name says: is refused, misses a unix
socket, is answered late. In a network namespace of its own."""
import glob, json, os, pty, re, select, struct, subprocess, sys, tempfile, time

PROGRAM = r'''
import os, socket, sys, threading, time
folder, lasts = sys.argv[1], float(sys.argv[2])
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(9)
def serve():
    while True:
        c = listener.accept()[0]
        wait = c.recv(100)
        if wait == b"late": time.sleep(2.5)
        c.sendall(b"answer"); c.close()
threading.Thread(target=serve, daemon=True).start()
def ask(how):
    c = socket.create_connection(listener.getsockname()); c.sendall(how)
    while c.recv(100): pass
def failing(what):
    try: what()
    except OSError: pass
does = {"refused": lambda: failing(lambda: socket.create_connection(("127.0.0.1", 1))), "late": lambda: ask(b"late"),
        "unix": lambda: failing(lambda: socket.socket(socket.AF_UNIX).connect("/nowhere/at/all"))}
end = time.time() + lasts
while time.time() < end:
    ask(b"now"); time.sleep(0.1)
    for name, what in does.items():
        if os.path.exists(folder + "/" + name):
            os.unlink(folder + "/" + name); what()
'''
SETTLE, LINGER = ["--settle", "500ms"], ["--linger", "200ms"]
bad = []


def expect(what, good, seen=""):
    if not good:
        bad.append(what)
    print("ok  " if good else "FAIL " + str(seen), what, flush=True)


class Program:
    def __init__(self, folder, lasts=120):
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, folder, str(lasts)])
        time.sleep(0.7)

    def do(self, what):
        open(self.folder + "/" + what, "w").close()
        for _ in range(600):
            if not os.path.exists(self.folder + "/" + what):
                return
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Tool:
    """`sockwhy attach` in the background; begun once it has seen calls."""

    def __init__(self, sockwhy, folder, program, *options, terminal=None):
        self.said = folder + "/said"
        out = terminal or open(self.said, "w")
        environment = {**os.environ, "SOCKWHY_CONFINE": "strict", "TERM": "xterm"}
        self.process = subprocess.Popen([sockwhy, "attach", *options, str(program.process.pid)], stderr=out, stdout=out, cwd=folder, env=environment)
        for _ in range(200):
            if traced(program) or self.process.poll() is not None:
                break
            time.sleep(0.05)
        time.sleep(1)

    def end(self, patience=60):
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it did not end"

    def stop(self):
        self.process.send_signal(2)
        return self.end()

    def words(self):
        return open(self.said).read()


def traced(program):
    return "TracerPid:\t0\n" not in open("/proc/%d/status" % program.process.pid).read()


def verdicts(sockwhy, path):
    report = json.loads(subprocess.run([sockwhy, "explain", "-o", "json:-", path], stdout=subprocess.PIPE).stdout)
    return [f["verdict"] for f in report["findings"] if f["severity"] != "note"]


def stamps(path):
    """Of all records of a pcapng, seconds."""
    data, at, times = open(path, "rb").read(), 0, []
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            high, low = struct.unpack_from("<II", data, at + 12)
            times.append(((high << 32) + low) / 1e9)
        at += length
    return times


def until_failure(sockwhy, folder):
    with Program(folder) as program:
        tool = Tool(sockwhy, folder, program, "--until-failure", *SETTLE, *LINGER, "-o", "until.pcapng")
        program.do("refused")
        expect("--until-failure ends by itself", tool.end() == 0, tool.words())
        expect("the program runs on", program.process.poll() is None and not traced(program))
        expect("the incident tells it", verdicts(sockwhy, folder + "/until.pcapng") == ["refused-by-rst"], verdicts(sockwhy, folder + "/until.pcapng"))
        tool = Tool(sockwhy, folder, program, "--until-failure", "--on", "unix-no-socket", *SETTLE, *LINGER, "-o", "on.pcapng")
        program.do("refused")
        time.sleep(2)
        expect("--on: another failure does not end it", tool.process.poll() is None)
        program.do("unix")
        expect("--on: the one that is waited for does", tool.end() == 0, tool.words())
        tool = Tool(sockwhy, folder, program, "--until-failure", "--on", "slow", *SETTLE, *LINGER, "-o", "slow.json")
        program.do("late")
        expect("--on slow", tool.end() == 0, tool.words())
        slow = [f["severity"] for f in json.load(open(folder + "/slow.json"))["findings"]]
        expect("what was slow is told", "slow" in slow, slow)


def keep(sockwhy, folder):
    with Program(folder) as program:
        began = time.time()
        tool = Tool(sockwhy, folder, program, "--until-failure", "--keep", "2s", *SETTLE, *LINGER, "-o", "keep.pcapng")
        time.sleep(14)
        program.do("refused")
        failed = time.time()
        expect("it ends", tool.end() == 0, tool.words())
        times = stamps(folder + "/keep.pcapng")
        before, whole = failed - min(times), failed - began
        expect("--keep: two seconds before the failure are there", before >= 2, before)
        expect("--keep: most of what was earlier is not", before < 0.75 * whole, (before, whole))
        expect("its last words say how much there is", re.search(r"keep\.pcapng has the last [\d.]+ s", tool.words()), tool.words())


def each_failure(sockwhy, folder):
    with Program(folder) as program:
        tool = Tool(sockwhy, folder, program, "--each-failure", "each", "--on", "unix-no-socket,refused-by-rst", "--also-on", "lo", "--anonymize", *SETTLE, *LINGER)
        for what in ("refused", "refused", "unix", "refused"):
            program.do(what)
        for _ in range(300):
            written = glob.glob(folder + "/each/*.pcapng")
            if len(written) == 2:
                break
            time.sleep(0.1)
        expect("incidents are there while it goes on", tool.process.poll() is None and len(written) == 2, written)
        expect("it ends at Ctrl-C", tool.stop() == 0, tool.words())
        expect("repeats are counted", "2 incidents in each; 2 repeats counted" in tool.words(), tool.words())
        for path in written:
            wanted = "refused-by-rst" if "refused" in path else "unix-no-socket"
            expect("an incident tells its failure", wanted in verdicts(sockwhy, path), (path, verdicts(sockwhy, path)))
        expect("no journal is left", not glob.glob(folder + "/each/*journal*"))


def limits(sockwhy, folder):
    with Program(folder) as program:
        tool = Tool(sockwhy, folder, program, "--duration", "3s", "--each-failure", "duration", *SETTLE, *LINGER)
        expect("--duration ends it", tool.end() == 0, tool.words())
        expect("nothing failed, nothing is written", not glob.glob(folder + "/duration/*"), glob.glob(folder + "/duration/*"))
        tool = Tool(sockwhy, folder, program, "--packets", "40", "--each-failure", "packets", *SETTLE, *LINGER)
        expect("--packets ends it", tool.end() == 0, tool.words())
        expect("what was waited for did not come is said once", tool.words().count("0 incidents in packets") == 1, tool.words())


def status_line(sockwhy, folder):
    with Program(folder) as program:
        master, slave = pty.openpty()
        tool = Tool(sockwhy, folder, program, "--until-failure", *SETTLE, *LINGER, "-o", "status.pcapng", terminal=slave)
        os.close(slave)
        time.sleep(3)
        program.do("refused")
        seen, end = b"", time.time() + 60
        while time.time() < end:
            if not select.select([master], [], [], 0.2)[0]:
                if tool.process.poll() is not None:
                    break
                continue
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            seen += more
        os.close(master)
        text = seen.decode()
        lines = re.findall(r"\r\x1b\[K([\d.]+ s: \d+ calls?, \d+ packets?, (?:\d+ dropped|drops unknown), \d+ findings?)", text)
        expect("the status line", len(lines) >= 2, text)
        counts = [int(re.search(r"(\d+) call", line).group(1)) for line in lines]
        expect("it counts", counts == sorted(counts) and counts[-1] > counts[0], counts)
        expect("a finding stands on a line of its own", re.search(r"\r\x1b\[K[\d:.]+Z +\S*FAILED", text), text)
        after = re.split(r" findings?(?=[\r\n\x1b]|$)", text)[-1]
        expect("it is gone at the end", after.startswith("\r\x1b[K"), after[:80])


def main():
    if os.environ.get("FLIGHT_INSIDE") != "1":
        os.environ["FLIGHT_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    sockwhy = os.path.abspath(sys.argv[1])
    for part in (until_failure, keep, each_failure, limits, status_line):
        if len(sys.argv) > 2 and part.__name__ not in sys.argv[2:]:
            continue
        print("--", part.__name__, flush=True)
        with tempfile.TemporaryDirectory(prefix="sockwhy-flight.") as folder:
            part(sockwhy, folder)
    sys.exit(bool(bad))


main()
