#!/usr/bin/env python3
"""compare.py DECODED CAPTURE...: what is decoded of DNS and TLS, held against tshark, direction by direction, in order.

Where a capture holds cut frames, tshark leaves out a record that is not there to its end; what is decoded of its beginning may
be more, but what tshark says must be among it. Known differences:
- bytes of names that are no printable ASCII, which each escapes in its own way, are not compared;
- a hello retry request is known to tshark by its name alone; of a certificate chain only the first is decoded;
- answers beyond the first twelve are counted, not decoded.
"""
import calendar
import collections
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as tree

ANSWERS_KEPT = 12
FILTER = "((dns || tls) && !mdns && !icmp && !icmpv6) || frame.cap_len < frame.len"
RETRY_RANDOM = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"


def shows(field, name):
    return [part.get("show") for part in field.iter("field") if part.get("name") == name]


def show(field, name, otherwise=""):
    return (shows(field, name) or [otherwise])[0]


def endpoint(ip, port):
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def ends(packet):
    """Of the innermost IP and transport header: "10.0.0.1:5 > 10.0.0.2:53"."""
    ip = ports = None
    for proto in packet.findall("proto"):
        if proto.get("name") in ("ip", "ipv6"):
            name = proto.get("name")
            ip = show(proto, name + ".src"), show(proto, name + ".dst")
        elif proto.get("name") in ("tcp", "udp"):
            name = proto.get("name")
            ports = show(proto, name + ".srcport"), show(proto, name + ".dstport")
    return f"{endpoint(ip[0], ports[0])} > {endpoint(ip[1], ports[1])}"


def name_of(text):
    return "." if text in ("<Root>", "") else text


# ---- DNS


def record(field):
    kind = int(show(field, "dns.resp.type"))
    named = {1: "dns.a", 28: "dns.aaaa", 5: "dns.cname", 2: "dns.ns", 12: "dns.ptr.domain_name"}.get(kind)
    value = show(field, named) if named else ""
    return f"{kind}:{name_of(field.get('show').split(': type ')[0])}:{int(show(field, 'dns.resp.ttl'))}:{value}"


def dns_message(proto):
    flags = {"1": 1, "True": 1}
    answers = [part for part in proto.findall("field") if part.get("show") == "Answers"]
    records = [record(field) for part in answers for field in part.findall("field")]
    said = "id=%d response=%d opcode=%s rcode=%s cut=%d type=%s name=%s total=%s" % (
        int(show(proto, "dns.id"), 16),
        flags.get(show(proto, "dns.flags.response"), 0),
        show(proto, "dns.flags.opcode"),
        show(proto, "dns.flags.rcode", "0"),
        flags.get(show(proto, "dns.flags.truncated"), 0),
        show(proto, "dns.qry.type", "0"),
        name_of(show(proto, "dns.qry.name")),
        show(proto, "dns.count.answers"),
    )
    return " ".join([said] + records[:ANSWERS_KEPT])


# ---- TLS


def client_hello(field):
    offered = [int(v, 16) for v in shows(field, "tls.handshake.extensions.supported_version")]
    # RFC 8701: values that mean nothing, to be ignored
    offered = [v for v in offered if v & 0x0F0F != 0x0A0A]
    version = max(offered) if offered else int(show(field, "tls.handshake.version"), 16)
    protocols = ",".join(shows(field, "tls.handshake.extensions_alpn_str"))
    return f"version=0x{version:04x} name={show(field, 'tls.handshake.extensions_server_name')} protocols={protocols}"


def server_hello(field):
    chosen = show(field, "tls.handshake.extensions.supported_version") or show(field, "tls.handshake.version")
    retry = show(field, "tls.handshake.random").replace(":", "") == RETRY_RANDOM
    return f"version={chosen} cipher={show(field, 'tls.handshake.ciphersuite')} retry={int(retry)}"


def seconds(text):
    """ "2026-11-23 08:00:00 (UTC)", "26-11-23 08:00:00 (UTC)"; "Jan 12, 2109 09:02:57.000000000 UTC"."""
    if text[0].isalpha():
        return calendar.timegm(time.strptime(re.sub(r"\.\d+ UTC$", "", text), "%b %d, %Y %H:%M:%S"))
    if text[2] == "-":
        text = ("19" if text[:2] >= "50" else "20") + text
    return calendar.timegm(time.strptime(text.replace(" (UTC)", ""), "%Y-%m-%d %H:%M:%S"))


