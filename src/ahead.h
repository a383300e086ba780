/* A source of records read ahead in a thread of its own, while what came before is being worked on.
 *
 * Enters: a function that packs the next few records. Leaves: the chunks that it filled, in order, a bounded number ahead. The
 * source's state belongs to the thread until sw_ahead_free() has joined it. Knows nothing of what records are. */
#ifndef SW_AHEAD_H
#define SW_AHEAD_H

#include "src/record.h"

struct sw_ahead;

/* Packs some records into the packer; `until_ns` is for the last chunk's promise. False: that was all. */
typedef bool (*sw_ahead_produce)(void *context, int64_t *until_ns);

bool sw_ahead_pays(void); /* there is a processor for another thread */
/* NULL: no thread could be made. The packer is the thread's from here on. */
struct sw_ahead *sw_ahead_new(sw_ahead_produce produce, void *context, struct sw_packer *packer);
/* The next chunk, which is the caller's: it says sw_record_done() of each record in it. NULL: that was all. */
struct sw_chunk *sw_ahead_take(struct sw_ahead *ahead);
/* Ends the thread. What was taken must be done. */
void sw_ahead_free(struct sw_ahead *ahead);

#endif
