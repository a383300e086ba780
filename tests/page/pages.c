/* Makes pages for the test in a browser: page-make CASES OUT
 *
 *   OUT/CODE.html   a page for each folder of cases that has a finding: its first case that wins this verdict
 *   OUT/evil.html   all text in it tries to break out
 *   OUT/many.html   100,000 records, 5,000 flows */
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "tests/cases/case_reader.h"
#include "tests/unit/report_samples.h"

#define RECORDS 100000
#define FLOWS 5000

static int write_page(const char *folder, const char *name, const struct sw_report_context *context)
{
	sw_auto_free char *path = sw_format("%s/%s.html", folder, name);
	struct sw_err err = {0};
	FILE *out = fopen(path, "w");

	if (!out) {
		perror(path);
		return -1;
	}
	int done = sw_renderer_find("html")->render(context, out, &err);

	if (fclose(out) != 0 || done < 0) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		return -1;
	}
	return 0;
}

/* Calls and packets by turns, a fact now and then, as many different lines as a real recording has. */
static int write_many(const char *folder)
{
	static struct sw_timeline_line lines[RECORDS];
	static struct sw_flow_summary flows[FLOWS];
	struct sw_report_context context = *sample_explained();
	struct sw_report report = *context.report;

	for (unsigned i = 0; i < RECORDS; i++)
		lines[i] = (struct sw_timeline_line){
			.kind = i % 50 == 49 ? SW_EVIDENCE_FACT :
				i % 2        ? SW_EVIDENCE_PACKET :
					       SW_EVIDENCE_CALL,
			.number = i + 1,
			.time_ns = SAMPLE_BASE + (int64_t)i * 37 * SW_NS_PER_US,
			.pid = i % 2 ? 0 : 4711,
			.tid = i % 2 ? 0 : 4711 + i % 16,
			.comm = i % 2 ? NULL : "worker",
			.text = i % 2 ? sw_format("> PSH,ACK  10.1.0.2:%u > 10.2.0.3:443  len %u", 32768 + i % FLOWS,
						  i) :
					sw_format("%s(%u, %u bytes) = %u", i % 6 ? "sendto" : "connect", 3 + i % 900, i,
						  i),
		};
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = report.findings[0].flow;
		flows[i].id = i + 1;
		flows[i].packets_out = i * 7 % 1000;
		flows[i].state = "closed";
	}
	report.flows = flows;
	report.flow_count = FLOWS;
	context.report = &report;
	context.timeline = lines;
	context.timeline_count = RECORDS;
	return write_page(folder, "many", &context);
}

static bool wins(const struct sw_case *one, const char *code)
{
	return one->report->finding_count > 0 && !strcmp(one->report->findings[0].verdict, code);
}

/* 1: a page was made. 0: none of its cases is told by a finding of that code (healthy ones). */
static int write_code(const char *cases, const char *code, const char *folder)
{
	sw_auto_free char *pattern = sw_format("%s/%s/*.case", cases, code);
	glob_t found = {0};
	int done = 0;

	if (glob(pattern, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc && done == 0; i++) {
		struct sw_err err = {0};
		struct sw_case one;

		if (sw_case_read(found.gl_pathv[i], &one, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			done = -1;
			break;
		}
		if (wins(&one, code)) {
			struct sw_report_context context = sample_context(one.report);
			done = write_page(folder, code, &context) < 0 ? -1 : 1;
		}
		sw_case_release(&one);
	}
	globfree(&found);
	return done;
}

static int write_cases(const char *cases, const char *folder)
{
	struct dirent **names;
	int count = scandir(cases, &names, NULL, alphasort), made = 0, faults = count < 0;

	for (int i = 0; i < count; i++) {
		int done = names[i]->d_name[0] == '.' ? 0 : write_code(cases, names[i]->d_name, folder);

		made += done > 0;
		faults += done < 0;
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	printf("%d pages of cases\n", made);
	return faults || made == 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: page-make CASES OUT\n");
		return 2;
	}
	return write_cases(argv[1], argv[2]) < 0 || write_page(argv[2], "evil", sample_evil()) < 0 ||
	       write_many(argv[2]) < 0;
}
