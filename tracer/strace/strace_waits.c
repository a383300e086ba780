/* Calls that wait for several descriptors, in strace's text: poll, select, epoll. */
#include <sys/epoll.h>

#include "tracer/strace/strace_state.h"

static struct sw_wait *add_wait(struct decode *decode, struct span descriptor)
{
	struct sw_wait *wait = SW_ARRAY_ADD(&decode->log->waits);
	struct object *object;

	wait->fd = -1;
	object = strace_descriptor(decode, descriptor, &wait->fd, false);
	wait->socket = object ? object->socket.id : 0;
	decode->wanted = decode->wanted || object;
	return wait;
}

static void finish(struct decode *decode)
{
	decode->call->wait_count = (uint32_t)decode->log->waits.count;
	decode->call->waits = decode->call->wait_count ? decode->log->waits.items : NULL;
}

static struct sw_wait *find(struct decode *decode, int64_t fd)
{
	for (size_t i = 0; i < decode->log->waits.count; i++)
		if (decode->log->waits.items[i].fd == fd)
			return &decode->log->waits.items[i];
	return NULL;
}

/* "NULL" waits for ever, and so does a negative number of milliseconds. */
static int64_t timeout_of_struct(struct span span, int64_t unit_ns)
{
	int64_t ns;

	return scan_time(span, unit_ns, &ns) ? ns : SW_TIMEOUT_INFINITE;
}

static int64_t timeout_of_milliseconds(struct span span)
{
	int64_t number;

	if (!scan_number(span, &number))
		return SW_TIMEOUT_NONE;
	return number < 0 || number > INT32_MAX ? SW_TIMEOUT_INFINITE : number * SW_NS_PER_MS;
}

/* poll([{fd=3, events=POLLIN}], 1, 1000) = 1 ([{fd=3, revents=POLLIN}]) */
void strace_decode_wait_poll(struct decode *decode)
{
	struct span list = scan_inside(strace_argument(decode, 0)), element, answers = span_after(decode->result, "([");

	decode->log->waits.count = 0;
	while (scan_element(&list, &element)) {
		struct span inside = scan_inside(element);

		if (!span_empty(inside))
			add_wait(decode, scan_field(inside, "fd"))->asked =
				(uint32_t)scan_flags(SW_CONSTANTS_POLL, scan_field(inside, "events"));
	}
	while (scan_element(&answers, &element)) {
		struct span inside = scan_inside(element);
		struct sw_wait *wait;
		int64_t fd;

		if (!scan_number(scan_field(inside, "fd"), &fd) || !(wait = find(decode, fd)))
			continue;
		wait->got = (uint32_t)scan_flags(SW_CONSTANTS_POLL, scan_field(inside, "revents"));
	}
	if (decode->call->sys == SW_SYS_POLL)
		decode->call->timeout_ns = timeout_of_milliseconds(strace_argument(decode, 2));
	else
		decode->call->timeout_ns = timeout_of_struct(strace_argument(decode, 2), 1);
	finish(decode);
}

/* [3 5], of -y [3<...> 5<...>] */
static void select_set(struct decode *decode, struct span set, uint32_t bit, bool answer)
{
	struct span inside = scan_inside(set);

	while (!span_empty(inside)) {
		const char *blank = scan_until(inside.at, inside.end, ' ');
		struct span descriptor = span_trim((struct span){inside.at, blank});
		struct sw_wait *wait = NULL;
		int64_t fd;

		inside.at = blank < inside.end ? blank + 1 : inside.end;
		if (!scan_number(descriptor, &fd))
			continue;
		wait = find(decode, fd);
		if (!wait && !answer)
			wait = add_wait(decode, descriptor);
		if (wait)
			*(answer ? &wait->got : &wait->asked) |= bit;
	}
}

static void select_answers(struct decode *decode)
{
	static const struct {
		const char *word;
		uint32_t bit;
	} words[] = {{"in [", EPOLLIN}, {"out [", EPOLLOUT}, {"except [", EPOLLPRI}};

	for (size_t i = 0; i < SW_COUNT(words); i++) {
		struct span set = span_after(decode->result, words[i].word);

		if (span_empty(set))
			continue;
		set.at--;
		select_set(decode, set, words[i].bit, true);
	}
}

