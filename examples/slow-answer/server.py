"""An HTTP server whose application is slow."""
import http.server
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2)  # a query without an index, say
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"done\n")


http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
