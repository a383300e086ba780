/* What the incident's writer and its second pass share. */
#ifndef SW_INCIDENT_INTERNAL_H
#define SW_INCIDENT_INTERNAL_H

#include "capture/pcapng_write.h"
#include "src/incident.h"

#define SW_INCIDENT_PACKETS 0u /* interfaces */
#define SW_INCIDENT_CALLS 1u
#define SW_INCIDENT_PLACES 2u /* and further: one for each further place of capture */
#define SW_INCIDENT_SNAPLEN 262144u
#define SW_LINKTYPE_SLL2 276u
#define SW_LINKTYPE_UPPER_PDU 252u

struct sw_journal_entry { /* where a record stands in the journal, and what it is */
	int64_t time_ns;
	uint64_t offset;
	uint32_t number; /* id of the packet, call or fact */
	uint8_t kind; /* enum sw_evidence_kind; SW_JOURNAL_OTHER */
};
#define SW_JOURNAL_OTHER 0xffu

#define SW_INCIDENT_PLACES_MAX 16
struct sw_incident_place {
	uint16_t place;
	char name[128];
};

/* A stretch of the journal: a file that can be explained by itself. A whole recording is one; a flight recorder has a ring of them,
 * whose files are opened once and used again. */
struct sw_segment {
	char *path; /* where it has no name, of its folder */
	bool named;
	int fd;
	struct sw_pcapng_writer *writer; /* NULL: not in use */
	SW_ARRAY(struct sw_journal_entry) entries;
	char *head; /* lines that say what was there when it began; NULL: it has the beginning of the session */
	int64_t began_ns;
};

#define SW_SEGMENTS_MAX 12

struct sw_incident {
	struct sw_incident_ring ring; /* keep_ns 0: all is kept */
	struct sw_segment *segments[SW_SEGMENTS_MAX]; /* those in use first, the oldest first; then the free ones */
	size_t count, room; /* in use; in all */
	/* in the order of their interfaces, in every segment */
	struct sw_incident_place places[SW_INCIDENT_PLACES_MAX];
	size_t place_count;
	SW_ARRAY(struct sw_socket) recent; /* a flight recorder's: sockets that the snapshot may not know yet */
	char *pending; /* lines that ride with the next record */
	size_t pending_length, pending_room;
	char line[SW_INCIDENT_SNAPLEN]; /* of one record */
	int64_t flushed_ns, last_ns;
	int error; /* the first that the journal met, negative errno; then nothing more is written */
	struct sw_err err;
};

/* Adds a line to those that ride with the next record. */
void sw_incident_ride(struct sw_incident *incident, const char *line);

/* incident_ring.c: opens the files of the journal; begins the next segment in the first free one. */
int sw_segments_open(struct sw_incident *incident, const char *beside, struct sw_err *err);
int sw_segment_begin(struct sw_incident *incident, int64_t now_ns, struct sw_err *err);
void sw_segments_release(struct sw_incident *incident);
static inline struct sw_segment *sw_segment_current(const struct sw_incident *incident)
{
	return incident->segments[incident->count - 1];
}
/* The description of a further place's interface. */
int sw_incident_place_write(struct sw_pcapng_writer *writer, const struct sw_incident_place *place, struct sw_err *err);

/* The custom text of the section header: the session, one line each. The caller frees. */
char *sw_incident_session_text(const struct sw_report_context *context, bool complete);

#endif
