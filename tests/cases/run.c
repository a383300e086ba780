/* Runs the cases: reads each file, lets the correlator explain it, and holds the report against what is wanted.
 *
 *   case-run FOLDER                        every FOLDER/CODE/NAME.case
 *   case-run FOLDER/CODE/NAME.case         one, with the findings told
 *   case-run --as-it-goes FOLDER           judges at every record too: is the report the same, and true what was said?
 *   case-run --matrix FILE FOLDER          is the golden matrix as it was?
 *   case-run --write-matrix FILE FOLDER    makes it anew
 *
 * The matrix has a line for each finding of each case: who won, who matched too, who came near. A new rule that steals an old case
 * shows there at once. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlate/rules/rules.h"
#include "src/base/mem.h"
#include "tests/cases/case_reader.h"

static void tell_texts(const char *head, const struct sw_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		printf("  %-12s %s\n", head, texts->items[i]);
}

static void tell(const struct sw_finding *finding)
{
	printf("%s %s %s %s x%u\n  %s\n", finding->verdict, sw_severity_name(finding->severity),
	       sw_confidence_name(finding->confidence), sw_locus_name(finding->locus), finding->count,
	       finding->summary);
	tell_texts("usually", &finding->usually);
	for (size_t i = 0; i < finding->next_count; i++)
		printf("  next %-7s %s (%s%s%s)\n", finding->next[i].where,
		       finding->next[i].command ? finding->next[i].command : "", finding->next[i].text,
		       finding->next[i].expect ? "; expect: " : "",
		       finding->next[i].expect ? finding->next[i].expect : "");
	for (size_t i = 0; i < finding->evidence_count; i++)
		printf("  %c %10.6f %s\n", finding->evidence[i].proof ? '*' : ' ',
		       (double)finding->evidence[i].time_ns / 1e9, finding->evidence[i].text);
	for (size_t i = 0; i < finding->ruled_out_count; i++)
		printf("  not          %s: %s\n", finding->ruled_out[i].verdict, finding->ruled_out[i].because);
	for (size_t i = 0; i < finding->alternative_count; i++)
		printf("  or           %s, %s\n", finding->alternatives[i].verdict,
		       sw_confidence_name(finding->alternatives[i].confidence));
	tell_texts("not observed", &finding->not_observed);
}

/* Two rows that match one case, of the same weight, and neither beats the other: the winner is chance. */
static unsigned check_ties(const struct sw_report *report, const char *path)
{
	unsigned faults = 0;

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct sw_finding *finding = &report->findings[i];
		const struct sw_rule *winner = sw_rule_find(finding->verdict);

		for (size_t j = 0; winner && j < finding->alternative_count; j++) {
			const struct sw_rule *other = sw_rule_find(finding->alternatives[j].verdict);
			bool weaker = finding->alternatives[j].confidence == SW_CONFIDENCE_POSSIBLE &&
				      finding->confidence != SW_CONFIDENCE_POSSIBLE;

			if (!other || weaker || sw_rule_beats(winner, other))
				continue;
			printf("%s: %s and %s both hold and neither beats the other\n", path, winner->code,
			       other->code);
			faults++;
		}
	}
	return faults;
}

static void matrix_line(FILE *out, const char *name, const struct sw_finding *finding)
{
	fprintf(out, "%s: %s %s %s %s x%u", name, finding->verdict, sw_confidence_name(finding->confidence),
		sw_locus_name(finding->locus), sw_severity_name(finding->severity), finding->count);
	for (size_t i = 0; i < finding->alternative_count; i++)
		fprintf(out, "%s%s %s", i ? ", " : " | or ", finding->alternatives[i].verdict,
			sw_confidence_name(finding->alternatives[i].confidence));
	for (size_t i = 0; i < finding->ruled_out_count; i++)
		fprintf(out, "%s%s", i ? ", " : " | not ", finding->ruled_out[i].verdict);
	fputc('\n', out);
}

static void matrix(FILE *out, const char *name, const struct sw_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++)
		matrix_line(out, name, &report->findings[i]);
	if (report->finding_count == 0)
		fprintf(out, "%s: nothing\n", name);
}

static unsigned run(const char *path, const char *name, FILE *out, bool aloud)
{
	struct sw_case one;
	struct sw_err err = {0};
	unsigned faults;

	if (sw_case_read(path, &one, &err) < 0) {
		printf("%s\n", err.text);
		return 1;
	}
	faults = sw_case_check(&one, path, stdout) + check_ties(one.report, path);
	for (size_t i = 0; aloud && i < one.report->finding_count; i++)
		tell(&one.report->findings[i]);
	matrix(out, name, one.report);
	sw_case_release(&one);
	return faults;
}

