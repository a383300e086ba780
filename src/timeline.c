/* See timeline.h. Knows nothing of findings and prints nothing. */
#include "src/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

struct name {
	uint32_t pid;
	char comm[17];
};

#define PLACES_MAX 16

struct sw_timeline {
	struct sw_arena *arena;
	SW_ARRAY(struct sw_timeline_line) lines;
	SW_ARRAY(struct name) names;
	int64_t left_out;
	const char *places[PLACES_MAX]; /* by place - 1; NULL not named */
};

bool sw_timeline_wanted(const struct sw_options *options)
{
	bool wanted = options->verbose;

	for (size_t i = 0; i < options->output_count; i++)
		wanted |= strcmp(options->outputs[i].format, "html") == 0;
	return wanted;
}

struct sw_timeline *sw_timeline_new(void)
{
	struct sw_timeline *timeline = sw_alloc(sizeof *timeline);
	timeline->arena = sw_arena_new();
	return timeline;
}

void sw_timeline_free(struct sw_timeline *timeline)
{
	if (!timeline)
		return;
	SW_ARRAY_RELEASE(&timeline->lines);
	SW_ARRAY_RELEASE(&timeline->names);
	sw_arena_free(timeline->arena);
	free(timeline);
}

static struct sw_timeline_line *add(struct sw_timeline *timeline, enum sw_evidence_kind kind, const char *text)
{
	if (timeline->lines.count >= SW_TIMELINE_MAX) {
		timeline->left_out++;
		return NULL;
	}
	struct sw_timeline_line *line = SW_ARRAY_ADD(&timeline->lines);
	line->kind = kind;
	line->text = sw_arena_strdup(timeline->arena, text);
	return line;
}

static const char *name_of(struct sw_timeline *timeline, uint32_t pid)
{
	for (size_t i = timeline->names.count; i-- > 0;)
		if (timeline->names.items[i].pid == pid)
			return sw_arena_strdup(timeline->arena, timeline->names.items[i].comm);
	return NULL;
}

void sw_timeline_call(struct sw_timeline *timeline, const struct sw_call *call)
{
	char text[1024];
	struct sw_timeline_line *line = add(timeline, SW_EVIDENCE_CALL, sw_call_text(call, text, sizeof text));
	if (!line)
		return;
	line->number = call->id;
	line->time_ns = call->enter_ns;
	line->pid = call->pid;
	line->tid = call->tid;
	line->comm = name_of(timeline, call->pid);
}

void sw_timeline_process(struct sw_timeline *timeline, const struct sw_process *process)
{
	if (!process->comm || (process->event != SW_PROCESS_BEGIN && process->event != SW_PROCESS_EXEC))
		return;
	struct name *name = SW_ARRAY_ADD(&timeline->names);
	name->pid = process->pid;
	strncpy(name->comm, process->comm, sizeof name->comm - 1);
}

void sw_timeline_fact(struct sw_timeline *timeline, const struct sw_fact *fact)
{
	char text[1024];
	struct sw_timeline_line *line = add(timeline, SW_EVIDENCE_FACT, sw_fact_line(fact, text, sizeof text));
	if (!line)
		return;
	line->number = fact->id;
	line->time_ns = fact->time_ns;
	line->pid = fact->pid;
	line->tid = fact->tid;
}

void sw_timeline_status(struct sw_timeline *timeline, const struct sw_capture_status *status)
{
	if (status->place && status->place <= PLACES_MAX && status->interfaces && !timeline->places[status->place - 1])
		timeline->places[status->place - 1] = sw_arena_strdup(timeline->arena, status->interfaces);
}

void sw_timeline_packet(struct sw_timeline *timeline, const struct sw_packet *packet)
{
	char text[1024];
	const char *place = packet->place && packet->place <= PLACES_MAX ? timeline->places[packet->place - 1] : NULL;
	struct sw_timeline_line *line =
		add(timeline, SW_EVIDENCE_PACKET, sw_packet_text(packet, packet->way, text, sizeof text));
	if (!line)
		return;
	if (packet->place)
		line->text =
			sw_arena_format(timeline->arena, "%s at %s", line->text, place ? place : "a further place");
	line->number = packet->id;
	line->input = packet->input;
	line->time_ns = packet->time_ns;
}

static int by_time(const void *a, const void *b)
{
	const struct sw_timeline_line *left = a, *right = b;
	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1; /* a call before the packet that it caused */
	return left->number < right->number ? -1 : left->number > right->number;
}

void sw_timeline_lend(struct sw_timeline *timeline, struct sw_report_context *context)
{
	if (timeline->lines.count)
		qsort(timeline->lines.items, timeline->lines.count, sizeof *timeline->lines.items, by_time);
	context->timeline = timeline->lines.items;
	context->timeline_count = timeline->lines.count;
	context->timeline_left_out = timeline->left_out;
}
