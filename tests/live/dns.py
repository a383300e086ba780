#!/usr/bin/env python3
"""dns.py HOW [ADDRESS]: a name server on port 53, UDP and TCP, with one behaviour.

answer (only www.shop.example; else NXDOMAIN), nxdomain, nodata, servfail, refused, formerr, notimp, silent, late:SECONDS,
truncated (over UDP), cut (truncated, and TCP closes at once), no6 (AAAA stays without an answer), first-fails (SERVFAIL for all but
www.shop.example). A gets ADDRESS, or several with commas; AAAA gets no address.
"""
import socket
import struct
import sys
import threading

how, _, value = sys.argv[1].partition(":")
addresses = (sys.argv[2] if len(sys.argv) > 2 else "10.90.2.2").split(",")
FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 1, 2, 3, 4, 5


def question(query):
    """The name asked for, its type, and where the question ends."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1 : at + 3])[0], at + 5


def reply(query, over_udp):
    name, kind, end = question(query)
    flags, records = 0x8180, b""
    known = how != "answer" or name == "www.shop.example"
    if how == "nxdomain" or not known:
        flags |= NXDOMAIN
    elif how == "servfail" or (how == "first-fails" and name != "www.shop.example"):
        flags |= SERVFAIL
    elif how == "formerr":
        flags |= FORMERR
    elif how == "notimp":
        flags |= NOTIMP
    elif how == "refused":
        flags |= REFUSED
    elif how in ("truncated", "cut") and over_udp:
        flags |= 0x0200
    elif how != "nodata" and kind == 1:
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(a) for a in addresses)
    return query[:2] + struct.pack(">HHHHH", flags, 1, len(records) // 16, 0, 0) + query[12:end] + records


def over_tcp():
    listener = socket.create_server(("0.0.0.0", 53))
    while True:
        conn, _ = listener.accept()
        if how == "cut":
            conn.close()
            continue
        queries = conn.makefile("rb")
        # glibc asks for A and AAAA on one connection
        while len(size := queries.read(2)) == 2:
            answer = reply(queries.read(struct.unpack(">H", size)[0]), False)
            conn.sendall(struct.pack(">H", len(answer)) + answer)
        conn.close()


threading.Thread(target=over_tcp, daemon=True).start()
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", 53))
while True:
    query, who = sock.recvfrom(4096)
    if how == "silent" or (how == "no6" and question(query)[1] == 28):
        continue
    wait = float(value) if how == "late" else 0
    threading.Timer(wait, sock.sendto, (reply(query, True), who)).start()
