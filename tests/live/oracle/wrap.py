#!/usr/bin/env python3
"""wrap.py FROM TO BYTES: an Ethernet pcap of IPv4 with the sequence numbers of each direction moved so that they wrap behind so many bytes.

Checksums are made anew where the packet is whole."""
import struct
import sys

ETHERNET, SYN, SACK = 14, 2, 5


def moved(number, by):
    return (number + by) % (1 << 32)


def move_options(tcp, by):
    at = 20
    while at < (tcp[12] >> 4) * 4:
        kind = tcp[at]
        if kind == 0:
            break
        length = 1 if kind == 1 else tcp[at + 1]
        if kind == SACK:
            for edge in range(at + 2, at + length, 4):
                struct.pack_into(">I", tcp, edge, moved(struct.unpack_from(">I", tcp, edge)[0], by))
        at += length


def checksum(ip, tcp):
    """RFC 9293, 3.1: over a pseudo header and the segment; 0 where a part of that was not captured."""
    length = struct.unpack_from(">H", ip, 2)[0] - len(ip)
    if length > len(tcp):
        return 0
    tcp[16:18] = b"\0\0"
    data = bytes(ip[12:20]) + struct.pack(">HH", 6, length) + bytes(tcp[:length]) + b"\0" * (length % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def move(frame, shifts, behind):
    start = ETHERNET + (frame[ETHERNET] & 15) * 4
    tcp = bytearray(frame[start:])
    source, target = frame[ETHERNET + 12:ETHERNET + 16] + tcp[0:2], frame[ETHERNET + 16:ETHERNET + 20] + tcp[2:4]
    seq, ack = struct.unpack_from(">II", tcp, 4)
    if tcp[13] & SYN:
        shifts[source] = moved(-seq, -behind)
    struct.pack_into(">I", tcp, 4, moved(seq, shifts.get(source, 0)))
    if ack:
        struct.pack_into(">I", tcp, 8, moved(ack, shifts.get(target, 0)))
    move_options(tcp, shifts.get(target, 0))
    struct.pack_into(">H", tcp, 16, checksum(frame[ETHERNET:start], tcp))
    return frame[:start] + bytes(tcp)


def main():
    data, behind = open(sys.argv[1], "rb").read(), int(sys.argv[3])
    out, at, shifts = [data[:24]], 24, {}
    while at + 16 <= len(data):
        captured = struct.unpack_from("<I", data, at + 8)[0]
        out += [data[at:at + 16], move(data[at + 16:at + 16 + captured], shifts, behind)]
        at += 16 + captured
    open(sys.argv[2], "wb").write(b"".join(out))


main()
