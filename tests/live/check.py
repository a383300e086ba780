#!/usr/bin/env python3
"""check.py REPORT WANT ERRNO: the first finding is one of WANT (verdict/severity/locus, blank separated), nothing else is blamed.
check.py --same REPORT REPORT: both have the same findings.
check.py --parts REPORT PART MS...: the time of the first finding went into these parts; all of them add up to the whole,
and by what the whole is longer than them a part may be."""
import json
import sys


def blame(report):
    return [f for f in report["findings"] if f["severity"] in ("failure", "slow")]


def said(report):
    return ", ".join("%s/%s/%s" % (f["verdict"], f["severity"], f["locus"]) for f in report["findings"]) or "nothing"


def same(first, second):
    keys = ("verdict", "severity", "locus", "confidence", "count")
    a, b = ([tuple(f[k] for k in keys) for f in r["findings"]] for r in (first, second))
    return "" if a == b else "the incident says %s, the run said %s" % (b, a)


def check(report, wants, errno):
    blamed = blame(report)
    if wants == ["none"]:
        return "" if not blamed else "a healthy run was blamed: " + said(report)
    if not report["findings"]:
        return "no finding"
    top = report["findings"][0]
    got = "%s/%s/%s" % (top["verdict"], top["severity"], top["locus"])
    if got not in wants:
        return "said %s, wanted %s" % (said(report), " or ".join(wants))
    verdicts = {w.split("/")[0] for w in wants}
    extra = [f["verdict"] for f in blamed if f["verdict"] not in verdicts]
    if extra:
        return "also blames " + ", ".join(extra)
    if errno and top["symptom"]["errno"] != errno:
        return "errno %s, wanted %s" % (top["symptom"]["errno"], errno)
    return ""


def parts(report, wanted):
    symptom = report["findings"][0]["symptom"]
    spent = {one["part"]: int(one["ns"]) / 1e6 for one in symptom["time"]}
    whole = int(symptom["duration_ns"]) / 1e6
    if abs(sum(spent.values()) - whole) > 0.01:
        return "the parts %s do not add up to %s ms" % (spent, whole)
    longer = max(0, whole - sum(map(float, wanted[1::2])))  # a busy machine is late with its part of it, and that is time spent there
    for part, ms in zip(wanted[::2], map(float, wanted[1::2])):
        if not -max(5, ms / 10) <= spent.get(part, 0) - ms <= max(5, ms / 10) + longer:
            return "%s took %s ms, wanted %s" % (part, spent.get(part, 0), ms)
    return ""


if sys.argv[1] == "--parts":
    why = parts(json.load(open(sys.argv[2])), sys.argv[3:])
elif sys.argv[1] == "--same":
    why = same(*(json.load(open(p)) for p in sys.argv[2:4]))
else:
    why = check(json.load(open(sys.argv[1])), sys.argv[2].split(), sys.argv[3])
if why:
    print(why)
sys.exit(1 if why else 0)
