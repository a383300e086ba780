#!/usr/bin/env python3
"""peer.py [--to ADDRESS] [--rcvbuf N] PORT STEP...: the other end of a live test, one that does just what it is told.

Listens on PORT (every address, both families) and goes through the steps with each connection; --to connects instead.
  line        read a line                 all         read to the end of file
  request     read to an empty line       some        read once
  bytes:N     read so many
  say:TEXT    send it (\\r \\n understood)  fill:N      send N bytes
  wait:S      sleep                       page:N      an HTTP answer of N bytes
  trickle:N,S,B  N times B bytes, S apart  again       start over with the next request
  close       close                       reset       close with a RST (SO_LINGER 0)
  hold        keep it open and idle       die         end the process at once
"""
import os
import socket
import struct
import sys
import threading
import time


def read_until(conn, mark):
    data = b""
    while not data.endswith(mark):
        piece = conn.recv(1)
        if not piece:
            return None
        data += piece
    return data


def page(conn, size):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)


def step(conn, word):
    """One step; False ends the connection's thread."""
    verb, _, rest = word.partition(":")
    if verb == "line":
        return read_until(conn, b"\n") is not None
    if verb == "request":
        return read_until(conn, b"\r\n\r\n") is not None
    if verb == "some":
        return bool(conn.recv(int(rest or 65536)))
    if verb == "bytes":
        left = int(rest)
        while left > 0:
            piece = conn.recv(left)
            if not piece:
                return False
            left -= len(piece)
    elif verb == "all":
        while conn.recv(65536):
            pass
    elif verb == "say":
        conn.sendall(rest.encode().decode("unicode_escape").encode("latin-1"))
    elif verb == "fill":
        conn.sendall(b"x" * int(rest))
    elif verb == "page":
        page(conn, int(rest))
    elif verb == "trickle":
        count, pause, size = rest.split(",")
        for _ in range(int(count)):
            conn.sendall(b"x" * int(size))
            time.sleep(float(pause))
    elif verb == "wait":
        time.sleep(float(rest))
    elif verb == "hold":
        time.sleep(3600)
    elif verb == "reset":
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.close()
        return False
    elif verb == "close":
        conn.close()
        return False
    elif verb == "die":
        os._exit(1)
    else:
        sys.exit("peer.py: no such step: " + word)
    return True


def serve(conn, steps):
    try:
        at = 0
        while at < len(steps):
            if steps[at] == "again":
                at = 0
                continue
            if not step(conn, steps[at]):
                return
            at += 1
    except OSError:
        pass
    finally:
        conn.close()


def main():
    args, to, rcvbuf = sys.argv[1:], None, 0
    while args and args[0].startswith("--"):
        if args[0] == "--to":
            to = args[1]
        else:
            rcvbuf = int(args[1])
        args = args[2:]
    port, steps = int(args[0]), args[1:]
    if to:
        serve(socket.create_connection((to, port)), steps)
        return
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if rcvbuf:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    listener.bind(("::", port))
    listener.listen(64)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, steps), daemon=True).start()


main()
