"""A name server that knows no name: NXDOMAIN (RFC 1035)."""
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("", 53))
    while True:
        query, client = server.recvfrom(512)
        end = query.index(b"\0", 12) + 5
        server.sendto(query[:2] + b"\x81\x83\x00\x01" + bytes(6) + query[12:end], client)
