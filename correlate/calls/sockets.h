/* The table of sockets and epoll sets: what the calls say of each, who holds it, and when the last descriptor goes.
 *
 * Enters: socket records, finished calls, process events, in order of time. Leaves: struct sw_socket_state, one for each object id,
 * and a callback when an object's last known descriptor is gone. Knows nothing of packets and debts: `open` and `kept` belong to
 * the table of debts. Holders are what was seen: a descriptor passed to a process outside the trace is not known. */
#ifndef SW_CORRELATE_SOCKETS_H
#define SW_CORRELATE_SOCKETS_H

#include "correlate/symptoms/symptoms.h"
#include "src/base/mem.h"

struct sw_debt_state;

#define SW_OPERATION_COUNT (SW_OPERATION_CALL + 1)

struct sw_holder { /* one descriptor of an object */
	uint32_t pid;
	int32_t fd;
	bool close_on_exec;
};

struct sw_member { /* one descriptor in an epoll set */
	uint32_t object;
	int32_t fd;
	uint32_t events;
	uint64_t data;
};

struct sw_socket_state {
	struct sw_socket_seen seen;
	SW_ARRAY(struct sw_holder) holders;
	SW_ARRAY(struct sw_member) members; /* of an epoll set */
	struct sw_debt_state *open[SW_OPERATION_COUNT]; /* debts open on this socket, by operation */
	struct sw_account *account; /* of its bytes; NULL none */
	uint32_t kept; /* debts that still point here: not forgotten before it is 0 */
	/* its debts that ended well and soon, and are not reviewed: debts_review.c */
	struct sw_debt_state *quiet, *quiet_last;
	uint32_t quiet_count;
	uint32_t flow; /* found by link.c; 0 none yet */
	enum sw_link link;
	bool flow_is_peers;
	struct sw_call last; /* the last write, listen or accept, without its lists; id 0: none */
	int64_t stalled_told_ns; /* sw_debts_stalled(): when it was last told of */
	int64_t answered_in_ns; /* the longest that an answer took until its first byte; 0 none yet */
	int64_t asked_before_ns; /* when the question went out that was open at the attach; 0 none */
	int64_t heard_ns, heard_bytes; /* when the peer had spoken last by then, where that was the last word; 0 none */
	int64_t read_before_ns; /* of a server: when the question came that was open at the attach; 0 none */
	bool heard_before,
		replied_before; /* the peer had spoken by then; our last bytes went out just behind its own */
	bool connecting_before; /* a connect that did not block was under way at the attach */
	bool unsent_before; /* what had been written was waiting to leave */
	int64_t told_ns; /* when a debt ended that tells of this connection's end */
	bool told;
	bool told_broken; /* it ended with an error */
	bool gone; /* the last known descriptor was closed */
	struct sw_ip asked_first; /* datagrams: whom it sent to before anything was read from it; family 0: nobody */
	bool datagram; /* SOCK_DGRAM and the like */
	bool rest_told; /* a datagram that came and was not delivered was told of */
	bool checked; /* a second connect() has said EISCONN once, which is how some programs look for success */
};

/* Told when the last descriptor of an object goes: by `call` (a close, dup2, close_range), or by the end or exec of `pid` (call NULL). */
typedef void (*sw_socket_gone)(void *context, struct sw_socket_state *socket, const struct sw_call *call, uint32_t pid,
			       int64_t time_ns);

struct sw_sockets;

struct sw_sockets *sw_sockets_new(bool imported, sw_socket_gone gone, void *context);
void sw_sockets_free(struct sw_sockets *sockets);

struct sw_socket_state *sw_sockets_learn(struct sw_sockets *sockets, const struct sw_socket *socket);
/* A descriptor that was in an epoll set before the session: a fact of kind "epoll". */
void sw_sockets_member(struct sw_sockets *sockets, const struct sw_fact *fact);
struct sw_socket_state *sw_sockets_get(struct sw_sockets *sockets, uint32_t id); /* NULL unknown */
/* Books a finished call: options, names, counters, descriptors, epoll sets. Before the debts are settled for all but the calls
 * that end descriptors, which go through sw_sockets_ended() after. */
void sw_sockets_call(struct sw_sockets *sockets, const struct sw_call *call);
void sw_sockets_ended(struct sw_sockets *sockets, const struct sw_call *call);
void sw_sockets_process(struct sw_sockets *sockets, const struct sw_process *process);

/* What (pid, fd) is or last was: object id, 0 never a socket. `closed` (may be NULL) becomes the call that closed it, when that is so. */
uint32_t sw_sockets_by_fd(struct sw_sockets *sockets, uint32_t pid, int32_t fd, const struct sw_call **closed);
/* Drops what is gone, kept by nobody and closed before `before_ns`, where `forgets` says yes. */
void sw_sockets_expire(struct sw_sockets *sockets, int64_t before_ns,
		       bool (*forgets)(void *context, struct sw_socket_state *socket), void *context);
void sw_sockets_each(struct sw_sockets *sockets, void (*visit)(void *context, struct sw_socket_state *socket),
		     void *context);
size_t sw_sockets_seen(const struct sw_sockets *sockets); /* sockets met in all, epoll sets not counted */

/* Whether bytes or names of this socket go over IP (4 or 6), and whether it keeps a stream. */
bool sw_socket_is_ip(const struct sw_socket_state *socket);
bool sw_socket_pings(const struct sw_socket_state *socket); /* ICMP: by a ping socket or a raw one */
bool sw_socket_is_stream(const struct sw_socket_state *socket);

#endif
