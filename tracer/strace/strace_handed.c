/* Descriptors of a log that go or come without a call of their own: FD_CLOEXEC at an exec, SCM_RIGHTS in messages.
 *
 * Enters: marks of descriptors, execs, control messages. Leaves: tables as the kernel has them then. Without -y a descriptor that comes
 * with a message is the one that was sent first and not received yet: descriptors(7) of one connection keep their order. */
#include "tracer/strace/strace_state.h"

#include <sys/socket.h>

void descriptors_set_cloexec(struct descriptors *descriptors, int32_t fd, bool on)
{
	if (descriptors_get(descriptors, fd)) /* whose place it has then */
		descriptors->cloexec[(uint32_t)fd % DESCRIPTORS_MAX] = on;
}

static void go(struct objects *objects, struct object *object, int64_t now_ns)
{
	if (object == &no_object || object->references != 1 || object->socket.kind != SW_OBJECT_SOCKET)
		return;
	object->socket.flags |= SW_SOCKET_GONE;
	object->socket.since_ns = now_ns;
	object_say(objects, object);
}

void descriptors_exec(struct objects *objects, struct descriptors *descriptors, bool sure, int64_t now_ns)
{
	for (uint32_t i = 0; i < descriptors->room; i++) {
		struct object *object = descriptors->items[i];

		if (!object || !descriptors->cloexec[i])
			continue;
		if (sure)
			go(objects, object, now_ns);
		descriptors_set(objects, descriptors, (int32_t)i, NULL);
	}
}

/* ---- SCM_RIGHTS, unix(7) -------------------------------------------------------------------------------------- */

static struct object *take(struct rights *rights, const struct object *wanted)
{
	for (uint32_t i = 0; i < rights->count; i++) {
		struct object *object = rights->items[(rights->first + i) % RIGHTS_MAX];

		if (wanted && object != wanted)
			continue;
		for (uint32_t j = i; j > 0; j--) /* those before it keep their order */
			rights->items[(rights->first + j) % RIGHTS_MAX] =
				rights->items[(rights->first + j - 1) % RIGHTS_MAX];
		rights->first = (rights->first + 1) % RIGHTS_MAX;
		rights->count--;
		return object;
	}
	return NULL;
}

/* In the message it has a reference of its own: its sender's close is not its end. */
static void put(struct sw_strace *strace, struct object *object)
{
	struct rights *rights = &strace->rights;

	if (rights->count == RIGHTS_MAX)
		object_drop(&strace->objects, take(rights, NULL));
	rights->items[(rights->first + rights->count++) % RIGHTS_MAX] = object;
	object->references++;
}

static void sent(struct decode *decode, struct span element)
{
	struct object *object;
	int32_t fd;

	object = strace_descriptor(decode, element, &fd, false);
	if (object)
		put(decode->strace, object);
}

static void received(struct decode *decode, struct span element, bool cloexec)
{
	struct objects *objects = &decode->strace->objects;
	struct object *object = NULL, *passed;
	struct span note;
	int32_t fd;

	if (!scan_fd(element, &fd, &note) || fd < 0)
		return;
	if (!span_empty(note))
		object = object_by_note(objects, NULL, note, decode->now_ns);
	passed = span_empty(note) || object != &no_object ? take(&decode->strace->rights, object) : NULL;
	if (!object)
		object = passed;
	descriptors_set(objects, decode->thread->descriptors, fd, object);
	descriptors_set_cloexec(decode->thread->descriptors, fd, cloexec);
	if (passed)
		object_drop(objects, passed);
}

void strace_rights(struct decode *decode, struct span header, bool cloexec)
{
	struct span list = scan_inside(scan_field(scan_inside(header), "msg_control")), message;

	if (!strace_ended_well(decode))
		return;
	while (scan_element(&list, &message)) {
		struct span inside = scan_inside(message), fds = scan_inside(scan_field(inside, "cmsg_data")), element;

		if (!SPAN_STARTS(scan_field(inside, "cmsg_type"), "SCM_RIGHTS"))
			continue;
		while (scan_element(&fds, &element)) {
			if (decode->call->sys == SW_SYS_SENDMSG)
				sent(decode, element);
			else
				received(decode, element, cloexec);
		}
	}
}

void strace_rights_release(struct sw_strace *strace)
{
	while (strace->rights.count)
		object_drop(&strace->objects, take(&strace->rights, NULL));
}
