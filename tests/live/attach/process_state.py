"""What stands in proc(5) and in the kernel of processes that somebody has attached to: states, tracers, descriptors, options of sockets."""
import collections, ctypes, glob, os, re, socket, time

libc = ctypes.CDLL(None, use_errno=True)
PIDFD_OPEN, PIDFD_GETFD = 434, 438 # the same on all machines
OPTIONS = {name: (getattr(socket, level), getattr(socket, name)) for level, name in (
    ("SOL_SOCKET", "SO_LINGER"), ("SOL_SOCKET", "SO_KEEPALIVE"), ("SOL_SOCKET", "SO_REUSEADDR"), ("SOL_SOCKET", "SO_RCVTIMEO"),
    ("SOL_SOCKET", "SO_SNDTIMEO"), ("SOL_SOCKET", "SO_OOBINLINE"), ("SOL_SOCKET", "SO_DONTROUTE"), ("SOL_SOCKET", "SO_BROADCAST"),
    ("SOL_SOCKET", "SO_SNDBUF"), ("SOL_SOCKET", "SO_RCVLOWAT"), ("SOL_SOCKET", "SO_PRIORITY"), ("SOL_SOCKET", "SO_MARK"),
    ("IPPROTO_TCP", "TCP_NODELAY"), ("IPPROTO_TCP", "TCP_CORK"), ("IPPROTO_TCP", "TCP_KEEPIDLE"), ("IPPROTO_TCP", "TCP_USER_TIMEOUT"),
    ("IPPROTO_TCP", "TCP_SYNCNT"), ("IPPROTO_TCP", "TCP_LINGER2"), ("IPPROTO_IP", "IP_TTL"), ("IPPROTO_IP", "IP_TOS")) if hasattr(socket, name)}


def tree(pid):
    """The process and all its descendants."""
    children = [int(c) for path in glob.glob("/proc/%d/task/*/children" % pid) for c in open(path).read().split()]
    return [pid] + [p for child in children for p in tree(child)]


def field(path, name):
    try:
        found = re.search(r"^%s:\s*(\S*)" % name, open(path).read(), re.M)
    except OSError:
        return None
    return found and found.group(1)


def left_behind(pids, stopped=()):
    """Threads that are stopped or traced once the tool is gone; a moment is granted, since its end is told before the kernel is done."""
    for _ in range(100):
        left = []
        for pid in pids:
            for path in glob.glob("/proc/%d/task/*/status" % pid):
                state, tracer = field(path, "State"), field(path, "TracerPid")
                if tracer not in ("0", None) or (state or "?") in ("t" if pid in stopped else "tT"):
                    left.append("%s: %s, traced by %s" % (path, state, tracer))
        if not left:
            return []
        time.sleep(0.02)
    return left


def descriptors(pids):
    """How many of which kind each process has."""
    def kind(path):
        try:
            return re.sub(r"\d+\]$", "]", os.readlink(path)) # socket:[], pipe:[]
        except OSError:
            return "gone"
    return {pid: dict(collections.Counter(kind(f) for f in glob.glob("/proc/%d/fd/*" % pid))) for pid in pids}


def options_of(fd):
    with socket.socket(fileno=fd) as one:
        said = {"flags": __import__("fcntl").fcntl(one, 3)} # F_GETFL
        for name, (level, option) in OPTIONS.items():
            try:
                said[name] = one.getsockopt(level, option, 16)
            except OSError:
                said[name] = None
        return said


def socket_options(pids):
    """Of every socket (by its inode): flags and options, read through a duplicate of our own."""
    found = {}
    for pid in pids:
        pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
        for path in glob.glob("/proc/%d/fd/*" % pid):
            try:
                link = os.readlink(path)
            except OSError:
                continue
            if link.startswith("socket:") and link not in found:
                fd = libc.syscall(PIDFD_GETFD, pidfd, int(os.path.basename(path)), 0)
                if fd >= 0:
                    found[link] = options_of(fd)
        if pidfd >= 0:
            os.close(pidfd)
    return found


def tools_left(program):
    """Processes of that program that are still there, after they had time to finish."""
    path = os.path.realpath(program)
    left = []
    for _ in range(200):
        left = []
        for exe in glob.glob("/proc/[0-9]*/exe"):
            try:
                if os.readlink(exe) == path:
                    left.append("%s is still there" % os.path.dirname(exe))
            except OSError:
                continue
        if not left:
            return []
        time.sleep(0.1)
    return left