void strace_decode_wait_select(struct decode *decode)
{
	decode->log->waits.count = 0;
	select_set(decode, strace_argument(decode, 1), EPOLLIN, false);
	select_set(decode, strace_argument(decode, 2), EPOLLOUT, false);
	select_set(decode, strace_argument(decode, 3), EPOLLPRI, false);
	select_answers(decode);
	decode->call->timeout_ns =
		timeout_of_struct(strace_argument(decode, 4), decode->call->sys == SW_SYS_SELECT ? SW_NS_PER_US : 1);
	finish(decode);
}

/* ---- epoll ---------------------------------------------------------------------------------------------------- */

static uint64_t epoll_key(uint32_t epoll, uint64_t data)
{
	return ((uint64_t)epoll << 40 ^ data) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

void strace_epoll_remember(struct sw_strace *strace, uint32_t epoll, uint64_t data, int32_t fd, uint32_t socket)
{
	uint64_t key = epoll_key(epoll, data);

	if (!strace->epoll_entries)
		strace->epoll_entries = sw_alloc(EPOLL_ENTRIES * sizeof *strace->epoll_entries);
	strace->epoll_entries[key >> 52] = (struct epoll_entry){key, fd, socket};
}

bool strace_epoll_recall(const struct sw_strace *strace, uint32_t epoll, uint64_t data, int32_t *fd, uint32_t *socket)
{
	uint64_t key = epoll_key(epoll, data);

	if (!strace->epoll_entries || strace->epoll_entries[key >> 52].key != key)
		return false;
	*fd = strace->epoll_entries[key >> 52].fd;
	*socket = strace->epoll_entries[key >> 52].socket;
	return true;
}

/* {events=EPOLLIN, data={u32=3, u64=3}}, of strace 4 {EPOLLIN, {u32=3, u64=3}}, of strace 6 {events=EPOLLIN, data=0x3} */
static void event(struct span text, uint32_t *events, uint64_t *data)
{
	struct span inside = scan_inside(text), flags = scan_field(inside, "events"), number = span_after(text, "u64=");
	int64_t value = 0;

	if (span_empty(flags))
		flags = inside;
	if (span_empty(number))
		number = scan_field(inside, "data");
	*events = (uint32_t)scan_flags(SW_CONSTANTS_EPOLL, flags);
	scan_number(number, &value);
	*data = (uint64_t)value;
}

void strace_decode_epoll_ctl(struct decode *decode)
{
	struct sw_call *call = decode->call;
	struct object *epoll = strace_own(decode, false), *target;
	struct sw_wait *wait;
	int64_t number;

	target = strace_descriptor(decode, strace_argument(decode, 2), &call->fd2, false);
	call->socket2 = target ? target->socket.id : 0;
	decode->wanted = epoll || target;
	if (scan_constant(SW_CONSTANTS_EPOLL_OP, strace_argument(decode, 1), &number))
		call->request = (int32_t)number;
	decode->log->waits.count = 0;
	if (call->request == EPOLL_CTL_DEL)
		return;
	wait = SW_ARRAY_ADD(&decode->log->waits);
	wait->fd = call->fd2;
	wait->socket = call->socket2;
	event(strace_argument(decode, 3), &wait->asked, &wait->data);
	if (strace_ended_well(decode) && call->socket)
		strace_epoll_remember(decode->strace, call->socket, wait->data, wait->fd, wait->socket);
	finish(decode);
}

void strace_decode_wait_epoll(struct decode *decode)
{
	struct sw_call *call = decode->call;
	struct span list = scan_inside(strace_argument(decode, 1)), element;

	strace_own(decode, false);
	/* Without epoll_create in the log its descriptor is unknown; that somebody waits is worth knowing still. */
	decode->wanted = true;
	decode->log->waits.count = 0;
	while (decode->ended && call->result > 0 && scan_element(&list, &element)) {
		struct sw_wait *wait;

		if (span_empty(element) || *element.at != '{')
			continue;
		wait = SW_ARRAY_ADD(&decode->log->waits);
		wait->fd = -1;
		event(element, &wait->got, &wait->data);
		strace_epoll_recall(decode->strace, call->socket, wait->data, &wait->fd, &wait->socket);
	}
	if (call->sys == SW_SYS_EPOLL_PWAIT2)
		call->timeout_ns = timeout_of_struct(strace_argument(decode, 3), 1);
	else
		call->timeout_ns = timeout_of_milliseconds(strace_argument(decode, 3));
	finish(decode);
}
