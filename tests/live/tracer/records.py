#!/usr/bin/env python3
"""What the engine says of the modes of `subject`: the calls, their flags, the threads' ends.

usage: records.py WATCH SUBJECT [SUBJECT32]
"""
import re
import subprocess
import sys
import tempfile

# mode: patterns that must stand in the records, and how often (None: at least once)
WANT = {
    "refused": [(r"connect\(\d+, 127\.0\.0\.1:1\) = -1 ECONNREFUSED", 1), (r"capture asked for namespace 0", 1),
                (r"exit code 0 signal 0 command", 1), (r"fact route ", None)],
    "threads": [(r"socketpair", 200), (r" write\(", 200), (r" read\(", 200)],
    "children": [(r"socketpair", 1000), (r"exit code 7", 1000)],
    "vforks": [(r" exec .* true$", 50)],
    "exec-from-thread": [(r"read\(.*unfinished", 1), (r"connect.*ECONNREFUSED", 1)],
    "daemonize": [(r"connect.*ECONNREFUSED", 1)],
    "untraced": [(r"connect.*ECONNREFUSED", 2)],
    "restarts": [(r"recv.* = 1.*restarted", 1), (r"signal 14", 1)],
    "interrupts": [(r"recv.*EINTR", 1), (r"poll\(\[\d+ IN\].*EINTR", 1), (r"epoll_wait.*EINTR", 1), (r"select.*EINTR", 1)],
    "stops": [(r"poll\(\[\d+ IN\], 600 ms\) = 0.*restarted", 1)],
    "dies-stopped": [(r"exit code -1 signal 9", 1)],
    "timeouts": [(r"recv.*EAGAIN", 1), (r"SO_RCVTIMEO, 100 ms", 1)],
    "bad-pointers": [(r"EFAULT", None)],
}
# A filter that knows the numbers of x86-64 alone.
WANT_NATIVE = {"own-filter": [(r"connect.*EACCES injected", 2), (r"write\(", None)]}


def check(watch, subject, mode, wanted):
    with tempfile.NamedTemporaryFile("r") as out:
        subprocess.run([watch, "-o", out.name, subject, mode], stdout=subprocess.DEVNULL, timeout=60)
        lines = out.read().split("\n")
    bad = 0
    for pattern, count in wanted + [(r"^end .* lost 0 damaged 0", 1)]:
        found = sum(1 for line in lines if re.search(pattern, line))
        if found != count and (count is not None or not found):
            print(f"FAIL {subject} {mode}: {pattern!r} {found} times, want {count}")
            bad += 1
    print("ok  " if not bad else "FAIL", subject, mode)
    return bad


def main():
    watch, subjects = sys.argv[1], sys.argv[2:]
    bad = 0
    for subject in subjects:
        for mode, wanted in WANT.items():
            bad += check(watch, subject, mode, wanted)
    for mode, wanted in WANT_NATIVE.items():
        bad += check(watch, subjects[0], mode, wanted)
    return bad


if __name__ == "__main__":
    sys.exit(main())
