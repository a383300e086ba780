/* A call or a fact as one line that a person reads: strace's notation, without what nobody needs.
 *
 * Enters: a record, live or imported. Leaves: text in the caller's buffer. The form that is read back is tracer/text/text.h. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/names.h"
#include "tracer/call.h"
#include "tracer/constants.h"
#include "tracer/text/text_out.h"

#define WAITS_SHOWN 8 /* descriptors of one wait that still read well in a line */
#define MESSAGES_SHOWN 3

static void add_addr(struct sw_out *out, const struct sw_addr *addr)
{
	char text[SW_ADDR_TEXT];

	if (addr->present)
		sw_out_add(out, ", %s", sw_addr_text(addr, text));
}

/* "1000 ms", "2.5 s" would be prettier, but who compares it with the program's source wants the unit of poll(2). */
static void add_timeout(struct sw_out *out, int64_t timeout_ns)
{
	if (timeout_ns == SW_TIMEOUT_NONE)
		return;
	if (timeout_ns == SW_TIMEOUT_INFINITE)
		sw_out_string(out, ", no timeout");
	else if (timeout_ns % SW_NS_PER_MS == 0)
		sw_out_add(out, ", %lld ms", (long long)(timeout_ns / SW_NS_PER_MS));
	else
		sw_out_add(out, ", %lld.%03lld ms", (long long)(timeout_ns / SW_NS_PER_MS),
			   (long long)(timeout_ns % SW_NS_PER_MS / SW_NS_PER_US));
}

static void add_events(struct sw_out *out, uint32_t events)
{
	/* The first three are what nearly every line has; the rest by poll's names without their prefix. */
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {{0x1, "IN"},      {0x4, "OUT"},      {0x2, "PRI"},      {0x8, "ERR"},
		     {0x10, "HUP"},    {0x20, "NVAL"},    {0x2000, "RDHUP"}, {0x40, "RDNORM"},
		     {0x80, "RDBAND"}, {0x100, "WRNORM"}, {0x200, "WRBAND"}};
	const char *bar = "";

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (events & names[i].bit) {
			sw_out_add(out, "%s%s", bar, names[i].name);
			bar = "|";
		}
	if (!*bar)
		sw_out_string(out, "nothing");
}

static void add_wait(struct sw_out *out, const struct sw_wait *wait, uint32_t events)
{
	if (wait->fd >= 0)
		sw_out_add(out, "%d ", wait->fd);
	else
		sw_out_add(out, "data %llu ", (unsigned long long)wait->data);
	add_events(out, events);
}

static void add_waits_asked(struct sw_out *out, const struct sw_call *call)
{
	sw_out_string(out, "[");
	for (uint32_t i = 0; i < call->wait_count && i < WAITS_SHOWN; i++) {
		sw_out_string(out, i ? ", " : "");
		add_wait(out, &call->waits[i], call->waits[i].asked);
	}
	if (call->wait_count > WAITS_SHOWN)
		sw_out_add(out, ", and %u more", call->wait_count - WAITS_SHOWN);
	sw_out_string(out, "]");
}

static void add_waits_got(struct sw_out *out, const struct sw_call *call)
{
	uint32_t shown = 0;

	sw_out_string(out, " [");
	for (uint32_t i = 0; i < call->wait_count && shown < WAITS_SHOWN; i++) {
		if (!call->waits[i].got)
			continue;
		sw_out_string(out, shown++ ? ", " : "");
		add_wait(out, &call->waits[i], call->waits[i].got);
	}
	if (call->result > WAITS_SHOWN)
		sw_out_add(out, ", and %lld more", (long long)call->result - WAITS_SHOWN);
	sw_out_string(out, "]");
}

static void add_messages(struct sw_out *out, const struct sw_call *call)
{
	sw_out_add(out, ", %u messages", call->message_count);
	for (uint32_t i = 0; i < call->message_count && i < MESSAGES_SHOWN; i++) {
		sw_out_add(out, "%s%lld bytes", i ? ", " : ": ", (long long)call->messages[i].bytes);
		if (call->messages[i].addr.present) {
			char text[SW_ADDR_TEXT];

			sw_out_add(out, " %s", sw_addr_text(&call->messages[i].addr, text));
		}
	}
}

static void add_constant(struct sw_out *out, enum sw_constants set, int64_t number)
{
	const char *name = sw_constant_name(set, number);

	if (name)
		sw_out_string(out, name);
	else
		sw_out_add(out, "%lld", (long long)number);
}

