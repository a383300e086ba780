/* Reading ahead: see the header. One lock, held for a pointer's time; chunks are large, so that it is seldom taken. */
#include "src/ahead.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

#include "src/base/mem.h"

#define CHUNK_ROOM ((size_t)256 << 10)
#define CHUNKS_AHEAD 6

struct sw_ahead {
	sw_ahead_produce produce;
	void *context;
	struct sw_chunks chunks;
	struct sw_packer *packer; /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t filled, taken;
	struct sw_chunk *first, *last;
	uint32_t count;
	bool ended, stop;
};

bool sw_ahead_pays(void)
{
	cpu_set_t allowed;

	return sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1;
}

/* False: nobody wants any more. */
static bool hand_over(struct sw_ahead *ahead, struct sw_chunk *chunks, bool ended)
{
	bool go_on;

	pthread_mutex_lock(&ahead->lock);
	while (chunks) {
		struct sw_chunk *next = chunks->next;

		while (ahead->count >= CHUNKS_AHEAD && !ahead->stop)
			pthread_cond_wait(&ahead->taken, &ahead->lock);
		chunks->next = NULL;
		if (ahead->last)
			ahead->last->next = chunks;
		else
			ahead->first = chunks;
		ahead->last = chunks;
		ahead->count++;
		chunks = next;
		pthread_cond_signal(&ahead->filled);
	}
	ahead->ended = ended;
	if (ended)
		pthread_cond_signal(&ahead->filled);
	go_on = !ahead->stop;
	pthread_mutex_unlock(&ahead->lock);
	return go_on;
}

/* Hands over when a chunk is nearly full: what it costs is paid by the chunk, not by the record. */
static bool enough(const struct sw_packer *packer)
{
	return packer->first != packer->last || (packer->last && packer->last->used > CHUNK_ROOM / 4 * 3);
}

static void *read_ahead(void *argument)
{
	struct sw_ahead *ahead = argument;
	bool more = true;

	while (more) {
		int64_t until_ns = INT64_MIN;

		do
			more = ahead->produce(ahead->context, &until_ns);
		while (more && !enough(ahead->packer));
		if (ahead->packer->last)
			ahead->packer->last->until_ns = until_ns;
		if (!hand_over(ahead, sw_packer_take(ahead->packer), !more))
			break;
	}
	return NULL;
}

static int start(struct sw_ahead *ahead)
{
	sigset_t all, before;
	int code;

	/* Signals are the first thread's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&ahead->thread, NULL, read_ahead, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

static void release(struct sw_ahead *ahead)
{
	while (ahead->first) {
		struct sw_chunk *chunk = ahead->first;

		ahead->first = chunk->next;
		sw_chunk_give_back(chunk);
	}
	sw_chunks_release(&ahead->chunks);
	pthread_mutex_destroy(&ahead->lock);
	pthread_cond_destroy(&ahead->filled);
	pthread_cond_destroy(&ahead->taken);
	free(ahead);
}

struct sw_ahead *sw_ahead_new(sw_ahead_produce produce, void *context, struct sw_packer *packer)
{
	struct sw_ahead *ahead = sw_alloc(sizeof *ahead);

	ahead->produce = produce;
	ahead->context = context;
	sw_chunks_init(&ahead->chunks, CHUNK_ROOM);
	ahead->packer = packer;
	packer->chunks = &ahead->chunks;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->filled, NULL);
	pthread_cond_init(&ahead->taken, NULL);
	if (start(ahead) == 0)
		return ahead;
	release(ahead);
	return NULL;
}

struct sw_chunk *sw_ahead_take(struct sw_ahead *ahead)
{
	struct sw_chunk *chunk;

	pthread_mutex_lock(&ahead->lock);
	while (!ahead->first && !ahead->ended)
		pthread_cond_wait(&ahead->filled, &ahead->lock);
	chunk = ahead->first;
	if (chunk) {
		ahead->first = chunk->next;
		if (!ahead->first)
			ahead->last = NULL;
		/* Not at each: waking costs more than a chunk. */
		if (--ahead->count <= CHUNKS_AHEAD / 2)
			pthread_cond_signal(&ahead->taken);
	}
	pthread_mutex_unlock(&ahead->lock);
	if (chunk)
		chunk->next = NULL;
	return chunk;
}

void sw_ahead_free(struct sw_ahead *ahead)
{
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_signal(&ahead->taken);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	release(ahead);
}
