"""Takes a request, and never answers."""
import socket
import time

with socket.create_server(("", 6380)) as server:
    connection, _ = server.accept()
    connection.recv(100)
    time.sleep(3600)
