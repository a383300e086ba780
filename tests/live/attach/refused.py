#!/usr/bin/env python3
"""refused.py SOCKWHY: who cannot be attached to is left alone, and the one line says which reason it is and what to do. Afterwards: who may
be attached to: several, by name, stopped ones (which stay stopped), with and without their children."""
import os, re, shutil, signal, subprocess, sys, tempfile, time
import process_state as state

sockwhy = os.path.abspath(sys.argv[1])
folder = tempfile.mkdtemp(prefix="sockwhy-refused.")
os.chmod(folder, 0o755)
started, bad = [], []


def start(*command, **more):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    started.append(process)
    time.sleep(0.2)
    return process


def attach(*words):
    return subprocess.run([sockwhy, "attach", "--duration", "300ms", "--linger", "0", *map(str, words)], capture_output=True, text=True, timeout=30)


def refuses(what, done, *wanted):
    line = done.stderr.strip()
    if done.returncode not in (2, 125) or "\n" in line or not all(re.search(w, line) for w in wanted):
        bad.append("%s: exit %d, %r; wanted %s" % (what, done.returncode, line, wanted))


def works(what, *words):
    """The processes that were followed, from the incident's records."""
    report = os.path.join(folder, "report.pcapng")
    done = attach("-o", report, *words)
    if done.returncode != 0 or not os.path.exists(report):
        bad.append("%s: exit %d, %r" % (what, done.returncode, done.stderr.strip()[-300:]))
        return set()
    with open(report, "rb") as f:
        begun = re.findall(rb"process [0-9.]+ begin pid=([0-9]+)", f.read())
    os.remove(report)
    return set(map(int, begun))


def not_permitted():
    shutil.copy(sockwhy, folder + "/sockwhy")
    target = start("sleep", "60")
    return subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", folder + "/sockwhy", "attach", str(target.pid)],
                          capture_output=True, text=True, timeout=30)


def without_right():
    """As root without CAP_SYS_PTRACE, on a process of another user."""
    target = start("setpriv", "--reuid", "65534", "--clear-groups", "sleep", "60")
    command = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", sockwhy, "attach", str(target.pid)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def refusals():
    sleeper = start("sleep", "60")
    if shutil.which("strace"):
        strace = start("strace", "-f", "-p", str(sleeper.pid))
        refuses("traced", attach(sleeper.pid), r"%d \(sleep\)" % sleeper.pid, r"strace \(PID %d\)" % strace.pid, "end that first")
        works("traced, without its calls", "--no-calls", sleeper.pid)
        strace.terminate()
        strace.wait()
    refuses("not permitted", not_permitted(), "belongs to root", "as root")
    refuses("root without the right", without_right(), "CAP_SYS_PTRACE", "--no-calls")
    refuses("a kernel thread", attach(2), "thread of the kernel")
    refuses("nobody", attach(4194303), "no process 4194303")
    zombie = start("true")
    refuses("a zombie", attach(zombie.pid), "ended already", "PID %d" % os.getpid())
    threads = start(sys.executable, "-c", "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()")
    others = []
    while not others: # it has to start first
        time.sleep(0.05)
        others = [int(tid) for tid in os.listdir("/proc/%d/task" % threads.pid) if int(tid) != threads.pid]
    tid = others[0]
    refuses("a thread", attach(tid), "%d is a thread" % tid, "process %d: attach to that" % threads.pid)
    myself = subprocess.run(["sh", "-c", 'exec "$0" attach $$', sockwhy], capture_output=True, text=True, timeout=30)
    refuses("itself", myself, "this tool itself")
    refuses("a name", attach("sleep"), "no process number", "--all sleep")
    refuses("a name that nobody has", attach("--all", "nobody-has-this"), "no process has that name")
    if state.left_behind([sleeper.pid, threads.pid]):
        bad.append("left behind: %s" % state.left_behind([sleeper.pid, threads.pid]))


def permissions():
    shutil.copy("/usr/bin/sleep", folder + "/sw-dozer")
    dozers = [start(folder + "/sw-dozer", "60") for _ in range(2)]
    pids = {d.pid for d in dozers}
    if not pids <= works("by name", "--all", "sw-dozer"):
        bad.append("--all: not both are in the report")
    if not pids <= works("several", *pids):
        bad.append("several: not both are in the report")
    parent = start("sh", "-c", "sleep 60 & wait")
    child = state.tree(parent.pid)[1]
    if child not in works("children", parent.pid) or child in works("--only", "--only", parent.pid):
        bad.append("children: %d is missing, or there with --only" % child)
    for way in ((), ("--no-calls",)):
        dozers[0].send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        works("stopped", dozers[0].pid, *way)
        if state.left_behind([dozers[0].pid], stopped=[dozers[0].pid]) or state.field("/proc/%d/status" % dozers[0].pid, "State") != "T":
            bad.append("a stopped process was left %s" % state.field("/proc/%d/status" % dozers[0].pid, "State"))
        dozers[0].send_signal(signal.SIGCONT)
    time.sleep(0.1)
    if state.field("/proc/%d/status" % dozers[0].pid, "State") != "S":
        bad.append("a stopped process does not go on")
    own = subprocess.run(["sh", "-c", '"$0" attach --duration 300ms --linger 0 $$; true', sockwhy], capture_output=True, text=True, timeout=30)
    if own.returncode != 0 or "CLEAN" not in own.stderr:
        bad.append("the own shell: %r" % own.stderr)


try:
    refusals()
    permissions()
finally:
    for process in started:
        process.kill()
        process.wait()
    subprocess.run(["rm", "-rf", folder])
for line in bad:
    print(line)
sys.exit(bool(bad))
