/* See incident.h: the files of the journal, one or a ring of them.
 *
 * Enters: how much is to be kept, and the time. Leaves: segments; each begins with a section that says what was there already, so that it
 * can be explained alone after a crash. The files are opened before the recorder is confined. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/incident_internal.h"
#include "src/stray.h"
#include "src/version.h"
#include "tracer/text/text.h"

#define SEGMENTS_FOR_KEEP 4 /* what is kept is longer than --keep by one of them at most */
#define SEGMENT_LEAST_NS (250 * SW_NS_PER_MS)
#define RECENT_NS SW_NS_PER_S /* the merge gives a record to the correlator within 300 ms */

/* Beside the file that it is for, where somebody looks after a crash. For a pipe there is no such place. */
static int open_segment(struct sw_segment *segment, const char *beside, size_t number, struct sw_err *err)
{
	segment->named = beside != NULL;
	segment->path = !beside ? sw_format(P_tmpdir) :
			number  ? sw_format("%s.journal.%zu", beside, number) :
				  sw_format("%s.journal", beside);
	int how = segment->named ? O_CREAT | O_TRUNC | O_NOFOLLOW : O_TMPFILE;
	sw_stray_hold();
	segment->fd = open(segment->path, how | O_RDWR | O_CLOEXEC, 0600);
	if (segment->fd < 0 && !segment->named) /* not every file system knows O_TMPFILE */
		segment->fd = memfd_create("sockwhy-journal", MFD_CLOEXEC);
	if (segment->fd >= 0 && segment->named)
		sw_stray_add(segment->path);
	sw_stray_release();
	if (segment->fd < 0)
		return sw_err_set(err, -errno, "%s: cannot be written: %s", segment->path, strerror(errno));
	return 0;
}

int sw_segments_open(struct sw_incident *incident, const char *beside, struct sw_err *err)
{
	bool ring = incident->ring.keep_ns > 0;
	size_t room = ring ? SW_SEGMENTS_MAX : 1;
	for (size_t i = 0; i < room; i++) {
		struct sw_segment *segment = sw_alloc(sizeof *segment);
		segment->fd = -1;
		incident->segments[incident->room++] = segment;
		int code = open_segment(segment, beside, ring ? i + 1 : 0, err);
		if (code < 0)
			return code;
	}
	return 0;
}

static void empty(struct sw_segment *segment)
{
	if (segment->writer)
		sw_pcapng_finish(segment->writer, NULL);
	segment->writer = NULL;
	SW_ARRAY_RELEASE(&segment->entries);
	free(segment->head);
	segment->head = NULL;
}

void sw_segments_release(struct sw_incident *incident)
{
	for (size_t i = 0; i < incident->room; i++) {
		struct sw_segment *segment = incident->segments[i];
		empty(segment);
		if (segment->fd >= 0) {
			close(segment->fd);
			if (segment->named)
				unlink(segment->path);
			sw_stray_remove(segment->path);
		}
		free(segment->path);
		free(segment);
	}
	incident->count = incident->room = 0;
}

/* ---- what was there already -------------------------------------------------------------------------------------- */

static void told_socket(void *context, const struct sw_socket *socket)
{
	struct sw_incident *incident = context;
	if (sw_text_socket(socket, incident->line, sizeof incident->line) == 0)
		sw_incident_ride(incident, incident->line);
}

static void told_process(void *context, const struct sw_process *process)
{
	struct sw_incident *incident = context;
	if (sw_text_process(process, incident->line, sizeof incident->line) == 0)
		sw_incident_ride(incident, incident->line);
}

static void told_fact(void *context, const struct sw_fact *fact)
{
	struct sw_incident *incident = context;
	if (sw_text_fact(fact, incident->line, sizeof incident->line) == 0)
		sw_incident_ride(incident, incident->line);
}

static void told_limit(void *context, const struct sw_limit *limit)
{
	sw_incident_limit(context, limit);
}

static void told_status(void *context, const struct sw_capture_status *status)
{
	sw_incident_status(context, status);
}

static void tell_recent(struct sw_incident *incident, int64_t now_ns)
{
	size_t left = 0;
	for (size_t i = 0; i < incident->recent.count; i++) {
		struct sw_socket socket = incident->recent.items[i];
		if (socket.since_ns < now_ns - RECENT_NS)
			continue;
		incident->recent.items[left++] = socket;
		told_socket(incident, &socket);
	}
	incident->recent.count = left;
}

