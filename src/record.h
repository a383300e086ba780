/* Records of both timelines as bytes in a row: what a sink was given, copied, to be handed to another sink later or in another thread.
 *
 * Enters: records from a source. Leaves: the same records, from the chunks that they stand in. A chunk is one thread's at a time: the
 * packer's until it is taken from it, then the taker's, who says of each record that it is done; then its place is used again. Knows
 * nothing of order and of what records mean. */
#ifndef SW_RECORD_H
#define SW_RECORD_H

#include <pthread.h>

#include "capture/packet.h"
#include "tracer/call.h"

struct sw_chunk;

struct sw_record {
	struct sw_chunk *chunk;
	int64_t time_ns; /* where it belongs in the order of time */
	uint32_t size; /* up to the next one */
	uint8_t kind;
	_Alignas(16) char data[];
};

struct sw_chunk {
	struct sw_chunk *next;
	struct sw_chunks *home;
	size_t room, used;
	uint32_t living; /* records that are not done yet */
	bool filling; /* a packer's */
	int64_t until_ns; /* of a reader ahead: no later record is older; INT64_MIN nothing is promised */
	_Alignas(16) char data[];
};

struct sw_chunks { /* unused ones; several threads may take and give */
	pthread_mutex_t lock;
	struct sw_chunk *unused;
	size_t room; /* bytes of each */
};

void sw_chunks_init(struct sw_chunks *chunks, size_t room);
void sw_chunks_release(struct sw_chunks *chunks); /* all have been given back */
void sw_chunk_give_back(struct sw_chunk *chunk); /* with the records that are still in it */

/* The record behind `record` in its chunk, the first for NULL; NULL when there is none. */
struct sw_record *sw_chunk_next(struct sw_chunk *chunk, struct sw_record *record);

struct sw_packer { /* fills chunks */
	struct sw_chunks *chunks;
	struct sw_chunk *first, *last; /* filled ones, in order; the last is being filled. NULL: none yet */
	void (*packed)(void *context, struct sw_record *record); /* told of each; NULL: nobody asks */
	void *context;
	struct sw_trace_sink direct; /* what has no place in time is passed on at once: limits */
	struct sw_packet_sink direct_packets; /* and states of captures */
};

/* Sinks that pack; their context is the packer. Packets come without their frame, unless as below. */
struct sw_trace_sink sw_packer_trace_sink(struct sw_packer *packer);
struct sw_packet_sink sw_packer_packet_sink(struct sw_packer *packer);
void sw_packer_frame(struct sw_packer *packer, const struct sw_packet *packet, const struct sw_raw_packet *raw);
struct sw_chunk *sw_packer_take(struct sw_packer *packer); /* all chunks, linked; NULL: none */

/* Hands it to the sink that it is for. */
void sw_record_say(const struct sw_record *record, const struct sw_trace_sink *trace,
		   const struct sw_packet_sink *packets);
/* a frame's */
const struct sw_packet *sw_record_packet(const struct sw_record *record, const struct sw_raw_packet **raw);
void sw_record_done(struct sw_record *record); /* the place of a chunk without living records is used again */

#endif
