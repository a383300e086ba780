#!/usr/bin/env python3
"""Functions, files and lines in the stack of a failure: what the test compiles here, fails here.

usage: stacks.py SOCKWHY    (C, C++, stripped, a signal's handler, 64 threads, JavaScript; Rust, Go, Python 3.12 where they are installed)
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

C = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
static inline __attribute__((always_inline)) int dial(int fd, struct sockaddr_in *to)
{
	return connect(fd, (void *)to, sizeof *to); /* line 12 */
}
__attribute__((noinline)) int fetch(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
	int result = dial(socket(AF_INET, SOCK_STREAM, 0), &to); /* line 17 */
	__asm__ volatile("" ::: "memory");
	return result + 1;
}
static void handler(int number)
{
	fetch(number > 0);
	_exit(0);
}
static void *thread(void *barrier)
{
	pthread_barrier_wait(barrier);
	fetch(1);
	return NULL;
}
int main(int argc, char **argv)
{
	if (argc > 1 && argv[1][0] == 's') {
		struct timespec now;
		signal(SIGALRM, handler);
		ualarm(50000, 0);
		for (;;)
			clock_gettime(CLOCK_MONOTONIC, &now);
	}
	if (argc > 1) {
		pthread_t threads[64];
		pthread_barrier_t barrier;
		pthread_barrier_init(&barrier, NULL, 64);
		for (int i = 0; i < 64; i++)
			pthread_create(&threads[i], NULL, thread, &barrier);
		for (int i = 0; i < 64; i++)
			pthread_join(threads[i], NULL);
		return 0;
	}
	int result = fetch(1);
	__asm__ volatile("" ::: "memory");
	return result;
}
"""
CXX = C.split("static inline")[0].replace("#define _GNU_SOURCE", "") + r"""
namespace net {
template <typename T> struct Client {
	T port;
	__attribute__((noinline)) int dial() const
	{
		sockaddr_in to{};
		to.sin_family = AF_INET;
		to.sin_port = htons(port);
		to.sin_addr.s_addr = htonl(0x7f000001);
		int result = connect(socket(AF_INET, SOCK_STREAM, 0), (sockaddr *)&to, sizeof to);
		__asm__ volatile("" ::: "memory");
		return result + 1;
	}
};
}
int main()
{
	int result = net::Client<int>{1}.dial();
	__asm__ volatile("" ::: "memory");
	return result;
}
"""
RUST = r"""
use std::net::TcpStream;
struct Client { port: u16 }
impl Client {
    #[inline(never)]
    fn dial(&self) -> bool { let made = TcpStream::connect(("127.0.0.1", self.port)); made.is_ok() }
}
fn main() { let ok = Client { port: 1 }.dial(); std::process::exit(!ok as i32) }
"""
GO = r"""package main

import (
	"net"
	"os"
)

//go:noinline
func fetch(to string) error { _, err := net.Dial("tcp", to); return err }
func main() {
	if fetch("127.0.0.1:1") != nil {
		os.Exit(1)
	}
}
"""
JS = """
function dial() { require('net').connect(80, '255.255.255.255').on('error', () => process.exit(1)); }
dial();
"""
PYTHON = """
import socket
class Client:
    def dial(self): socket.socket().connect(("127.0.0.1", 1))
Client().dial()
"""
bad = 0


def expect(what, good, seen):
    global bad
    print("ok  " if good else "FAIL", what)
    if not good:
        bad += 1
        print("     saw", seen)


def stack(sockwhy, *command):
    report = json.loads(subprocess.run([sockwhy, "run", "-o", "json:-", "--", *command], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, timeout=60).stdout)
    frames = report["findings"][0]["symptom"]["stack"] if report["findings"] else []
    return [(f["function"] or f"{f['object']}+{f['offset']:#x}", f["file"], f["line"]) for f in frames]


