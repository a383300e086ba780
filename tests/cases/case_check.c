/* Holds the report of a case against its wants. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cases/case_reader.h"

static bool fits(const char *wanted, const char *got)
{
	return !*wanted || strcmp(wanted, "*") == 0 || strcmp(wanted, got) == 0;
}

static bool is_proof(const struct sw_finding *finding, const char *cite)
{
	enum sw_evidence_kind kind = *cite == 'c' ? SW_EVIDENCE_CALL : SW_EVIDENCE_PACKET;
	uint32_t number = (uint32_t)strtoul(*cite == 'c' ? cite + 1 : cite, NULL, 10);

	for (size_t i = 0; i < finding->evidence_count; i++)
		if (finding->evidence[i].kind == kind && finding->evidence[i].number == number &&
		    finding->evidence[i].proof)
			return true;
	return false;
}

static unsigned check_one(const struct sw_want *want, const struct sw_finding *finding, const char *path, FILE *out)
{
	unsigned faults = 0;

#define CHECK(word, got)                                                                                               \
	if (!fits(want->word, got)) {                                                                                  \
		fprintf(out, "%s: %s: wanted %s, got %s\n", path, #word, want->word, got);                             \
		faults++;                                                                                              \
	}
	CHECK(verdict, finding->verdict)
	CHECK(confidence, sw_confidence_name(finding->confidence))
	CHECK(locus, sw_locus_name(finding->locus))
	CHECK(severity, sw_severity_name(finding->severity))
	CHECK(outcome, sw_outcome_name(finding->symptom.outcome))
#undef CHECK
	if (want->count && want->count != finding->count) {
		fprintf(out, "%s: count: wanted %u, got %u\n", path, want->count, finding->count);
		faults++;
	}
	for (uint32_t i = 0; i < want->cite_count; i++)
		if (!is_proof(finding, want->cites[i])) {
			fprintf(out, "%s: %s does not cite %s\n", path, finding->verdict, want->cites[i]);
			faults++;
		}
	return faults;
}

static size_t above_note(const struct sw_report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->finding_count; i++)
		count += report->findings[i].severity != SW_SEVERITY_NOTE;
	return count;
}

static unsigned check_absent(const struct sw_want *want, const struct sw_report *report, const char *path, FILE *out)
{
	bool any = strcmp(want->verdict, "none") == 0;

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct sw_finding *finding = &report->findings[i];

		if ((any || strcmp(finding->verdict, want->verdict) == 0) &&
		    (!any || finding->severity != SW_SEVERITY_NOTE)) {
			fprintf(out, "%s: wanted no %s, got %s (%s)\n", path, any ? "finding" : want->verdict,
				finding->verdict, finding->summary);
			return 1;
		}
	}
	return 0;
}

unsigned sw_case_check(const struct sw_case *one, const char *path, FILE *out)
{
	const struct sw_report *report = one->report;
	unsigned faults = 0;
	size_t next = 0;

	for (uint32_t i = 0; i < one->want_count; i++) {
		const struct sw_want *want = &one->wants[i];

		if (want->negative || strcmp(want->verdict, "none") == 0) {
			faults += check_absent(want, report, path, out);
		} else if (next == report->finding_count) {
			fprintf(out, "%s: wanted %s, got nothing more\n", path, want->verdict);
			faults++;
		} else {
			faults += check_one(want, &report->findings[next++], path, out);
		}
	}
	if (next < above_note(report)) {
		fprintf(out, "%s: and nobody wanted %s (%s)\n", path, report->findings[next].verdict,
			report->findings[next].summary);
		faults++;
	}
	if (one->want_count == 0) {
		fprintf(out, "%s: wants nothing\n", path);
		faults++;
	}
	return faults;
}
