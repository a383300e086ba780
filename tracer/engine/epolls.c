/* The sets of epolls.h: two hashes over the same members, by descriptor and by data. */
#include "tracer/engine/epolls.h"

#include <string.h>
#include <uthash.h>

#include "src/base/mem.h"

#define MEMBERS_MAX 262144u /* of all sets; beyond, new ones are not remembered */
#define SIFT_LEAST 4096u

struct fd_key {
	uint32_t epoll;
	int32_t fd;
};

struct data_key {
	uint64_t data;
	uint64_t epoll;
};

struct entry {
	struct sw_epoll_member member;
	struct fd_key fd_key;
	struct data_key data_key;
	bool by_data_in; /* several descriptors may share one data: the latest is found by it */
	UT_hash_handle by_fd, by_data;
};

struct sw_epolls {
	struct entry *by_fd, *by_data;
	size_t sift_at; /* so many are looked through for those of sets that are gone */
};

struct sw_epolls *sw_epolls_new(void)
{
	return sw_alloc(sizeof(struct sw_epolls));
}

static struct entry *find_fd(struct sw_epolls *epolls, uint32_t epoll, int32_t fd)
{
	struct fd_key key = {.epoll = epoll, .fd = fd};
	struct entry *found;

	HASH_FIND(by_fd, epolls->by_fd, &key, sizeof key, found);
	return found;
}

static struct entry *find_data(struct sw_epolls *epolls, uint32_t epoll, uint64_t data)
{
	struct data_key key = {.data = data, .epoll = epoll};
	struct entry *found;

	HASH_FIND(by_data, epolls->by_data, &key, sizeof key, found);
	return found;
}

static void data_leave(struct sw_epolls *epolls, struct entry *entry)
{
	if (entry->by_data_in)
		HASH_DELETE(by_data, epolls->by_data, entry);
	entry->by_data_in = false;
}

static void data_enter(struct sw_epolls *epolls, struct entry *entry)
{
	struct entry *other = find_data(epolls, entry->member.epoll, entry->member.data);

	if (other)
		data_leave(epolls, other);
	entry->data_key = (struct data_key){.data = entry->member.data, .epoll = entry->member.epoll};
	HASH_ADD(by_data, epolls->by_data, data_key, sizeof entry->data_key, entry);
	entry->by_data_in = true;
}

void sw_epolls_put(struct sw_epolls *epolls, const struct sw_epoll_member *member)
{
	struct entry *entry = find_fd(epolls, member->epoll, member->fd);

	if (!entry && HASH_CNT(by_fd, epolls->by_fd) >= MEMBERS_MAX)
		return;
	if (!entry) {
		entry = sw_alloc(sizeof *entry);
		entry->fd_key = (struct fd_key){.epoll = member->epoll, .fd = member->fd};
		HASH_ADD(by_fd, epolls->by_fd, fd_key, sizeof entry->fd_key, entry);
	}
	data_leave(epolls, entry);
	entry->member = *member;
	data_enter(epolls, entry);
}

static void drop(struct sw_epolls *epolls, struct entry *entry)
{
	data_leave(epolls, entry);
	HASH_DELETE(by_fd, epolls->by_fd, entry);
	free(entry);
}

void sw_epolls_delete(struct sw_epolls *epolls, uint32_t epoll, int32_t fd)
{
	struct entry *entry = find_fd(epolls, epoll, fd);

	if (entry)
		drop(epolls, entry);
}

void sw_epolls_sift(struct sw_epolls *epolls, bool (*lives)(void *context, uint32_t epoll), void *context)
{
	struct entry *entry, *next;

	if (HASH_CNT(by_fd, epolls->by_fd) < SIFT_LEAST || HASH_CNT(by_fd, epolls->by_fd) < epolls->sift_at)
		return;
	HASH_ITER (by_fd, epolls->by_fd, entry, next)
		if (!lives(context, entry->member.epoll))
			drop(epolls, entry);
	epolls->sift_at = 2 * HASH_CNT(by_fd, epolls->by_fd);
}

const struct sw_epoll_member *sw_epolls_by_data(struct sw_epolls *epolls, uint32_t epoll, uint64_t data)
{
	struct entry *entry = find_data(epolls, epoll, data);

	return entry ? &entry->member : NULL;
}

void sw_epolls_free(struct sw_epolls *epolls)
{
	struct entry *entry, *next;

	if (!epolls)
		return;
	HASH_CLEAR(by_data, epolls->by_data);
	HASH_ITER (by_fd, epolls->by_fd, entry, next) {
		HASH_DELETE(by_fd, epolls->by_fd, entry);
		free(entry);
	}
	free(epolls);
}
