/* Decoders of the calls that wait for several descriptors: poll, select, epoll. See decode.h. */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "tracer/engine/decode.h"

/* poll's and epoll's bits are the same numbers for what we record. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP, "poll bits");

static int64_t milliseconds(uint64_t argument)
{
	int32_t timeout = (int32_t)argument;

	return timeout < 0 ? SW_TIMEOUT_INFINITE : timeout * SW_NS_PER_MS;
}

/* ---- poll ------------------------------------------------------------------------------------------------------ */

/* The set into decoder->waits; returns how many of it are sockets or epolls. */
static size_t poll_set(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	uint32_t asked = (uint32_t)tracee->at.args[1];
	size_t count = asked < SW_DECODE_WAITS ? asked : SW_DECODE_WAITS, objects = 0;
	struct pollfd entry;

	count = sw_tracee_read(tracee, tracee->at.args[0], decoder->raw, count * sizeof entry) / sizeof entry;
	for (size_t i = 0; i < count; i++) {
		memcpy(&entry, decoder->raw + i * sizeof entry, sizeof entry);
		struct sw_wait *wait = &decoder->waits[i];
		*wait = (struct sw_wait){.fd = entry.fd, .asked = (uint16_t)entry.events};
		wait->socket = sw_decode_object(decoder, tracee, entry.fd);
		if (call->result > 0)
			wait->got = (uint16_t)entry.revents;
		objects += wait->socket != 0;
	}
	call->waits = decoder->waits;
	call->wait_count = (uint32_t)count;
	return objects;
}

_Static_assert(SW_DECODE_WAITS * sizeof(struct pollfd) <= sizeof((struct sw_decoder *)0)->raw, "room for a poll set");

static bool poll_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (tracee->at.sys == SW_SYS_POLL)
		call->timeout_ns = milliseconds(tracee->at.args[2]);
	else
		call->timeout_ns = sw_decode_time(tracee, tracee->at.args[2], false);
	return poll_set(decoder, tracee, call) > 0;
}

static void poll_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	poll_set(decoder, tracee, call);
}

/* ---- select ---------------------------------------------------------------------------------------------------- */

static const uint32_t set_bits[3] = {EPOLLIN, EPOLLOUT, EPOLLPRI};

/* The kernel's sets are arrays of longs; on little endian that is an array of bytes, in either word size. */
static bool is_set(const uint8_t *set, uint32_t fd)
{
	return set[fd / 8] >> (fd % 8) & 1;
}

static size_t select_set(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call,
			 uint8_t got[3][SW_SET_FDS / 8])
{
	uint32_t count = 0;
	size_t objects = 0;

	for (uint32_t fd = 0; fd < tracee->set_count && count < SW_DECODE_WAITS; fd++) {
		struct sw_wait wait = {.fd = (int32_t)fd};
		for (int set = 0; set < 3; set++) {
			if (is_set(tracee->sets[set], fd))
				wait.asked |= set_bits[set];
			if (got && is_set(got[set], fd))
				wait.got |= set_bits[set];
		}
		if (!wait.asked)
			continue;
		wait.socket = sw_decode_object(decoder, tracee, (int)fd);
		objects += wait.socket != 0;
		decoder->waits[count++] = wait;
	}
	call->waits = decoder->waits;
	call->wait_count = count;
	return objects;
}

static void sets_read(const struct sw_tracee *tracee, uint8_t sets[3][SW_SET_FDS / 8])
{
	for (int set = 0; set < 3; set++) {
		size_t length = (tracee->set_count + 7) / 8;
		size_t got = sw_tracee_read(tracee, tracee->at.args[1 + set], sets[set], length);
		memset(sets[set] + got, 0, length - got);
	}
}

/* i386's first select (number 82) has its five arguments in memory. */
static void old_select(struct sw_tracee *tracee)
{
	uint32_t words[5];

	if (tracee->at.abi != SW_ABI_I386 || tracee->at.number != 82)
		return;
	if (!sw_tracee_read_all(tracee, tracee->at.args[0], words, sizeof words))
		memset(words, 0, sizeof words);
	for (int i = 0; i < 5; i++)
		tracee->at.args[i] = words[i];
}

static bool select_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	old_select(tracee);
	int32_t asked = (int32_t)tracee->at.args[0];
	tracee->set_count = asked < 0 ? 0 : (uint32_t)asked < SW_SET_FDS ? (uint32_t)asked : SW_SET_FDS;
	call->timeout_ns = sw_decode_time(tracee, tracee->at.args[4], tracee->at.sys == SW_SYS_SELECT);
	sets_read(tracee, tracee->sets);
	return select_set(decoder, tracee, call, NULL) > 0;
}

