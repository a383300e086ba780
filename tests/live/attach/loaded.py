#!/usr/bin/env python3
"""loaded.py SOCKWHY SERVER [ROUNDS]: servers under load, attached to and left again and again, notice nothing.

A server in the manner of redis (one thread, epoll with a time limit, EINTR is counted) and an nginx with two workers, each with clients
that count. The tool comes and goes: at its time, by SIGINT, by SIGTERM, killed with SIGKILL after 5 to 300 ms. No request may fail, no
wait may return EINTR, nobody may be left stopped or traced, no descriptor may leak. One EINTR is forgiven a server for all the rounds: a
tool killed in the some 50 us between a thread's stop and the mending of its answer can mend nothing (tracer/README.md)."""
import glob, os, random, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time

sockwhy, server_program = sys.argv[1:3]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
bad = []
random.seed(4)


class Clients:
    """Threads that ask over kept connections and count what is not answered as it must be."""

    def __init__(self, port, question, answer, count):
        self.port, self.question, self.answer = port, question, answer
        self.asked = self.failed = 0
        self.over = False
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.over:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                    for _ in range(200):
                        if self.over:
                            return
                        connection.sendall(self.question)
                        got = connection.recv(4096)
                        self.asked += 1
                        if not got.startswith(self.answer):
                            self.failed += 1
                            bad.append("port %d answered %r" % (self.port, got[:60]))
                        time.sleep(0.001)
            except OSError as error:
                self.failed += 1
                bad.append("port %d: %s" % (self.port, error))

    def end(self):
        self.over = True
        for thread in self.threads:
            thread.join()


def tree(pid):
    children = [int(c) for path in glob.glob("/proc/%d/task/*/children" % pid) for c in open(path).read().split()]
    return [pid] + [p for child in children for p in tree(child)]


def settled(pids):
    """The threads' states and tracers, once the tool is gone; a moment is granted, since its end is told before the kernel is done."""
    for _ in range(50):
        left = []
        for pid in pids:
            for path in glob.glob("/proc/%d/task/*/status" % pid):
                text = open(path).read()
                state, tracer = re.search(r"State:\s*(\S)", text).group(1), re.search(r"TracerPid:\s*(\d+)", text).group(1)
                if state in "tT" or tracer != "0":
                    left.append("%s: %s, traced by %s" % (path, state, tracer))
        if not left:
            return
        time.sleep(0.02)
    bad.extend(left)


def descriptors(pids):
    # what belongs to connections comes and goes with the clients
    return {pid: sorted(l for l in (os.readlink(f) for f in glob.glob("/proc/%d/fd/*" % pid)) if not l.startswith("socket:")) for pid in pids}


def come_and_go(pids, way):
    extra = ["--budget", random.choice(["25", "100"])]
    tool = subprocess.Popen([sockwhy, "attach", "--linger", "0"] + extra + (["--duration", "400ms"] if way == "time" else []) + [str(pids[0])],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if way != "time":
        time.sleep(random.uniform(0.005, 0.3))
        tool.send_signal(way)
    error = tool.communicate()[1]
    early = way != "time" and tool.returncode == -way # before it had begun
    if tool.returncode != 0 and not early:
        bad.append("attach ended with %s: %s" % (tool.returncode, error.strip()[-300:]))
    settled(pids)


def exercise(name, pid, clients):
    time.sleep(0.5)
    pids = tree(pid)
    before = descriptors(pids)
    for number in range(rounds):
        come_and_go(pids, ("time", signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)[number % 5])
    clients.end()
    if tree(pid) != pids:
        bad.append("%s: other processes than before" % name)
    if descriptors(pids) != before:
        bad.append("%s: other descriptors than before" % name)
    print("%s: %d requests, %d failed, %d times attached" % (name, clients.asked, clients.failed, rounds))


def redis_like():
    server = subprocess.Popen([server_program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline())
    exercise("epoll server", server.pid, Clients(port, b"PING\r\n", b"+PONG", 4))
    said = server.communicate("\n", timeout=10)[0]
    if said.strip() not in ("EINTR 0", "EINTR 1"):
        bad.append("the epoll server counted: %s" % said.strip())


def nginx():
    folder = tempfile.mkdtemp(prefix="sockwhy-attach.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    open(folder + "/conf", "w").write("""daemon off; worker_processes 2; pid %s/pid; error_log %s/error.log info; user root;
events { worker_connections 64; }
http { access_log off; keepalive_requests 1000000; server { listen 127.0.0.1:%d; location / { return 200 "fine"; } } }
""" % (folder, folder, port))
    server = subprocess.Popen(["nginx", "-p", folder, "-c", folder + "/conf"], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    exercise("nginx", server.pid, Clients(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200", 4))
    server.terminate()
    server.wait(timeout=10)
    log = open(folder + "/error.log").read()
    if log.count("4: Interrupted") > 1:
        bad.append("nginx: %s" % re.search(r".*4: Interrupted.*", log).group(0))
    shutil.rmtree(folder)


redis_like()
if shutil.which("nginx"):
    nginx()
for line in bad[:20]:
    print(line)
sys.exit(bool(bad))