/* What still rides stays with the segment that it was said in. */
static char *head_of(struct sw_incident *incident, int64_t now_ns)
{
	sw_auto_free char *riding = incident->pending_length ? sw_strdup(incident->pending) : NULL;
	const struct sw_trace_sink trace = {.context = incident,
					    .socket = told_socket,
					    .process = told_process,
					    .fact = told_fact,
					    .limit = told_limit};
	const struct sw_packet_sink packets = {.context = incident, .status = told_status};
	incident->pending_length = 0;
	sw_auto_free char *joined = sw_format("joined time=%lld", (long long)now_ns);
	sw_incident_ride(incident, joined);
	incident->ring.snapshot(incident->ring.context, now_ns, &trace, &packets);
	tell_recent(incident, now_ns);
	char *head = sw_strdup(incident->pending);
	incident->pending_length = 0;
	if (riding) {
		riding[strlen(riding) - 1] = 0; /* its last newline */
		sw_incident_ride(incident, riding);
	}
	return head;
}

/* ---- a segment --------------------------------------------------------------------------------------------------- */

static int write_begin(const struct sw_incident *incident, struct sw_segment *segment, struct sw_err *err)
{
	struct utsname names;
	uname(&names);
	sw_auto_free char *os = sw_format("%s %s", names.sysname, names.release);
	sw_auto_free char *session = sw_incident_session_text(NULL, false);
	sw_auto_free char *custom = sw_format("%s%s", session, segment->head ? segment->head : "");
	const struct sw_pcapng_section section = {.hardware = names.machine,
						  .os = os,
						  .application = "sockwhy " SW_VERSION,
						  .custom = custom,
						  .custom_length = strlen(custom)};
	const struct sw_pcapng_interface packets = {
		.linktype = SW_LINKTYPE_SLL2, .snaplen = SW_INCIDENT_SNAPLEN, .name = "packets"};
	const struct sw_pcapng_interface calls = {
		.linktype = SW_LINKTYPE_UPPER_PDU, .snaplen = SW_INCIDENT_SNAPLEN, .name = "calls"};
	int code = sw_pcapng_write_section(segment->writer, &section, err);
	if (code == 0)
		code = sw_pcapng_write_interface(segment->writer, &packets, err);
	if (code == 0)
		code = sw_pcapng_write_interface(segment->writer, &calls, err);
	for (size_t i = 0; i < incident->place_count && code == 0; i++)
		code = sw_incident_place_write(segment->writer, &incident->places[i], err);
	return code < 0 ? code : sw_pcapng_flush(segment->writer, err);
}

int sw_segment_begin(struct sw_incident *incident, int64_t now_ns, struct sw_err *err)
{
	struct sw_segment *segment = incident->segments[incident->count];
	segment->writer = sw_pcapng_writer_new(segment->fd, segment->path);
	segment->began_ns = now_ns;
	segment->head = now_ns == SW_TIME_NONE ? NULL : head_of(incident, now_ns);
	incident->count++;
	return write_begin(incident, segment, err);
}

/* ---- the ring ---------------------------------------------------------------------------------------------------- */

static void drop_oldest(struct sw_incident *incident)
{
	struct sw_segment *oldest = incident->segments[0];
	empty(oldest);
	if (ftruncate(oldest->fd, 0) < 0 || lseek(oldest->fd, 0, SEEK_SET) < 0) {
		incident->error = -errno;
		sw_err_set(&incident->err, -errno, "%s: cannot be used again: %s", oldest->path, strerror(errno));
	}
	memmove(incident->segments, incident->segments + 1, (incident->room - 1) * sizeof *incident->segments);
	incident->segments[incident->room - 1] = oldest;
	incident->count--;
}

void sw_incident_turn(struct sw_incident *incident, int64_t now_ns, int64_t needed_ns)
{
	const struct sw_incident_ring *ring = &incident->ring;
	if (!ring->keep_ns || incident->error)
		return;
	struct sw_segment *current = sw_segment_current(incident);
	int64_t since_ns = current->began_ns == SW_TIME_NONE ?
				   current->entries.count ? current->entries.items[0].time_ns : now_ns :
				   current->began_ns;
	int64_t length_ns = ring->keep_ns / SEGMENTS_FOR_KEEP;
	length_ns = length_ns < SEGMENT_LEAST_NS ? SEGMENT_LEAST_NS : length_ns;
	uint64_t share = ring->max_size / (SW_SEGMENTS_MAX / 2);
	bool full = current->entries.count && sw_pcapng_written(current->writer) >= share;
	if (now_ns - since_ns < length_ns && !full)
		return;
	while (incident->count > 1 && incident->segments[1]->began_ns <= needed_ns)
		drop_oldest(incident);
	while (incident->count > 1 && sw_incident_size(incident) + share > ring->max_size)
		drop_oldest(incident);
	if (incident->count == incident->room && !full)
		return; /* what is open for long is kept in longer segments */
	if (incident->count == incident->room)
		drop_oldest(incident);
	if (sw_pcapng_flush(current->writer, &incident->err) < 0 ||
	    sw_segment_begin(incident, now_ns, &incident->err) < 0)
		incident->error = incident->err.code;
}
