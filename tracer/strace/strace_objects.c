/* Which object is behind a descriptor of a log: see the header. */
#include "tracer/strace/strace_objects.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

struct object no_object;

void objects_init(struct objects *objects, const struct sw_trace_sink *sink)
{
	*objects = (struct objects){.sink = sink};
}

void objects_release(struct objects *objects)
{
	while (objects->unused) {
		struct object *object = objects->unused;

		objects->unused = object->next;
		free(object);
	}
	free(objects->keys);
}

/* ---- by inode or addresses ------------------------------------------------------------------------------------ */

static size_t key_place(const struct objects *objects, uint64_t key)
{
	size_t place = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (objects->key_room - 1);

	while (objects->keys[place].key && objects->keys[place].key != key)
		place = (place + 1) & (objects->key_room - 1);
	return place;
}

static void keys_rebuild(struct objects *objects, size_t room)
{
	struct key_slot *old = objects->keys;
	size_t old_room = objects->key_room;

	objects->keys = sw_alloc(room * sizeof *objects->keys);
	objects->key_room = room;
	objects->key_used = 0;
	for (size_t i = 0; i < old_room; i++)
		if (old[i].object) {
			objects->keys[key_place(objects, old[i].key)] = old[i];
			objects->key_used++;
		}
	free(old);
}

static size_t keys_living(const struct objects *objects)
{
	size_t living = 0;

	for (size_t i = 0; i < objects->key_room; i++)
		living += objects->keys[i].object != NULL;
	return living;
}

static void key_set(struct objects *objects, uint64_t key, struct object *object)
{
	size_t place;

	if (objects->key_used * 2 >= objects->key_room)
		keys_rebuild(objects, keys_living(objects) * 4 + 64 > objects->key_room ?
					      (objects->key_room ? objects->key_room * 2 : 64) :
					      objects->key_room);
	place = key_place(objects, key);
	objects->key_used += objects->keys[place].key == 0;
	objects->keys[place] = (struct key_slot){key, object};
}

static struct object *key_find(const struct objects *objects, uint64_t key)
{
	return objects->key_room ? objects->keys[key_place(objects, key)].object : NULL;
}

static void key_forget(struct objects *objects, uint64_t key, const struct object *object)
{
	size_t place;

	if (!key)
		return;
	place = key_place(objects, key);
	/* The key stays as a mark, so that those behind it are still found. */
	if (objects->keys[place].object == object)
		objects->keys[place].object = NULL;
}

static void object_key(struct objects *objects, struct object *object, int which, uint64_t key)
{
	if (object->keys[which] == key)
		return;
	key_forget(objects, object->keys[which], object);
	object->keys[which] = key;
	if (key)
		key_set(objects, key, object);
}

/* ---- objects and descriptors ---------------------------------------------------------------------------------- */

struct object *object_new(struct objects *objects, enum sw_object_kind kind, int64_t now_ns)
{
	struct object *object = objects->unused;

	if (object)
		objects->unused = object->next;
	else
		object = sw_alloc(sizeof *object);
	*object = (struct object){.socket = {.id = ++objects->last_id, .kind = kind, .since_ns = now_ns}};
	object->socket.domain = object->socket.type = object->socket.protocol = -1;
	return object;
}

void object_say(const struct objects *objects, const struct object *object)
{
	if (objects->sink->socket)
		objects->sink->socket(objects->sink->context, &object->socket);
}

/* What a socket is by the call that made it, and no note tells. */
#define MADE (SW_SOCKET_PAIR | SW_SOCKET_ACCEPTED | SW_SOCKET_LISTENING)

static void gone_keep(struct objects *objects, const struct object *object)
{
	if (object->socket.flags & MADE)
		objects->gone[objects->gone_next++ % GONE_MAX] =
			(struct gone){{object->keys[0], object->keys[1]}, object->socket.flags & MADE};
}

static uint32_t gone_flags(const struct objects *objects, uint64_t by_inode, uint64_t by_addresses)
{
	for (uint32_t i = 0; i < GONE_MAX && i < objects->gone_next; i++) {
		const struct gone *gone = &objects->gone[(objects->gone_next - 1 - i) % GONE_MAX];

		if ((by_inode && gone->keys[0] == by_inode) || (by_addresses && gone->keys[1] == by_addresses))
			return gone->flags;
	}
	return 0;
}

void object_drop(struct objects *objects, struct object *object)
{
	if (object == &no_object || --object->references)
		return;
	gone_keep(objects, object);
	key_forget(objects, object->keys[0], object);
	key_forget(objects, object->keys[1], object);
	object->next = objects->unused;
	objects->unused = object;
}

struct descriptors *descriptors_new(void)
{
	struct descriptors *descriptors = sw_alloc(sizeof *descriptors);

	descriptors->users = 1;
	return descriptors;
}

struct object *descriptors_get(const struct descriptors *descriptors, int32_t fd)
{
	uint32_t place = (uint32_t)fd % DESCRIPTORS_MAX;

	return fd >= 0 && place < descriptors->room ? descriptors->items[place] : NULL;
}

