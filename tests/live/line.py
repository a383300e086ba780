#!/usr/bin/env python3
"""line.py [--delay MS] [--rate BYTES] [--swap N]: a long line between the hosts, in the gateway's namespace.

Every packet that the gateway forwards goes through a tun device to this program and back, each way, which holds it for a time:
  --delay MS    every packet, each way                 --rate BYTES  no more than so many a second, each way
  --swap N      every Nth large packet 3 ms longer, so that those behind it overtake it
Prints a line once the routes stand."""
import argparse
import fcntl
import heapq
import os
import select
import struct
import subprocess
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
OVERTAKEN = 0.003
LARGE = 500


def tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def ip(words):
    subprocess.run(["ip"] + words.split(), check=True)


def routes(name):
    with open("/proc/sys/net/ipv4/conf/%s/rp_filter" % name, "w") as knob:
        knob.write("0")
    ip("link set %s up txqueuelen 5000" % name)
    ip("route add default dev %s table 77" % name)
    for link in ("down0", "down1"):
        ip("rule add iif %s lookup 77" % link)


class Line:
    """When each packet leaves: after the delay, behind those before it at the line's rate, and some later still."""

    def __init__(self, options):
        self.options = options
        self.free = {}
        self.large = 0

    def leaves(self, packet, now):
        way = packet[16:20]
        at = now
        if self.options.rate:
            at = max(now, self.free.get(way, 0)) + len(packet) / self.options.rate
            self.free[way] = at
        at += self.options.delay / 1000
        if self.options.swap and len(packet) > LARGE:
            self.large += 1
            if self.large % self.options.swap == 0:
                at += OVERTAKEN
        return at


def carry(device, line):
    held, count = [], 0
    while True:
        now = time.monotonic()
        while held and held[0][0] <= now:
            os.write(device, heapq.heappop(held)[2])
        wait = max(0, held[0][0] - now) if held else None
        if not select.select([device], [], [], wait)[0]:
            continue
        try:
            while True:
                packet = os.read(device, 65536)
                count += 1
                heapq.heappush(held, (line.leaves(packet, time.monotonic()), count, packet))
        except BlockingIOError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--swap", type=int, default=0)
    options = parser.parse_args()
    device = tun("line0")
    routes("line0")
    print("the line stands", flush=True)
    carry(device, Line(options))


main()
