#!/usr/bin/env python3
"""attack.py SOCKWHY: whoever gets an anonymized incident looks for what it was made from: everywhere, and in every disguise.

A program of many indiscretions runs on a host of its own (network, mount and UTS namespace): names in arguments, in the environment, in
/etc/hosts, in DNS of every kind, in server names and certificates of TLS, in paths of programs, files and sockets, on standard error, in
payload; addresses in calls, packets, packets that ICMP quotes, ARP and routes. Every output of run, --live, --each-failure, attach,
explain and diff is searched for each of them: as text, backwards, in bytes of either order, as hexadecimal and base64."""
import base64, glob, ipaddress, os, re, socket, subprocess, sys, tempfile, time

HOST, PROXY, MIRROR, PEER, PEER6 = "vaultkestrel", "gatekeeper", "nightingale", "10.83.61.5", "fd4e:91c7:aa21::77"
OWN, OWN6, GONE, FAR, MAC = "10.83.61.2", "fd4e:91c7:aa21::2", "10.83.61.99", "203.0.113.87", "02:5e:c7:11:9a:0d"
DOMAIN, LABELS = "quokkaworks", ["hedgehogdb", "marmoset", "pelikanbox", "ocelotmail", "lemurtext"]
WORDS = [HOST, PROXY, MIRROR, DOMAIN, *LABELS, "wombatfolder", "ibexscript", "swordfish", "aliceanderson", "tapirsocket", "dodoabstract",
         "narwhaltoken", "axolotlcert", "platypuspayload", "capybarafile", "okapireverse", "gibbonrealm", "zorillaconf"]
ADDRESSES = [PEER, PEER6, OWN, OWN6, GONE, FAR]

PROGRAM = r'''
import os, socket, ssl, struct, sys, threading
peer, peer6, gone, far, own = sys.argv[1:6]
def attempt(what):
    try: return what()
    except Exception as error: print("capybarafile /srv/wombatfolder/zorillaconf.ini:", error, peer, file=sys.stderr)
def connect(to, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    s = socket.socket(family, kind); s.settimeout(0.7); s.connect(to); return s
def question(name, kind):
    s = connect((peer, 53), kind=socket.SOCK_DGRAM)
    s.send(struct.pack(">6H", 7, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l for l in name.split(b".")) + struct.pack(">BHH", 0, kind, 1))
    return s.recv(2000)
for kind in (1, 28, 5, 15, 16, 33, 12, 6):
    attempt(lambda: question(b"hedgehogdb.quokkaworks.example", kind))
attempt(lambda: question(b"77.0.0.0.okapireverse.in-addr.arpa", 12))
attempt(lambda: question(b".".join(reversed(peer.encode().split(b"."))) + b".in-addr.arpa", 12))
attempt(lambda: socket.create_connection(("hedgehogdb.quokkaworks.example", 4444), 1))
attempt(lambda: socket.create_connection(("marmoset", 4444), 1))
attempt(lambda: connect((peer6, 4444), socket.AF_INET6))
attempt(lambda: connect((gone, 80)))
attempt(lambda: connect((far, 80)))
def closed_port():
    s = connect((peer, 4445), kind=socket.SOCK_DGRAM); s.send(b"platypuspayload"); return s.recv(100)
attempt(closed_port)
def tls():
    context = ssl.create_default_context(); context.load_verify_locations
    return context.wrap_socket(connect((peer, 8443)), server_hostname="pelikanbox.quokkaworks.example")
attempt(tls)
def page():
    s = connect((peer, 8080))
    s.sendall(b"GET /wombatfolder?token=narwhaltoken HTTP/1.1\r\nHost: pelikanbox.quokkaworks.example\r\nAuthorization: Basic swordfish\r\n\r\n")
    while s.recv(1000): pass
attempt(page)
def local(path):
    s = socket.socket(socket.AF_UNIX); s.connect(path)
attempt(lambda: local("/run/wombatfolder/tapirsocket.sock"))
attempt(lambda: local("\0dodoabstract-1"))
attempt(lambda: local("\0dodoabstract" + "\0" * 20))
sys.stderr.write("aliceanderson@quokkaworks.example: no route to %s [%s] via gatekeeper.quokkaworks.example:3128 (%s), " % (peer6, own, "02:5e:c7:11:9a:0d"))
sys.stderr.flush()
os.writev(2, [b"hedge", b"hogdb.quokkaworks.example said 'swordfish'\n"])
sys.stderr.write("\x1b[31mmarmoset\x1b[0m GIBBONREALM Connection refused to hedgehogdb_quokkaworks and QUOKKAWORKS\\aliceanderson\n")
sys.exit(3)
'''