def has(frames, *wanted):
    """These functions stand in this order; a triple names file and line too (0: any)."""
    left = iter(frames)
    return all(any(w[0] == f[0] and (len(w) < 2 or (f[1] == w[1] and f[2] and w[2] in (0, f[2]))) for f in left)
               for w in wanted)


def main():
    sockwhy = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, text in (("c.c", C), ("x.cc", CXX), ("r.rs", RUST), ("g.go", GO), ("s.js", JS),
                           ("s.py", PYTHON)):
            with open(name, "w") as out:
                out.write(text.lstrip("\n"))
        subprocess.run(["gcc", "-O2", "-g", "-pthread", "-o", "c", "c.c"], check=True)
        line = next(i for i, text in enumerate(C.lstrip("\n").split("\n"), 1) if "line 12" in text)
        call = next(i for i, text in enumerate(C.lstrip("\n").split("\n"), 1) if "line 17" in text)
        plain = [("dial", "c.c", line), ("fetch", "c.c", call)]
        seen = stack(sockwhy, "./c")
        expect("C, with an inlined call", has(seen, *plain, ("main", "c.c", 0)), seen)
        seen = stack(sockwhy, "./c", "signal")
        expect("a signal's handler, in the vdso or around it", has(seen, *plain, ("handler",), ("<signal>",), ("main",)), seen)
        began = time.monotonic()
        seen = stack(sockwhy, "./c", "threads")
        expect("64 threads", has(seen, *plain, ("thread",)) and time.monotonic() - began < 20, seen)
        # Its own functions have line tables, libc's have none: who looks for those in vain must come to an end.
        if not subprocess.run(["gcc", "-g", "-O1", "-static", "-pthread", "-o", "static", "c.c"], stderr=subprocess.DEVNULL).returncode:
            seen = stack(sockwhy, "./static")
            expect("static", seen and seen[0][0].endswith("connect"), seen)
        subprocess.run(["strip", "-o", "stripped", "c"], check=True)
        seen = stack(sockwhy, "./stripped")
        expect("stripped", sum(f[0].startswith("stripped+0x") for f in seen) >= 2, seen)
        subprocess.run(["g++", "-O2", "-g", "-o", "x", "x.cc"], check=True)
        seen = stack(sockwhy, "./x")
        expect("C++", has(seen, ("net::Client<int>::dial", "x.cc", 0), ("main", "x.cc", 0)), seen)
        if shutil.which("rustc"):
            subprocess.run(["rustc", "-g", "-O", "-o", "r", "r.rs"], check=True)
            seen = stack(sockwhy, "./r")
            expect("Rust", has(seen, ("r::Client::dial", "r.rs", 0), ("main",)), seen)
        if shutil.which("go"):
            where = {**os.environ, "GOCACHE": os.path.join(folder, "cache"), "GO111MODULE": "off"}
            subprocess.run(["go", "build", "-ldflags", "-s -w", "-o", "g", "g.go"], check=True, env=where)
            seen = stack(sockwhy, "./g")
            expect("Go, stripped", has(seen, ("main.fetch", "g.go", 0), ("main.main", "g.go", 0)), seen)
        seen = stack(sockwhy, "node", "--perf-basic-prof", "--interpreted-frames-native-stack", "s.js")
        expect("JavaScript's functions", has(seen, ("internalConnect", "node:net", 0)), seen)
        perf = next((name for name in ("python3.14", "python3.13", "python3.12") if shutil.which(name) and
                     subprocess.run([name, "-c", ""], stderr=subprocess.DEVNULL).returncode == 0), None)
        if perf:
            seen = [frame[:2] for frame in stack(sockwhy, perf, "-X", "perf", "s.py")]
            expect("Python's functions", ("Client.dial", "s.py") in seen and ("<module>", "s.py") in seen, seen)
        text = subprocess.run([sockwhy, "run", "--", sys.executable, "s.py"], stderr=subprocess.PIPE, timeout=60).stderr.decode()
        expect("why there are none of Python's", "show under python3 -X perf" in " ".join(text.split()), text)
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
