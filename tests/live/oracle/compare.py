#!/usr/bin/env python3
"""compare.py LIVE-FLOWS CAPTURE...: what the flow facts say of each packet, held against tshark's tcp.analysis.* and tcptrace's counts.

Every packet of which the two say something else must have one of the reasons below (explain()); more than the wanted share of
unexplained ones, or a total that does not fit, is a fault. Prints a line for each capture."""
import collections
import re
import subprocess
import sys

A = "tcp.analysis."
FIELDS = ["frame.number", "tcp.len", "tcp.flags.syn", "tcp.flags.fin", "tcp.flags.reset", A + "retransmission", A + "fast_retransmission",
          A + "spurious_retransmission", A + "out_of_order", A + "duplicate_ack_num", A + "zero_window", A + "keep_alive",
          A + "zero_window_probe", A + "ack_rtt", A + "lost_segment", A + "window_update", "tcp.options.sack_le", "frame.time_epoch",
          "ip.src", "tcp.srcport", "tcp.seq", A + "acks_frame"]
ROUND_TRIP_NS = 2000  # the two read the same stamps


def oracle(capture):
    words = ["tshark", "-r", capture, "-o", "tcp.relative_sequence_numbers:TRUE", "-Y", "tcp && !icmp", "-T", "fields", "-E", "occurrence=f"]
    for field in FIELDS:
        words += ["-e", field]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = {}
    for line in out.splitlines():
        row = dict(zip(FIELDS, line.split("\t")))
        rows[int(row["frame.number"])] = row
    return rows


def ours(program, capture):
    packets, sides = {}, {}
    for line in subprocess.run([program, capture], capture_output=True, text=True, check=True).stdout.splitlines():
        words = line.split()
        if words[0] == "side":
            sides[words[1] + ">" + words[3]] = dict(word.split("=") for word in words[4:])
        else:
            packets[int(words[0])] = dict(word.partition("=")[::2] for word in words[1:])
    return packets, sides


def theirs(row):
    """tshark's words, in ours."""
    said = set()
    if row[A + "retransmission"] or row[A + "fast_retransmission"] or row[A + "spurious_retransmission"]:
        said.add("again")
    if row[A + "out_of_order"]:
        said.add("late")
    if row[A + "duplicate_ack_num"]:
        said.add("duplicate-ack")
    if row[A + "zero_window"]:
        said.add("zero")
    if row[A + "keep_alive"]:
        said.add("keepalive")
    if row[A + "zero_window_probe"]:
        said.add("probe")
    if row["tcp.flags.reset"] in ("1", "True"):
        said.add("reset")
    return said


class Context:
    """What went before a packet, for the reasons."""

    def __init__(self):
        self.zero = set()  # senders whose window stands at zero
        self.last = {}  # of each sender, the last payload's frame

    def pass_by(self, row, mine):
        sender = row["ip.src"] + ":" + row["tcp.srcport"]
        if "zero" in mine:
            self.zero.add(sender)
        elif row["tcp.flags.reset"] not in ("1", "True"):
            self.zero.discard(sender)


def explain(row, mine, their, context):
    """Why the two may say something else; "" where there is no reason."""
    more, less = mine - their, their - mine
    length = int(row["tcp.len"] or 0)
    # What is sent again within a round trip tshark takes for out of order; where it is sent, nothing is. The other way round it calls
    # what fills a gap late by more than 3 ms a retransmission, where IPv4 id and timestamp show that it was under way before.
    if more | less == {"again", "late"}:
        return "again or late"
    # The same packet twice: tshark says that it was sent again, the id says that it is a copy.
    if "twice" in more and less <= {"again", "late"}:
        return "a copy"
    # tshark knows a window probe only by one byte of payload; Linux asks with none, one number back, as a keep-alive does.
    if more == {"probe"} and less == {"keepalive"}:
        return "window probes look like keep-alives"
    # tshark calls a probe what carries one byte into a closed window, and what fills the window behind it sent again.
    if {"probe", "keepalive"} & (more | less) and context.zero:
        return "probes of a closed window"
    # RFC 6675: with SACK blocks a duplicate acknowledgement is one that tells of more, even where the window moved; tshark calls
    # those window updates, and one with an old block a duplicate.
    if more | less == {"duplicate-ack"} and (row[A + "window_update"] or row["tcp.options.sack_le"] or context.zero):
        return "duplicate or window update"
    # An answer to a keep-alive or a probe repeats the last acknowledgement: no duplicate, since nothing is under way.
    if less == {"duplicate-ack"} and length == 0:
        return "answers to probes"
    # A FIN or SYN without data that comes again is counted apart here.
    if more == {"again"} and length == 0:
        return "SYN or FIN again"
    # What the capture lost cannot be told from what the path lost.
    if row[A + "lost_segment"]:
        return "behind a gap"
    return ""