static void select_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	uint8_t(*got)[SW_SET_FDS / 8] = (uint8_t(*)[SW_SET_FDS / 8]) decoder->raw;

	if (call->result > 0)
		sets_read(tracee, got);
	select_set(decoder, tracee, call, call->result > 0 ? got : NULL);
}

/* ---- epoll ----------------------------------------------------------------------------------------------------- */

#define EVENT_SIZE 12u /* struct epoll_event is packed on x86 */
#ifndef __x86_64__
#error "struct epoll_event has another layout here"
#endif

static void event_from(const unsigned char *bytes, uint32_t *events, uint64_t *data)
{
	memcpy(events, bytes, sizeof *events);
	memcpy(data, bytes + sizeof *events, sizeof *data);
}

static bool epoll_wait_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	if (tracee->at.sys == SW_SYS_EPOLL_PWAIT2)
		call->timeout_ns = sw_decode_time(tracee, tracee->at.args[3], false);
	else
		call->timeout_ns = milliseconds(tracee->at.args[3]);
	sw_decode_fd(decoder, tracee, call, (int)tracee->at.args[0]);
	return true;
}

static void epoll_wait_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	size_t count = call->result > 0 ? (size_t)call->result : 0;

	if (count > SW_DECODE_WAITS)
		count = SW_DECODE_WAITS;
	count = sw_tracee_read(tracee, tracee->at.args[1], decoder->raw, count * EVENT_SIZE) / EVENT_SIZE;
	for (size_t i = 0; i < count; i++) {
		struct sw_wait *wait = &decoder->waits[i];
		*wait = (struct sw_wait){.fd = -1};
		event_from(decoder->raw + i * EVENT_SIZE, &wait->got, &wait->data);
		const struct sw_epoll_member *member = sw_epolls_by_data(decoder->epolls, call->socket, wait->data);
		if (!member)
			continue;
		wait->fd = member->fd;
		wait->socket = member->socket;
		wait->asked = member->asked;
	}
	call->waits = decoder->waits;
	call->wait_count = (uint32_t)count;
}

static bool epoll_ctl_enter(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	unsigned char event[EVENT_SIZE];
	struct sw_wait *wait = &decoder->waits[0];

	sw_decode_fd(decoder, tracee, call, (int)tracee->at.args[0]);
	call->request = (int32_t)tracee->at.args[1];
	call->fd2 = (int32_t)tracee->at.args[2];
	call->socket2 = sw_decode_object(decoder, tracee, call->fd2);
	*wait = (struct sw_wait){.fd = call->fd2, .socket = call->socket2};
	if (call->request != EPOLL_CTL_DEL && sw_tracee_read_all(tracee, tracee->at.args[3], event, sizeof event))
		event_from(event, &wait->asked, &wait->data);
	call->waits = wait;
	call->wait_count = 1;
	return true;
}

static bool epoll_lives(void *context, uint32_t epoll)
{
	return sw_identity_socket(context, epoll) != NULL;
}

static void epoll_ctl_leave(struct sw_decoder *decoder, struct sw_tracee *tracee, struct sw_call *call)
{
	bool nonblocking = call->flags & SW_CALL_NONBLOCKING;

	epoll_ctl_enter(decoder, tracee, call);
	if (!nonblocking)
		call->flags &= ~SW_CALL_NONBLOCKING;
	if (call->result < 0 || !call->socket)
		return;
	if (call->request == EPOLL_CTL_DEL) {
		sw_epolls_delete(decoder->epolls, call->socket, call->fd2);
		return;
	}
	struct sw_epoll_member member = {.epoll = call->socket,
					 .fd = call->fd2,
					 .socket = call->socket2,
					 .asked = call->waits[0].asked,
					 .data = call->waits[0].data};
	sw_epolls_put(decoder->epolls, &member);
	sw_epolls_sift(decoder->epolls, epoll_lives, decoder->identity);
}

const struct sw_decode_row sw_decode_wait_rows[SW_SYS_COUNT] = {
	[SW_SYS_POLL] = {poll_enter, poll_leave},
	[SW_SYS_PPOLL] = {poll_enter, poll_leave},
	[SW_SYS_SELECT] = {select_enter, select_leave},
	[SW_SYS_PSELECT6] = {select_enter, select_leave},
	[SW_SYS_EPOLL_CTL] = {epoll_ctl_enter, epoll_ctl_leave},
	[SW_SYS_EPOLL_WAIT] = {epoll_wait_enter, epoll_wait_leave},
	[SW_SYS_EPOLL_PWAIT] = {epoll_wait_enter, epoll_wait_leave},
	[SW_SYS_EPOLL_PWAIT2] = {epoll_wait_enter, epoll_wait_leave},
};