static void socket_arguments(struct sw_out *out, const struct sw_call *call)
{
	int type = call->level & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), flags = call->level & (SOCK_CLOEXEC | SOCK_NONBLOCK);

	add_constant(out, SW_CONSTANTS_FAMILY, call->request);
	sw_out_string(out, ", ");
	add_constant(out, SW_CONSTANTS_TYPE, type);
	if (flags) {
		sw_out_string(out, "|");
		sw_constants_add(out, SW_CONSTANTS_TYPE, (uint64_t)flags);
	}
	if (call->request == AF_INET || call->request == AF_INET6) {
		sw_out_string(out, ", ");
		add_constant(out, SW_CONSTANTS_PROTOCOL, call->option);
	}
}

static bool is_time_option(const struct sw_call *call)
{
	return call->level == SOL_SOCKET && (call->option == SO_RCVTIMEO || call->option == SO_SNDTIMEO);
}

static void option_arguments(struct sw_out *out, const struct sw_call *call)
{
	const char *name = sw_sockopt_name(call->level, call->option);
	char text[32];

	if (name)
		sw_out_add(out, "%d, %s", call->fd, name);
	else
		sw_out_add(out, "%d, level %d, option %d", call->fd, call->level, call->option);
	if (call->sys != SW_SYS_SETSOCKOPT)
		return;
	if (is_time_option(call))
		sw_out_add(out, ", %s", sw_duration_text(call->value, text));
	else
		sw_out_add(out, ", %lld", (long long)call->value);
}

static void fcntl_arguments(struct sw_out *out, const struct sw_call *call)
{
	sw_out_add(out, "%d, ", call->fd);
	add_constant(out, SW_CONSTANTS_FCNTL, call->request);
	if (call->request == F_SETFL) {
		sw_out_string(out, ", ");
		sw_constants_add(out, SW_CONSTANTS_OPEN, (uint64_t)call->value);
	} else if (call->request == F_SETFD) {
		sw_out_string(out, call->value ? ", FD_CLOEXEC" : ", 0");
	} else if (call->value) {
		sw_out_add(out, ", %lld", (long long)call->value);
	}
}

static void move_arguments(struct sw_out *out, const struct sw_call *call)
{
	sw_out_add(out, "%d", call->fd);
	if (call->message_count)
		add_messages(out, call);
	else if (call->bytes >= 0)
		sw_out_add(out, ", %lld byte%s", (long long)call->bytes, call->bytes == 1 ? "" : "s");
	if (call->flags & SW_CALL_PEEK)
		sw_out_string(out, ", MSG_PEEK");
	if (call->flags & SW_CALL_ERRQUEUE)
		sw_out_string(out, ", MSG_ERRQUEUE");
	if (call->flags & SW_CALL_WAITALL)
		sw_out_string(out, ", MSG_WAITALL");
	add_addr(out, &call->addr);
}

static void wait_arguments(struct sw_out *out, const struct sw_call *call)
{
	if (call->sys == SW_SYS_POLL || call->sys == SW_SYS_PPOLL || call->sys == SW_SYS_SELECT ||
	    call->sys == SW_SYS_PSELECT6 || (call->sys == SW_SYS_RESTART_SYSCALL && call->wait_count))
		add_waits_asked(out, call);
	else if (call->fd >= 0)
		sw_out_add(out, "%d", call->fd);
	add_timeout(out, call->timeout_ns);
}

static void epoll_ctl_arguments(struct sw_out *out, const struct sw_call *call)
{
	sw_out_add(out, "%d, ", call->fd);
	add_constant(out, SW_CONSTANTS_EPOLL_OP, call->request);
	sw_out_add(out, ", %d", call->fd2);
	if (call->wait_count) {
		sw_out_string(out, ", ");
		add_events(out, call->waits[0].asked);
	}
}

static void name_arguments(struct sw_out *out, const struct sw_call *call)
{
	if (call->sys == SW_SYS_IOCTL) {
		sw_out_add(out, "%d, ", call->fd);
		add_constant(out, SW_CONSTANTS_IOCTL, (uint32_t)call->request);
		return;
	}
	sw_out_add(out, "%d", call->fd);
	if (call->sys == SW_SYS_LISTEN)
		sw_out_add(out, ", %lld", (long long)call->value);
	add_addr(out, &call->addr);
}

