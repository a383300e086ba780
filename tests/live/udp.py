#!/usr/bin/env python3
"""udp.py PORT echo | ignore | late:SECONDS | from:OTHERPORT: answers datagrams, or not, as told."""
import socket
import sys
import threading

port, how = int(sys.argv[1]), sys.argv[2]
verb, _, value = how.partition(":")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", port))
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if verb == "from":
    other.bind(("0.0.0.0", int(value)))
while True:
    data, who = sock.recvfrom(65536)
    if verb == "echo":
        sock.sendto(data, who)
    elif verb == "from":
        other.sendto(data, who)
    elif verb == "late":
        threading.Timer(float(value), sock.sendto, (data, who)).start()
