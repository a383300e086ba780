"""Two requests on one connection, with a pause between them."""
import http.client
import sys
import time

connection = http.client.HTTPConnection(sys.argv[1], 8080)
connection.auto_open = 0  # as pools that do not look
connection.connect()
for pause in 0, 2:
    time.sleep(pause)
    connection.request("GET", "/")
    print(connection.getresponse().read())
