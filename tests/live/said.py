#!/usr/bin/env python3
"""What the program said on standard error, and where the address came from, in every kind of report.

usage: said.py SOCKWHY    (as root: a network and a mount namespace of its own)
"""
import json
import os
import subprocess
import sys
import tempfile
import time

HOST, NAMES, CLOSED = "10.91.0.1", "saiddb.lab saiddb", 4444
AWAY = "10.92.0.1"  # no route leads there
HERE = os.path.dirname(os.path.abspath(__file__))
SECRET = "geheim"
VECTORS = ("import os,socket,sys\n"
           "try: socket.create_connection(('127.0.0.1', 1))\n"
           "except OSError as e: os.writev(2, [b'lost: ', str(e).encode(), b'\\n'])\n"
           "sys.exit(4)")
QUIET = "import socket,sys\nsys.stderr.close()\nsocket.socket().connect_ex(('127.0.0.1', 1))"
HUGE = ("import os,socket\n"
        "socket.socket().connect_ex(('127.0.0.1', 1))\n"
        "os.write(2, b'x' * 100000 + b'\\nConnection refused, at last\\n')")
DUMP = ("import os,socket\n"
        "socket.socket().connect_ex(('127.0.0.1', 1))\n"
        "os.write(2, b'fatal: Connection refused\\n' + b'00 00 00 00\\n' * 10000 + b'end of dump\\n')")
SERVER = ("import socket,sys,time\n"
          "for i in range(60):\n"
          " try: socket.create_connection(('127.0.0.1', 1))\n"
          " except OSError as e: print('no way to it:', e, file=sys.stderr, flush=True)\n"
          " time.sleep(0.1)")


