"""The servers of loaded.py: real ones, each started with the counter of EINTR inside, and the clients that count what they answer.

To add one: a class with a command, a question and the start of its answer, and its name in ALL."""
import ctypes, mmap, os, re, shutil, signal, socket, struct, subprocess, tempfile, threading, time
import process_state as state

CALLS = re.findall(r'"(\w+)"', re.search(r"names\[COUNT\] = \{(.*?)\}", open(os.path.join(os.path.dirname(__file__), "eintr.c")).read(), re.S).group(1))


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def die_with_us():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL) # PR_SET_PDEATHSIG


class Server:
    needs = None
    processes = 1 # that it consists of
    question, answer, end = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200", b"fine"

    def __init__(self, program, counter):
        self.program, self.counter = os.path.abspath(program), os.path.abspath(counter)

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sockwhy-attach.")
        self.port = free_port()
        with open(self.folder + "/eintr", "wb") as f:
            f.write(bytes(4096))
        self.log = open(self.folder + "/log", "w+")
        environment = dict(os.environ, LD_PRELOAD=self.counter, EINTR_FILE=self.folder + "/eintr")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, cwd=self.folder, env=environment,
                                        preexec_fn=die_with_us)
        for _ in range(600):
            try:
                self.ask_once()
                break
            except OSError:
                time.sleep(0.05)
        while self.process.poll() is None and len(state.tree(self.process.pid)) < self.processes:
            time.sleep(0.05) # one worker answers before the other is there
        for _ in range(20):
            self.ask_once() # what is loaded at the first requests
        return self

    def ask(self, connection):
        """Empty, or what was answered instead."""
        got, more = b"", b"-"
        connection.sendall(self.question)
        while more and self.end not in got:
            more = connection.recv(4096)
            got += more
        return b"" if got.startswith(self.answer) and got.count(self.answer) == 1 else got or b"nothing"

    def ask_once(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            assert not self.ask(connection)

    def interrupted(self):
        with open(self.folder + "/eintr", "r+b") as f, mmap.mmap(f.fileno(), 4096) as shared:
            return {name: n for name, n in zip(CALLS, struct.unpack_from("%dQ" % len(CALLS), shared)) if n}

    def descriptors_when_idle(self, like=None):
        """After the clients' connections are gone: twice the same, or the same as before."""
        before = None
        for _ in range(50):
            now = state.descriptors(state.tree(self.process.pid))
            if now == like or (like is None and now == before):
                return now
            before = now
            time.sleep(0.1)
        return now

    def log_complaints(self):
        self.log.seek(0)
        return [line.strip() for line in self.log if re.search(r"Interrupted|EINTR|Exception|\[(alert|crit|emerg)\]", line)][:3]

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.flush()
        shutil.rmtree(self.folder)


class Epoll(Server):
    name, question, answer, end = "epoll", b"PING\r\n", b"+PONG", b"\n"

    def command(self):
        return [self.program, str(self.port)]


class Redis(Server):
    name, needs, question, answer, end = "redis", "redis-server", b"PING\r\n", b"+PONG", b"\n"

    def command(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder]


class Nginx(Server):
    name = needs = "nginx"
    processes = 3

    def command(self):
        with open(self.folder + "/conf", "w") as f:
            f.write("""daemon off; worker_processes 2; pid %s/pid; error_log stderr info; user root;
events { worker_connections 64; }
http { access_log off; keepalive_requests 1000000; server { listen 127.0.0.1:%d; location / { return 200 "fine"; } } }
""" % (self.folder, self.port))
        return ["nginx", "-p", self.folder, "-c", self.folder + "/conf"]


class Haproxy(Server):
    """With two threads; what it answers it knows by itself."""
    name = needs = "haproxy"

    def command(self):
        with open(self.folder + "/conf", "w") as f:
            f.write("""global
    nbthread 2
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend fine
    bind 127.0.0.1:%d
    http-request return status 200 content-type text/plain string fine
""" % self.port)
        return ["haproxy", "-db", "-f", self.folder + "/conf"]


class Node(Server):
    name = needs = "node"

    def command(self):
        return ["node", "-e", "require('http').createServer((q, a) => a.end('fine')).listen(%d, '127.0.0.1')" % self.port]


class Java(Server):
    name, needs = "java", "javac"
    SOURCE = """import com.sun.net.httpserver.*;
public class Serve {
    public static void main(String[] a) throws Exception {
        HttpServer s = HttpServer.create(new java.net.InetSocketAddress("127.0.0.1", Integer.parseInt(a[0])), 0);
        s.setExecutor(java.util.concurrent.Executors.newFixedThreadPool(4));
        s.createContext("/", x -> { x.sendResponseHeaders(200, 4); x.getResponseBody().write("fine".getBytes()); x.close(); });
        s.start();
    }
}
"""

    def command(self):
        with open(self.folder + "/Serve.java", "w") as f:
            f.write(self.SOURCE)
        subprocess.run(["javac", "Serve.java"], cwd=self.folder, check=True)
        return ["java", "-Xmx128m", "-Dsun.net.httpserver.nodelay=true", "-cp", self.folder, "Serve", str(self.port)]


ALL = (Epoll, Redis, Nginx, Haproxy, Node, Java)


def kinds(names):
    return [kind for kind in ALL if (not names or kind.name in names) and (not kind.needs or shutil.which(kind.needs))]


class Clients:
    """Threads that ask over kept connections and count what is not answered as it must be."""

    def __init__(self, server, count=4):
        self.server = server
        self.asked = self.failed = 0
        self.complaints = []
        self.over = False
        self.kept = socket.create_connection(("127.0.0.1", server.port)) # one that is there all the time
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(0.5)
        return self

    def run(self):
        while not self.over:
            try:
                with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as connection:
                    for _ in range(200):
                        if self.over:
                            return
                        self.count(self.server.ask(connection))
                        time.sleep(0.001)
            except OSError as error:
                self.failed += 1
                self.complaints.append("a request failed: %s" % error)

    def count(self, wrong):
        self.asked += 1
        if wrong:
            self.failed += 1
            self.complaints.append("it answered %r" % wrong[:60])

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()
        self.kept.close()