def person(field):
    """The common name, else the organization."""
    by_kind = {}
    for part in field.iter("field"):
        if part.get("name") != "x509if.RelativeDistinguishedName_item_element":
            continue
        text = [p.get("show") for p in part.iter("field") if (p.get("name") or "").startswith(("x509sat.u", "x509sat.p", "x509sat.C"))]
        by_kind[show(part, "x509if.oid") or show(part, "x509if.id")] = text[-1] if text else ""
    return by_kind.get("2.5.4.3", by_kind.get("2.5.4.10", ""))


def certificate(field):
    first = next((part for part in field.iter("field") if part.get("name") == "tls.handshake.certificate"), None)
    if first is None:
        return None  # a client's empty list
    signed = next(part for part in first.iter("field") if part.get("name") == "x509af.signedCertificate_element")
    # GnuTLS and OpenSSL sequences: issuer, validity and subject are named children
    parts = {part.get("name"): part for part in signed.iter("field")}
    times = [p.get("show") for p in parts["x509af.validity_element"].iter("field") if p.get("name") in ("x509af.utcTime", "x509af.generalizedTime")]
    names = [p.get("show") for p in signed.iter("field") if p.get("name") in ("x509ce.dNSName", "x509ce.IPAddress.ipv4", "x509ce.IPAddress.ipv6")]
    return "subject=%s issuer=%s from=%d until=%d names=%s" % (
        person(parts["x509af.subject"]),
        person(parts["x509af.issuer"]),
        seconds(times[0]),
        seconds(times[1]),
        ",".join(names),
    )


def tls_items(proto):
    handshakes = {"1": ("client-hello", client_hello), "2": ("server-hello", server_hello), "11": ("certificate", certificate)}
    for field in proto.iter("field"):
        kind = show(field, "tls.handshake.type") if field.get("name") == "tls.handshake" else ""
        if kind in handshakes:
            what, say = handshakes[kind]
            text = say(field)
            if text:
                yield what, text
        elif field.get("name") == "tls.alert_message" and show(field, "tls.alert_message.level"):
            yield "alert", f"level={show(field, 'tls.alert_message.level')} number={show(field, 'tls.alert_message.desc')}"


# ---- both


def by_tshark(path):
    out = subprocess.run(
        ["tshark", "-n", "-r", path, "-Y", FILTER, "-o", "tls.desegment_ssl_records:TRUE", "-T", "pdml"],
        capture_output=True,
        check=True,
    ).stdout
    said, cut = collections.defaultdict(list), False
    for packet in tree.fromstring(out).findall("packet"):
        cut |= show(packet, "frame.cap_len") != show(packet, "frame.len")
        if packet.find("proto[@name='dns']") is None and packet.find("proto[@name='tls']") is None:
            continue
        key = ends(packet)
        for proto in packet.findall("proto"):
            if proto.get("name") == "dns":
                said[key, "dns"].append(dns_message(proto))
            elif proto.get("name") == "tls":
                for what, text in tls_items(proto):
                    said[key, what].append(text)
    return said, cut


def by_us(decoded, path):
    said = collections.defaultdict(list)
    for line in subprocess.run([decoded, path], capture_output=True, check=True, text=True).stdout.splitlines():
        key, what, text = line.split("\t")
        said[key, what].append(text)
    return said


def is_among(wanted, had):
    """Whether all of `wanted` stand in `had`, in that order."""
    rest = iter(had)
    return all(any(text == other for other in rest) for text in wanted)


def is_odd(text):
    return "\\" in text or not text.isascii() or "�" in text


def differences(theirs, ours, cut):
    for key in sorted(set(theirs) | set(ours)):
        a, b = ([t for t in said.get(key, []) if not is_odd(t)] for said in (theirs, ours))
        if a != b and not (cut and is_among(a, b)):
            yield key, a, b


def main():
    decoded, failed, compared = sys.argv[1], 0, collections.Counter()
    for path in sys.argv[2:]:
        theirs, cut = by_tshark(path)
        ours = by_us(decoded, path)
        for (_, what), texts in theirs.items():
            compared[what] += len(texts)
        for (key, what), a, b in differences(theirs, ours, cut):
            failed += 1
            print(f"{path}: {key} {what}\n  tshark: " + "\n          ".join(a) + "\n  here:   " + "\n          ".join(b))
    print(", ".join(f"{count} {what}" for what, count in sorted(compared.items())) + f" compared; {failed} differ")
    return 1 if failed or not compared else 0


sys.exit(main())
