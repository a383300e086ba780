/* Evidence, stack and timeline as text. Times are relative to the first line: what matters is how far apart things are. */
#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/text.h"

#define EVIDENCE_SHOWN 16
#define FRAMES_SHOWN 8

/* "0.000051", seconds since `base`. Buffer of 48 bytes. */
static const char *relative_text(int64_t ns, int64_t base, char *buffer)
{
	int64_t us = (ns - base) / SW_NS_PER_US;

	if (ns == SW_TIME_NONE)
		return strcpy(buffer, "?");
	snprintf(buffer, 48, "%s%" PRId64 ".%06" PRId64, us < 0 ? "-" : "", us < 0 ? -us / 1000000 : us / 1000000,
		 us < 0 ? -us % 1000000 : us % 1000000);
	return buffer;
}

/* "#12" for a packet: Wireshark's number; with its input when there are several. */
static char *number_text(enum sw_evidence_kind kind, uint32_t number, uint16_t input)
{
	if (kind != SW_EVIDENCE_PACKET || number == 0)
		return NULL;
	return input ? sw_format("%u#%u", input, number) : sw_format("#%u", number);
}

static void put_record(const struct sw_page *page, const char *label, const char *time, unsigned time_width,
		       const struct sw_evidence *evidence)
{
	sw_auto_free char *number = number_text(evidence->kind, evidence->number, evidence->input);
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
		size_t length = strlen(relative_text(finding->evidence[i].time_ns, base, time));

		width = length > width ? (unsigned)length : width;
	}
	for (size_t i = 0; i < shown; i++) {
		relative_text(finding->evidence[i].time_ns, base, time);
		put_record(page, i ? NULL : "evidence", time, width, &finding->evidence[i]);
	}
	if (shown < finding->evidence_count)
		sw_page_line(page, NULL, "and %zu more (-v)", finding->evidence_count - shown);
}

/* "fetch (fetch.c:120)", "main+0x41", "libc.so.6+0x29d90" */
static char *frame_text(const struct sw_frame *frame)
{
	const char *name = frame->function[0] ? frame->function : frame->object;

	if (frame->function[0] && frame->file[0] && frame->line)
		return sw_format("%s (%s:%u)", frame->function, frame->file, frame->line);
	if (name[0])
		return sw_format("%s+0x%" PRIx64, name, frame->offset);
	return sw_format("0x%" PRIx64, frame->address);
}

void sw_text_stack(const struct sw_page *page, const struct sw_symptom *symptom)
{
	sw_auto_free char *text = NULL;
	uint32_t shown = symptom->stack_count > FRAMES_SHOWN ? FRAMES_SHOWN : symptom->stack_count;

	for (uint32_t i = 0; i < shown; i++) {
		sw_auto_free char *frame = frame_text(&symptom->stack[i]);
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

		relative_text(line->time_ns, base, time);
		put_record(&wide, NULL, time, 10,
			   &(struct sw_evidence){
				   .kind = line->kind, .input = line->input, .number = line->number, .text = text});
	}
	if (context->timeline_left_out > 0)
		sw_page_line(&wide, NULL, "%" PRId64 " more records were not kept", context->timeline_left_out);
}
