/* The incident file: one pcapng with both timelines, which stock Wireshark opens and `sockwhy explain` explains again.
 *
 * Packets stand on interface 0 (LINUX_SLL2); each call, process event and fact is a record of its own on interface 1 (link type 252,
 * dissector "syslog"): one line in strace's notation for people, the full record as text (tracer/text/text.h) in a custom option for
 * us. What has no line of its own (sockets, limits, states of captures) rides in the option of the next record.
 *
 * While the session runs a journal is written beside the file (FILE.journal, the same format, in the order of arrival, flushed
 * every 100 ms); at the end the incident is made from it in a second pass, sorted by time, with the findings as comments on the
 * records that are their evidence, and finished by rename. A journal that a crash left behind can be explained like an incident. */
#ifndef SW_INCIDENT_H
#define SW_INCIDENT_H

#include "capture/file.h"
#include "src/outputs.h"
#include "src/report/context.h"

/* ---- writing ---------------------------------------------------------------------------------------------------- */

struct sw_incident;

/* A flight recorder keeps what was last: its journal is a ring of segments, each of which begins with what was there already. */
struct sw_incident_ring {
	int64_t keep_ns; /* 0: no ring, all is kept */
	uint64_t max_size; /* of all segments together */
	const char *folder; /* for the journal where no output has a place for it; NULL */
	void (*snapshot)(void *context, int64_t from_ns, const struct sw_trace_sink *trace,
			 const struct sw_packet_sink *packets);
	void *context;
};

/* A journal for the .pcapng and .pcap among the outputs, and for a ring with a folder; NULL without error when there is none.
 * `ring` NULL: all is kept. */
int sw_incident_new(struct sw_outputs *outputs, const struct sw_incident_ring *ring, struct sw_incident **incident,
		    struct sw_err *err);
void sw_incident_free(struct sw_incident *incident); /* removes the journal */

void sw_incident_socket(struct sw_incident *incident, const struct sw_socket *socket);
void sw_incident_call(struct sw_incident *incident, const struct sw_call *call); /* when it is left */
void sw_incident_process(struct sw_incident *incident, const struct sw_process *process);
void sw_incident_fact(struct sw_incident *incident, const struct sw_fact *fact);
void sw_incident_limit(struct sw_incident *incident, const struct sw_limit *limit);
void sw_incident_status(struct sw_incident *incident, const struct sw_capture_status *status);
void sw_incident_packet(struct sw_incident *incident, const struct sw_packet *packet, const struct sw_raw_packet *raw);
/* call often: writes every 100 ms; a full disk is remembered */
void sw_incident_flush(struct sw_incident *incident, int64_t now_ns);

/* Of a ring: begins a new segment when it is time, and drops those that are older than both --keep and what is needed still; more
 * than max_size is dropped even so. Call often. */
void sw_incident_turn(struct sw_incident *incident, int64_t now_ns, int64_t needed_ns);

uint64_t sw_incident_size(const struct sw_incident *incident); /* bytes so far */
int64_t sw_incident_since(const struct sw_incident *incident); /* its first record; SW_TIME_NONE: there is none */

/* The second pass: the incident with the report's findings, and the packets alone. */
int sw_incident_finish(struct sw_incident *incident, struct sw_outputs *outputs,
		       const struct sw_report_context *context, struct sw_err *err);

/* The same as it is now, into a new file of mode 0600 (temporary name, then rename); the recording goes on. */
int sw_incident_export(struct sw_incident *incident, const char *path, const struct sw_report_context *context,
		       struct sw_err *err);

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct sw_incident_session { /* what the section header says; texts live as long as the reader */
	bool present; /* this file is an incident */
	bool complete; /* false: a journal that was never finished */
	bool joined; /* it begins in the middle of a session: what came before was dropped */
	enum sw_report_mode mode;
	struct sw_report_host host;
	struct sw_report_target target;
	int64_t slow_ns, settle_ns, linger_ns; /* -1 unknown */
};

struct sw_incident_reader;

/* Records go to the sinks as they are read: calls at once entered and left (src/merge.h puts them in order). */
struct sw_incident_reader *sw_incident_reader_new(const struct sw_trace_sink *trace,
						  const struct sw_packet_sink *packets);
void sw_incident_reader_free(struct sw_incident_reader *reader);
struct sw_capture_hooks sw_incident_reader_hooks(struct sw_incident_reader *reader); /* for sw_capture_file_hooks() */
/* What the tool knew of the packet just read by sw_capture_file_next(): its number, namespace, place. */
void sw_incident_reader_packet(struct sw_incident_reader *reader, const struct sw_capture_file *file,
			       struct sw_packet *packet);
const struct sw_incident_session *sw_incident_reader_session(const struct sw_incident_reader *reader);
/* lines not understood */
uint32_t sw_incident_reader_unread(const struct sw_incident_reader *reader, const char **first_error);

#endif
