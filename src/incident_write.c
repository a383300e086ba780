/* See incident.h: the journal. Enters: records as they arrive. Leaves: blocks in a file, and where each of them stands. */
#include "src/incident_internal.h"

#include <string.h>
#include <unistd.h>

#include "tracer/text/text.h"

#define FLUSH_NS (100 * SW_NS_PER_MS)
#define SHOWN_MAX 1024 /* of a record's line for people */

static bool wants(const struct sw_output *output)
{
	return strcmp(output->format, "pcapng") == 0 || strcmp(output->format, "pcap") == 0;
}

static const struct sw_output_file *first_wanted(const struct sw_outputs *outputs)
{
	for (size_t i = 0; i < outputs->count; i++)
		if (wants(outputs->files[i].output))
			return &outputs->files[i];
	return NULL;
}

int sw_incident_new(struct sw_outputs *outputs, const struct sw_incident_ring *ring, struct sw_incident **result,
		    struct sw_err *err)
{
	const struct sw_output_file *file = first_wanted(outputs);
	const char *folder = ring ? ring->folder : NULL;
	*result = NULL;
	if (!file && !folder)
		return 0;
	struct sw_incident *incident = sw_alloc(sizeof *incident);
	if (ring)
		incident->ring = *ring;
	sw_auto_free char *beside = file ? file->temporary ? sw_strdup(file->output->path) : NULL :
					   sw_format("%s/sockwhy.%ld", folder, (long)getpid());
	int code = sw_segments_open(incident, beside, err);
	if (code == 0)
		code = sw_segment_begin(incident, SW_TIME_NONE, err);
	if (code < 0) {
		sw_incident_free(incident);
		return code;
	}
	*result = incident;
	return 0;
}

uint64_t sw_incident_size(const struct sw_incident *incident)
{
	uint64_t size = 0;
	for (size_t i = 0; i < incident->count; i++) {
		const struct sw_segment *segment = incident->segments[i];
		size += segment->entries.count ? sw_pcapng_written(segment->writer) : 0;
	}
	return size;
}

int64_t sw_incident_since(const struct sw_incident *incident)
{
	for (size_t i = 0; i < incident->count; i++)
		if (incident->segments[i]->entries.count)
			return incident->segments[i]->entries.items[0].time_ns;
	return SW_TIME_NONE;
}

void sw_incident_free(struct sw_incident *incident)
{
	if (!incident)
		return;
	sw_segments_release(incident);
	SW_ARRAY_RELEASE(&incident->recent);
	free(incident->pending);
	free(incident);
}

/* ---- lines that ride with the next record ---- */

void sw_incident_ride(struct sw_incident *incident, const char *line)
{
	size_t length = strlen(line);
	if (incident->pending_length + length + 2 > incident->pending_room) {
		incident->pending_room = 2 * (incident->pending_length + length + 2);
		incident->pending = sw_realloc(incident->pending, incident->pending_room);
	}
	memcpy(incident->pending + incident->pending_length, line, length);
	incident->pending_length += length;
	incident->pending[incident->pending_length++] = '\n';
	incident->pending[incident->pending_length] = 0;
}

void sw_incident_socket(struct sw_incident *incident, const struct sw_socket *socket)
{
	if (sw_text_socket(socket, incident->line, sizeof incident->line) == 0)
		sw_incident_ride(incident, incident->line);
	if (incident->ring.keep_ns)
		*SW_ARRAY_ADD(&incident->recent) = *socket;
}

void sw_incident_limit(struct sw_incident *incident, const struct sw_limit *limit)
{
	if (sw_text_limit(limit, incident->line, sizeof incident->line) == 0)
		sw_incident_ride(incident, incident->line);
}

/* ---- further places of capture: an interface each ---- */

int sw_incident_place_write(struct sw_pcapng_writer *writer, const struct sw_incident_place *place, struct sw_err *err)
{
	const struct sw_pcapng_interface interface = {.linktype = SW_LINKTYPE_SLL2,
						      .snaplen = SW_INCIDENT_SNAPLEN,
						      .name = place->name,
						      .description =
							      "the same packets, where they were seen further on"};
	return sw_pcapng_write_interface(writer, &interface, err);
}

/* The interface of a place, described before its first packet. */
static uint32_t interface_of(struct sw_incident *incident, uint16_t place, const char *name)
{
	if (!place)
		return SW_INCIDENT_PACKETS;
	for (size_t i = 0; i < incident->place_count; i++)
		if (incident->places[i].place == place)
			return SW_INCIDENT_PLACES + (uint32_t)i;
	if (incident->place_count == SW_INCIDENT_PLACES_MAX)
		return SW_INCIDENT_PACKETS;
	struct sw_incident_place *new = &incident->places[incident->place_count];
	new->place = place;
	if (name && *name)
		snprintf(new->name, sizeof new->name, "%s", name);
	else
		snprintf(new->name, sizeof new->name, "place %u", place);
	if (!incident->error) {
		int code = sw_incident_place_write(sw_segment_current(incident)->writer, new, &incident->err);
		incident->error = code < 0 ? code : 0;
	}
	return SW_INCIDENT_PLACES + (uint32_t)incident->place_count++;
}