static void descriptors_grow(struct descriptors *descriptors, uint32_t least)
{
	uint32_t room = descriptors->room ? descriptors->room : 16;

	while (room < least)
		room *= 2;
	descriptors->items = sw_realloc(descriptors->items, room * sizeof(struct object *));
	descriptors->cloexec = sw_realloc(descriptors->cloexec, room * sizeof *descriptors->cloexec);
	for (uint32_t i = descriptors->room; i < room; i++) {
		descriptors->items[i] = NULL;
		descriptors->cloexec[i] = false;
	}
	descriptors->room = room;
}

void descriptors_set(struct objects *objects, struct descriptors *descriptors, int32_t fd, struct object *object)
{
	/* A negative one, which only a damaged log has, has a place too: every object is somewhere. */
	uint32_t place = (uint32_t)fd % DESCRIPTORS_MAX;
	struct object *old;

	if (place >= descriptors->room) {
		if (!object)
			return;
		descriptors_grow(descriptors, place + 1);
	}
	old = descriptors->items[place];
	if (old == object)
		return;
	descriptors->items[place] = object;
	descriptors->cloexec[place] = false;
	if (object && object != &no_object)
		object->references++;
	if (old)
		object_drop(objects, old);
}

struct descriptors *descriptors_copy(struct objects *objects, const struct descriptors *parent)
{
	struct descriptors *copy = descriptors_new();

	for (uint32_t i = 0; i < parent->room; i++) {
		if (!parent->items[i])
			continue;
		descriptors_set(objects, copy, (int32_t)i, parent->items[i]);
		descriptors_set_cloexec(copy, (int32_t)i, parent->cloexec[i]);
	}
	return copy;
}

void descriptors_leave(struct objects *objects, struct descriptors *descriptors)
{
	if (--descriptors->users)
		return;
	for (uint32_t i = 0; i < descriptors->room; i++)
		if (descriptors->items[i])
			object_drop(objects, descriptors->items[i]);
	free(descriptors->items);
	free(descriptors->cloexec);
	free(descriptors);
}

/* ---- what -y and -yy print ------------------------------------------------------------------------------------ */

struct note { /* <TCP:[10.0.0.1:1->10.0.0.2:2]> */
	bool socket;
	enum sw_object_kind kind;
	int32_t domain, type, protocol;
	uint64_t inode; /* 0 unknown */
	uint64_t addresses; /* hash; 0: it names none */
	struct sw_addr local, remote;
};

