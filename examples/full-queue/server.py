"""Listens, and is busy with something else."""
import socket
import time

with socket.create_server(("", 8080), backlog=1) as server:
    time.sleep(60)