/* Numbers and two texts without blanks or quotes in them; the reason comes last and goes to the end of the line. */
void sw_incident_status(struct sw_incident *incident, const struct sw_capture_status *status)
{
	if (status->available)
		interface_of(incident, status->place, status->interfaces);
	sw_auto_free char *line = sw_format(
		"status input=%u place=%u netns=%u available=%d live=%d opened=%lld closed=%lld seen=%lld kept=%lld dropped=%lld overruns=%lld last_drop=%lld no_loopback=%d only_loopback=%d interfaces=%s why=%s",
		status->input, status->place, status->netns, status->available, status->live,
		(long long)status->opened_ns, (long long)status->closed_ns, (long long)status->seen,
		(long long)status->kept, (long long)status->dropped, (long long)status->overruns,
		(long long)status->last_drop_ns, status->no_loopback, status->only_loopback,
		status->interfaces ? status->interfaces : "", status->why_not ? status->why_not : "");
	sw_incident_ride(incident, line);
}

/* ---- records ---- */

static void failed(struct sw_incident *incident, int code)
{
	if (code < 0 && !incident->error)
		incident->error = code;
}

/* One record on the interface of calls: `shown` for people, `line` and what rides with it for us. */
static void record(struct sw_incident *incident, int64_t time_ns, uint8_t kind, uint32_t number, const char *shown,
		   const char *line)
{
	if (incident->error)
		return;
	if (line)
		sw_incident_ride(incident, line);
	struct sw_segment *segment = sw_segment_current(incident);
	struct sw_journal_entry *entry = SW_ARRAY_ADD(&segment->entries);
	*entry = (struct sw_journal_entry){time_ns, sw_pcapng_written(segment->writer), number, kind};
	const struct sw_pcapng_packet packet = {.interface = SW_INCIDENT_CALLS,
						.time_ns = time_ns,
						.custom = incident->pending,
						.custom_length = incident->pending_length};
	failed(incident, sw_pcapng_write_text(segment->writer, &packet, shown, &incident->err));
	incident->pending_length = 0;
	incident->last_ns = time_ns;
}

void sw_incident_call(struct sw_incident *incident, const struct sw_call *call)
{
	char text[SHOWN_MAX];
	if (sw_text_call(call, incident->line, sizeof incident->line) < 0)
		return;
	sw_auto_free char *shown = sw_format("%u %s", call->tid, sw_call_text(call, text, sizeof text));
	record(incident, call->enter_ns, SW_EVIDENCE_CALL, call->id, shown, incident->line);
}

void sw_incident_process(struct sw_incident *incident, const struct sw_process *process)
{
	static const char *const words[] = {"began", "exec", "exited", "got signal"};
	if (sw_text_process(process, incident->line, sizeof incident->line) < 0)
		return;
	sw_auto_free char *shown = process->event == SW_PROCESS_EXIT && process->signal ?
					   sw_format("%u +++ killed by signal %d +++", process->pid, process->signal) :
				   process->event == SW_PROCESS_EXIT ?
					   sw_format("%u +++ exited with %d +++", process->pid, process->code) :
					   sw_format("%u +++ %s %.15s +++", process->tid, words[process->event],
						     process->comm ? process->comm : "");
	record(incident, process->time_ns, SW_JOURNAL_OTHER, 0, shown, incident->line);
}

void sw_incident_fact(struct sw_incident *incident, const struct sw_fact *fact)
{
	char text[SHOWN_MAX];
	if (sw_text_fact(fact, incident->line, sizeof incident->line) < 0)
		return;
	sw_auto_free char *shown = sw_format("%u fact: %s", fact->tid, sw_fact_line(fact, text, sizeof text));
	record(incident, fact->time_ns, SW_EVIDENCE_FACT, fact->id, shown, incident->line);
}

void sw_incident_packet(struct sw_incident *incident, const struct sw_packet *packet, const struct sw_raw_packet *raw)
{
	uint8_t frame[SW_INCIDENT_SNAPLEN];
	uint32_t wire = 0, length = sw_frame_to_sll2(packet, raw, frame, sizeof frame, &wire);
	if (incident->error || !length)
		return;
	sw_auto_free char *known = sw_format("pkt id=%u netns=%u place=%u flags=%u speech=%u tail=%u head=%u said=%lld",
					     packet->id, packet->netns, packet->place, packet->flags,
					     packet->speech.kind, packet->speech.tail, packet->speech.head,
					     (long long)packet->speech.length);
	uint32_t interface = interface_of(incident, packet->place, NULL);
	struct sw_segment *segment = sw_segment_current(incident);
	struct sw_journal_entry *entry = SW_ARRAY_ADD(&segment->entries);
	*entry = (struct sw_journal_entry){packet->time_ns, sw_pcapng_written(segment->writer), packet->id,
					   SW_EVIDENCE_PACKET};
	const struct sw_pcapng_packet written = {.interface = interface,
						 .time_ns = packet->time_ns,
						 .captured = length,
						 .wire = wire,
						 .bytes = frame,
						 .custom = known,
						 .custom_length = strlen(known)};
	failed(incident, sw_pcapng_write_packet(segment->writer, &written, &incident->err));
	incident->last_ns = packet->time_ns;
}

void sw_incident_flush(struct sw_incident *incident, int64_t now_ns)
{
	if (!incident->error && now_ns - incident->flushed_ns >= FLUSH_NS) {
		failed(incident, sw_pcapng_flush(sw_segment_current(incident)->writer, &incident->err));
		incident->flushed_ns = now_ns;
	}
}
