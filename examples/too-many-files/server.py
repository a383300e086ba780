"""Keeps every connection."""
import socket
import time

kept = []
with socket.create_server(("", 8080)) as server:
    while True:
        try:
            kept.append(server.accept())
        except OSError:
            time.sleep(0.5)
