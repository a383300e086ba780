/* Decoders: registers and memory of a stopped thread into struct sw_call.
 *
 * Enters: a tracee at its entry or exit stop. Leaves: tracee->call filled in; its arrays point into the decoder and are valid until
 * the next decoding. Lengths of the program are never trusted. Knows nothing of stops and of delivery. */
#ifndef SW_TRACER_DECODE_H
#define SW_TRACER_DECODE_H

#include "tracer/engine/epolls.h"
#include "tracer/engine/tracee.h"
#include "tracer/kernel/identity.h"

#define SW_DECODE_WAITS 4096u
#define SW_DECODE_MESSAGES 1024u /* UIO_MAXIOV: the kernel takes no more in one call */
#define SW_DECODE_DATA 512u

struct sw_decoder {
	struct sw_identity *identity;
	struct sw_epolls *epolls;
	struct sw_wait waits[SW_DECODE_WAITS];
	struct sw_message messages[SW_DECODE_MESSAGES];
	uint8_t data[SW_DECODE_DATA];
	uint8_t raw[65536]; /* scratch: poll sets, epoll events, message vectors */
};

/* At the entry stop. False: the call means nothing to us (a read of a file): no record, no exit stop. */
bool sw_decode_enter(struct sw_decoder *decoder, struct sw_tracee *tracee);
/* At the exit stop, with result and error set. */
void sw_decode_leave(struct sw_decoder *decoder, struct sw_tracee *tracee);

/* The subcall of i386's socketcall in place of it; false when it is none that we know. */
bool sw_decode_socketcall(struct sw_tracee *tracee);

/* ---- between the decoders' files ------------------------------------------------------------------------------- */

typedef bool sw_decode_enter_fn(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call);
typedef void sw_decode_leave_fn(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call);

struct sw_decode_row {
	sw_decode_enter_fn *enter;
	sw_decode_leave_fn *leave; /* NULL: nothing to add */
};

extern const struct sw_decode_row sw_decode_move_rows[SW_SYS_COUNT], sw_decode_name_rows[SW_SYS_COUNT],
	sw_decode_wait_rows[SW_SYS_COUNT];

/* The object behind a descriptor, as far as it is worth recording; 0 none. */
uint32_t sw_decode_object(struct sw_decoder *decoder, const struct sw_tracee *tracee, int fd);
bool sw_decode_is_socket(struct sw_decoder *decoder, uint32_t object);
/* Sets call->fd, call->socket and O_NONBLOCK; returns whether it is a socket. */
bool sw_decode_fd(struct sw_decoder *decoder, const struct sw_tracee *tracee, struct sw_call *call, int fd);
void sw_decode_address(const struct sw_tracee *tracee, struct sw_addr *addr, uint64_t address, uint64_t length);
void sw_decode_answered_address(const struct sw_tracee *tracee, struct sw_addr *addr, uint64_t address,
				uint64_t length_at);
/* A timespec (or timeval with `micro`) at an address; SW_TIMEOUT_INFINITE for a null pointer. */
int64_t sw_decode_time(const struct sw_tracee *tracee, uint64_t address, bool micro);

#endif
