/* Pages and Markdown: hostile text stays text, markup is balanced, ladders stand in order, all records are there as data. */
#include "tests/unit/test.h"

#include <jansson.h>
#include <stdlib.h>

#include "src/base/mem.h"
#include "src/report/clean.h"
#include "src/report/html_assets.h"
#include "src/report/html_ladder.h"
#include "src/report/html_out.h"
#include "src/report/markdown_out.h"
#include "tests/unit/report_samples.h"

static char *render(const char *format, const struct sw_report_context *context)
{
	struct sw_err err = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (sw_renderer_find(format)->render(context, out, &err))
		fail_msg("%s", err.text);
	fclose(out);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t found = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		found++;
	return found;
}

static void pages_cannot_be_broken_out_of(void **state)
{
	sw_auto_free char *page = render("html", sample_evil());
	sw_auto_free char *clean = sw_clean_utf8(page);

	(void)state;
	assert_string_equal(page, clean); /* valid UTF-8 */
	assert_int_equal(count(page, "<script"), 3);
	assert_int_equal(count(page, "</script"), 3);
	assert_int_equal(count(page, "<style"), 1);
	assert_null(strstr(page, "<img"));
	assert_null(strstr(page, "<!--"));
	assert_null(strstr(page, "\x1b"));
	assert_non_null(strstr(page, "&lt;img src=x onerror=alert(2)&gt;"));
	assert_non_null(strstr(page, "\\u003cimg"));
}

static void markdown_cannot_be_broken_out_of(void **state)
{
	sw_auto_free char *text = render("md", sample_evil());
	bool code = false;

	(void)state;
	assert_null(strstr(text, "\n# forged"));
	assert_null(strstr(text, "\x1b"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strncmp(line, "```", 3) == 0)
			code = !code;
		else if (!code && !strchr(line, '`') && strstr(line, "<img"))
			fail_msg("markup passes: %s", line);
	}
	assert_false(code);
}

static char *markdown(void (*put)(FILE *, const char *), const char *text)
{
	char *buffer = NULL;
	size_t size;
	FILE *out = open_memstream(&buffer, &size);

	put(out, text);
	fclose(out);
	return buffer;
}

static void markdown_escapes(void **state)
{
	static const struct {
		void (*put)(FILE *, const char *);
		const char *in, *out;
	} cases[] = {
		{sw_markdown_text, "SO_ERROR _x_ *y* `z`", "SO_ERROR \\_x\\_ \\*y\\* \\`z\\`"},
		{sw_markdown_text, "<b>&amp;", "&lt;b&gt;&amp;amp;"},
		{sw_markdown_text, "[a](b) | ~~c~~", "\\[a\\](b) \\| \\~\\~c\\~\\~"},
		{sw_markdown_text, "unix:@socket #12", "unix:`@`socket `#`12"},
		{sw_markdown_text, "http://a and WWW.b.c, a.b:80", "http\\://a and WWW\\.b.c, a.b:80"},
		{sw_markdown_text, "a\nb", "a\\\\nb"},
		{sw_markdown_code, "ss -ltnp", "`ss -ltnp`"},
		{sw_markdown_code, "a `b` c", "``a `b` c``"},
		{sw_markdown_code, "`", "`` ` ``"},
		{sw_markdown_block, "a\n````\n", "`````text\na\n````\n`````\n\n"},
	};

	(void)state;
	for (size_t i = 0; i < SW_COUNT(cases); i++) {
		sw_auto_free char *text = markdown(cases[i].put, cases[i].in);

		assert_string_equal(text, cases[i].out);
	}
}

/* The text between <script id="..."> and its end, as JSON. */
static json_t *data_of(const char *page, const char *id)
{
	sw_auto_free char *tag = sw_format("id=\"%s\">", id);
	const char *from = strstr(page, tag);
	json_error_t error;

	assert_non_null(from);
	from += strlen(tag);

	json_t *data = json_loadb(from, (size_t)(strstr(from, "</script>") - from), 0, &error);

	if (!data)
		fail_msg("%s is no JSON: %s", id, error.text);
	return data;
}

static void every_record_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < report_sample_count; i++) {
		const struct sw_report_context *context = report_samples[i].make();
		sw_auto_free char *page = render("html", context);
		json_t *flows = data_of(page, "flows-data"), *timeline = data_of(page, "timeline-data");

		assert_int_equal(json_array_size(flows), context->report->flow_count);
		assert_int_equal(json_array_size(timeline), context->timeline_count);
		assert_int_equal(count(page, "<article"), context->report->finding_count);
		json_decref(flows);
		json_decref(timeline);
	}
}

static void nothing_is_asked_of_the_network(void **state)
{
	sw_auto_free char *page = render("html", report_samples[0].make());

	(void)state;
	assert_non_null(strstr(page, "default-src 'none'"));
	assert_non_null(strstr(page, sw_asset_page_css_hash));
	assert_non_null(strstr(page, sw_asset_page_js_hash));
	assert_null(strstr(page, "unsafe-inline"));
	assert_null(strstr(page, " style=\""));
	assert_null(strstr(page, " src="));
	assert_null(strstr(page, "@import"));
	assert_null(strstr(page, "url(http"));
}

/* Whatever the stamps say: in the order of cause from top to bottom, nothing touches, ends lie within the picture. */
static void ladders_stand_in_order(void **state)
{
	static struct sw_evidence evidence[40];
	struct sw_finding finding = sample_refused();
	sw_auto_free struct sw_ladder *ladder = sw_alloc(sizeof *ladder);

	(void)state;
	for (size_t i = 0; i < SW_COUNT(evidence); i++)
		evidence[i] = (struct sw_evidence){
			.kind = (enum sw_evidence_kind)(i % 3),
			.way = i % 2 ? SW_WAY_IN : SW_WAY_OUT,
			.tid = (uint32_t)(i % 7),
			.time_ns = i == 5 ? SW_TIME_NONE :
					    SAMPLE_BASE +
						    (int64_t)((i * 7919) % 97) * (i % 4 ? 1000 : INT64_C(90000000000)),
			.exit_ns = i % 5 ? SAMPLE_BASE + INT64_C(3600000000000) : SW_TIME_NONE,
		};
	finding.evidence = evidence;
	finding.evidence_count = SW_COUNT(evidence);
	finding.flow.rtt_ns = INT64_MAX;
	sw_ladder_plan(ladder, &finding);
	assert_int_equal(ladder->row_count, SW_COUNT(evidence));
	assert_true(ladder->height < 10000);
	for (size_t i = 0; i < ladder->row_count; i++) {
		const struct sw_ladder_row *row = &ladder->rows[i];

		assert_true(row->height > 0 && row->y + row->height < ladder->height + 1);
		assert_true(row->y + row->slope < ladder->height);
		assert_true(i == 0 || row->y >= ladder->rows[i - 1].y + 20);
		assert_true(row->lane < SW_LADDER_LANES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_cannot_be_broken_out_of),
		cmocka_unit_test(markdown_cannot_be_broken_out_of),
		cmocka_unit_test(markdown_escapes),
		cmocka_unit_test(every_record_is_there),
		cmocka_unit_test(nothing_is_asked_of_the_network),
		cmocka_unit_test(ladders_stand_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
