"""Header and body in two writes, answer in one read, again and again."""
import socket
import sys

with socket.create_connection((sys.argv[1], 8080)) as connection:
    for _ in range(40):
        connection.sendall(b"header\n")
        connection.sendall(b"body\n")
        connection.recv(100)
