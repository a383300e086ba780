/* The renderers: hand-made reports against golden files, lines that fit, text that cannot hurt.
 *
 * SOCKWHY_UPDATE=1 writes the golden files anew (tests/golden/report/); look at what changed before it is committed. */
#include "tests/unit/test.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "src/base/mem.h"
#include "src/report/clean.h"
#include "src/report/page.h"
#include "tests/unit/report_samples.h"

#define GOLDEN "tests/golden/report"

static const struct variant {
	const char *suffix, *format;
	unsigned width;
	bool quiet, verbose, colour;
} variants[] = {
	{.suffix = "txt", .format = "txt", .width = 80},
	{.suffix = "wide.txt", .format = "txt", .width = 120},
	{.suffix = "quiet.txt", .format = "txt", .width = 80, .quiet = true},
	{.suffix = "verbose.txt", .format = "txt", .width = 80, .verbose = true},
	{.suffix = "json", .format = "json"},
	{.suffix = "md", .format = "md"},
};

static char *render(const struct sw_report_context *sample, const struct variant *variant)
{
	struct sw_report_context context = *sample;
	struct sw_err err = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	context.width = variant->width;
	context.quiet = variant->quiet;
	context.verbose = variant->verbose;
	context.colour = variant->colour;
	if (sw_renderer_find(variant->format)->render(&context, out, &err))
		fail_msg("%s", err.text);
	fclose(out);
	return text;
}

static char *read_file(const char *path)
{
	sw_auto_file FILE *file = fopen(path, "r");
	char *text = sw_alloc(1 << 20);

	if (file)
		text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
	return text;
}

static void as_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < report_sample_count; i++)
		for (size_t j = 0; j < SW_COUNT(variants); j++) {
			sw_auto_free char *path =
				sw_format("%s/%s.%s", GOLDEN, report_samples[i].name, variants[j].suffix);
			sw_auto_free char *text = render(report_samples[i].make(), &variants[j]);
			sw_auto_free char *golden = read_file(path);

			if (getenv("SOCKWHY_UPDATE") && strcmp(text, golden) != 0) {
				sw_auto_file FILE *file = fopen(path, "w");

				assert_non_null(file);
				fputs(text, file);
				continue;
			}
			if (strcmp(text, golden) != 0)
				fail_msg("%s differs:\n%s\n--- instead of\n%s", path, text, golden);
		}
}

/* A command is never broken, so that it can be copied, and no word is; everything else fits. */
static bool may_be_long(const char *line)
{
	return strstr(line, "ss -ltnp") || strstr(line, "evil");
}

static void lines_fit(void **state)
{
	static const unsigned widths[] = {40, 60, 80, 100, 200};

	(void)state;
	for (size_t i = 0; i < report_sample_count; i++)
		for (size_t j = 0; j < SW_COUNT(widths); j++) {
			struct variant variant = {.format = "txt", .width = widths[j]};
			sw_auto_free char *text = render(report_samples[i].make(), &variant);

			for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
				if (sw_clean_columns(line) > widths[j] && !may_be_long(line))
					fail_msg("%s: more than %u columns: %s", report_samples[i].name, widths[j],
						 line);
		}
}

static void nothing_hostile_passes(void **state)
{
	static const struct variant formats[] = {
		{.format = "txt", .width = 80, .verbose = true},
		{.format = "txt", .width = 80, .quiet = true},
		{.format = "json"},
		{.format = "md"},
	};

	(void)state;
	for (size_t i = 0; i < SW_COUNT(formats); i++) {
		sw_auto_free char *text = render(sample_hostile(), &formats[i]);
		sw_auto_free char *clean = sw_clean_utf8(text);

		assert_string_equal(text, clean); /* valid UTF-8 */
		assert_null(strstr(text, "\nFAILED  forged"));
		for (const char *c = text; *c; c++)
			if (*c != '\n' && ((unsigned char)*c < 0x20 || *c == 0x7f))
				fail_msg("control character %02x in %s", *c, text);
		if (strcmp(formats[i].format, "json") != 0)
			assert_null(strstr(text, "\xe2\x80\xae"));
	}
}

static void colours_only_when_asked(void **state)
{
	struct variant variant = {.format = "txt", .width = 80};
	sw_auto_free char *plain = render(report_samples[0].make(), &variant);

	(void)state;
	variant.colour = true;
	sw_auto_free char *coloured = render(report_samples[0].make(), &variant);

	assert_null(strchr(plain, '\x1b'));
	assert_non_null(strstr(coloured, "\x1b[1;31mFAILED\x1b[0m"));
	/* Without the escapes it is the same text. */
	char *to = coloured;
	for (const char *from = coloured; *from; from++) {
		if (*from == '\x1b')
			from = strchr(from, 'm');
		else
			*to++ = *from;
	}
	*to = '\0';
	assert_string_equal(plain, coloured);
}

static void json_is_exact(void **state)
{
	struct variant variant = {.format = "json"};
	sw_auto_free char *text = render(report_samples[0].make(), &variant);
	json_error_t error;
	json_t *report = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	(void)state;
	assert_non_null(report);

	json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
	json_t *facts = json_object_get(finding, "facts");

	assert_string_equal(json_string_value(json_object_get(report, "status")), "failed");
	assert_string_equal(json_string_value(json_object_get(finding, "began")), "1795381087.000000000");
	assert_string_equal(json_string_value(json_object_get(facts, "cookie")), "9223372036854775807");
	assert_int_equal(json_integer_value(json_object_get(facts, "syns")), 5);
	json_decref(report);
}

static void statuses(void **state)
{
	struct sw_finding findings[] = {
		{.severity = SW_SEVERITY_NOTE}, {.severity = SW_SEVERITY_SLOW}, {.severity = SW_SEVERITY_FAILURE}};
	struct sw_report report = {.findings = findings, .seen_enough = true};

	(void)state;
	assert_int_equal(sw_report_status(&report), SW_STATUS_CLEAN);
	report.finding_count = 1;
	assert_int_equal(sw_report_status(&report), SW_STATUS_CLEAN);
	report.seen_enough = false;
	assert_int_equal(sw_report_status(&report), SW_STATUS_BLIND);
	report.finding_count = 2;
	assert_int_equal(sw_report_status(&report), SW_STATUS_SLOW);
	report.finding_count = 3;
	assert_int_equal(sw_report_status(&report), SW_STATUS_FAILED);
	assert_string_equal(sw_status_name(SW_STATUS_BLIND), "blind");
	assert_null(sw_renderer_find("exe"));
}

static void a_full_disk_is_said(void **state)
{
	static const char *const formats[] = {"txt", "json", "html", "md"};

	(void)state;
	for (size_t i = 0; i < SW_COUNT(formats); i++) {
		sw_auto_file FILE *full = fopen("/dev/full", "w");
		struct sw_err err = {0};

		assert_non_null(full);
		assert_int_equal(sw_renderer_find(formats[i])->render(report_samples[0].make(), full, &err), -ENOSPC);
		assert_non_null(strstr(err.text, "No space left"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_golden),
		cmocka_unit_test(lines_fit),
		cmocka_unit_test(nothing_hostile_passes),
		cmocka_unit_test(colours_only_when_asked),
		cmocka_unit_test(json_is_exact),
		cmocka_unit_test(statuses),
		cmocka_unit_test(a_full_disk_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
