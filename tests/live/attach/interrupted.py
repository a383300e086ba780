#!/usr/bin/env python3
"""interrupted.py SOCKWHY SITTER: every call that a stop may interrupt (signal(7)) goes on as if nobody had come.

One sitter for each call; the tool attaches to all of them and leaves: at its time, and killed with SIGKILL at several moments. No call may
have returned EINTR, no process may be left stopped or traced, and a limit of time may not have become longer by more than it is. At the end
restless ones, whose calls end after 3 ms again and again: a tool that goes meets them at every point of their way."""
import random, re, signal, subprocess, sys, time

sockwhy, sitter = sys.argv[1:3]
calls = subprocess.run([sitter], capture_output=True, text=True, check=True).stdout.split()
bad = []


def start(name, limit):
    process = subprocess.Popen([sitter, name, str(limit)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout.readline() == "ready\n"
    return process


def status(process, field):
    text = open("/proc/%d/status" % process.pid).read()
    return re.search(r"^%s:\s*(.*)$" % field, text, re.M).group(1)


def come_and_go(processes, how):
    command = [sockwhy, "attach", "-q", "--budget", "100", "--duration", "600ms", "--linger", "0"] + [str(p.pid) for p in processes]
    tool = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if how is not None:
        time.sleep(how)
        tool.send_signal(signal.SIGKILL)
    error = tool.communicate()[1]
    if how is None and tool.returncode != 0:
        bad.append("attach ended with %d: %s" % (tool.returncode, error))
    time.sleep(0.3)
    for process in processes:
        if status(process, "TracerPid") != "0" or status(process, "State")[0] in "tT":
            bad.append("left traced or stopped: %s" % status(process, "State"))


def judge(process, name, most=1000):
    try:
        said = process.communicate("x", timeout=10)[0].strip().splitlines()[-1]
    except (subprocess.TimeoutExpired, IndexError):
        process.kill()
        bad.append("%s: does not answer" % name)
        return
    interrupted, made, slowest = map(int, re.match(r"interrupted (\d+) made (\d+) slowest (\d+)", said).groups())
    if interrupted:
        bad.append("%s: EINTR %d times" % (name, interrupted))
    if made > most:
        bad.append("%s: does not wait (%d calls)" % (name, made))
    return slowest


# a limit that ends while the tool waits for it begins anew just after its end; a longer one may begin anew once
for limit, slack in (150, 60), (900, 960):
    processes = [start(name, limit) for name in calls]
    time.sleep(0.3)
    for how in (None, 0.02, 0.05, 0.1, 0.3, None):
        come_and_go(processes, how)
        time.sleep(1.1 if limit > 500 else 0.2)
    took = {name: judge(process, name) for name, process in zip(calls, processes)}
    # the kernel keeps the limit of these three over a stop: what they were late was the machine's load
    usual = max(took[name] or 0 for name in ("nanosleep", "poll-limit", "select-limit"))
    for name, slowest in took.items():
        if name.endswith(("limit", "timedwait", "timedop")) and slowest and slowest > max(usual, limit) + slack + 2 * max(0, usual - limit):
            bad.append("%s: a limit of %d ms took %d ms, others at most %d ms" % (name, limit, slowest, usual))

random.seed(2)
restless = [name for name in calls if name.endswith(("limit", "timedwait", "timedop"))]
processes = [start(name, 3) for name in restless]
for number in range(20):
    come_and_go(processes, random.uniform(0.01, 0.5))
for process, name in zip(processes, restless):
    judge(process, name, 100000)

for line in bad:
    print(line)
print("%d calls, %d failed" % (len(calls), len(bad)))
sys.exit(bool(bad))
