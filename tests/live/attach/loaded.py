#!/usr/bin/env python3
"""loaded.py SOCKWHY SERVER EINTR.so [ROUNDS [NAME...]]: servers under load, attached to and left again and again, notice nothing.

A server in the manner of redis (one thread, epoll with a time limit), redis, an nginx with two workers, haproxy, a java and a node server (those
that are installed), each with clients that count. The tool comes and goes: at its time, by SIGINT, by SIGTERM, killed with SIGKILL at a
random moment. No request may fail, no call may return EINTR (EINTR.so counts them inside the servers), nobody may be left stopped or
traced, no descriptor may leak, no socket may have got other options, no process of the tool may stay. ROUNDS: of each server (default 10)."""
import os, random, signal, subprocess, sys, time
import loaded_servers as servers
import process_state as state

sockwhy, server_program, counter = sys.argv[1:4]
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 10
wanted = sys.argv[5:]
ways = ("time", signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
bad = []
random.seed(os.environ.get("SEED", "4"))


def come_and_go(pids, way):
    extra = ["--budget", random.choice(["1", "25", "100"])]
    tool = subprocess.Popen([sockwhy, "attach", "-q", "--linger", "0"] + extra + (["--duration", "400ms"] if way == "time" else []) + [str(pids[0])],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if way != "time":
        time.sleep(random.uniform(0.005, 0.3))
        tool.send_signal(way)
    try:
        error = tool.communicate(timeout=120)[1]
    except subprocess.TimeoutExpired:
        tool.kill()
        error = tool.communicate()[1] + "it did not end when told to (%s, %s)" % (way, extra)
    early = way != "time" and tool.returncode == -way # before it had begun
    if tool.returncode != 0 and not early:
        bad.append("attach ended with %s: %s" % (tool.returncode, error.strip()[-300:]))
    bad.extend(state.left_behind(pids))


def exercise(kind):
    with kind(server_program, counter) as server:
        pids = state.tree(server.process.pid)
        empty = server.descriptors_when_idle()
        with servers.Clients(server) as clients:
            options = state.socket_options(pids)
            untouched = server.interrupted()
            for number in range(rounds):
                come_and_go(pids, ways[number % len(ways)])
            now = state.socket_options(pids)
        interrupted = {name: n - untouched.get(name, 0) for name, n in server.interrupted().items() if n > untouched.get(name, 0)}
        complaints = list(clients.complaints)
        if state.tree(server.process.pid) != pids:
            complaints.append("other processes than before")
        after = server.descriptors_when_idle(empty)
        if after != empty:
            complaints.append("descriptors were %s, are %s" % (empty, after))
        complaints += ["%s: options were %s, are %s" % (name, options[name], now[name]) for name in options if now.get(name, options[name]) != options[name]]
        if not options:
            complaints.append("no socket's options could be compared")
        if interrupted:
            complaints.append("EINTR: %s" % interrupted)
    complaints += server.log_complaints()
    bad.extend("%s: %s" % (server.name, line) for line in complaints)
    print("%s: %d requests, %d failed, EINTR %s, %d times attached, %d sockets compared" % (
        server.name, clients.asked, clients.failed, interrupted or 0, rounds, len(options)), flush=True)


for kind in servers.kinds(wanted):
    exercise(kind)
bad += state.tools_left(sockwhy)
for line in bad[:20]:
    print(line)
sys.exit(bool(bad))