static uint64_t hash(struct span span)
{
	uint64_t value = span_length(span), word;

	for (; span_length(span) >= sizeof word; span.at += sizeof word) {
		memcpy(&word, span.at, sizeof word);
		value = (value ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		value ^= value >> 29;
	}
	for (; span.at < span.end; span.at++)
		value = (value ^ (unsigned char)*span.at) * UINT64_C(1099511628211);
	return (value ^ value >> 32) | 1;
}

/* To add one: the word that strace prints before ":[", and what it means. */
static const struct note_kind {
	const char *word;
	int32_t domain, type, protocol;
} note_kinds[] = {
	{"TCP:[", AF_INET, SOCK_STREAM, IPPROTO_TCP},
	{"TCPv6:[", AF_INET6, SOCK_STREAM, IPPROTO_TCP},
	{"UDP:[", AF_INET, SOCK_DGRAM, IPPROTO_UDP},
	{"UDPv6:[", AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
	{"UNIX-STREAM:[", AF_UNIX, SOCK_STREAM, 0},
	{"UNIX-DGRAM:[", AF_UNIX, SOCK_DGRAM, 0},
	{"UNIX-SEQPACKET:[", AF_UNIX, SOCK_SEQPACKET, 0},
	{"UNIX:[", AF_UNIX, -1, 0},
	{"NETLINK:[", AF_NETLINK, -1, -1},
	{"socket:[", -1, -1, -1},
	{"UDPLITE:[", AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
	{"UDPLITEv6:[", AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE},
	{"PING:[", AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
	{"PINGv6:[", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6},
	{"RAW:[", AF_INET, SOCK_RAW, -1},
	{"RAWv6:[", AF_INET6, SOCK_RAW, -1},
	{"MPTCP:[", AF_INET, SOCK_STREAM, 262},
	{"MPTCPv6:[", AF_INET6, SOCK_STREAM, 262},
	{"SCTP:[", AF_INET, -1, IPPROTO_SCTP},
	{"SCTPv6:[", AF_INET6, -1, IPPROTO_SCTP},
	{"PACKET:[", AF_PACKET, -1, -1},
	{"AF_PACKET:[", AF_PACKET, -1, -1},
};

static uint64_t inode_key(const struct note *note)
{
	return note->inode ? note->inode * 2 + 2 : 0;
}

/* Inside of the brackets: an inode, "local->remote", "local"; of UNIX "inode->inode" or "inode,path". */
static void note_inside(struct span inside, struct note *note)
{
	int64_t number;
	const char *arrow = span_empty(inside) ? NULL : memmem(inside.at, span_length(inside), "->", 2);
	struct span local = {inside.at, arrow ? arrow : inside.end};

	if (note->domain == AF_INET || note->domain == AF_INET6) {
		if (scan_endpoint(local, &note->local)) {
			if (arrow)
				scan_endpoint((struct span){arrow + 2, inside.end}, &note->remote);
			note->addresses = hash(inside);
			return;
		}
	}
	if (note->domain != AF_NETLINK && scan_number(local, &number) && number > 0)
		note->inode = (uint64_t)number;
	else
		note->addresses = hash(inside);
}

static void note_parse(struct span span, struct note *note)
{
	*note = (struct note){.kind = SW_OBJECT_OTHER, .domain = -1, .type = -1, .protocol = -1};
	if (SPAN_STARTS(span, "anon_inode:[eventpoll]")) {
		note->socket = true;
		note->kind = SW_OBJECT_EPOLL;
		return;
	}
	for (size_t i = 0; i < SW_COUNT(note_kinds); i++) {
		const struct note_kind *kind = &note_kinds[i];
		size_t length = strlen(kind->word);

		if (!span_starts(span, kind->word, length))
			continue;
		note->socket = true;
		note->kind = SW_OBJECT_SOCKET;
		note->domain = kind->domain;
		note->type = kind->type;
		note->protocol = kind->protocol;
		note_inside((struct span){span.at + length, span.end > span.at + length ? span.end - 1 : span.end},
			    note);
		return;
	}
}

static bool protocols_fit(const struct sw_socket *socket, const struct note *note)
{
	return socket->kind == note->kind &&
	       (socket->domain == -1 || note->domain == -1 || socket->domain == note->domain) &&
	       (socket->type == -1 || note->type == -1 || socket->type == note->type);
}

static bool same_addr(const struct sw_addr *a, const struct sw_addr *b)
{
	return !a->present || !b->present || sw_endpoint_equal(&a->endpoint, &b->endpoint);
}

/* Whether the note can be of the socket that the calls say it is. Its local address may have become known, its peer too. */
static bool note_fits(const struct object *object, const struct note *note)
{
	const struct sw_socket *socket = &object->socket;

	if (!protocols_fit(socket, note))
		return false;
	if (note->inode)
		return !socket->inode || socket->inode == note->inode;
	if (note->addresses && object->keys[1] && note->addresses != object->keys[1] && socket->type == SOCK_STREAM)
		return same_addr(&socket->remote, &note->remote) &&
		       socket->local.endpoint.port == note->local.endpoint.port;
	return true;
}

static bool take_addr(struct sw_addr *known, const struct sw_addr *told)
{
	if (!told->present || (known->present && sw_endpoint_equal(&known->endpoint, &told->endpoint)))
		return false;
	*known = *told;
	return true;
}

/* Returns whether anything is new. */
static bool note_learn(struct objects *objects, struct object *object, const struct note *note)
{
	struct sw_socket *socket = &object->socket;
	bool news = false;

	if (note->inode && !socket->inode) {
		socket->inode = note->inode;
		object_key(objects, object, 0, inode_key(note));
		news = true;
	}
	if (note->addresses)
		object_key(objects, object, 1, note->addresses);
	if (socket->domain == -1 && note->domain != -1) {
		socket->domain = note->domain;
		news = true;
	}
	if (socket->type == -1 && note->type != -1) {
		socket->type = note->type;
		news = true;
	}
	if ((socket->protocol == -1 || socket->protocol == 0) && note->protocol > 0 &&
	    socket->protocol != note->protocol) {
		socket->protocol = note->protocol;
		news = true;
	}
	if (take_addr(&socket->local, &note->local))
		news = true;
	if (take_addr(&socket->remote, &note->remote))
		news = true;
	if ((note->local.mapped || note->remote.mapped) && !(socket->flags & SW_SOCKET_MAPPED)) {
		socket->flags |= SW_SOCKET_MAPPED;
		news = true;
	}
	return news;
}

static struct object *note_find(struct objects *objects, const struct note *note)
{
	struct object *object = NULL;

	if (note->inode)
		object = key_find(objects, inode_key(note));
	if (!object && note->addresses)
		object = key_find(objects, note->addresses);
	return object && note_fits(object, note) ? object : NULL;
}

struct object *object_by_note(struct objects *objects, struct object *known, struct span span, int64_t now_ns)
{
	uint64_t seen = hash(span);
	struct object *object = known;
	struct note note;
	bool news = false;

	if (known && known != &no_object && known->note == seen)
		return known;
	note_parse(span, &note);
	if (!note.socket)
		return &no_object;
	if (!object || object == &no_object || !note_fits(object, &note))
		object = note_find(objects, &note);
	if (!object) {
		object = object_new(objects, note.kind, now_ns);
		if (note.kind == SW_OBJECT_SOCKET)
			object->socket.flags = SW_SOCKET_INHERITED |
					       gone_flags(objects, inode_key(&note), note.addresses);
		news = true;
	}
	object->note = seen;
	if (note_learn(objects, object, &note) || news) {
		object->socket.since_ns = now_ns;
		object_say(objects, object);
	}
	return object;
}
