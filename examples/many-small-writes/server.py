"""Answers each line of two."""
import socket

with socket.create_server(("", 8080)) as server:
    connection, _ = server.accept()
    lines = connection.makefile("rb")
    while lines.readline() and lines.readline():
        connection.sendall(b"thanks\n")
