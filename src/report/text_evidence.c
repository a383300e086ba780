/* Evidence, stack and timeline as text. Times are relative to the first line: what matters is how far apart things are. */
#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/text.h"
#include "src/report/words.h"

#define EVIDENCE_SHOWN 16
#define FRAMES_SHOWN 8

static void put_record(const struct sw_page *page, const char *label, const char *time, unsigned time_width,
		       const struct sw_evidence *evidence)
{
	sw_auto_free char *number = sw_record_number_text(evidence->kind, evidence->number, evidence->input);
	sw_auto_free char *line = sw_format("%*s  %s", (int)time_width, time, evidence->text ? evidence->text : "");

	/* Continuation lines stand below the text, behind the time and the arrow. */
	sw_page_put(page, &(struct sw_paragraph){.label = label, .text = line, .note = number, .hang = time_width + 4});
}

void sw_text_evidence(const struct sw_page *page, const struct sw_finding *finding, bool all)
{
	size_t shown = !all && finding->evidence_count > EVIDENCE_SHOWN ? EVIDENCE_SHOWN : finding->evidence_count;
	int64_t base = SW_TIME_NONE;
	unsigned width = 0;
	char time[48];

	for (size_t i = 0; i < shown; i++) {
		int64_t ns = finding->evidence[i].time_ns;

		if (ns != SW_TIME_NONE && (base == SW_TIME_NONE || ns < base))
			base = ns;
	}
	for (size_t i = 0; i < shown; i++) {
		size_t length = strlen(sw_relative_text(finding->evidence[i].time_ns, base, time));

		width = length > width ? (unsigned)length : width;
	}
	for (size_t i = 0; i < shown; i++) {
		sw_relative_text(finding->evidence[i].time_ns, base, time);
		put_record(page, i ? NULL : "evidence", time, width, &finding->evidence[i]);
	}
	if (shown < finding->evidence_count)
		sw_page_line(page, NULL, "and %zu more (-v)", finding->evidence_count - shown);
}

void sw_text_stack(const struct sw_page *page, const struct sw_symptom *symptom)
{
	sw_auto_free char *text = NULL;
	uint32_t shown = symptom->stack_count > FRAMES_SHOWN ? FRAMES_SHOWN : symptom->stack_count;

	for (uint32_t i = 0; i < shown; i++) {
		sw_auto_free char *frame = sw_frame_text(&symptom->stack[i]);
		char *longer = sw_format("%s%s%s%s", text ? text : "", i ? " < " : "", frame,
					 i + 1 == shown && shown < symptom->stack_count ? " < ..." : "");

		free(text);
		text = longer;
	}
	sw_page_put(page, &(struct sw_paragraph){.label = "stack", .text = text});
}

void sw_text_timeline(const struct sw_page *page, const struct sw_report_context *context)
{
	struct sw_page wide = *page;
	int64_t base = context->report->began_ns;
	char time[48];

	if (context->timeline_count == 0)
		return;
	sw_page_line(&wide, NULL, "timeline (seconds%s):", base == SW_TIME_NONE ? "" : " since the start");
	if (base == SW_TIME_NONE)
		base = context->timeline[0].time_ns;
	wide.indent = 2;
	for (size_t i = 0; i < context->timeline_count; i++) {
		const struct sw_timeline_line *line = &context->timeline[i];
		sw_auto_free char *thread = line->tid ? sw_format("[%u] ", line->tid) : NULL;
		sw_auto_free char *text = sw_format("%s%s", thread ? thread : "", line->text ? line->text : "");

		sw_relative_text(line->time_ns, base, time);
		put_record(&wide, NULL, time, 10,
			   &(struct sw_evidence){
				   .kind = line->kind, .input = line->input, .number = line->number, .text = text});
	}
	if (context->timeline_left_out > 0)
		sw_page_line(&wide, NULL, "%" PRId64 " more records were not kept", context->timeline_left_out);
}
