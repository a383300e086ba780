/* Files of other tools, and incidents, as one stream of records in the order of time.
 *
 * Enters: paths of strace logs, captures and incident files, recognised by content, compressed or not. Leaves: calls and packets,
 * merged, on one clock. Memory does not grow with the files. */
#ifndef SW_IMPORT_H
#define SW_IMPORT_H

#include "capture/packet.h"
#include "src/clock_align.h"
#include "src/incident.h"
#include "tracer/strace/strace.h"

enum sw_import_kind { SW_IMPORT_STRACE, SW_IMPORT_CAPTURE, SW_IMPORT_INCIDENT, SW_IMPORT_EMPTY };

#define SW_IMPORT_INPUTS_MAX 1024 /* strace -ff writes a file a process */

struct sw_import;
struct sw_trace_set;

/* Opens all and says what each is; -EINVAL and a text where one is neither. An empty one (nothing was written before its writer was killed)
 * is an error only where there is no other. */
int sw_import_open(char *const *paths, size_t count, struct sw_import **import, struct sw_err *err);
/* A capture that was taken at a further place, the nearest first. */
int sw_import_place(struct sw_import *import, const char *path, struct sw_err *err);
void sw_import_free(struct sw_import *import);

size_t sw_import_count(const struct sw_import *import, enum sw_import_kind kind);
const struct sw_incident_session *
sw_import_session(const struct sw_import *import); /* of the incident; NULL: none among them */

/* One of them is the incident of an attach: known once it is open. */
bool sw_import_attached(const struct sw_import *import);

/* Reads the beginning of logs and captures, as much as it takes, and puts both on the captures' clock. */
int sw_import_align(struct sw_import *import, struct sw_alignment *alignment, struct sw_err *err);
/* Which calls the beginning of the logs has, after sw_import_align(). */
const struct sw_trace_set *sw_import_trace_set(const struct sw_import *import);
void sw_import_set_offset(struct sw_import *import, int64_t offset_ns); /* --clock-offset, in place of the above */
enum sw_strace_clock sw_import_clock(const struct sw_import *import);
bool sw_import_durations(const struct sw_import *import); /* strace -T, as far as asked */
int64_t sw_import_resolution(const struct sw_import *import); /* of the logs' stamps; 0: not asked, or none */

/* Everything, in order. `progress` is called now and then with the part that is done, of 1; it may be NULL. A file that is damaged
 * ends where the damage is: that is said in its input's text, and the others go on. */
void sw_import_run(struct sw_import *import, const struct sw_trace_sink *trace, const struct sw_packet_sink *packets,
		   void (*progress)(void *context, double done), void *context);

struct sw_import_input { /* in the order of the numbers that packets carry */
	const char *path, *kind;
	int64_t records, unread;
	uint32_t undecoded; /* of a capture's records: packets whose link type is not read */
	char text[600]; /* what went wrong; "" nothing */
	struct sw_strace_summary summary; /* of a log */
	enum sw_import_kind type;
};
const struct sw_import_input *sw_import_inputs(struct sw_import *import, size_t *count);

#endif
