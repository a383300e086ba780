/* --anonymize: records as they may be shared. Addresses, names and paths are replaced before a record reaches the merge or the
 * journal, so that nothing behind them (reports, timeline, incident) ever sees the originals.
 *
 * Enters: records of the trace and packets with their frames. Leaves: the same with other addresses (prefix-preserving), names (as long
 * as before, one for one) and paths; ports, times, sizes, flags and numbers stay. Stable within one anonymizer, whose key is drawn at
 * its birth and never written. What cannot be understood is cut or emptied, never passed on.
 *
 * A NULL anonymizer gives each record back as it came. What is given back lives until the next record of its kind. */
#ifndef SW_ANONYMIZE_H
#define SW_ANONYMIZE_H

#include "capture/packet.h"
#include "src/report/context.h"
#include "tracer/call.h"

struct sw_anonymizer;

struct sw_anonymizer *sw_anonymizer_new(void);
struct sw_anonymizer *sw_anonymizer_with_key(const uint8_t key[16]); /* for tests */
void sw_anonymizer_free(struct sw_anonymizer *anonymizer);

const struct sw_socket *sw_anonymizer_socket(struct sw_anonymizer *anonymizer, const struct sw_socket *socket);
const struct sw_call *sw_anonymizer_call(struct sw_anonymizer *anonymizer, const struct sw_call *call);
const struct sw_process *sw_anonymizer_process(struct sw_anonymizer *anonymizer, const struct sw_process *process);
const struct sw_fact *sw_anonymizer_fact(struct sw_anonymizer *anonymizer, const struct sw_fact *fact);
const struct sw_limit *sw_anonymizer_limit(struct sw_anonymizer *anonymizer, const struct sw_limit *limit);
const struct sw_capture_status *sw_anonymizer_status(struct sw_anonymizer *anonymizer,
						     const struct sw_capture_status *status);
/* The frame is rewritten and decoded again: packet and frame say the same, as they will to whoever reads the file. False: nothing of the
 * packet may be passed on. */
bool sw_anonymizer_packet(struct sw_anonymizer *anonymizer, const struct sw_packet **packet,
			  const struct sw_raw_packet **raw);

/* Single values, for what surrounds the records. */
struct sw_ip sw_anonymizer_ip(struct sw_anonymizer *anonymizer, const struct sw_ip *ip);
/* A text that may hold addresses, names and paths: what is left are its shape and common words. Caller frees; NULL gives NULL. */
char *sw_anonymizer_text(struct sw_anonymizer *anonymizer, const char *text);
/* What the report says of the session: the host's and the container's name, the inputs' names; the command, whose program's base name and
 * names of options stay. New texts live as long as the anonymizer. */
void sw_anonymizer_host(struct sw_anonymizer *anonymizer, struct sw_report_host *host);
void sw_anonymizer_inputs(struct sw_anonymizer *anonymizer, struct sw_report_input *inputs, size_t count);
void sw_anonymizer_target(struct sw_anonymizer *anonymizer, struct sw_report_target *target);

#endif
