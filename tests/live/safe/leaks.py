#!/usr/bin/env python3
"""leaks.py FOLDER: no output in FOLDER (and in the scenario's folder inside) holds what stood for the hosts of hosts.sh, as text or as
bytes, the name of this host, a name that the scenarios ask for, or the scenario's folder."""
import glob
import os
import re
import socket
import sys

ADDRESSES = ["10.90.1.1", "10.90.1.2", "10.90.2.1", "10.90.2.2"]
ADDRESSES6 = ["fd90:1::1", "fd90:1::2", "fd90:2::1", "fd90:2::2"]
OUTPUTS = ("report.json", "report.txt", "*.pcapng", "*.pcap", "*.html", "*.md")


def needles(folder):
    for address in ADDRESSES + ADDRESSES6:
        bare = re.escape(address.encode())
        yield address, re.compile(rb"(?<![0-9a-f.:])" + bare + rb"(?![0-9a-f]|[.:][0-9a-f]+[.:])", re.I)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        yield address + " in bytes", re.compile(re.escape(socket.inet_pton(family, address)))
        if family == socket.AF_INET:
            dashes = address.replace(".", "-").encode()
            yield "-".join(address.split(".")), re.compile(rb"(?<!\d)" + dashes + rb"(?!\d)")
            back = b".".join(reversed(address.encode().split(b".")))
            yield address + " backwards", re.compile(rb"(?<![\d.])" + re.escape(back) + rb"(?![\d.])")
    words = ["shop", socket.gethostname(), os.path.basename(folder).split(".")[-1]]
    words += [os.path.basename(path).split(".")[-1] for path in glob.glob(folder + "/sockwhy-live.*")]
    for word in (w for w in words if len(w) >= 4):
        # shorter ones occur in bytes by themselves
        yield word, re.compile(rb"(?<![A-Za-z0-9])" + re.escape(word.encode()) + rb"(?![A-Za-z0-9])", re.I)


def main():
    folder = sys.argv[1]
    files = [f for d in (folder, *glob.glob(folder + "/sockwhy-live.*")) for p in OUTPUTS for f in glob.glob(d + "/" + p)]
    if not any(f.endswith("incident.pcapng") for f in files) or not any(f.endswith("more.html") for f in files):
        sys.exit("the outputs are not there: " + ", ".join(files))
    leaks = 0
    for name, pattern in needles(folder):
        for file in files:
            found = pattern.search(open(file, "rb").read())
            if found:
                leaks += 1
                text = open(file, "rb").read()[max(0, found.start() - 60):found.end() + 40]
                print("%s holds %s: %r" % (os.path.basename(file), name, text))
    sys.exit(leaks > 0)


main()