/* ---- judging as it goes ----------------------------------------------------------------------------------------- */

static bool holds(const struct sw_report *report, const struct sw_case_said *said)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct sw_finding *finding = &report->findings[i];

		if ((!strcmp(finding->verdict, said->verdict) && finding->severity >= said->severity) ||
		    (finding->said_verdict && !strcmp(finding->said_verdict, said->verdict)))
			return true;
	}
	return false;
}

static char *matrix_of(const char *name, const struct sw_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	matrix(out, name, report);
	fclose(out);
	return text;
}

static unsigned as_it_goes(const char *path, const char *name, size_t *said)
{
	struct sw_case whole, judged;
	struct sw_err err = {0};
	unsigned faults = 0;

	if (sw_case_read(path, &whole, &err) < 0 || sw_case_judge(path, &judged, &err) < 0) {
		printf("%s\n", err.text);
		return 1;
	}
	sw_auto_free char *at_end = matrix_of(name, whole.report), *going = matrix_of(name, judged.report);
	if (strcmp(at_end, going) != 0) {
		printf("at the end  %sas it goes  %s", at_end, going);
		faults++;
	}
	for (size_t i = 0; i < judged.said_count && i < SW_COUNT(judged.said); i++) {
		if (holds(judged.report, &judged.said[i]))
			continue;
		printf("%s: said %s (%s), which the report neither has nor takes back\n", name, judged.said[i].verdict,
		       sw_severity_name(judged.said[i].severity));
		faults++;
	}
	*said += judged.said_count;
	sw_case_release(&whole);
	sw_case_release(&judged);
	return faults;
}

/* ---- the matrix ------------------------------------------------------------------------------------------------- */

static char *whole(const char *path)
{
	sw_auto_file FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		return sw_strdup("");
	}
	return text;
}

static void show_difference(const char *old, const char *new)
{
	while (*old && *new) {
		size_t old_line = strcspn(old, "\n"), new_line = strcspn(new, "\n");

		if (old_line != new_line || memcmp(old, new, old_line) != 0) {
			printf("was %.*s\nis  %.*s\n", (int)old_line, old, (int)new_line, new);
			return;
		}
		old += old_line + (old[old_line] == '\n');
		new += new_line + (new[new_line] == '\n');
	}
	printf("was %s\nis  %s\n", *old ? old : "(end)", *new ? new : "(end)");
}

static unsigned golden(const char *file, const char *now, bool write)
{
	sw_auto_free char *before = whole(file);

	if (write) {
		FILE *out = fopen(file, "w");

		if (!out || fputs(now, out) < 0 || fclose(out) != 0) {
			perror(file);
			return 1;
		}
		return 0;
	}
	if (strcmp(before, now) == 0)
		return 0;
	show_difference(before, now);
	printf("%s: the golden matrix has changed; if that is right, make it anew: case-run --write-matrix %s FOLDER\n",
	       file, file);
	return 1;
}

static unsigned run_folder(const char *folder, FILE *out, size_t *count, size_t *said)
{
	sw_auto_free char *pattern = sw_format("%s/*/*.case", folder);
	unsigned faults = 0;
	glob_t found = {0};

	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *path = found.gl_pathv[i], *name = path + strlen(folder) + 1;

			faults += said ? as_it_goes(path, name, said) : run(path, name, out, false);
		}
	*count = found.gl_pathc;
	globfree(&found);
	return faults;
}

int main(int argc, char **argv)
{
	bool write = argc == 4 && strcmp(argv[1], "--write-matrix") == 0;
	bool compare = argc == 4 && strcmp(argv[1], "--matrix") == 0;
	bool going = argc == 3 && strcmp(argv[1], "--as-it-goes") == 0;
	const char *where = argv[argc - 1];
	sw_auto_free char *now = NULL;
	size_t size = 0, count = 1, said = 0;
	unsigned faults;

	if (argc != 2 && !write && !compare && !going) {
		fprintf(stderr, "usage: case-run [--as-it-goes | --matrix FILE | --write-matrix FILE] FOLDER|CASE\n");
		return 2;
	}
	FILE *out = open_memstream(&now, &size);

	if (going && strstr(where, ".case"))
		faults = as_it_goes(where, where, &said);
	else if (strstr(where, ".case"))
		faults = run(where, where, out, true);
	else
		faults = run_folder(where, out, &count, going ? &said : NULL);
	fclose(out);
	if (write || compare)
		faults = golden(argv[2], now, write); /* what is wanted is the other test's matter */
	if (going)
		printf("%zu findings were said as it went\n", said);
	printf("%zu cases, %u faults\n", count, faults);
	return faults || count == 0 || (going && said == 0);
}
