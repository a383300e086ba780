/* What the incident's writer and its second pass share. */
#ifndef SW_INCIDENT_INTERNAL_H
#define SW_INCIDENT_INTERNAL_H

#include "capture/pcapng_write.h"
#include "src/incident.h"

#define SW_INCIDENT_PACKETS 0u /* interfaces */
#define SW_INCIDENT_CALLS 1u
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

struct sw_incident {
	char *path; /* of the journal; where it has no name, of its folder */
	bool named;
	int fd;
	struct sw_pcapng_writer *writer;
	SW_ARRAY(struct sw_journal_entry) entries;
	char *pending; /* lines that ride with the next record */
	size_t pending_length, pending_room;
	char line[SW_INCIDENT_SNAPLEN]; /* of one record */
	int64_t flushed_ns, last_ns;
	int error; /* the first that the journal met, negative errno; then nothing more is written */
	struct sw_err err;
};

/* The custom text of the section header: the session, one line each. The caller frees. */
char *sw_incident_session_text(const struct sw_report_context *context, bool complete);

#endif
