#!/usr/bin/env python3
"""first.py SOCKWHY SERVER: while no processor is idle the thread that traces runs before ordinary ones, where the user has not chosen otherwise.

More processes compute than there are processors, and a server is asked all the time: the tracing thread becomes SCHED_FIFO, so that the
server is let go on at once. Started with a policy of its own (batch) the tool keeps it. The server's own threads are never changed."""
import glob, os, socket, subprocess, sys, threading, time

sockwhy, server_program = sys.argv[1:3]
bad = []


def policies(pid):
    """Of each thread of a process, and of its children's."""
    found = set()
    for path in glob.glob("/proc/%d/task/*" % pid):
        try:
            found.add(os.sched_getscheduler(int(os.path.basename(path))) & ~os.SCHED_RESET_ON_FORK)
            children = open(path + "/children").read().split()
        except OSError:
            continue
        for child in children:
            found |= policies(int(child))
    return found


def may_lead():
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def ask(port, over):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while not over.is_set():
            connection.sendall(b"PING\r\n")
            connection.recv(64)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def comes_first(before, server, seconds):
    """Whether a thread of the tool becomes the first for good (ten looks in a row) within that time; while it arrives it is for a moment."""
    tool = subprocess.Popen(before + [sockwhy, "attach", "-q", "--budget", "100", "--linger", "0", str(server.pid)], stdout=subprocess.DEVNULL)
    in_row, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end and in_row < 10:
            in_row = in_row + 1 if os.SCHED_FIFO in policies(tool.pid) else 0
            if policies(server.pid) != {os.SCHED_OTHER}:
                bad.append("the server's policy was changed")
            time.sleep(0.05)
    finally:
        tool.terminate()
        tool.wait()
    return in_row == 10


def main():
    port = free_port()
    server = subprocess.Popen([server_program, str(port)], stdin=subprocess.PIPE)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * os.cpu_count())]
    over = threading.Event()
    time.sleep(0.5)
    clients = [threading.Thread(target=ask, args=(port, over)) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        if not comes_first([], server, 60):
            bad.append("all processors are busy, and the tracing thread is none of the first")
        if comes_first(["chrt", "--batch", "0"], server, 5):
            bad.append("started as a batch, it came first")
    finally:
        over.set()
        for client in clients:
            client.join()
        for process in busy + [server]:
            process.kill()
            process.wait()


if may_lead():
    main()
else:
    print("not permitted here: the tool cannot come first")
for line in bad[:5]:
    print(line)
sys.exit(bool(bad))