SERVER = r'''
import socket, ssl, struct, sys, threading
peer, peer6, cert, key = sys.argv[1:5]
def name(text): return b"".join(bytes([len(l)]) + l for l in text.encode().split(b".")) + b"\0"
def answers(kind):
    q = b"\xc0\x0c"
    def rr(owner, kind, data): return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
    a = rr(q, 1, socket.inet_aton(peer)) if kind == 1 else b""
    more = {28: rr(q, 28, socket.inet_pton(socket.AF_INET6, peer6)), 5: rr(q, 5, name("nightingale.quokkaworks.example")),
            15: rr(q, 15, b"\0\1" + name("ocelotmail.quokkaworks.example")), 16: rr(q, 16, b"\x09lemurtext"),
            33: rr(q, 33, b"\0\1\0\1\0\x50" + name("marmoset.quokkaworks.example")), 12: rr(q, 12, name("nightingale.gibbonrealm.example")),
            6: rr(q, 6, name("nightingale.quokkaworks.example") + name("aliceanderson.quokkaworks.example") + bytes(20))}
    return a or more.get(kind, b"")
def dns():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((peer, 53))
    while True:
        message, who = s.recvfrom(2000)
        end = message.index(b"\0", 12) + 5
        data = answers(struct.unpack(">H", message[end - 4:end - 2])[0])
        s.sendto(message[:2] + b"\x81\x80" + message[4:6] + struct.pack(">HHH", bool(data), 0, 0) + message[12:end] + data, who)
def serve(port, what):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((peer, port)); s.listen(9)
    while True:
        try: what(s.accept()[0])
        except Exception: pass
def tls(c):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(cert, key); context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.wrap_socket(c, server_side=True)
def page(c):
    c.recv(2000); c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nX-Host: vaultkestrel\r\n\r\nplatypuspayload")
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); c.close()
for what in (dns, lambda: serve(8443, tls), lambda: serve(8080, page)):
    threading.Thread(target=what).start()
print("ready", flush=True)
'''


def disguises():
    """Name, and what it looks like in bytes."""
    for word in WORDS:
        plain = word.encode()
        for how in (plain, plain[::-1], plain.decode().encode("utf-16-le"), plain.hex().encode()):
            yield word, re.compile(re.escape(how), re.I)
        for shift in range(3): # what of it stands in base64 whatever precedes it
            inner = base64.b64encode(b"\0" * shift + plain)[4 * (shift > 0):(len(plain) + shift) // 3 * 4]
            yield word + " in base64", re.compile(re.escape(inner))
    for text in ADDRESSES:
        packed = ipaddress.ip_address(text).packed
        yield text, re.compile(rb"(?<![0-9a-f.:])" + re.escape(text.encode()) + rb"(?![0-9a-f]|[.:][0-9a-f])", re.I)
        yield text + " in bytes", re.compile(re.escape(packed))
        yield text + " in bytes backwards", re.compile(re.escape(packed[::-1]))
        yield text + " in hex", re.compile(re.escape(packed.hex().encode()) if len(packed) > 4 else rb"(?<![0-9a-f])" + packed.hex().encode() + rb"(?![0-9a-f])", re.I)
        if len(packed) == 4:
            parts = text.split(".")
            for order in (parts, parts[::-1]):
                yield text + " by parts", re.compile(rb"(?<![\d.-])" + rb"[-._]".join(p.encode() for p in order) + rb"(?![\d-])")
    mac = bytes.fromhex(MAC.replace(":", ""))
    yield MAC, re.compile(MAC.encode(), re.I)
    yield MAC + " in bytes", re.compile(re.escape(mac))
    yield MAC + " in hex", re.compile(mac.hex().encode(), re.I)
    yield MAC + " as an interface identifier", re.compile(re.escape(bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]))


class Host:
    """Two namespaces: the program's (ours, set up by who calls) and the peer's."""

    def __init__(self, folder):
        self.folder, self.ns = folder, "swattack%d" % os.getpid()
        run = lambda text: subprocess.run(text, shell=True, check=True, stdout=subprocess.DEVNULL)
        run("hostname %s; ip link set lo up" % HOST)
        run("ip link add up0 address %s type veth peer name down0" % MAC)
        self.peer = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        time.sleep(0.3)
        run("ip link set down0 netns %d" % self.peer.pid)
        inside = "nsenter -n -t %d " % self.peer.pid
        run("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv4.tcp_syn_retries=1; ip addr add %s/24 dev up0; ip link set up0 up; ip addr add %s/64 dev up0 nodad" % (OWN, OWN6))
        run(inside + "ip link set lo up; %sip addr add %s/24 dev down0; %sip link set down0 up; %sip addr add %s/64 dev down0 nodad" % (inside, PEER, inside, inside, PEER6))
        run("ip route add default via " + PEER)
        run(inside + "sysctl -qw net.ipv4.ip_forward=1; %sip route add unreachable %s/32" % (inside, FAR))
        for name, text in (("hosts", "127.0.0.1 localhost\n%s marmoset.%s.example marmoset\n" % (PEER, DOMAIN)), ("resolv.conf", "search %s.example\nnameserver %s\noptions timeout:1 attempts:1\n" % (DOMAIN, PEER)),
                           ("nsswitch.conf", "hosts: files dns\n")):
            with open(folder + "/" + name, "w") as out:
                out.write(text)
            run("mount --bind %s/%s %s" % (folder, name, os.path.realpath("/etc/" + name)))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=axolotlcert.%s.example/O=gibbonrealm" % DOMAIN,
                        "-keyout", folder + "/key", "-out", folder + "/cert"], check=True, stderr=subprocess.DEVNULL)
        self.server = subprocess.Popen([*inside.split(), sys.executable, "-c", SERVER, PEER, PEER6, folder + "/cert", folder + "/key"], stdout=subprocess.PIPE)
        self.server.stdout.readline()

    def close(self):
        for process in (self.server, self.peer):
            process.kill()