class Checks:
    def __init__(self, sockwhy, folder):
        self.sockwhy, self.folder, self.bad = sockwhy, folder, 0

    def expect(self, what, good, seen):
        print("ok  " if good else "FAIL", what)
        if not good:
            self.bad += 1
            print("     saw", seen)

    def run(self, command, *options, env=None):
        """The report as JSON, of the run and of its incident; both must say the same."""
        incident, report = os.path.join(self.folder, "x.pcapng"), os.path.join(self.folder, "x.json")
        subprocess.run([self.sockwhy, "run", *options, "-o", report, "-o", incident, "--", *command], timeout=60,
                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        live = json.load(open(report))
        again = json.loads(subprocess.run([self.sockwhy, "explain", "-o", "json:-", incident], timeout=60,
                                          stdout=subprocess.PIPE).stdout)
        key = lambda r: [(f["said"], f["flow"]["name_source"], f["flow"]["name_origin"]) for f in r["findings"]]
        self.expect("  the incident says the same", key(live) == key(again) and
                    live["target"]["said"] == again["target"]["said"], (key(live), key(again)))
        return live


def first(report):
    return report["findings"][0] if report["findings"] else {"said": None, "flow": {"name": None, "name_source": None}}


def said(checks):
    curl = ["curl", "-sS", f"http://127.0.0.1:{CLOSED}/"]
    seen = first(checks.run(curl))["said"]
    checks.expect("curl's line", seen and seen[-1].startswith(f"curl: (7) Failed to connect to 127.0.0.1 port {CLOSED}"), seen)
    seen = first(checks.run(["python3", "-c", VECTORS]))["said"]
    checks.expect("writev", seen == ["lost: [Errno 111] Connection refused"], seen)
    seen = first(checks.run(["python3", "-c", QUIET]))["said"]
    checks.expect("who says nothing", seen == [], seen)
    seen = first(checks.run(["python3", "-c", HUGE]))["said"]
    checks.expect("the end of a long write", seen == ["Connection refused, at last"], seen)
    seen = first(checks.run(["python3", "-c", DUMP]))["said"]
    checks.expect("and its beginning", seen == ["fatal: Connection refused", "end of dump"], seen)
    report = checks.run(["python3", "-c", r"import os; os.write(2, b'\033[31mno\033[0m use\n'); os._exit(3)"])
    checks.expect("a clean run that failed", report["target"]["said"] == ["no use"] and not report["findings"], report["target"])
    seen = first(checks.run(["sh", "-c", f"curl -s http://127.0.0.1:{CLOSED}/; python3 -c 'import os;os.write(2, b\"sh: done\")'"]))["said"]
    checks.expect("another process's words are not its own", seen == [], seen)


def formats(checks):
    names = [os.path.join(checks.folder, "x." + ending) for ending in ("txt", "md", "html")]
    subprocess.run([checks.sockwhy, "run", *sum((["-o", name] for name in names), []), "--", "curl", "-sS",
                    f"http://saiddb:{CLOSED}/"], stderr=subprocess.DEVNULL, timeout=60)
    for name in names:
        text = " ".join(open(name).read().replace("&#39;", "'").split())
        checks.expect(f"in {name[-4:]}", "curl: (7) Failed to connect" in text.replace("\\", "") and
                      "saiddb in /etc/hosts" in text.replace("\\", ""), text[:600])


def attached(checks):
    process = subprocess.Popen(["python3", "-c", SERVER], stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    report = os.path.join(checks.folder, "a.json")
    subprocess.run([checks.sockwhy, "attach", "--duration", "1s", "-o", report, str(process.pid)], timeout=60,
                   stderr=subprocess.DEVNULL)
    process.kill()
    process.wait()
    seen = first(json.load(open(report)))["said"]
    checks.expect("attached", seen and seen[-1] == "no way to it: [Errno 111] Connection refused", seen)


def offline(checks):
    log = os.path.join(checks.folder, "log")
    subprocess.run(["strace", "-f", "-ttt", "-T", "-s", "30", "-o", log, "python3", "-c", VECTORS], timeout=60,
                   stderr=subprocess.DEVNULL)
    out = subprocess.run([checks.sockwhy, "explain", "-o", "json:-", log], stdout=subprocess.PIPE, timeout=60).stdout
    seen = first(json.loads(out))["said"]
    checks.expect("strace's log", seen == ["lost: [Errno 111] Connection refused"], seen)


def origins(checks):
    def source(command, env=None):
        flow = first(checks.run(["curl", "-sS", "-m", "5", *command], env=env))["flow"]
        return flow["name"], flow["name_source"], (flow["name_origin"] or {}).get("text"), flow.get("name_origin")

    url = f"http://saiddb:{CLOSED}/"
    seen = source([url])
    checks.expect("/etc/hosts", seen[:3] == ("saiddb", "hosts", "saiddb in /etc/hosts"), seen)
    seen = source([f"http://{HOST}:{CLOSED}/"])
    checks.expect("an argument", seen[:3] == (None, "argument", "an argument of the command"), seen)
    seen = source(["http://www.shop.example/"])
    checks.expect("an answer", seen[:2] == ("www.shop.example", "dns") and seen[3]["server"] == HOST + ":53" and
                  seen[3]["ttl_s"] == 60 and 0 <= seen[3]["age_ns"] < 10**9 and seen[3]["argument"], seen)
    seen = source(["https://elsewhere.example/"], {"https_proxy": f"http://user:{SECRET}@saiddb.lab:{CLOSED}/"})
    checks.expect("a proxy variable", seen[:2] == ("saiddb.lab", "proxy") and seen[3]["variable"] == "https_proxy", seen)
    stored = subprocess.run(["strings", os.path.join(checks.folder, "x.pcapng")], stdout=subprocess.PIPE).stdout.decode()
    checks.expect("  its password is not kept", SECRET not in stored and "saiddb.lab" in stored, "")
    asks = "import socket; socket.create_connection((open('/etc/resolv.conf').read().split()[-1], 53))"
    seen = first(checks.run(["python3", "-c", asks]))["flow"]["name_origin"]
    checks.expect("a name server", seen and seen["text"] == "a nameserver line of /etc/resolv.conf", seen)
    config = os.path.join(checks.folder, "curlrc")
    with open(config, "w") as out:
        out.write(f"url = http://10.91.0.2:{CLOSED}/\n")
    seen = source(["-K", config])
    checks.expect("not seen", seen[1] == "unknown" and "not seen" in (seen[2] or ""), seen)


def anonymous(checks):
    report = checks.run(["curl", "-sS", f"http://saiddb:{CLOSED}/"], "--anonymize")
    text, finding = json.dumps(report), first(report)
    checks.expect("anonymous", "saiddb" not in text and HOST not in text and finding["flow"]["name_source"] == "hosts" and
                  finding["said"] and finding["flow"]["name"] in finding["said"][0] and
                  finding["said"][0].startswith("curl: (7) Failed to connect to "), finding["said"])


def main():
    if os.environ.get("SAID_INSIDE") != "1":
        os.environ["SAID_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("hosts", f"127.0.0.1 localhost\n{HOST} {NAMES}\n"), ("resolv.conf", f"nameserver {HOST}\nnameserver {AWAY}\n")):
            with open(os.path.join(folder, name), "w") as out:
                out.write(text)
            subprocess.run(["mount", "--bind", os.path.join(folder, name), os.path.realpath("/etc/" + name)], check=True)
        for command in ("link set lo up", f"addr add {HOST}/24 dev lo", "addr add 10.91.0.2/32 dev lo"):
            subprocess.run(["ip", *command.split()], check=True)
        server = subprocess.Popen([sys.executable, os.path.join(HERE, "dns.py"), "answer", HOST], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        checks = Checks(os.path.abspath(sys.argv[1]), folder)
        try:
            for part in (said, formats, attached, offline, origins, anonymous):
                part(checks)
        finally:
            server.kill()
    return checks.bad != 0


if __name__ == "__main__":
    sys.exit(main())
