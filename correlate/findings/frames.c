/* See frames.h. A frame is found by its object's name and its offset in the file. */
#include "correlate/findings/frames.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

#define PLACES_MAX 8192
#define DEPTH_MAX 6u /* functions told of one place */
#define STACK_MAX 96u

struct key { /* compared as bytes: zeroed first */
	uint64_t offset;
	char object[64];
};

struct place {
	struct key key;
	uint32_t count;
	struct name {
		uint64_t within;
		uint32_t line;
		char *function, *file;
	} names[DEPTH_MAX];
	UT_hash_handle hh;
};

struct sw_frames {
	struct place *places;
};

struct sw_frames *sw_frames_new(void)
{
	return sw_alloc(sizeof(struct sw_frames));
}

void sw_frames_free(struct sw_frames *frames)
{
	struct place *place, *next;

	HASH_ITER (hh, frames->places, place, next) {
		HASH_DEL(frames->places, place);
		for (uint32_t i = 0; i < DEPTH_MAX; i++) {
			free(place->names[i].function);
			free(place->names[i].file);
		}
		free(place);
	}
	free(frames);
}

static struct place *find(const struct sw_frames *frames, const char *object, uint64_t offset, struct key *key)
{
	struct place *place;

	memset(key, 0, sizeof *key);
	key->offset = offset;
	snprintf(key->object, sizeof key->object, "%s", object);
	HASH_FIND(hh, frames->places, key, sizeof *key, place);
	return place;
}

void sw_frames_fact(struct sw_frames *frames, const struct sw_fact *fact)
{
	const char *object = sw_fact_text(fact, "object");
	int64_t depth = sw_fact_number(fact, "depth", 0);
	struct key key;

	if (!object || depth < 0 || depth >= (int64_t)DEPTH_MAX)
		return;
	struct place *place = find(frames, object, (uint64_t)sw_fact_number(fact, "offset", 0), &key);

	if (!place && HASH_COUNT(frames->places) >= PLACES_MAX)
		return;
	if (!place) {
		place = sw_alloc(sizeof *place);
		place->key = key;
		HASH_ADD(hh, frames->places, key, sizeof place->key, place);
	}
	struct name *name = &place->names[depth];

	free(name->function);
	free(name->file);
	name->function = sw_strdup(sw_fact_text(fact, "function"));
	name->file = sw_strdup(sw_fact_text(fact, "file"));
	name->within = (uint64_t)sw_fact_number(fact, "within", 0);
	name->line = (uint32_t)sw_fact_number(fact, "line", 0);
	place->count = place->count > (uint32_t)depth ? place->count : (uint32_t)depth + 1;
}

/* The frame once for each function of the place. */
static void expand(const struct place *place, const struct sw_frame *frame, struct sw_frame *named, uint32_t *count)
{
	for (uint32_t i = 0; i < place->count && *count < STACK_MAX; i++) {
		const struct name *name = &place->names[i];
		struct sw_frame *to = &named[(*count)++];

		*to = *frame;
		to->offset = name->within;
		to->line = name->line;
		snprintf(to->function, sizeof to->function, "%s", name->function ? name->function : "");
		snprintf(to->file, sizeof to->file, "%s", name->file ? name->file : "");
	}
}

struct sw_frame *sw_frames_name(const struct sw_frames *frames, const struct sw_frame *stack, uint32_t *count,
				struct sw_arena *arena)
{
	struct sw_frame *named = sw_arena_alloc(arena, STACK_MAX * sizeof *named);
	uint32_t told = 0;
	struct key key;

	for (uint32_t i = 0; i < *count && told < STACK_MAX; i++) {
		const struct place *place = stack[i].function[0] ? NULL :
								   find(frames, stack[i].object, stack[i].offset, &key);

		if (place)
			expand(place, &stack[i], named, &told);
		else
			named[told++] = stack[i];
	}
	*count = told;
	return named;
}
