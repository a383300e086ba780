"""nscd.py PIDFILE WAIT: a name service cache that finds no host, in a mount namespace of its own.

Started under `unshare -m --propagation private`: /run is then its own, and nobody else on the machine asks it. Speaks as much of
glibc's protocol as getaddrinfo() needs (nscd-client.h): it shares no memory (closes), and answers each look-up "not found" after WAIT s."""
import os, socket, struct, subprocess, sys, threading, time

pidfile, wait = sys.argv[1], float(sys.argv[2])
GETFD = {11, 12, 13, 18, 21}  # requests to map a cache
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
os.mkdir("/run/nscd")
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/nscd/socket")
os.chmod("/run/nscd/socket", 0o666)
listener.listen(8)
with open(pidfile + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(pidfile + ".new", pidfile)


def serve(client):
    request = client.recv(1024)
    if len(request) >= 12 and struct.unpack("=3i", request[:12])[1] not in GETFD:
        time.sleep(wait)
        client.sendall(struct.pack("=6i", 2, 0, 0, 0, 0, 0))
    client.close()


while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