static void end_arguments(struct sw_out *out, const struct sw_call *call)
{
	if (call->sys == SW_SYS_CLOSE_RANGE) {
		sw_out_add(out, "%d, %lld", call->fd, (long long)call->value);
		return;
	}
	sw_out_add(out, "%d", call->fd);
	if (call->sys == SW_SYS_SHUTDOWN) {
		sw_out_string(out, ", ");
		add_constant(out, SW_CONSTANTS_SHUTDOWN, call->request);
	}
}

static void dup_arguments(struct sw_out *out, const struct sw_call *call)
{
	if (call->sys == SW_SYS_FCNTL) {
		fcntl_arguments(out, call);
		return;
	}
	sw_out_add(out, "%d", call->fd);
	if (call->sys != SW_SYS_DUP && call->fd2 >= 0)
		sw_out_add(out, ", %d", call->fd2);
}

static void arguments(struct sw_out *out, const struct sw_call *call)
{
	switch (call->sys) {
	case SW_SYS_SOCKET:
	case SW_SYS_SOCKETPAIR: socket_arguments(out, call); return;
	case SW_SYS_GETSOCKOPT:
	case SW_SYS_SETSOCKOPT: option_arguments(out, call); return;
	case SW_SYS_EPOLL_CTL: epoll_ctl_arguments(out, call); return;
	case SW_SYS_EPOLL_CREATE:
	case SW_SYS_EPOLL_CREATE1: return;
	case SW_SYS_ACCEPT:
	case SW_SYS_ACCEPT4:
		sw_out_add(out, "%d", call->fd);
		add_addr(out, &call->addr);
		return;
	default: break;
	}
	switch (sw_sys_class(call->sys)) {
	case SW_SYS_CLASS_NAME: name_arguments(out, call); break;
	case SW_SYS_CLASS_MOVE: move_arguments(out, call); break;
	case SW_SYS_CLASS_END: end_arguments(out, call); break;
	case SW_SYS_CLASS_WAIT: wait_arguments(out, call); break;
	case SW_SYS_CLASS_DUP: dup_arguments(out, call); break;
	default:
		if (call->fd >= 0)
			sw_out_add(out, "%d", call->fd);
	}
}

static void result(struct sw_out *out, const struct sw_call *call)
{
	if (call->exit_ns == SW_TIME_NONE) {
		sw_out_string(out, " = ? (still in the call)");
	} else if (call->error) {
		sw_out_add(out, " = -1 %s", sw_errno_name(call->error));
	} else if (call->sys == SW_SYS_GETSOCKOPT && call->level == SOL_SOCKET && call->option == SO_ERROR &&
		   call->result == 0) {
		sw_out_add(out, " = %s", sw_errno_name((int)call->value));
	} else if (sw_sys_class(call->sys) == SW_SYS_CLASS_WAIT && call->result == 0) {
		sw_out_string(out, " = 0 (timeout)");
	} else if (sw_sys_class(call->sys) == SW_SYS_CLASS_WAIT) {
		sw_out_add(out, " = %lld", (long long)call->result);
		add_waits_got(out, call);
	} else {
		sw_out_add(out, " = %lld", (long long)call->result);
	}
}

char *sw_call_text(const struct sw_call *call, char *buffer, size_t size)
{
	struct sw_out out;

	sw_out_init(&out, buffer, size);
	sw_out_add(&out, "%s(", sw_sys_name(call->sys));
	arguments(&out, call);
	sw_out_string(&out, ")");
	result(&out, call);
	if (call->flags & SW_CALL_BY_TOOL)
		sw_out_string(&out, " (interrupted by sockwhy)");
	return buffer;
}

char *sw_fact_line(const struct sw_fact *fact, char *buffer, size_t size)
{
	bool counts = strcmp(fact->kind, "counters") == 0; /* of its twenty-five most are 0 on any host */
	struct sw_out out;

	sw_out_init(&out, buffer, size);
	sw_out_string(&out, fact->kind);
	for (uint32_t i = 0; i < fact->field_count; i++) {
		const struct sw_field *field = &fact->fields[i];

		if (counts && !field->text && field->number == 0)
			continue;
		sw_out_add(&out, " %s=", field->name);
		if (!field->text)
			sw_out_add(&out, "%lld", (long long)field->number);
		else if (field->text[strcspn(field->text, " \"\\\t\r\n=")] == '\0' && *field->text)
			for (const char *c = field->text; *c; c++)
				sw_out_add(&out, (unsigned char)*c < 0x20 || *c == 0x7f ? "\\x%02x" : "%c",
					   (unsigned char)*c);
		else
			sw_out_quoted(&out, field->text, strlen(field->text));
	}
	return buffer;
}
