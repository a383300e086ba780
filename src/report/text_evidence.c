/* Evidence, stack and timeline as text. Times are relative to the first line: what matters is how far apart things are. */
#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/text.h"
#include "src/report/words.h"

#define EVIDENCE_SHOWN 16
#define FRAMES_SHOWN 10
#define FRAMES_FIRST 4u
#define NUMBER_ROOM 8 /* the gaps before a packet's text and its number, and the number */

/* The two ends at the tail of a packet's line: "10.0.0.1:4001 > 10.0.0.2:80". NULL where it has none. */
static char *ends_of(char *line, char *between[2])
{
	char *arrow = NULL, *begin;

	for (char *at = line[0] ? line + 1 : line; (at = strstr(at, " > ")); at++)
		arrow = at;
	if (!arrow)
		return NULL;
	for (begin = arrow; begin > line && begin[-1] != ' ';)
		begin--;
	between[0] = begin;
	between[1] = arrow + 3;
	return arrow;
}

struct shown_ends { /* of the packet before, as it was written */
	char one[SW_ADDR_TEXT], other[SW_ADDR_TEXT];
};

static bool same(const char *text, size_t length, const char *shown)
{
	return strlen(shown) == length && memcmp(text, shown, length) == 0;
}

/* Packets of the same two ends name them once: the line is short enough for its number then. */
static void drop_repeated_ends(char *line, struct shown_ends *shown)
{
	char *ends[2], *arrow = ends_of(line, ends);
	size_t first, second;

	if (!arrow)
		return;
	first = (size_t)(arrow - ends[0]);
	second = strcspn(ends[1], " ");
	if ((same(ends[0], first, shown->one) && same(ends[1], second, shown->other)) ||
	    (same(ends[0], first, shown->other) && same(ends[1], second, shown->one))) {
		memmove(ends[0], ends[1] + second, strlen(ends[1] + second) + 1);
		return;
	}
	if (first >= sizeof shown->one || second >= sizeof shown->other)
		return;
	memcpy(shown->one, ends[0], first);
	shown->one[first] = '\0';
	memcpy(shown->other, ends[1], second);
	shown->other[second] = '\0';
}

/* The column of the ends is given up where the line would be too long. */
static void squeeze(char *line)
{
	char *to = line;

	for (const char *from = line; *from; from++)
		if (*from != ' ' || to < line + 2 || to[-1] != ' ' || to[-2] != ' ')
			*to++ = *from;
	*to = '\0';
	while (to > line && to[-1] == ' ')
		*--to = '\0';
}

static char *packet_line(const struct sw_evidence *evidence, struct shown_ends *shown, size_t room)
{
	char *line = sw_strdup(evidence->text ? evidence->text : "");

	drop_repeated_ends(line, shown);
	if (strlen(line) > room || line[strcspn(line, " ")] == '\0' || line[strlen(line) - 1] == ' ')
		squeeze(line);
	return line;
}

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
	struct shown_ends ends = {"", ""};
	int64_t base = SW_TIME_NONE, last = SW_TIME_NONE;
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
		struct sw_evidence line = finding->evidence[i];
		size_t room = page->width > page->indent + page->label_width + width + NUMBER_ROOM ?
				      page->width - page->indent - page->label_width - width - NUMBER_ROOM :
				      0;
		sw_auto_free char *text = line.kind == SW_EVIDENCE_PACKET ? packet_line(&line, &ends, room) : NULL;

		line.text = text ? text : line.text;
		int64_t moment = sw_evidence_moment(&line, last);

		last = moment > last ? moment : last;
		sw_relative_text(moment, base, time);
		put_record(page, i ? NULL : "evidence", time, width, &line);
	}
	if (shown < finding->evidence_count)
		sw_page_line(page, NULL, "and %zu more (-v)", finding->evidence_count - shown);
}

/* What is below main is how every program begins. */
static uint32_t frames_to_main(const struct sw_symptom *symptom)
{
	static const char *const mains[] = {"main", "main.main"};

	for (uint32_t i = 0; i < symptom->stack_count; i++)
		for (size_t j = 0; j < SW_COUNT(mains); j++)
			if (strcmp(symptom->stack[i].function, mains[j]) == 0)
				return i + 1;
	return symptom->stack_count;
}

/* Of a deep one both ends: what was called last, and who wanted it. Of an interpreted program's its own functions: those between them
 * are the interpreter's. */
static void choose_frames(const struct sw_symptom *symptom, uint32_t count, bool *shown)
{
	uint32_t left_out = count > FRAMES_SHOWN ? count - FRAMES_SHOWN : 0, scripts = 0;

	for (uint32_t i = 0; i < count; i++) {
		shown[i] = sw_frame_is_script(&symptom->stack[i]) && scripts < FRAMES_SHOWN - 1;
		scripts += shown[i];
	}
	for (uint32_t i = 0; i < count; i++)
		shown[i] |= scripts ? i == 0 : i < FRAMES_FIRST || i >= FRAMES_FIRST + left_out;
}

void sw_text_stack(const struct sw_page *page, const struct sw_symptom *symptom)
{
	sw_auto_free char *text = NULL;
	uint32_t count = frames_to_main(symptom);
	sw_auto_free bool *shown = sw_alloc(count + 1);

	choose_frames(symptom, count, shown);
	for (uint32_t i = 0; i < count; i++) {
		if (!shown[i] && i && !shown[i - 1])
			continue;
		sw_auto_free char *frame = shown[i] ? sw_frame_text(&symptom->stack[i]) : sw_strdup("...");
		char *longer = sw_format("%s%s%s", text ? text : "", i ? " < " : "", frame);

		free(text);
		text = longer;
	}
	sw_page_put(page, &(struct sw_paragraph){.label = "stack", .text = text});
	if (sw_stack_note(symptom))
		sw_page_line(page, NULL, "(%s)", sw_stack_note(symptom));
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
