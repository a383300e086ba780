"""Asks, and waits without a time limit."""
import socket
import sys

with socket.create_connection((sys.argv[1], 6380)) as connection:
    connection.sendall(b"GET job\r\n")
    print(connection.recv(100))