def round_trips(rows, packets):
    """Both take the time from the newest segment that an ACK covers; Karn's rule leaves out what was sent twice."""
    both = [(int(round(float(rows[n][A + "ack_rtt"]) * 1e9)), int(mine["rtt"])) for n, mine in packets.items()
            if n in rows and "rtt" in mine and rows[n][A + "ack_rtt"]]
    same = sum(abs(a - b) <= ROUND_TRIP_NS for a, b in both)
    only_theirs = sum(1 for n, row in rows.items() if row[A + "ack_rtt"] and n in packets and "rtt" not in packets[n])
    only_mine = sum(1 for n, mine in packets.items() if "rtt" in mine and n in rows and not rows[n][A + "ack_rtt"])
    return len(both), same, only_theirs, only_mine


def tcptrace(capture):
    """Segments sent again and zero windows, by tcptrace: both directions of all connections together."""
    out = subprocess.run(["tcptrace", "-l", "-n", capture], capture_output=True, text=True).stdout
    sums = collections.Counter()
    for name, value in re.findall(r"(?:^|\s{2,})([a-z][a-z ]*[a-z]):\s+(\d+)", out):
        sums[name] += int(value)
    return sums


def against_tcptrace(totals, traced):
    """It tells what comes late from what comes again by sequence numbers alone, so the two are held together; a SYN that comes again
    is none of its data packets, a FIN is."""
    faults = []
    most = totals["again"] + totals["late"]
    if not most - totals["without-data"] <= traced["rexmt data pkts"] + traced["outoforder pkts"] <= most:
        faults.append("tcptrace: %d sent again, %d out of order" % (traced["rexmt data pkts"], traced["outoforder pkts"]))
    if totals["zero"] != traced["zero win adv"]:
        faults.append("tcptrace: %d zero windows" % traced["zero win adv"])
    if totals["reset"] != traced["resets sent"]:
        faults.append("tcptrace: %d resets" % traced["resets sent"])
    return faults


def hold(program, capture):
    rows, (packets, sides) = oracle(capture), ours(program, capture)
    context, reasons, faults = Context(), collections.Counter(), []
    for number in sorted(rows):
        mine = set(packets.get(number, {})) - {"rtt"}
        their = theirs(rows[number])
        if mine != their:
            why = explain(rows[number], mine, their, context)
            reasons[why] += 1
            if not why:
                faults.append("packet %d: here %s, tshark %s" % (number, sorted(mine), sorted(their)))
        context.pass_by(rows[number], mine)
    both, same, only_theirs, only_mine = round_trips(rows, packets)
    if both and same < both * 0.99:
        faults.append("of %d round trips only %d are the same" % (both, same))
    if only_mine > both * 0.05 + 3:
        faults.append("%d round trips only here, %d in both" % (only_mine, both))
    name = capture.rsplit("/", 1)[-1]
    totals = collections.Counter()
    for packet in packets.values():
        totals.update(word for word in packet if word != "rtt")
    totals["without-data"] = sum("again" in packet and rows[number]["tcp.len"] == "0" for number, packet in packets.items() if number in rows)
    traced = tcptrace(capture)
    print("%s: %d packets; %s; round trips %d, %d the same, %d only tshark's, %d only here; differences %s" % (
        name, len(rows), dict(totals), both, same, only_theirs, only_mine, dict(reasons)))
    if traced:  # it reads Ethernet alone
        faults += against_tcptrace(totals, traced)
    print("    tcptrace: rexmt %d, out of order %d, zero windows %d, resets %d" % (
        traced["rexmt data pkts"], traced["outoforder pkts"], traced["zero win adv"], traced["resets sent"]))
    for fault in faults[:5]:
        print("    FAULT " + fault)
    return sides, totals, traced, faults


def main():
    failed = False
    for capture in sys.argv[2:]:
        failed |= bool(hold(sys.argv[1], capture)[3])
    sys.exit(failed)


main()
