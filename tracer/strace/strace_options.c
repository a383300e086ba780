/* Socket options and ioctls of strace's text, as fields of the record. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "src/base/names.h"
#include "tracer/strace/strace_state.h"

/* Older straces print a time option as raw bytes. */
static int64_t time_of_bytes(struct span string)
{
	unsigned char bytes[16];
	size_t length = scan_string(string, (char *)bytes, sizeof bytes);
	int64_t wide[2];
	int32_t narrow[2];

	if (length == sizeof wide) {
		memcpy(wide, bytes, sizeof wide);
	} else if (length == sizeof narrow) {
		memcpy(narrow, bytes, sizeof narrow);
		wide[0] = narrow[0];
		wide[1] = narrow[1];
	} else {
		return 0;
	}
	if (wide[0] < 0 || wide[0] > INT64_MAX / SW_NS_PER_S / 2 || wide[1] < 0 || wide[1] >= 1000000)
		return 0;
	return wide[0] * SW_NS_PER_S + wide[1] * SW_NS_PER_US;
}

static int64_t linger_value(struct span span)
{
	struct span inside = scan_inside(span), on = scan_field(inside, "l_onoff"),
		    seconds = scan_field(inside, "l_linger");
	int64_t number = 0;

	if (span_empty(on)) {
		on = scan_field(inside, "onoff");
		seconds = scan_field(inside, "linger");
	}
	if (!scan_number(on, &number) || !number)
		return -1;
	return scan_number(seconds, &number) ? number : 0;
}

static int64_t error_value(struct span name)
{
	char text[24];
	size_t length = span_length(name) < sizeof text ? span_length(name) : sizeof text - 1;

	memcpy(text, name.at, length);
	text[length] = '\0';
	return sw_errno_number(text);
}

static int64_t option_value(const struct sw_call *call, struct span span)
{
	int64_t number = 0;
	struct span inside = scan_inside(span);

	if (call->level == SOL_SOCKET && (call->option == SO_RCVTIMEO || call->option == SO_SNDTIMEO)) {
		span = span_trim(span);
		if (!scan_time(span, SW_NS_PER_US, &number) && !scan_time(inside, SW_NS_PER_US, &number))
			number = time_of_bytes(span);
		return number;
	}
	if (call->level == SOL_SOCKET && call->option == SO_LINGER)
		return linger_value(span);
	if (call->level == SOL_SOCKET && call->option == SO_ERROR && !span_empty(inside) && *inside.at == 'E')
		return error_value(inside);
	scan_number(inside, &number);
	return number;
}

void strace_decode_sockopt(struct decode *decode)
{
	struct object *object = strace_own(decode, true);
	struct sw_call *call = decode->call;
	struct span name = strace_argument(decode, 2), value = strace_argument(decode, 3);
	int64_t number;
	int level, option;

	if (scan_constant(SW_CONSTANTS_LEVEL, strace_argument(decode, 1), &number))
		call->level = (int32_t)number;
	if (sw_sockopt_number(name.at, span_length(name), &level, &option))
		call->option = option;
	else if (scan_number(name, &number))
		call->option = (int32_t)number;
	if (call->sys == SW_SYS_GETSOCKOPT && !strace_ended_well(decode))
		return;
	call->value = option_value(call, value);
	if (object && strace_ended_well(decode) && call->sys == SW_SYS_SETSOCKOPT && call->level == SOL_SOCKET &&
	    call->option == SO_MARK) {
		object->socket.mark = (uint32_t)call->value;
		strace_say(decode, object);
	}
}

void strace_set_nonblocking(struct decode *decode, struct object *object, bool on)
{
	uint32_t flags = on ? object->socket.flags | SW_SOCKET_NONBLOCKING :
			      object->socket.flags & ~SW_SOCKET_NONBLOCKING;

	if (flags == object->socket.flags)
		return;
	object->socket.flags = flags;
	strace_say(decode, object);
}

void strace_decode_ioctl(struct decode *decode)
{
	struct object *object = strace_own(decode, false);
	struct span inside = scan_inside(strace_argument(decode, 2));
	int64_t number = 0;

	if (scan_constant(SW_CONSTANTS_IOCTL, strace_argument(decode, 1), &number))
		decode->call->request = (int32_t)number;
	number = 0;
	scan_number(inside, &number);
	decode->call->value = number;
	if (object && strace_ended_well(decode) && decode->call->request == FIONBIO)
		strace_set_nonblocking(decode, object, number != 0);
}
