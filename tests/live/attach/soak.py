#!/usr/bin/env python3
"""soak.py SOCKWHY CHURN [SECONDS]: a flight recorder beside a program that never rests: it may cost no more tomorrow than today.

CHURN (churn.c) makes sockets, refused connects, processes and threads by the thousand, in a network namespace of its own. The recorder
runs with --each-failure and every call followed, then with --until-failure and the default budget. Memory has a bound, and in a run of minutes
its end is like its middle; descriptors stay as many; the journal stays within --max-size; incidents are as many as were allowed; what was
dropped is said; afterwards the program runs on. SECONDS: of each (default 20; by hand 300)."""
import glob, json, os, signal, subprocess, sys, tempfile, time

MB = 1 << 20
TRACER_MOST, RECORDER_MOST = 16 * MB, 256 * MB # the recorder's look-back alone may have 64 MB
KEEP, MOST, SIZE = "5s", 3, 16 * MB
SANITIZED = 3 # times as much where AddressSanitizer puts red zones around all and keeps for a while what was freed
bad = []


def expect(what, good, seen=""):
    if not good:
        bad.append(what)
    print("ok  " if good else "FAIL", what, seen, flush=True)


def children(pid):
    found = []
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        for child in map(int, open(path).read().split()):
            found += [child] + children(child)
    return found


def private(pid):
    """Bytes of memory that no file and nobody else has."""
    for line in open("/proc/%d/status" % pid):
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def sanitized(binary):
    return b"__asan_init" in open(binary, "rb").read()


class Samples:
    """What the tool's processes use, once in a while; which of them is the recorder is told by what it has."""

    def __init__(self):
        self.memory, self.descriptors, self.journal = {}, {}, []

    def take(self, tool, folder):
        for pid in [tool.pid] + children(tool.pid):
            try:
                self.memory.setdefault(pid, []).append(private(pid))
                self.descriptors.setdefault(pid, []).append(len(os.listdir("/proc/%d/fd" % pid)))
            except OSError:
                pass # one that opens a capture, or names frames
        self.journal.append(sum(os.stat(path).st_size for path in glob.glob(folder + "/*journal*")))

    def judge(self, seconds, times):
        lasting = {pid: m for pid, m in self.memory.items() if len(m) >= len(self.journal) - 2}
        recorder = max(lasting, key=lambda pid: lasting[pid][-1])
        for pid, memory in lasting.items():
            name, most = ("recorder", times * RECORDER_MOST) if pid == recorder else ("tracer", times * TRACER_MOST)
            quarter = max(1, len(memory) // 4)
            last, before = max(memory[-quarter:]), max(memory[quarter:-quarter] or memory)
            expect("%s: memory has a bound" % name, last < most, "%.1f MB" % (last / MB))
            if seconds >= 240:
                expect("%s: the end is like the middle" % name, last <= 1.1 * before + MB, "%.1f, %.1f MB" % (before / MB, last / MB))
            half = len(self.descriptors[pid]) // 2
            early, late = max(self.descriptors[pid][:half]), max(self.descriptors[pid][half:])
            expect("%s: as many descriptors" % name, late <= early + 3, "%d, %d" % (early, late))
        expect("the journal stays within --max-size", max(self.journal) <= 1.1 * SIZE, "%.1f MB" % (max(self.journal) / MB))


def status(pid, field):
    for line in open("/proc/%d/status" % pid):
        if line.startswith(field + ":"):
            return line.split()[1]


def soak(sockwhy, load, folder, seconds, *options):
    os.makedirs(folder)
    report = folder + "/report.json"
    command = [sockwhy, "attach", "--keep", KEEP, "--max-size", str(SIZE), "-o", report, *options, str(load.pid)]
    print("--", *options, flush=True)
    tool = subprocess.Popen(command, stderr=open(folder + "/said", "w"), cwd=folder)
    samples, end = Samples(), time.monotonic() + seconds
    while time.monotonic() < end and tool.poll() is None:
        time.sleep(min(1, seconds / 20))
        samples.take(tool, folder)
    if tool.poll() is None:
        tool.send_signal(signal.SIGINT)
    began = time.monotonic()
    try:
        expect("it ends when it shall", tool.wait(150) == 0, "after %.1f s" % (time.monotonic() - began))
    except subprocess.TimeoutExpired:
        tool.kill()
        expect("it ends when it shall", False)
        return
    samples.judge(seconds, SANITIZED if sanitized(sockwhy) else 1)
    expect("the program runs on", load.poll() is None and status(load.pid, "TracerPid") == "0" and status(load.pid, "State") in "RS")
    expect("no journal is left", not glob.glob(folder + "/*journal*"))
    capture = json.load(open(report))["capture"]
    limits = json.dumps(json.load(open(report))["limits"])
    expect("what was dropped is said", capture["dropped"] is not None, "%s of %s packets, %s" % (
        capture["dropped"], capture["seen"], "records of calls too" if "records of calls were lost" in limits else "no call"))


def main():
    sockwhy, churn = map(os.path.abspath, sys.argv[1:3])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 20
    if os.environ.get("SOAK_INSIDE") != "1":
        os.environ["SOAK_INSIDE"] = "1"
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="sockwhy-soak.") as folder:
        load = subprocess.Popen([churn], stdout=subprocess.PIPE, text=True)
        load.stdout.readline()
        try:
            each = folder + "/each"
            soak(sockwhy, load, each, seconds, "--budget", "100", "--each-failure", ".", "--max-incidents", str(MOST))
            expect("incidents", len(glob.glob(each + "/*.pcapng")) == MOST)
            said = open(each + "/said").read()
            expect("repeats and what was left out are said", "%d incidents in ." % MOST in said and "left out" in said, said[-200:].strip())
            soak(sockwhy, load, folder + "/until", seconds, "--until-failure", "--on", "tls-alert", "-o", "until.pcapng")
            expect("the incident is there", os.path.exists(folder + "/until/until.pcapng"))
            expect("what was waited for did not come", "did not come" in open(folder + "/until/said").read())
        finally:
            load.kill()
            print(load.stdout.read().strip().splitlines()[-1])
            load.wait()
    sys.exit(bool(bad))


main()