def record(sockwhy, folder, out):
    """Every output that there is, into `out`."""
    script = folder + "/wombatfolder/ibexscript.py"
    os.makedirs(os.path.dirname(script), exist_ok=True)
    with open(script, "w") as text:
        text.write(PROGRAM)
    command = [sys.executable, script, PEER, PEER6, GONE, FAR, OWN, "--token=narwhaltoken", "-paliceanderson", "https://swordfish@hedgehogdb.%s.example/zorillaconf" % DOMAIN]
    environment = {**os.environ, "https_proxy": "http://aliceanderson:swordfish@%s.%s.example:3128" % (PROXY, DOMAIN), "no_proxy": "gibbonrealm.example", "SOCKWHY_CONFINE": "strict"}
    files = sum((["-o", "%s/run.%s" % (out, ending)] for ending in ("txt", "json", "html", "md", "pcapng", "pcap")), [])

    def tool(name, *arguments):
        with open("%s/%s.said" % (out, name), "w") as said:
            return subprocess.run([sockwhy, *arguments], stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=environment, cwd=out, timeout=90)

    # what the program itself writes goes elsewhere: it is no output of ours
    quiet = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"]
    tool("run", "run", "--anonymize", "-v", "--live", "--settle", "500ms", *files, "--", *quiet, *command)
    tool("each", "run", "--anonymize", "--each-failure", "each", "--settle", "500ms", "--also-on", "up0", "--filter", "not host 203.0.113.87 and not host marmoset", "--", *quiet, *command)
    tool("open", "run", "--payload", "-o", folder + "/open.pcapng", "--", *quiet, *command)
    tool("explain", "explain", "--anonymize", "-v", *sum((["-o", "%s/explain.%s" % (out, e)] for e in ("txt", "json", "html", "md", "pcapng", "pcap")), []), folder + "/open.pcapng")
    tool("diff", "diff", out + "/run.pcapng", out + "/run.pcapng")
    strace = ["strace", "-f", "-ttt", "-T", "-y", "-s", "2000", "-o", folder + "/trace", *quiet, *command]
    if subprocess.run(strace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment).returncode == 3:
        tool("strace", "explain", "--anonymize", "-v", "-o", out + "/strace.json", "-o", out + "/strace.html", folder + "/trace")
    process = subprocess.Popen([*quiet, "sh", "-c", 'sleep 1; exec "$@"', "sh", *command], env=environment)
    time.sleep(0.3)
    tool("attach", "attach", "--anonymize", "-v", "--settle", "500ms", "-o", out + "/attach.json", "-o", out + "/attach.pcapng", str(process.pid))
    process.wait()


def search(out):
    files = [path for path in glob.glob(out + "/**", recursive=True) if os.path.isfile(path)]
    leaks = 0
    contents = {path: open(path, "rb").read() for path in files}
    for name, pattern in disguises():
        for path in files:
            found = pattern.search(contents[path]) or pattern.search(os.path.basename(path).encode())
            if found:
                leaks += 1
                print("%s holds %s: %r" % (os.path.relpath(path, out), name, contents[path][max(0, found.start() - 70):found.end() + 40]))
    return leaks, files


def main():
    if os.environ.get("ATTACK_INSIDE") != "1":
        os.environ["ATTACK_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", "-u", sys.executable, *sys.argv])
    sockwhy = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="sw.") as folder, tempfile.TemporaryDirectory(prefix="sw.") as out:
        os.chmod(folder, 0o755)
        host = Host(folder)
        try:
            record(sockwhy, folder, out)
        finally:
            host.close()
        leaks, files = search(out)
        wanted = {"run.txt", "run.json", "run.html", "run.md", "run.pcapng", "run.pcap", "run.said", "explain.json", "explain.html", "attach.json", "attach.pcapng", "diff.said"}
        missing = wanted - {os.path.basename(path) for path in files if os.path.getsize(path)}
        incidents = glob.glob(out + "/each/*.pcapng")
        print("%d files, %d incidents, %d leaks%s" % (len(files), len(incidents), leaks, "; missing: " + ", ".join(sorted(missing)) if missing else ""))
        if os.environ.get("KEEP"):
            subprocess.run(["cp", "-r", out, folder, os.environ["KEEP"]])
        sys.exit(bool(leaks or missing or not incidents))


main()
